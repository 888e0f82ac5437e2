"""Identities at rest: locked, the owner's alone, strict; and public files that fit nobody else's keys."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import stat
from pathlib import Path
from typing import Any

import pytest

from exchange.ceremony import PASSPHRASE, identity
from secure_match.errors import SecureMatchError
from secure_match.exchange import locks
from secure_match.exchange.key_files import (
    parse_public,
    public_path,
    read_identity,
    read_lock,
    read_public,
    replace_identity,
    serialise_public,
    write_identity,
    write_public,
)
from secure_match.exchange.locks import KeyFileLock, Lock, PassphraseLock
from secure_match.exchange.opaque import CombinedSecret
from secure_match.exchange.secret_access import reveal_seeds

OWN = identity("police")
FILE_LOCK = KeyFileLock(b"u" * 32)


def refused(code: str) -> Any:
    return pytest.raises(SecureMatchError, match=f"^{code}: ")


@pytest.mark.parametrize("lock", [PassphraseLock(PASSPHRASE), FILE_LOCK], ids=["passphrase", "key file"])
def test_an_identity_comes_back_and_its_file_tells_nothing(tmp_path: Path, lock: Lock) -> None:
    path = tmp_path / "police.identity"
    write_identity(OWN, path, lock)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = read_identity(path, lock)
    assert (again.public, reveal_seeds(again)) == (OWN.public, reveal_seeds(OWN))
    text = path.read_bytes()
    for seed in reveal_seeds(OWN):
        for form in (seed, seed.hex().encode(), base64.b64encode(seed)[:-4]):
            assert form not in text
    assert [file.name for file in tmp_path.iterdir()] == ["police.identity"]


def test_what_does_not_unlock(tmp_path: Path) -> None:
    path = tmp_path / "police.identity"
    write_identity(OWN, path, PassphraseLock(PASSPHRASE))
    with refused("KEY_UNLOCK") as caught:
        read_identity(path, PassphraseLock(PASSPHRASE + " "))
    assert caught.value.__context__ is None
    assert PASSPHRASE not in str(caught.value)
    with refused("KEY_LOCK"):
        read_identity(path, FILE_LOCK)
    assert read_lock(path).kind == "passphrase"
    locked = tmp_path / "other.identity"
    write_identity(OWN, locked, FILE_LOCK)
    with refused("KEY_LOCK"):
        read_identity(locked, PassphraseLock(PASSPHRASE))
    with refused("KEY_UNLOCK"):
        read_identity(locked, KeyFileLock(b"v" * 32))


def test_short_secrets_are_refused() -> None:
    for short in ("", "eleven char"):
        with refused("PASSPHRASE_SHORT"):
            PassphraseLock(short)
    for length in (0, 31, 33):
        with refused("KEY_LENGTH"):
            KeyFileLock(b"x" * length)


@pytest.mark.parametrize(
    "change",
    [
        {"memory_kib": 1024},
        {"memory_kib": 1 << 30},
        {"iterations": 1},
        {"iterations": 10**6},
        {"lanes": 0},
        {"salt": "00"},
        {"kdf": "pbkdf2"},
        {"kind": "none"},
        {"more": 1},
    ],
    ids=str,
)
def test_weak_or_ruinous_parameters_are_refused_before_they_are_used(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "police.identity"
    write_identity(OWN, path, PassphraseLock(PASSPHRASE))
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"lock": content["lock"] | change}))
    with refused("KEY_FORMAT"):
        read_lock(path)


def test_every_byte_of_an_identity_file_counts(tmp_path: Path) -> None:
    path = tmp_path / "police.identity"
    write_identity(OWN, path, FILE_LOCK)
    data = path.read_bytes()
    content = json.loads(data)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        path.write_bytes(changed)
        try:
            read_identity(path, FILE_LOCK)
        except SecureMatchError as error:
            assert error.code in {"KEY_FORMAT", "KEY_UNLOCK", "KEY_LOCK"}  # noqa: PT017
            continue
        assert json.loads(changed) == content
    for changes in ({"party": "hrss"}, {"role": "bureau"}, {"public_keys": identity("hrss").public.party_keys()}):
        path.write_text(json.dumps(content | changes))
        with refused("KEY_UNLOCK"):
            read_identity(path, FILE_LOCK)


def test_permissions_and_places(tmp_path: Path) -> None:
    path = tmp_path / "police.identity"
    write_identity(OWN, path, FILE_LOCK)
    for mode in (0o640, 0o604, 0o620, 0o660):
        path.chmod(mode)
        with refused("KEY_PERMISSIONS"):
            read_identity(path, FILE_LOCK)
    path.chmod(0o400)
    assert read_identity(path, FILE_LOCK).public == OWN.public
    with refused("FILE_EXISTS"):
        write_identity(OWN, path, FILE_LOCK)
    with refused("FILE_NOT_FOUND"):
        read_identity(tmp_path / "none", FILE_LOCK)
    path.chmod(0o600)
    path.write_bytes(b" " * ((1 << 20) + 1))
    with refused("KEY_FORMAT"):
        read_identity(path, FILE_LOCK)


def test_a_renewed_identity_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "police.identity"
    write_identity(OWN, path, FILE_LOCK)
    renewed = OWN.renewed()
    replace_identity(renewed, path, FILE_LOCK)
    read = read_identity(path, FILE_LOCK)
    assert (read.public.signing, read.public) == (OWN.public.signing, renewed.public)
    assert read.public.transport != OWN.public.transport
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["police.identity"]


def test_a_public_file_is_its_own_identitys(tmp_path: Path) -> None:
    path = public_path(tmp_path / "police.identity")
    assert path.name == "police.public.json"
    write_public(OWN, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert read_public(path) == OWN.public
    content = json.loads(path.read_text())
    stranger = json.loads(serialise_public(identity("police", "stranger")))
    for changes, code in (
        ({"party": "hrss"}, "KEY_SIGNATURE"),
        ({"role": "bureau"}, "KEY_SIGNATURE"),
        ({"signature": stranger["signature"]}, "KEY_SIGNATURE"),
        ({"public_keys": stranger["public_keys"]}, "KEY_FORMAT"),
        ({"public_keys": stranger["public_keys"], "key_id": stranger["key_id"]}, "KEY_SIGNATURE"),
        ({"key_id": "0" * 16}, "KEY_FORMAT"),
        ({"more": 1}, "KEY_FORMAT"),
    ):
        with refused(code):
            parse_public(json.dumps(content | changes).encode())
    for broken in (b"", b"{}", b"\xff", path.read_bytes()[:-3]):
        with refused("KEY_FORMAT"):
            parse_public(broken)
    with refused("FILE_NOT_FOUND"):
        read_public(tmp_path / "none")


SECRETS = [OWN, PassphraseLock("S" * 40), KeyFileLock(b"S" * 32), CombinedSecret(b"S" * 32)]


@pytest.mark.parametrize("guarded", SECRETS, ids=repr)
def test_what_is_secret_does_not_leave_its_process(guarded: object) -> None:
    for text in (repr(guarded), str(guarded), f"{guarded}", repr([guarded])):
        assert "SSS" not in text
        assert "secret>" in text
    attempts: list[Any] = [pickle.dumps, copy.copy, copy.deepcopy, hash, json.dumps, vars, bytes, iter]
    for attempt in (*attempts, lambda item: item == item):
        with pytest.raises(TypeError):
            attempt(guarded)


def test_salts_are_new_every_time() -> None:
    lock = PassphraseLock(PASSPHRASE)
    assert lock.new_parameters().salt != lock.new_parameters().salt
    assert locks.new_unlock_key() != locks.new_unlock_key()
