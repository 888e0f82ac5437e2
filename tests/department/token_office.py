"""A small city with blinded ID tokens: its agreement, exports and keys, and key holders that answer."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from integration.people import EXPORTS, OWNERS
from integration.road import make_key, write_exports
from secure_match.agreement import Agreement, parse_agreement, template_text
from secure_match.department.blind_station import BlindReport, blind_exports
from secure_match.department.finalise_station import FinaliseReport, finalise_answers
from secure_match.exchange.oprf import PROOF_ELEMENTS, OprfKey, evaluate, key_info, prove, scalars_from
from secure_match.exchange.oprf.files import (
    EvaluatedAnswer,
    EvaluatedManifest,
    read_blinded,
    write_evaluated,
)

QUOTA: Final = "{ police = 100, hrss = 100, medical = 100, education = 100 }"
HOLDERS: Final = ("notary", "archive")
KEYS: Final = {
    name: OprfKey.derive(hashlib.sha256(name.encode()).digest(), key_info("city_enrolment", "2026")) for name in HOLDERS
}
ByteMatrix = npt.NDArray[np.uint8]


def steady(seed: str) -> Callable[[int], bytes]:
    """Random bytes that are the same in every run, and other ones at every call."""
    calls = iter(range(1 << 30))
    return lambda count: hashlib.shake_256(f"{seed} {next(calls)}".encode()).digest(count)


def blind_text(holders: int = 1, *, keys: bool = True) -> str:
    """The small city's agreement under ``oprf``."""
    text = template_text("trusted")
    head, _, rest = text.partition("[id_token]")
    _, _, rest = rest.partition("# ------")
    parties = ""
    for name in HOLDERS[:holders]:
        point = base64.b64encode(KEYS[name].public).decode()
        named = f'public_keys = {{ oprf = "{point}" }}\n' if keys else ""
        parties += f'[[parties]]\nid = "{name}"\nrole = "keyholder"\nname = "密钥保管方"\n{named}\n'
    token = f'[id_token]\nprotocol = "oprf"\nquota_rows = {QUOTA}\n\n{parties}# ------'
    return (head + token + rest).replace(
        'block_on = ["id_number.partial"]', 'block_on = ["id_number.partial", "name.surname"]'
    )


def _text(data: bytes) -> bytes:
    """Models take bytes as base64."""
    return base64.b64encode(data).decode()  # type: ignore[return-value]


def answer(
    request: Path, out: Path, holder: str = HOLDERS[0], *, other: OprfKey | None = None, spoil: int = -1
) -> Path:
    """Evaluate a plain request as its key holder does.

    Args:
        other: another key than the key holder's.
        spoil: an element that is changed behind the proof.
    """
    asked, digest = read_blinded(request)
    key = other if other is not None else KEYS[holder]
    elements = evaluate(key, asked.elements)
    proofs = []
    for start in range(0, len(elements), PROOF_ELEMENTS):
        rows = slice(start, start + PROOF_ELEMENTS)
        nonce = scalars_from(hashlib.sha512(b"nonce %d" % start).digest())[0].tobytes()
        proofs.append(prove(key, asked.elements[rows], elements[rows], nonce))
    if spoil >= 0:
        elements = elements.copy()
        elements[spoil] = elements[spoil - 1]
    manifest = EvaluatedManifest(
        agreement_id=asked.manifest.agreement_id,
        agreement_fingerprint=asked.manifest.agreement_fingerprint,
        key_epoch=asked.manifest.key_epoch,
        sender=asked.manifest.recipient,
        recipient=asked.manifest.sender,
        request_id=asked.manifest.request_id,
        request_digest=digest,
        elements=len(elements),
        public_key=_text(key.public),
        proofs=tuple(map(_text, proofs)),
        tool="test",
    )
    write_evaluated(EvaluatedAnswer(manifest=manifest, elements=elements), out)
    return out


@dataclass(frozen=True, kw_only=True)
class Office:
    """A folder with the agreement, all exports and keys."""

    root: Path
    agreement: Agreement
    random: Callable[[int], bytes] = field(default_factory=lambda: steady("office"))

    def key(self, party: str) -> Path:
        return self.root / f"{party}.key"

    def store(self, party: str) -> Path:
        return self.root / f"{party}.tokens"

    def export(self, dataset: str) -> Path:
        return self.root / f"{dataset}.csv"

    def blind(self, party: str, out: str = "request.smb", *datasets: str) -> BlindReport:
        """Ask for all of a department's datasets, or some."""
        named = datasets or tuple(item for item, owner in OWNERS.items() if owner == party)
        exports = [(item, self.export(item)) for item in named]
        target = self.root / f"{party}.{out}"
        return blind_exports(self.agreement, exports, self.key(party), self.store(party), target, random=self.random)

    def finalise(self, party: str, *answers: Path) -> FinaliseReport:
        return finalise_answers(self.agreement, answers, self.store(party), random=self.random)

    def ask(self, party: str) -> FinaliseReport:
        """Ask and take the answer of every key holder."""
        report = self.blind(party)
        holders = [item.id for item in self.agreement.key_holders]
        files = [
            answer(path, path.with_suffix(".sme"), holder)
            for path, holder in zip(report.requests, holders, strict=True)
        ]
        return self.finalise(party, *files)


def lay_out_office(root: Path, holders: int = 1, *, keys: bool = True) -> Office:
    """Write agreement, exports and trial keys."""
    text = blind_text(holders, keys=keys)
    (root / "agreement.toml").write_text(text, encoding="utf-8")
    agreement = parse_agreement(text)
    write_exports(root)
    for party in sorted(set(OWNERS.values())):
        make_key(root / f"{party}.key", party, agreement_id=agreement.id, key_epoch=agreement.key_epoch)
    return Office(root=root, agreement=agreement)


def distinct_numbers(party: str) -> int:
    """Different valid ID numbers in the exports of a department."""
    column = {"population": 1, "students": 1}
    numbers = {
        row[column.get(dataset, 1)]
        for dataset, owner in OWNERS.items()
        if owner == party
        for row in EXPORTS[dataset][1:]
    }
    return len({number for number in numbers if number and number[-1] != "?"})
