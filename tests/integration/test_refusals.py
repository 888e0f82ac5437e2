"""Every refusal: exit status 2, one line with code and place, no raw value, nothing written."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from canary.searcher import Searcher
from integration.people import marks
from integration.refusals import BAD_CALLS, REFUSALS
from integration.road import Commands, Done, Road, secret, secure_match, snapshot

# A name that the command names because the caller did, and nothing of a record.
SEARCHER = Searcher(marks() | {secret(name).hex(): f"secret of {name}" for name in ("all", "police", "hrss")})


def refused(words: str, *more: str, commands: Commands, road: Road, here: Path) -> Done:
    """Run a command that must fail; check everything that holds for all of them."""
    temporary = here.parent / "tmp"
    temporary.mkdir()
    before, city_before = snapshot(here), snapshot(road.root)
    command = [word.replace("{road}", str(road.root)) for word in shlex.split(words)]
    done = commands.run(*command, *more, cwd=here, env={"TMPDIR": str(temporary)})
    assert done.status == 2, done.error
    assert done.out == b""
    assert SEARCHER.in_bytes(done.err) == []
    assert snapshot(here) == before
    assert snapshot(road.root) == city_before
    assert list(temporary.iterdir()) == []
    return done


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(name: str, commands: Commands, road: Road, here: Path) -> None:
    case = REFUSALS[name]
    if case.prepare is not None:
        case.prepare(road, here)
    done = refused(case.words, commands=commands, road=road, here=here)
    lines = done.error.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"error: {case.code}: "), lines[0]
    assert case.place in lines[0]
    assert done.error.endswith("\n")
    assert "Traceback" not in done.error


@pytest.mark.parametrize("name", ["row that is too short", "package cut in the middle", "key of another party"])
def test_refusal_for_machines_is_the_same_line(name: str, commands: Commands, road: Road, here: Path) -> None:
    case = REFUSALS[name]
    if case.prepare is not None:
        case.prepare(road, here)
    assert refused(case.words, "--json", commands=commands, road=road, here=here).error.startswith(
        f"error: {case.code}: "
    )


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_call(name: str, commands: Commands, road: Road, here: Path) -> None:
    words, named = BAD_CALLS[name]
    done = refused(words, commands=commands, road=road, here=here)
    assert named.lower() in done.error.lower()
    assert "Traceback" not in done.error


def test_a_refusal_of_the_installed_command(road: Road, here: Path) -> None:
    """The script that people call, in a process that Python starts from nothing."""
    words = ["department", "encode", road.agreement, "population", road.export("students")]
    done = secure_match(*words, "--key", road.key("police"), "--out", "out.smp", cwd=here)
    assert (done.status, done.out) == (2, b"")
    assert done.error.startswith("error: COLUMN_MISSING: ")
    assert done.error.count("\n") == 1
    assert list(here.iterdir()) == []


def test_amended_agreement_does_not_stop_a_worklist(road: Road, tmp_path: Path) -> None:
    """Findings carry what a worklist needs; the agreement is not asked for again."""
    words = ["department", "resolve", road.findings("police"), road.export("population"), "--key", road.key("police")]
    done = secure_match(*words, "--out", tmp_path / "out.csv", cwd=tmp_path)
    assert done.status == 0, done.error
