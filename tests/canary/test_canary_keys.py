"""The key ceremony by its commands: private keys, shares' keys and what unlocks them are found nowhere outside."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from integration.road import Commands, Done
from integration.sealed_road import PARTIES, PASSPHRASE, UNLOCK, ceremony_words, lay_out_sealed
from secure_match.department.files import read_key
from secure_match.department.secret_access import reveal
from secure_match.exchange.key_files import read_identity
from secure_match.exchange.locks import KeyFileLock
from secure_match.exchange.secret_access import reveal_seeds

_PIECE: Final = 32


@dataclass(frozen=True, kw_only=True)
class Ceremony:
    """A ceremony that was done, refused commands included."""

    root: Path
    outputs: tuple[Done, ...]


def forms(secret: bytes) -> set[bytes]:
    """A secret as it could have left: raw, reversed, in hex, in base64 at every alignment."""
    found = {secret, secret[::-1], secret.hex().encode(), secret.hex().upper().encode()}
    for shift in range(3):
        inside = slice((shift * 8 + 5) // 6, (shift + len(secret)) * 8 // 6)
        found |= {
            base64.b64encode(bytes(shift) + secret)[inside],
            base64.urlsafe_b64encode(bytes(shift) + secret)[inside],
        }
    return found


@pytest.fixture(scope="module")
def ceremony(tmp_path_factory: pytest.TempPathFactory, commands: Commands) -> Ceremony:
    root = tmp_path_factory.mktemp("ceremony")
    lay_out_sealed(root)
    outputs = [commands.run(*words, cwd=root) for words in ceremony_words()]
    assert [done.error for done in outputs if done.status] == []
    (root / "other.bin").write_bytes(os.urandom(32))
    (root / "other.bin").chmod(0o600)
    derive = ["keys", "derive", "agreement.toml", "--identity", "police.identity", "--out", "again.key"]
    refused = [
        [*derive, "--unlock-key", "other.bin", "police.smk"],
        [*derive, "--unlock-key", "unlock.bin", "police.smk"],
        [*derive, "--unlock-key", "unlock.bin", "agreement.toml"],
        ["keys", "new", "agreement.toml", "--party", "police", "--out", "trial.key"],
        [
            "keys",
            "contribute",
            "agreement.toml",
            "--identity",
            "bureau.identity",
            "--unlock-key",
            "unlock.bin",
            "--out",
            "bureau.smk",
        ],
        [*derive, "police.smk"],
    ]
    for words in refused:
        done = commands.run(*words, "--json", cwd=root, env={"SECURE_MATCH_PASSPHRASE": PASSPHRASE})
        assert done.status == 2
        outputs.append(done)
    return Ceremony(root=root, outputs=tuple(outputs))


@pytest.fixture(scope="module")
def secrets_of(ceremony: Ceremony) -> dict[str, set[bytes]]:
    """Name to forms of every secret that the ceremony made or was given."""
    lock = KeyFileLock(UNLOCK)
    named = {"unlock key": UNLOCK, "passphrase": PASSPHRASE.encode()}
    for party in PARTIES:
        identity = read_identity(ceremony.root / f"{party}.identity", lock)
        whole = b"".join(reveal_seeds(identity))
        named |= {f"{party} seed {at}": whole[at : at + _PIECE] for at in range(0, len(whole), _PIECE)}
        if party != "bureau":
            key = read_key(ceremony.root / f"{party}.key", identity=identity)
            named[f"{party} encoding secret"] = reveal(key, "encoding")
            named[f"{party} handle secret"] = reveal(key, "handle")
    return {name: forms(secret) for name, secret in named.items()}


def hits(data: bytes, secrets_of: dict[str, set[bytes]]) -> set[str]:
    return {name for name, patterns in secrets_of.items() if any(pattern in data for pattern in patterns)}


def test_no_file_of_the_ceremony_holds_a_secret(ceremony: Ceremony, secrets_of: dict[str, set[bytes]]) -> None:
    files = [path for path in sorted(ceremony.root.rglob("*")) if path.is_file()]
    found = {path.name: hits(path.read_bytes(), secrets_of) for path in files}
    assert {name: names for name, names in found.items() if names} == {"unlock.bin": {"unlock key"}}
    assert {"police.identity", "police.key", "police.smk", "police.public.json", "agreement.toml"} <= set(found)


def test_no_command_says_a_secret(ceremony: Ceremony, secrets_of: dict[str, set[bytes]]) -> None:
    assert [
        hits(done.out + done.err, secrets_of) for done in ceremony.outputs if hits(done.out + done.err, secrets_of)
    ] == []
    assert all("Traceback" not in done.error for done in ceremony.outputs)


def test_departments_share_one_encoding_secret_and_no_handle_secret(secrets_of: dict[str, set[bytes]]) -> None:
    """The search looks for the right things."""
    encoding = [forms_ for name, forms_ in secrets_of.items() if name.endswith("encoding secret")]
    handles = [frozenset(forms_) for name, forms_ in secrets_of.items() if name.endswith("handle secret")]
    assert len(encoding) == len(handles) == len(PARTIES) - 1
    assert all(each == encoding[0] for each in encoding)
    assert len(set(handles)) == len(handles)


def test_private_files_are_their_owners_alone(ceremony: Ceremony) -> None:
    private = [f"{party}.identity" for party in PARTIES] + [f"{party}.key" for party in PARTIES if party != "bureau"]
    assert {(ceremony.root / name).stat().st_mode & 0o777 for name in private} == {0o600}
