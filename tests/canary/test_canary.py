"""Marked people through every command: the marks stay in the department's own files and are nowhere else."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
import pytest

from canary.searcher import Searcher
from integration.people import EXPORTS, OWNERS, marks
from integration.road import Done, Road, lay_out, python, secret, secure_match, snapshot

KEY_MARKS: Final = {secret(name).hex(): f"secret of {name}" for name in ("all", *set(OWNERS.values()))} | {
    secret(name).decode(): f"secret of {name}" for name in ("all", *set(OWNERS.values()))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Every command with marked people, and the folders that a program writes to without being told."""

    road: Road
    worklists: Path
    watched: Path
    outputs: tuple[Done, ...]

    @property
    def env(self) -> dict[str, str]:
        return watch(self.watched)


def watch(folder: Path) -> dict[str, str]:
    """An environment whose temporary, home and cache folders are below one folder."""
    names = {"TMPDIR": "tmp", "HOME": "home", "XDG_CACHE_HOME": "home/.cache", "NUMBA_CACHE_DIR": "numba"}
    for name in names.values():
        (folder / name).mkdir(parents=True, exist_ok=True)
    return {variable: str(folder / name) for variable, name in names.items()}


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    return Searcher(marks() | KEY_MARKS)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """Encode, link and resolve all datasets; every second command answers machines."""
    base = tmp_path_factory.mktemp("canary")
    road = lay_out(_made(base / "city"))
    (road.root / "sent").mkdir()
    worklists, watched = _made(base / "worklists"), _made(base / "watched")
    env = watch(watched)
    outputs = []

    def run(*words: str | Path) -> None:
        more = ["--json"] if len(outputs) % 2 else []
        done = secure_match(*words, *more, cwd=road.root, env=env)
        assert done.status == 0, done.error
        outputs.append(done)

    run("agreement", "check", "agreement.toml")
    run("agreement", "check", "agreement.toml")
    for dataset, party in OWNERS.items():
        keyed = ["--key", f"{party}.key", "--out", f"sent/{dataset}.smp"]
        run("department", "encode", "agreement.toml", dataset, f"{dataset}.csv", *keyed)
    for _ in range(2):
        run("bureau", "link", "agreement.toml", *road.packages, "--out", "run")
    for dataset, ending in (("population", "csv"), ("employee_medical", "xlsx"), ("resident_pension", "csv")):
        party = OWNERS[dataset]
        out = worklists / f"{dataset}.{ending}"
        keyed = ["--key", f"{party}.key", "--out", out, "--dataset", dataset]
        run("department", "resolve", road.findings(party), f"{dataset}.csv", *keyed)
    truth = _made(base / "truth") / "truth.csv"
    write_truth(road, truth)
    for _ in range(2):
        run("evaluate", "run/links.parquet", truth, "--out", "evaluation")
    return Walk(road=road, worklists=worklists, watched=watched, outputs=tuple(outputs))


def write_truth(road: Road, path: Path) -> None:
    """A truth whose persons are called by what marks them, as somebody may who does not know better."""
    table = pq.read_table(road.run / "links.parquet")
    rows = {(row[f"dataset_{side}"], row[f"handle_{side}"].hex()) for row in table.to_pylist() for side in "ab"}
    names = sorted(mark for mark in marks() if not set(mark) & set(',"\r\n'))
    lines = [f"{dataset},{handle},{names[place % len(names)]}" for place, (dataset, handle) in enumerate(sorted(rows))]
    path.write_text("\n".join(["dataset,handle,person", *lines]), encoding="utf-8")


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def test_only_the_departments_own_files_hold_marks(walk: Walk, searcher: Searcher) -> None:
    own = {f"{dataset}.csv" for dataset in EXPORTS} | {f"{party}.key" for party in set(OWNERS.values())}
    assert set(searcher.in_folder(walk.road.root)) == own


def test_every_package_finding_and_link_was_searched(walk: Walk, searcher: Searcher) -> None:
    """The search above is worth something only if the files are there and can be found in."""
    files = set(snapshot(walk.road.root))
    assert {f"sent/{dataset}.smp" for dataset in EXPORTS} <= files
    assert {"run/links.parquet", "run/summary.json", "run/findings-police.smf"} <= files
    assert "sent/population.smp.quarantine.csv" in files
    assert {"evaluation/evaluation.json", "evaluation/evaluation.html", "evaluation/histogram.svg"} <= files
    assert searcher.in_file(walk.road.root.parent / "truth" / "truth.csv") != []
    kinds = {hit.split(" as ")[0] for hit in searcher.in_file(walk.road.export("population"))}
    assert {"id_number", "name", "phone", "address", "row_key", "birth_date"} <= kinds


def test_commands_say_no_mark(walk: Walk, searcher: Searcher) -> None:
    assert len(walk.outputs) == 15
    assert [hit for done in walk.outputs for hit in searcher.in_bytes(done.out)] == []
    assert [done.err for done in walk.outputs if done.err] == []


def test_worklists_hold_marks_and_stay_in_the_department(walk: Walk, searcher: Searcher) -> None:
    found = searcher.in_folder(walk.worklists)
    assert set(found) == {"population.csv", "employee_medical.xlsx", "resident_pension.csv"}


def test_worklists_hold_no_other_departments_people(walk: Walk) -> None:
    """A worklist names another dataset's title and months, and no value that only the other department holds."""
    foreign = {row[0]: "row_key" for dataset in EXPORTS for row in EXPORTS[dataset][1:] if row[0]}
    for dataset in ("population", "employee_medical", "resident_pension"):
        others = {key: kind for key, kind in foreign.items() if f"rowmark-{dataset}-" not in key}
        (file,) = walk.worklists.glob(f"{dataset}.*")
        assert Searcher(others).in_file(file) == []


