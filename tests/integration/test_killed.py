"""A command that is killed leaves nothing under a final name, and can simply be run again."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Final

import pytest

from canary.searcher import Searcher
from integration.people import marks
from integration.road import Commands, Road, python, secure_match, snapshot
from secure_match.agreement.files import read_agreement
from secure_match.audit.files import read_log
from secure_match.cli._demo_desks import hold_ceremony, make_desks, make_identities, seal_agreement
from secure_match.exchange.private_folders import ROOT_NAME
from secure_match.exchange.shares import key_departments

# The process writes half of a file and then kills itself: no test has to guess the moment.
_KILL_AT: Final = """
import os, signal, sys
import secure_match.{module} as module

original = module.{function}

def killed(stream, *rest, **named):
    stream.write(b"half of a part")
    stream.flush()
    os.kill(os.getpid(), signal.{signal})
    return original(stream, *rest, **named)

module.{function} = killed
from secure_match.cli import main
main()
"""
# Packages of encodings and of findings are written by the same function.
KILL_IN_PACKAGE: Final = _KILL_AT.format(module="encoded.files", function="write_table_part", signal="SIGKILL")
STOP_IN_PACKAGE: Final = _KILL_AT.format(module="encoded.files", function="write_table_part", signal="SIGINT")
KILL_AT_RENAME: Final = """
import os, pathlib, signal
pathlib.Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
from secure_match.cli import main
main()
"""


def encode_words(road: Road, out: Path) -> list[str | Path]:
    words = ["department", "encode", road.agreement, "students", road.export("students")]
    return [*words, "--key", road.key("education"), "--out", out]


@pytest.mark.parametrize("code", [KILL_IN_PACKAGE, KILL_AT_RENAME], ids=["while writing", "before the rename"])
def test_killed_encode_leaves_no_package(code: str, road: Road, tmp_path: Path) -> None:
    out = tmp_path / "students.smp"
    assert python(code, *encode_words(road, out), cwd=tmp_path).status == -signal.SIGKILL
    assert not out.exists()
    left = list(tmp_path.iterdir())
    # What is left is hidden, says that it is unfinished, and is its owner's alone.
    assert all(path.name.startswith(".") and path.suffix == ".part" for path in left)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in left)
    assert Searcher(marks()).in_folder(tmp_path) == {}

    again = secure_match(*encode_words(road, out), cwd=tmp_path)
    assert again.status == 0, again.error
    assert out.read_bytes() == road.package("students").read_bytes()


def test_killed_encode_keeps_the_package_of_before(road: Road, tmp_path: Path) -> None:
    out = tmp_path / "students.smp"
    before = road.package("population").read_bytes()
    out.write_bytes(before)
    assert python(KILL_IN_PACKAGE, *encode_words(road, out), cwd=tmp_path).status == -signal.SIGKILL
    assert out.read_bytes() == before


def test_stopped_encode_leaves_nothing(road: Road, tmp_path: Path) -> None:
    done = python(STOP_IN_PACKAGE, *encode_words(road, tmp_path / "students.smp"), cwd=tmp_path)
    assert done.status == 130
    assert done.out == b""
    assert done.error.splitlines()[-1] == "stopped; nothing unfinished was written"
    assert snapshot(tmp_path) == {}


def test_killed_link_leaves_no_findings(road: Road, tmp_path: Path) -> None:
    words = ["bureau", "link", road.agreement, *road.packages, "--out", tmp_path / "run"]
    assert python(KILL_IN_PACKAGE, *words, cwd=tmp_path).status == -signal.SIGKILL
    assert not list((tmp_path / "run").glob("findings*"))
    again = secure_match(*words, cwd=tmp_path)
    assert again.status == 0, again.error
    assert (
        "an unfinished run was found and removed; beginning from the start (to continue one: --resume)" in again.lines
    )
    assert (tmp_path / "run" / "findings-police.smf").read_bytes() == road.findings("police").read_bytes()


def test_killed_link_is_resumed(road: Road, tmp_path: Path) -> None:
    words = ["bureau", "link", road.agreement, *road.packages, "--out", tmp_path / "run"]
    assert python(KILL_IN_PACKAGE, *words, cwd=tmp_path).status == -signal.SIGKILL
    work = tmp_path / "run" / ".work"
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in work.iterdir())
    assert Searcher(marks()).in_folder(tmp_path) == {}
    refused = secure_match(*words[:-3], "--out", tmp_path / "run", "--resume", cwd=tmp_path)
    assert (refused.status, refused.out) == (2, b"")
    assert refused.error.startswith("error: RESUME_MISMATCH: ")

    again = secure_match(*words, "--resume", cwd=tmp_path)
    assert again.status == 0, again.error
    assert "resuming an unfinished run: 10 finished steps are kept" in again.lines
    assert not work.exists()
    for party in ("police", "hrss", "medical", "education"):
        assert (tmp_path / "run" / f"findings-{party}.smf").read_bytes() == road.findings(party).read_bytes()


def test_a_stopped_link_says_how_to_go_on(road: Road, tmp_path: Path) -> None:
    words = ["bureau", "link", road.agreement, *road.packages, "--out", tmp_path / "run"]
    done = python(STOP_IN_PACKAGE, *words, cwd=tmp_path)
    assert done.status == 130
    lines = done.error.splitlines()
    assert lines[-2:] == [
        f"finished steps are kept in {tmp_path / 'run' / '.work'}; to continue, add --resume",
        "stopped; nothing unfinished was written",
    ]
    assert not list((tmp_path / "run").glob("*.smf"))


def test_killed_worklist_is_not_there(road: Road, tmp_path: Path) -> None:
    words = ["department", "resolve", road.findings("police"), road.export("population")]
    words += ["--key", road.key("police"), "--out", tmp_path / "worklist.csv"]
    assert python(KILL_AT_RENAME, *words, cwd=tmp_path).status == -signal.SIGKILL
    assert not (tmp_path / "worklist.csv").exists()
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())


KILL_BEFORE_SEALING: Final = """
import os, signal
import secure_match.exchange.desk as module

