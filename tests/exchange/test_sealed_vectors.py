"""The vectors of the specification: the file says what is right and what is wrong, and with which code."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from exchange.negative_cases import cases, make_bases
from secure_match.agreement import Agreement, parse_agreement
from secure_match.errors import SecureMatchError
from secure_match.exchange.files import open_package_to
from secure_match.exchange.identities import Identity

_FILE: Final = Path(__file__).parents[2] / "docs" / "spec" / "sealed-vectors.json"
_ALL: Final[dict[str, Any]] = json.loads(_FILE.read_text(encoding="utf-8"))


@cache
def agreement(name: str) -> Agreement:
    return parse_agreement(_ALL["agreements"][name])


@cache
def holder(name: str) -> Identity:
    party = name.partition("/")[0]
    seeds = {key: bytes.fromhex(value) for key, value in _ALL["identities"][name].items()}
    return Identity.from_seeds(party, "bureau" if party == "bureau" else "department", **seeds)


def joined(vector: dict[str, Any]) -> bytes:
    """The file that a vector tells in pieces."""
    base = base64.b64decode(_ALL["packages"][vector["base"]])
    return b"".join(
        base64.b64decode(piece) if isinstance(piece, str) else base[piece[0] : piece[1]] for piece in vector["pieces"]
    )


@pytest.mark.parametrize("vector", _ALL["tests"], ids=lambda vector: str(vector["id"]))
def test_vector(vector: dict[str, Any], tmp_path: Path) -> None:
    path, out = tmp_path / "in.smp", tmp_path / "out.smp"
    path.write_bytes(joined(vector))
    code = ""
    try:
        open_package_to(path, agreement(vector["agreement"]), holder(vector["holder"]), out, kind="encodings")
    except SecureMatchError as error:
        code = error.code
    assert code == vector["code"]
    assert (vector["result"] == "valid") is (code == "")
    assert out.exists() is (code == "")
    if not code:
        assert out.read_bytes() == base64.b64decode(_ALL["contents"][vector["agreement"]])


def test_the_file_holds_every_case() -> None:
    """All but a few large ones; after a new case: python tools/make_sealed_vectors.py docs/spec/sealed-vectors.json."""
    known = [f"{case.name}; {case.comment}".rstrip("; ") for case in cases(make_bases()) if len(case.data) < 40_000]
    assert [vector["comment"] for vector in _ALL["tests"]] == known
