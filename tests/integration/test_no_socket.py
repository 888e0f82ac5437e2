"""No command of department, bureau, reviewer or key ceremony opens a socket: neither through Python nor below it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from integration.road import Road
from integration.sealed_road import at_desk, ceremony_words, lay_out_keyed, lay_out_sealed
from integration.socket_watch import strace_works, traced, watched

Words = list[str | Path]
TRIAL: Final = ("check", "keys", "inspect", "encode", "link", "resolve", "a refusal")


def trial_words(name: str, road: Road, out: Path) -> Words:
    """A command on plain packages; it writes below ``out``."""
    population = road.export("population")
    keyed: Words = ["--key", road.key("police")]
    words: dict[str, Words] = {
        "check": ["agreement", "check", road.agreement],
        "keys": ["keys", "new", road.agreement, "--party", "police", "--out", out / "police.key"],
        "inspect": ["department", "inspect", population, "--agreement", road.agreement, "--dataset", "population"],
        "encode": ["department", "encode", road.agreement, "population", population, *keyed, "--out", out / "a.smp"],
        "link": ["bureau", "link", road.agreement, *road.packages, "--out", out / "run"],
        "resolve": ["department", "resolve", road.findings("police"), population, *keyed, "--out", out / "list.xlsx"],
        "a refusal": ["bureau", "link", road.agreement, road.agreement, "--out", out / "run"],
    }
    return words[name]


@pytest.mark.parametrize("name", TRIAL)
def test_python_opens_no_socket(name: str, road: Road, tmp_path: Path) -> None:
    done, events = watched(trial_words(name, road, tmp_path), cwd=tmp_path, folder=tmp_path / "watch")
    assert done.status == (2 if name == "a refusal" else 0), done.error
    assert events == []


def test_the_key_ceremony_opens_no_socket(tmp_path: Path) -> None:
    lay_out_sealed(tmp_path)
    known = []
    for words in ceremony_words():
        done, events = watched(words, cwd=tmp_path, folder=tmp_path / "watch")
        assert done.status == 0, done.error
        assert events == []
        known.append(" ".join(words[:2]))
    assert set(known) == {"keys new", "agreement add-keys", "agreement check", "keys contribute", "keys derive"}


def sealed_words() -> Iterator[list[str]]:
    """Commands on sealed packages in the order of a month, and the reviewer's behind them."""
    agreed = ["--agreement", "agreement.toml"]
    for dataset, party in (("population", "police"), ("students", "education")):
        encode = ["department", "encode", "agreement.toml", dataset, f"{dataset}.csv", "--key", f"{party}.key"]
        if dataset == "students":
            yield [*encode, *at_desk(party), "--dry-run", "--scan", "all"]
        yield [*encode, *at_desk(party), "--out", f"sent/{dataset}.smp"]
    packages = ["sent/population.smp", "sent/students.smp"]
    yield ["bureau", "link", "agreement.toml", *packages, *at_desk("bureau"), "--out", "run"]
    resolve = ["department", "resolve", "run/findings-police.smf", "population.csv", "--key", "police.key"]
    yield [*resolve, *at_desk("police"), *agreed, "--dataset", "population", "--out", "lists/population.xlsx"]
    yield ["bureau", "review", "list", "run"]
    yield ["review", "verify", *packages, *agreed, "--recipient", "bureau"]
    opening = [*agreed, *at_desk("bureau")[:4]]
    yield ["review", "inspect", packages[0], *opening]
    yield ["review", "diff", packages[0], packages[0], *opening]
    yield ["review", "disclose", "agreement.toml", "--out", "flow.md"]
    yield ["review", "sbom"]
    yield ["review", "log", "verify", "police.log", *agreed]
    yield ["review", "log", "show", "police.log"]
    yield ["review", "log", "cross-check", "police.log", "education.log", "bureau.log", *agreed]


def test_sealed_work_and_its_review_open_no_socket(tmp_path: Path) -> None:
    lay_out_keyed(tmp_path)
    for words in sealed_words():
        done, events = watched(words, cwd=tmp_path, folder=tmp_path / "watch")
        assert done.status == 0, done.error
        assert events == [], words


def test_the_watch_sees_a_socket(tmp_path: Path) -> None:
    code = "import socket; socket.socket(); socket.socketpair()"
    (tmp_path / "secure_match").mkdir()
    (tmp_path / "secure_match" / "cli.py").write_text(f"def main():\n    {code}\n", encoding="utf-8")
    (tmp_path / "secure_match" / "__init__.py").touch()
    _, events = watched([], cwd=tmp_path, folder=tmp_path / "watch")
    assert len(events) == 3
    assert all(event.startswith("socket.__new__ ") for event in events)


@pytest.mark.skipif(not strace_works(), reason="strace is not there or may not trace")
@pytest.mark.parametrize("name", ["encode", "link", "resolve"])
def test_system_opens_no_internet_socket(name: str, road: Road, tmp_path: Path) -> None:
    done, calls = traced(trial_words(name, road, tmp_path), cwd=tmp_path, folder=tmp_path / "trace")
    assert done.status == 0, done.error
    assert [call for call in calls if "AF_UNIX" not in call] == []
