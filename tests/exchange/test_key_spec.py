"""The vectors of docs/spec/keys.md, read by our code and by what the page writes out."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final

import pytest

from secure_match.department.sealed_keys import open_handles, open_key, public_name
from secure_match.department.secret_access import reveal
from secure_match.exchange.identities import Identity, open_secret
from secure_match.exchange.key_files import parse_public, read_identity
from secure_match.exchange.locks import KeyFileLock, Lock, PassphraseLock
from secure_match.exchange.shares import combine_shares

SPEC: Final = Path(__file__).resolve().parents[2] / "docs" / "spec"
DATA: Final = json.loads((SPEC / "keys-vectors.json").read_text(encoding="utf-8"))
GIVEN: Final = DATA["inputs"]
VECTORS: Final = {item["id"]: item for item in DATA["vectors"]}
OWN: Final = Identity.from_seeds(
    GIVEN["party"],
    GIVEN["role"],
    transport_seed=bytes.fromhex(GIVEN["transport_seed"]),
    signing_seed=bytes.fromhex(GIVEN["signing_seed"]),
)


def shown() -> dict[str, Any]:
    """The names that the Python of the page defines."""
    names: dict[str, Any] = {}
    page = (SPEC / "keys.md").read_text(encoding="utf-8")
    exec(page.split("```python\n")[1].split("```")[0], names)
    return names


def test_public_identity() -> None:
    vector = VECTORS["public-identity"]
    assert (OWN.public.party_keys(), OWN.public.key_id) == (vector["public_keys"], vector["key_id"])
    assert parse_public(json.dumps(vector["file"]).encode()) == OWN.public


@pytest.mark.parametrize(
    ("name", "lock"),
    [
        ("identity-passphrase", PassphraseLock(GIVEN["passphrase"])),
        ("identity-key-file", KeyFileLock(bytes.fromhex(GIVEN["unlock_key"]))),
    ],
)
def test_identity_files(name: str, lock: Lock, tmp_path: Path) -> None:
    path = tmp_path / "police.identity"
    path.write_text(json.dumps(VECTORS[name]["file"]))
    path.chmod(0o600)
    assert read_identity(path, lock).public == OWN.public
    content = VECTORS[name]["file"]
    wrapping = lock.wrapping_key(_parameters(path))
    assert shown()["open_seeds"](content, wrapping).hex() == GIVEN["transport_seed"] + GIVEN["signing_seed"]


def _parameters(path: Path) -> Any:
    from secure_match.exchange.key_files import read_lock

    return read_lock(path)


def test_a_sealed_share() -> None:
    vector, page = VECTORS["sealed-share"], shown()
    context = page["label"]("contribution-share", GIVEN["agreement_fingerprint"], GIVEN["key_epoch"], "hrss", "police")
    assert (b"secure_match/v1/contribution-share\n" + context).hex() == vector["info"]
    opened = open_secret(OWN, "contribution-share", base64.b64decode(vector["sealed"]), context)
    assert opened.hex() == GIVEN["shares"]["hrss"]


def test_the_shared_key() -> None:
    vector, page = VECTORS["shared-key"], shown()
    shares = {party: bytes.fromhex(text) for party, text in GIVEN["shares"].items()}
    fingerprint, epoch = GIVEN["agreement_fingerprint"], GIVEN["key_epoch"]
    assert {party: page["commitment"](share, fingerprint, epoch, party) for party, share in shares.items()} == vector[
        "commitments"
    ]
    assert page["shared_key"](shares, fingerprint, epoch).hex() == vector["secret"]
    joined = b"".join(shares[party] for party in sorted(shares))
    assert combine_shares(joined, bytes.fromhex(vector["salt"]), fingerprint, epoch).hex() == vector["secret"]


def test_key_and_handle_file() -> None:
    key = open_key(json.dumps(VECTORS["department-key"]["file"]).encode(), OWN)
    assert reveal(key, "encoding").hex() == VECTORS["shared-key"]["secret"]
    assert public_name(key) == VECTORS["shared-key"]["key_id"] == VECTORS["department-key"]["file"]["key_id"]
    handles = open_handles(json.dumps(VECTORS["handle-file"]["file"]).encode(), OWN)
    assert reveal(key, "handle").hex() == reveal(handles, "handle").hex() == GIVEN["handle_secret"]