def test_no_temporary_file_and_no_cache_holds_a_mark(walk: Walk, searcher: Searcher) -> None:
    assert list((walk.watched / "tmp").iterdir()) == []
    assert searcher.in_folder(walk.watched) == {}


def test_the_watched_folders_are_the_ones_in_use(walk: Walk, tmp_path: Path) -> None:
    code = "import tempfile, pathlib; tempfile.mkstemp(); (pathlib.Path.home() / 'x').touch()"
    env = watch(tmp_path)
    assert python(code, cwd=tmp_path, env=env).status == 0
    assert len(list((tmp_path / "tmp").iterdir())) == 1
    assert (tmp_path / "home" / "x").exists()


def test_a_planted_mark_is_found(walk: Walk, searcher: Searcher, tmp_path: Path) -> None:
    """The same search over the same files, with one value put into one byte range of one package."""
    shutil.copytree(walk.road.root / "sent", tmp_path / "sent")
    assert searcher.in_folder(tmp_path) == {}
    package = tmp_path / "sent" / "students.smp"
    data = bytearray(package.read_bytes())
    mark = EXPORTS["students"][1][2].encode("utf-16-le")
    data[500 : 500 + len(mark)] = mark
    package.write_bytes(bytes(data))
    assert searcher.in_folder(tmp_path) == {"sent/students.smp": searcher.in_bytes(mark)}


# ---------------------------------------------------------------- defects

# A function inside fails with an error that carries the very rows it was given, as libraries' errors do.
_DEFECT: Final = """
import importlib, sys
module = importlib.import_module(sys.argv[1])
path = sys.argv[2].split(".")
del sys.argv[1:3]
owner = module
for name in path[:-1]:
    owner = getattr(owner, name)
original = getattr(owner, path[-1])

def texts(values):
    for value in values:
        if hasattr(value, "to_pylist"):
            yield repr(value.to_pylist())
        elif isinstance(value, dict):
            yield from texts(value.values())
        else:
            yield repr(value)

def defective(*values, **named):
    text = " ".join(texts([*values, *named.values()]))
    try:
        raise KeyError(text)
    except KeyError as first:
        first.add_note(text)
        raise type("Defect", (ValueError,), {})(text, original) from first

setattr(owner, path[-1], defective)
from secure_match.cli import main
main()
"""
DEFECTS: Final = {
    "normalising": ("secure_match.department.dataset_encoder", "normalise_fields"),
    "cleaning": ("secure_match.department.normalise._texts", "clean_text"),
    "handles": ("secure_match.department.handles", "HandleMaker.make"),
    "tokens": ("secure_match.department.tokens", "id_tokens"),
    "passes": ("secure_match.department.dataset_encoder", "encode_passes"),
    "codes": ("secure_match.department.dataset_encoder", "encode_column"),
    "reading": ("secure_match.department.readers._csv", "_batch"),
    "the release gate": ("secure_match.department.dataset_encoder", "verify_release"),
}
RESOLVE_DEFECTS: Final = {
    "handles again": ("secure_match.department.handles", "HandleMaker.make"),
    "the worklist": ("secure_match.department.resolve", "_worklist_table"),
    "a cell": ("secure_match.department.files", "_safe_cell"),
}


def check_defect(done: Done, here: Path, watched: Path, searcher: Searcher) -> None:
    assert done.status == 1
    assert done.out == b""
    lines = done.error.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: INTERNAL: Defect at ")
    assert searcher.in_bytes(done.err) == []
    assert snapshot(here) == {}
    assert list((watched / "tmp").iterdir()) == []
    assert searcher.in_folder(watched) == {}


@pytest.mark.parametrize("name", DEFECTS)
def test_defect_while_encoding_tells_nothing(name: str, road: Road, searcher: Searcher, tmp_path: Path) -> None:
    here, watched = _made(tmp_path / "here"), _made(tmp_path / "watched")
    words = ["department", "encode", road.agreement, "population", road.export("population")]
    words += ["--key", road.key("police"), "--out", "out.smp"]
    done = python(_DEFECT, *DEFECTS[name], *words, cwd=here, env=watch_quickly(watched))
    check_defect(done, here, watched, searcher)


@pytest.mark.parametrize("name", RESOLVE_DEFECTS)
def test_defect_while_resolving_tells_nothing(name: str, road: Road, searcher: Searcher, tmp_path: Path) -> None:
    here, watched = _made(tmp_path / "here"), _made(tmp_path / "watched")
    words = ["department", "resolve", road.findings("police"), road.export("population")]
    words += ["--key", road.key("police"), "--out", "out.csv"]
    done = python(_DEFECT, *RESOLVE_DEFECTS[name], *words, cwd=here, env=watch_quickly(watched))
    check_defect(done, here, watched, searcher)


def test_defect_says_where_in_this_package(road: Road, tmp_path: Path) -> None:
    """A line that is reported has to help: a place inside the package, not inside a library."""
    words = ["department", "encode", road.agreement, "population", road.export("population")]
    words += ["--key", road.key("police"), "--out", "out.smp"]
    code = "import json\nimport pyarrow.compute as pc\npc.utf8_normalize = lambda *a, **k: json.loads('{')\n"
    code += "from secure_match.cli import main\nmain()"
    done = python(code, *words, cwd=tmp_path)
    assert done.status == 1
    assert re.match(r"error: INTERNAL: JSONDecodeError at /department/[a-z_/]+\.py:\d+; please report", done.error)


def watch_quickly(folder: Path) -> dict[str, str]:
    """Like ``watch``, but compiled kernels come from where the others left them."""
    env = watch(folder)
    del env["NUMBA_CACHE_DIR"]
    return env | {name: os.environ[name] for name in ("NUMBA_CACHE_DIR",) if name in os.environ}
