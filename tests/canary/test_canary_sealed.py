"""Marked people through the commands of every role under a sealed agreement; marks and keys stay with the departments.

Packages are also opened and their contents searched: what is sealed shows nothing to a search.
"""

from __future__ import annotations

import csv
import io
import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from canary.searcher import Searcher
from canary.test_canary import watch_quickly, write_truth
from canary.test_canary_keys import forms, hits
from integration.people import EXPORTS, OWNERS, marks
from integration.road import Commands, Done, Road
from integration.sealed_road import PASSPHRASE, SEED, at_desk, lay_out_keyed
from secure_match.agreement.files import read_agreement
from secure_match.cli._demo_desks import demo_bytes
from secure_match.department.files import read_key
from secure_match.department.secret_access import reveal
from secure_match.exchange.files import open_package_to, read_sealed
from secure_match.exchange.identities import Identity
from secure_match.exchange.secret_access import reveal_seeds

AGREED = ["--agreement", "agreement.toml"]
RAW = {f"{dataset}.csv" for dataset in EXPORTS} | {"broken.csv", "truth.csv", "lists/population.csv", "sheet.csv"}
"""The departments' own files that hold raw values."""


class City:
    """A folder with everybody's files, in which commands run and what they say is kept."""

    def __init__(self, commands: Commands, root: Path, watched: Path) -> None:
        self._commands, self.root, self.watched = commands, root, watched
        self._env = watch_quickly(watched)
        self.outputs: list[Done] = []

    def run(self, *words: str, status: int = 0, env: dict[str, str] | None = None, json: bool | None = None) -> Done:
        """A command that ends in a status; where nothing is said, every second one answers machines."""
        asked = len(self.outputs) % 2 == 1 if json is None else json
        done = self._commands.run(
            *words, *(["--json"] if asked else []), cwd=self.root, env={**self._env, **(env or {})}
        )
        assert done.status == status, (words, done.error)
        self.outputs.append(done)
        return done

    def encode(self, dataset: str, *more: str, agreement: str = "agreement.toml", key: str = "", **said: int) -> Done:
        party = OWNERS[dataset]
        words = ["department", "encode", agreement, dataset, f"{dataset}.csv", "--key", key or f"{party}.key"]
        return self.run(*words, *at_desk(party), *more, **said)


@dataclass(frozen=True, kw_only=True)
class Walk:
    """What was done, and what to look for."""

    city: City
    secrets: dict[str, set[bytes]]
    contents: Path


