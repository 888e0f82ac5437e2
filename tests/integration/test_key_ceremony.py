"""The key ceremony through the real commands: identities, agreement, contributions, key, rotation, destruction."""

from __future__ import annotations

import json
import os
import pty
import shutil
import stat
import sys
from pathlib import Path

import pytest

from exchange.ceremony import DEPARTMENTS, PASSPHRASE
from integration.road import Commands, python
from secure_match.agreement.files import read_agreement, write_trusted_agreement
from secure_match.audit import verify_log
from secure_match.audit.files import read_log
from secure_match.encoded.files import file_digest
from secure_match.exchange.key_files import read_public

UNLOCKED = {"SECURE_MATCH_PASSPHRASE": PASSPHRASE}


@pytest.fixture(scope="module")
def hall(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the agreement, everybody's identity, all contributions, and the key of the police."""
    folder = tmp_path_factory.mktemp("hall")
    write_trusted_agreement(folder)
    for party in (*DEPARTMENTS, "bureau"):
        role = "bureau" if party == "bureau" else "department"
        out = folder / f"{party}.identity"
        made = commands.run(
            *("keys", "new", "--role", role, "--party", party, "--out", out, "--json"), cwd=folder, env=UNLOCKED
        )
        assert made.status == 0, made.error
        assert made.json()["key_id"] == json.loads((folder / f"{party}.public.json").read_text())["key_id"]
    files = sorted(folder.glob("*.public.json"))
    added = commands.run("agreement", "add-keys", "agreement.toml", *files, "--json", cwd=folder)
    assert added.json()["fingerprint"] == read_agreement(folder / "agreement.toml").fingerprint
    for party in DEPARTMENTS:
        words = ("contribute", "agreement.toml", "--identity", f"{party}.identity", "--out", f"{party}.smk", "--json")
        assert commands.run("keys", *words, cwd=folder, env=UNLOCKED).json()["sealed_to"] == list(DEPARTMENTS)
    assert derive(commands, folder, "police", "police.key")["new_handles"] is True
    return folder


def derive(commands: Commands, folder: Path, party: str, out: str, *more: str) -> dict[str, object]:
    shares = sorted(folder.glob("*.smk"))
    words = ("derive", "agreement.toml", *shares, "--identity", f"{party}.identity", "--out", out, *more, "--json")
    done = commands.run("keys", *words, cwd=folder, env=UNLOCKED)
    assert done.status == 0, done.error
    return done.json()


def test_all_departments_hear_the_same_name(commands: Commands, hall: Path) -> None:
    names = {derive(commands, hall, party, f"heard-{party}.key")["key_id"] for party in DEPARTMENTS}
    assert names == {json.loads((hall / "police.key").read_text())["key_id"]}
    assert stat.S_IMODE((hall / "police.key").stat().st_mode) == 0o600


def test_commands_refuse(commands: Commands, hall: Path) -> None:
    shares = sorted(hall.glob("*.smk"))
    base = ("agreement.toml", *shares, "--identity")
    cases: list[tuple[str, tuple[str | Path, ...], dict[str, str]]] = [
        ("CONTRIBUTION_RECIPIENTS", ("derive", *base, "bureau.identity", "--out", "b.key"), UNLOCKED),
        (
            "CONTRIBUTION_MISSING",
            ("derive", "agreement.toml", shares[0], "--identity", "police.identity", "--out", "x"),
            UNLOCKED,
        ),
        (
            "CONTRIBUTION_SENDER",
            ("contribute", "agreement.toml", "--identity", "bureau.identity", "--out", "x"),
            UNLOCKED,
        ),
        (
            "FILE_EXISTS",
            ("contribute", "agreement.toml", "--identity", "police.identity", "--out", "police.smk"),
            UNLOCKED,
        ),
        ("KEYS_BY_CEREMONY", ("new", "agreement.toml", "--party", "police", "--out", "x"), {}),
        ("KEYS_BY_CEREMONY", ("share", "police.key", "--out", "x"), {}),
        ("ROLE_OR_AGREEMENT", ("new", "--party", "police", "--out", "x"), {}),
        ("PARTY_ID", ("new", "--role", "bureau", "--party", "Police 1", "--out", "x"), UNLOCKED),
        ("FILE_EXISTS", ("new", "--role", "bureau", "--party", "bureau", "--out", "bureau.identity"), UNLOCKED),
        ("PASSPHRASE_SHORT", ("public", "police.identity"), {"SECURE_MATCH_PASSPHRASE": "short"}),
        ("PASSPHRASE_MISSING", ("public", "police.identity"), {}),
        ("KEY_UNLOCK", ("public", "police.identity"), {"SECURE_MATCH_PASSPHRASE": PASSPHRASE.upper()}),
        ("KEY_LOCK", ("public", "police.identity", "--unlock-key", "police.unlock"), {}),
        ("UNLOCK_TWICE", ("public", "police.identity", "--unlock-key", "a", "--unlock-pkcs11", "b"), {}),
        ("PKCS11_URI", ("public", "police.identity", "--unlock-pkcs11", "b"), {}),
    ]
    (hall / "police.unlock").write_bytes(b"u" * 32)
    (hall / "police.unlock").chmod(0o600)
    before = sorted(path.name for path in hall.iterdir())
    for code, words, environment in cases:
        done = commands.run("keys", *words, cwd=hall, env=environment)
        assert (done.status, done.error.split(": ")[:2]) == (2, ["error", code]), (words, done.error)
        assert PASSPHRASE not in done.error + done.out.decode()
        assert "Traceback" not in done.error
    assert sorted(path.name for path in hall.iterdir()) == before
    twice = commands.run("agreement", "add-keys", "agreement.toml", *[hall / "police.public.json"] * 2, cwd=hall)
    assert "KEYS_TWICE" in twice.error


def test_a_key_file_in_place_of_a_passphrase(commands: Commands, tmp_path: Path) -> None:
    words = ("--role", "reviewer", "--party", "auditor", "--out", "a.identity", "--unlock-key", "a.unlock")
    assert commands.run("keys", "new", *words, cwd=tmp_path).status == 0
    assert stat.S_IMODE((tmp_path / "a.unlock").stat().st_mode) == 0o600
    assert len((tmp_path / "a.unlock").read_bytes()) == 32
    (tmp_path / "a.public.json").unlink()
    shown = commands.run("keys", "public", "a.identity", "--unlock-key", "a.unlock", "--json", cwd=tmp_path)
    assert shown.json()["role"] == "reviewer"
    assert (tmp_path / "a.public.json").exists()
    assert "KEY_LOCK" in commands.run("keys", "public", "a.identity", cwd=tmp_path, env=UNLOCKED).error


def test_the_environment_forgets_the_passphrase(hall: Path) -> None:
    code = """
import os, subprocess, sys
from pathlib import Path
from secure_match.cli._unlock import read_identity_from
identity = read_identity_from(Path(sys.argv[1]))
seen = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
print("SECURE_MATCH_PASSPHRASE" in os.environ, "SECURE_MATCH_PASSPHRASE" in seen, identity, vars)
"""
    done = python(code, hall / "hrss.identity", cwd=hall, env=UNLOCKED)
    assert done.lines[0].startswith("False False <Identity: secret>"), done.error


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_the_prompt_shows_nothing(hall: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.environ.pop("SECURE_MATCH_PASSPHRASE", None)
        call = "from secure_match.cli import main; main()"
        os.execv(sys.executable, [sys.executable, "-c", call, "keys", "public", str(hall / "medical.identity")])
    shown = b""
    while b"medical.identity: " not in shown:
        shown += os.read(terminal, 1024)
    os.write(terminal, PASSPHRASE.encode() + b"\n")
    while True:
        try:
            part = os.read(terminal, 1024)
        except OSError:
            break
        if not part:
            break
        shown += part
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown
    assert PASSPHRASE.encode() not in shown
    assert b"Read this out on the telephone" in shown


def test_rotation_and_the_end_of_an_epoch(commands: Commands, hall: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hall"
    shutil.copytree(hall, folder)
    kept = (folder / "police.key").read_bytes()
    signing = read_agreement(folder / "agreement.toml").parties[0].public_keys["signing"]

    words = ("rotate", "--identity", "police.identity", "--reseal", "police.key", "--json")
    rotated = commands.run("keys", *words, cwd=folder, env=UNLOCKED)
    assert rotated.status == 0, rotated.error
    assert (folder / "police.key").read_bytes() != kept
    assert [path.name for path in folder.glob("*.resealed")] == []

    words = ("destroy", "police.key", "--identity", "police.identity", "--keep-handles", "police.handles", "--yes")
    destroyed = commands.run("keys", *words, "--json", cwd=folder, env=UNLOCKED)
    assert destroyed.status == 0, destroyed.error
    assert not (folder / "police.key").exists()
    # Neither the copies nor the shares that are still there give the key back.
    (folder / "police.key").write_bytes(kept)
    (folder / "police.key").chmod(0o600)
    words = ("rotate", "--identity", "police.identity", "--reseal", "police.key")
    assert "KEY_SEAL" in commands.run("keys", *words, cwd=folder, env=UNLOCKED).error
    words = ("derive", "agreement.toml", *sorted(folder.glob("*.smk")), "--identity", "police.identity", "--out", "x")
    assert "KEY_PARTY" in commands.run("keys", *words, cwd=folder, env=UNLOCKED).error

    # The next epoch: new transport key in the agreement, same signing key, same handles.
    text = (folder / "agreement.toml").read_text().replace('key_epoch = "2026"', 'key_epoch = "2027"')
    (folder / "agreement.toml").write_text(text)
    added = commands.run("agreement", "add-keys", "agreement.toml", "police.public.json", cwd=folder)
    assert added.status == 0, added.error
    assert read_agreement(folder / "agreement.toml").parties[0].public_keys["signing"] == signing
    for party in DEPARTMENTS:
        (folder / f"{party}.smk").unlink()
        words = ("contribute", "agreement.toml", "--identity", f"{party}.identity", "--out", f"{party}.smk")
        assert commands.run("keys", *words, cwd=folder, env=UNLOCKED).status == 0
    derived = derive(commands, folder, "police", "next.key", "--handles-from", "police.handles")
    assert derived["new_handles"] is False
    assert derived["key_id"] != json.loads(kept)["key_id"]


def test_every_step_stands_in_the_partys_log(hall: Path) -> None:
    """What others get is there by its digest, signed; keys are there by their names alone."""
    entries = read_log(hall / "hrss.log")
    steps = [entry for entry in entries if entry.action != "checkpoint"]
    assert [entry.action for entry in steps[:2]] == ["keys_new", "contribute"]
    assert steps[1].outputs[0].digest == file_digest(hall / "hrss.smk")
    public = read_public(hall / "hrss.public.json")
    assert verify_log(entries, public.signing).signed_entries == len(entries) - 1
    derived = [entry for entry in read_log(hall / "police.log") if entry.action == "derive"]
    assert derived
    assert derived[0].details["shared_key"] == json.loads((hall / "police.key").read_text())["key_id"]
