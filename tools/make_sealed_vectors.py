"""Writes docs/spec/sealed-vectors.json: sealed packages that are right, and ones that are wrong, each with its code.

The form is Wycheproof's: an id, a comment, a result, and here the code of the refusal. Identities are of known seeds
and worthless. HPKE draws random numbers, so that every run writes other packages: run it when the format changes, and
keep what it wrote. To be small, a wrong package is told as pieces: bytes of its own, and places in right packages.

Example:
    python tools/make_sealed_vectors.py docs/spec/sealed-vectors.json
"""

from __future__ import annotations

import base64
import difflib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from exchange.negative_cases import Case, cases, make_bases  # noqa: E402
from exchange.sealed_tiny import PARTIES, agreement_texts, identity  # noqa: E402
from secure_match.exchange.secret_access import reveal_seeds  # noqa: E402

LONGEST = 550_000
PIECE = 48
_OF_OTHERS = ("national", "two operators")


def pieces(data: bytes, base: bytes) -> list[list[int] | str]:
    """A file as ``[begin, end]`` of the base and base64 of other bytes, in their order."""
    found: list[list[int] | str] = []
    place = 0
    matcher = difflib.SequenceMatcher(None, base, data, autojunk=False)
    for begin, at, size in matcher.get_matching_blocks():
        if size < PIECE and size + at != len(data):
            continue
        if at > place:
            found.append(base64.b64encode(data[place:at]).decode())
        if size:
            found.append([begin, begin + size])
        place = at + size
    return found


def vector(number: int, case: Case, base: bytes) -> dict[str, object]:
    return {
        "id": number,
        "comment": f"{case.name}; {case.comment}".rstrip("; "),
        "result": "invalid" if case.code else "valid",
        "code": case.code,
        "agreement": case.agreement,
        "holder": case.holder,
        "base": case.base,
        "pieces": pieces(case.data, base),
    }


def document() -> dict[str, object]:
    bases = make_bases()
    holders = {party: identity(party) for party in PARTIES} | {"bureau/1": identity("bureau", turn=1)}
    known = list(cases(bases))
    return {
        "format": "secure_match/sealed",
        "note": "worthless keys; a file is its pieces one after the other: [begin, end] of its base, or base64",
        "identities": {
            name: dict(
                zip(("transport_seed", "signing_seed"), (seed.hex() for seed in reveal_seeds(each)), strict=True)
            )
            for name, each in holders.items()
        },
        "agreements": agreement_texts(),
        "contents": {name: base64.b64encode(bases.plains[name]).decode() for name in ("city", *_OF_OTHERS)},
        "packages": {name: base64.b64encode(data).decode() for name, data in bases.packages.items()},
        "tests": [
            vector(number, case, bases.packages[case.base])
            for number, case in enumerate((case for case in known if len(case.data) < 40_000), start=1)
        ],
    }


def main() -> None:
    text = json.dumps(document(), ensure_ascii=False, indent=1)
    assert len(text.encode()) < LONGEST, len(text.encode())
    Path(sys.argv[1]).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