@pytest.fixture(scope="module")
def walk(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    base = tmp_path_factory.mktemp("sealed")
    for name in ("city", "watched", "contents"):
        (base / name).mkdir()
    city = City(commands, base / "city", base / "watched")
    identities = lay_out_keyed(city.root)
    unlock = (city.root / "unlock.bin").read_bytes()
    _month(city)
    _questions(city)
    _reviewer(city)
    secrets = _secrets(city.root, identities, unlock)
    _contents(city.root, identities, base / "contents")
    _second_operator(city, identities)
    _refusals(city)
    return Walk(
        city=city, secrets={name: forms(secret) for name, secret in secrets.items()}, contents=base / "contents"
    )


def _month(city: City) -> None:
    city.encode("students", "--dry-run", "--scan", "all", json=False)
    for dataset in OWNERS:
        more = ["--scan", "all"] if dataset == "population" else []
        city.encode(dataset, *more, "--out", f"sent/{dataset}.smp")
    packages = [f"sent/{dataset}.smp" for dataset in EXPORTS]
    city.run("bureau", "link", "agreement.toml", *packages, *at_desk("bureau"), "--out", "run")
    words = ["department", "resolve", "run/findings-police.smf", "population.csv", "--key", "police.key", *AGREED]
    city.run(*words, *at_desk("police"), "--dataset", "population", "--out", "lists/population.csv")
    write_truth(Road(root=city.root), city.root / "truth.csv")
    city.run("evaluate", "run/links.parquet", "truth.csv", "--out", "evaluation")


def _questions(city: City) -> None:
    _make_doubtful(city.root / "run" / "links.parquet")
    pair = city.run("bureau", "review", "list", "run", json=True).json()["pairs"][0]
    dataset, party = "employee_medical", "medical"
    city.run("bureau", "review", "show", "run", pair["pair"])
    ask = ["bureau", "review", "request", "run", *AGREED, "--party", party, *at_desk("bureau")]
    city.run(*ask, "--out", "request.smq")
    look = ["department", "look", "request.smq", *AGREED, *at_desk(party)]
    rows = ["--export", f"{dataset}.csv", "--dataset", dataset, "--key", f"{party}.key", "--lang", "en"]
    city.run(*look, *rows, "--out", "sheet.csv")
    text = (city.root / "sheet.csv").read_text(encoding="utf-8-sig")
    header, *cells = list(csv.reader(io.StringIO(text)))
    for row in cells:
        row[header.index("look answer")] = "right"
    with (city.root / "sheet.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([header, *cells])
    city.run(*look, "--answers", "sheet.csv", "--out", "answer.sma")
    city.run("bureau", "review", "answers", "run", "answer.sma", *AGREED, *at_desk("bureau"))


def _make_doubtful(path: Path) -> None:
    """Turn the links of two datasets into possible ones, so that there is something to ask."""
    table = pq.read_table(path)
    names = [table[f"dataset_{side}"].to_pylist() for side in ("a", "b")]
    decisions = [
        "POSSIBLE_LINK" if {one, two} == {"population", "employee_medical"} else decision
        for one, two, decision in zip(*names, table["decision"].to_pylist(), strict=True)
    ]
    place = table.schema.get_field_index("decision")
    pq.write_table(table.set_column(place, "decision", pa.array(decisions).dictionary_encode()), path)


def _reviewer(city: City) -> None:
    new = ["keys", "new", "--role", "reviewer", "--party", "auditor", "--out", "auditor.identity"]
    city.run(*new, env={"SECURE_MATCH_PASSPHRASE": PASSPHRASE})
    opening = [*AGREED, *at_desk("bureau")[:4]]
    city.run("review", "verify", "sent/population.smp", "run/findings-police.smf", "request.smq", "answer.sma", *AGREED)
    city.run("review", "inspect", "sent/population.smp", *opening, json=False)
    city.run("review", "inspect", "sent/population.smp", *opening, json=True)
    city.run("review", "diff", "sent/population.smp", "sent/population.smp", *opening)
    city.run("review", "disclose", "agreement.toml", "--out", "flow.md")
    city.run("review", "sbom", "--out", "sbom.json", json=False)
    city.run("review", "log", "verify", "police.log", *AGREED)
    city.run("review", "log", "show", "police.log", json=False)
    city.run("review", "log", "cross-check", "police.log", "hrss.log", "bureau.log", *AGREED)


def _second_operator(city: City, identities: dict[str, Identity]) -> None:
    """The students under an agreement that asks for two; its files are below a folder of their own."""
    folder = city.root / "second"
    folder.mkdir()
    lay_out_keyed(folder, second_operator="education")
    inner = City(city._commands, folder, city.watched)
    inner.encode("students", "--out", "sent/students.smp")
    held = ["sent/students.smp.held", "agreement.toml"]
    second = ["--identity", "second.identity", *at_desk("education")[2:4], "--operator", "li"]
    inner.run("department", "approve", *held, *second)
    inner.run("department", "release", *held, *at_desk("education"), "--out", "sent/students.smp")
    city.outputs.extend(inner.outputs)
    for dataset in EXPORTS:
        (folder / f"{dataset}.csv").unlink()


def _refusals(city: City) -> None:
    root = city.root
    data = (root / "population.csv").read_bytes()
    (root / "broken.csv").write_bytes(data[:300] + b'"\xff\xff' + data[300:])
    words = ["department", "encode", "agreement.toml", "population", "broken.csv", "--key", "police.key"]
    never = ["--out", "never.smp"]
    city.run(*words, *at_desk("police"), *never, status=2)
    city.encode("population", *never, key="hrss.key", status=2)
    city.encode("population", *never, agreement="second/agreement.toml", status=2)
    words[4] = "population.csv"
    city.run(*words, *at_desk("hrss"), *never, status=2)
    (root / "cut.smp").write_bytes((root / "sent" / "population.smp").read_bytes()[:-100])
    city.run("bureau", "link", "agreement.toml", "cut.smp", *at_desk("bureau"), "--out", "cut", status=2)
    city.run("review", "verify", "cut.smp", *AGREED, status=2)
    log = root / "education.log"
    log.write_bytes(log.read_bytes()[:-40])
    city.run("review", "log", "verify", "education.log", *AGREED, status=2)
    city.encode("students", "--out", "sent/students.smp")


def _secrets(root: Path, identities: dict[str, Identity], unlock: bytes) -> dict[str, bytes]:
    found = {"unlock key": unlock, "passphrase": PASSPHRASE.encode()}
    for party, identity in identities.items():
        whole = b"".join(reveal_seeds(identity))
        found |= {f"{party} seed {at}": whole[at : at + 32] for at in range(0, len(whole), 32)}
        if party != "bureau":
            key = read_key(root / f"{party}.key", identity=identity)
            found |= {f"{party} {part} secret": reveal(key, part) for part in ("encoding", "handle")}
            found[f"{party} share"] = demo_bytes(SEED, f"share {party}", 32)
    return found


def _contents(root: Path, identities: dict[str, Identity], target: Path) -> None:
    agreement = read_agreement(root / "agreement.toml")
    for path in [*root.glob("sent/*.smp"), *root.glob("run/*.smf"), root / "request.smq", root / "answer.sma"]:
        open_package_to(path, agreement, identities[read_sealed(path).manifest.recipient], target / path.name)


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    return Searcher(marks())


def test_only_the_departments_own_files_hold_marks(walk: Walk, searcher: Searcher) -> None:
    assert set(searcher.in_folder(walk.city.root)) == RAW


def test_what_was_sealed_holds_no_mark_and_no_key(walk: Walk, searcher: Searcher) -> None:
    opened = sorted(walk.contents.iterdir())
    assert {path.suffix for path in opened} == {".smp", ".smf", ".smq", ".sma"}
    assert len(opened) >= len(EXPORTS) + 3
    assert searcher.in_folder(walk.contents) == {}
    assert [path.name for path in opened if hits(path.read_bytes(), walk.secrets)] == []


def test_no_file_holds_key_material(walk: Walk) -> None:
    files = [path for folder in (walk.city.root, walk.city.watched) for path in folder.rglob("*") if path.is_file()]
    found = {path.name: hits(path.read_bytes(), walk.secrets) for path in files}
    assert {name: names for name, names in found.items() if names} == {"unlock.bin": {"unlock key"}}
    names = {path.name for path in files}
    assert {"police.key", "police.identity", "police.smk", "police.log", "students.smp.held", "flow.md"} <= names
    assert any("set-aside" in name or "torn" in name for name in names)


def test_commands_say_no_mark_and_no_key(walk: Walk, searcher: Searcher) -> None:
    said = [done.out + done.err for done in walk.city.outputs]
    assert len(said) > 35
    assert [found for data in said for found in searcher.in_bytes(data)] == []
    assert [found for data in said for found in hits(data, walk.secrets)] == []
    assert not any(b"Traceback" in data for data in said)


def test_no_temporary_file_and_no_cache_holds_a_mark(walk: Walk, searcher: Searcher) -> None:
    assert list((walk.city.watched / "tmp").iterdir()) == []
    assert searcher.in_folder(walk.city.watched) == {}
    assert not (walk.city.root / "never.smp").exists()


def test_the_search_finds_a_planted_key(walk: Walk, tmp_path: Path) -> None:
    shutil.copy(walk.contents / "students.smp", tmp_path)
    data = (tmp_path / "students.smp").read_bytes()
    for name, patterns in walk.secrets.items():
        assert all(name in hits(data[:500] + pattern + data[500:], walk.secrets) for pattern in patterns)