module.seal = lambda *rest, **named: os.kill(os.getpid(), signal.SIGKILL)
from secure_match.cli import main
main()
"""


@pytest.fixture
def sealed_words(road: Road, tmp_path: Path) -> dict[str, list[str | Path]]:
    """A sealed agreement over the exports of the road, keys and identities made; the commands of two departments."""
    path = tmp_path / "agreement.toml"
    path.write_bytes(road.agreement.read_bytes())
    identities = make_identities(read_agreement(path), 7, tmp_path / "keys")
    agreement = seal_agreement(path, identities)
    desks = make_desks(agreement, identities, tmp_path / "logs")
    keys = {party: tmp_path / "keys" / f"{party}.key" for party in key_departments(agreement)}
    hold_ceremony(agreement, desks, 7, tmp_path / "ceremony", keys)
    (tmp_path / "sent").mkdir()

    def desk(party: str) -> list[str | Path]:
        unlock = ["--unlock-key", tmp_path / "keys" / "unlock.key", "--log", tmp_path / "logs" / f"{party}.log"]
        return ["--identity", tmp_path / "keys" / f"{party}.identity", *unlock, "--operator", "zhang"]

    words: dict[str, list[str | Path]] = {}
    for dataset, party in (("students", "education"), ("population", "police")):
        encode = ["department", "encode", path, dataset, road.export(dataset), "--key", keys[party], *desk(party)]
        words[dataset] = [*encode, "--out", tmp_path / "sent" / f"{dataset}.smp"]
    return words


def test_killed_sealing_leaves_no_plain_package_for_longer_than_the_next_command(
    sealed_words: dict[str, list[str | Path]], commands: Commands, tmp_path: Path
) -> None:
    words, opened = sealed_words["students"], tmp_path / "logs" / ROOT_NAME
    assert python(KILL_BEFORE_SEALING, *words, cwd=tmp_path).status == -signal.SIGKILL
    assert len(list(opened.glob("*/content/students.smp"))) == 1
    assert opened.stat().st_mode & 0o777 == 0o700
    # Nothing plain lies beside what is sent, and nothing was released.
    assert all(path.suffix == ".part" for path in (tmp_path / "sent").iterdir())
    assert "release" not in [entry.action for entry in read_log(tmp_path / "logs" / "education.log")]

    # The next command takes it away, another department's even where logs lie together.
    again = commands.run(*sealed_words["population"], cwd=tmp_path)
    assert again.status == 0, again.error
    assert not opened.exists()
    assert Searcher(marks()).in_folder(tmp_path / "sent") == {}
