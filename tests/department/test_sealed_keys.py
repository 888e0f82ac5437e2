"""A ceremony's key is sealed under its department's identity, bound to its agreement, and ends when it is destroyed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exchange.ceremony import DEPARTMENTS, contributions, identities, identity, sealed_agreement
from secure_match.department.dataset_encoder import DatasetEncoder
from secure_match.department.key_files import (
    is_sealed_key,
    read_handle_secret,
    read_key,
    resealed,
    write_handle_secret,
    write_key,
    write_sealed_key,
)
from secure_match.department.keys import DepartmentKey
from secure_match.department.sealed_keys import HandleSecret, ceremony_key, open_key, public_name, seal_key
from secure_match.department.secret_access import reveal
from secure_match.errors import SecureMatchError
from secure_match.exchange.identities import Identity
from secure_match.exchange.shares import combine

ALL = identities()
AGREEMENT = sealed_agreement(ALL)
GIVEN = contributions(AGREEMENT, ALL)
HANDLES = HandleSecret({"handle": b"h" * 32})


def key_of(party: str) -> DepartmentKey:
    return ceremony_key(AGREEMENT, ALL[party], combine(AGREEMENT, ALL[party], list(GIVEN.values())), HANDLES)


KEY = key_of("police")


def refused(code: str) -> Any:
    return pytest.raises(SecureMatchError, match=f"^{code}: ")


def test_departments_share_the_encoding_secret_and_its_name() -> None:
    keys = [key_of(party) for party in DEPARTMENTS]
    assert len({reveal(key, "encoding") for key in keys}) == 1
    assert len({public_name(key) for key in keys}) == 1
    assert {key.agreement_fingerprint for key in keys} == {AGREEMENT.fingerprint}


def test_a_sealed_key_opens_with_its_identity_only(tmp_path: Path) -> None:
    path = tmp_path / "police.key"
    write_sealed_key(KEY, path, ALL["police"])
    assert is_sealed_key(path)
    read = read_key(path, ALL["police"])
    assert (read.party, read.agreement_id, read.key_epoch) == ("police", AGREEMENT.id, AGREEMENT.key_epoch)
    assert read.agreement_fingerprint == AGREEMENT.fingerprint
    assert [reveal(read, part) for part in ("encoding", "handle")] == [reveal(KEY, "encoding"), b"h" * 32]
    assert reveal(KEY, "encoding").hex() not in path.read_text()
    with refused("KEY_IDENTITY"):
        read_key(path)
    for other, code in (
        (ALL["hrss"], "KEY_PARTY"),
        (ALL["bureau"], "KEY_PARTY"),
        (identity("police", "stranger"), "KEY_SIGNATURE"),
        (ALL["police"].renewed(), "KEY_SEAL"),
    ):
        with refused(code) as caught:
            read_key(path, other)
        assert caught.value.place.file == path
    with refused("KEY_PARTY"):
        write_sealed_key(KEY, tmp_path / "x.key", ALL["hrss"])
    path.chmod(0o644)
    with refused("KEY_PERMISSIONS"):
        read_key(path, ALL["police"])


def test_nobody_slips_a_department_a_key_of_his_own() -> None:
    """Whoever has the public transport key can seal; the signature is what only the department makes."""
    stranger = identity("police", "stranger")
    mixed = Identity.from_seeds("police", "department", transport_seed=b"t" * 96, signing_seed=b"s" * 32)
    for forger in (stranger, mixed):
        forged = json.loads(seal_key(KEY, forger))
        with refused("KEY_SIGNATURE"):
            open_key(json.dumps(forged).encode(), ALL["police"])


def test_every_byte_of_a_sealed_key_counts() -> None:
    data = seal_key(KEY, ALL["police"])
    for place in range(0, len(data), 3):
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            open_key(bytes(changed), ALL["police"])
        except SecureMatchError:
            continue
        assert json.loads(changed) == json.loads(data)


def test_a_key_is_of_one_text_of_the_agreement() -> None:
    DatasetEncoder(AGREEMENT, "population", KEY)
    other = sealed_agreement(ALL, purpose="x")
    assert (other.id, other.key_epoch) == (AGREEMENT.id, AGREEMENT.key_epoch)
    with refused("KEY_AGREEMENT"):
        DatasetEncoder(other, "population", KEY)
    with refused("KEY_EPOCH"):
        DatasetEncoder(sealed_agreement(ALL, epoch="2027"), "population", KEY)
    trial = DepartmentKey.create(
        party="police",
        agreement_id=AGREEMENT.id,
        key_epoch=AGREEMENT.key_epoch,
        encoding_secret=b"e" * 32,
        handle_secret=b"h" * 32,
    )
    with refused("KEY_AGREEMENT"):
        DatasetEncoder(AGREEMENT, "population", trial)


def test_a_destroyed_key_does_not_come_back() -> None:
    """Kept copies of the key file, of a re-sealed file and of all contributions are there; the identity is renewed."""
    kept = seal_key(KEY, ALL["police"])
    renewed = ALL["police"].renewed()
    with refused("KEY_SEAL"):
        open_key(kept, renewed)
    # Even under an agreement that names the new keys, which is another: the contributions are of the old one.
    after = sealed_agreement({**ALL, "police": renewed})
    with refused("KEY_AGREEMENT"):
        combine(after, renewed, list(GIVEN.values()))
    # And with the checks of the agreement out of the way.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("secure_match.exchange.shares.verify_identity", lambda agreement, own: None)
        with refused("KEY_SEAL"):
            combine(AGREEMENT, renewed, list(GIVEN.values()))


def test_handles_outlive_an_epoch(tmp_path: Path) -> None:
    old, new = ALL["police"], ALL["police"].renewed()
    handles, key = tmp_path / "police.handles", tmp_path / "police.key"
    write_handle_secret(HANDLES, handles, old)
    write_sealed_key(KEY, key, old)
    for path in (handles, key):
        assert reveal(read_handle_secret(path, old), "handle") == b"h" * 32
        with refused("KEY_SEAL"):
            read_handle_secret(path, new)
        content = resealed(path, old, new)
        again = tmp_path / f"new-{path.name}"
        again.write_bytes(content)
        again.chmod(0o600)
        assert reveal(read_handle_secret(again, new), "handle") == b"h" * 32
        with refused("KEY_SEAL"):
            read_handle_secret(again, old)
    trial = tmp_path / "trial.key"
    write_key(KEY, trial)
    assert reveal(read_handle_secret(trial, new), "handle") == b"h" * 32
    with refused("KEY_PARTY"):
        read_handle_secret(trial, ALL["hrss"])
    with refused("KEY_FORMAT"):
        resealed(trial, old, new)
