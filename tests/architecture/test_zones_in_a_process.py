"""What a running process has loaded: a role's command loads that role's code and no other's."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from integration.road import Road, python, snapshot

_AFTER_COMMAND: Final = """
import sys
from secure_match.cli import main
try:
    main()
except SystemExit as done:
    status = done.code
print()
print("loaded:", *sorted(name for name in sys.modules if name.startswith("secure_match")))
sys.exit(status)
"""
_AFTER_IMPORTS: Final = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print("loaded:", *sorted(name for name in sys.modules if name.startswith("secure_match")))
"""
RAW: Final = ("secure_match.department", "secure_match.keyholder", "secure_match.synthetic")


def loaded(code: str, *words: str | Path, cwd: Path, status: int = 0) -> set[str]:
    done = python(code, *words, cwd=cwd)
    assert done.status == status, done.error
    label, *names = done.lines[-1].split()
    assert label == "loaded:"
    return set(names)


def of_zone(names: set[str], *zones: str) -> set[str]:
    return {name for name in names for zone in zones if name == zone or name.startswith(f"{zone}.")}


def test_bureau_and_review_load_no_raw_zone(tmp_path: Path) -> None:
    wanted = ["secure_match.bureau", "secure_match.review", "secure_match.cli._bureau", "secure_match.cli._reviewer"]
    names = loaded(_AFTER_IMPORTS, *wanted, cwd=tmp_path)
    assert set(wanted) <= names
    assert of_zone(names, *RAW) == set()


def test_bureau_link_loads_no_raw_zone(road: Road, tmp_path: Path) -> None:
    words = ["bureau", "link", road.agreement, *road.packages, "--out", tmp_path / "run"]
    names = loaded(_AFTER_COMMAND, *words, cwd=tmp_path)
    assert of_zone(names, "secure_match.bureau", "secure_match.linkage") != set()
    assert of_zone(names, *RAW) == set()
    commands = {name for name in names if name.startswith("secure_match.cli._")}
    review = ("_review", "_review_looks", "_review_options", "_review_text")
    assert commands == {
        f"secure_match.cli.{name}"
        for name in ("_main", "_bureau", "_bureau_passes", "_desk", "_memory", "_output", "_unlock", *review)
    }


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "sent/population.smp", "--agreement", "agreement.toml"],
        ["inspect", "sent/population.smp"],
        ["disclose", "agreement.toml"],
    ],
    ids=lambda words: words[0],
)
def test_review_loads_no_other_role_and_writes_nothing(words: list[str], road: Road) -> None:
    before = snapshot(road.root)
    names = loaded(_AFTER_COMMAND, "review", *words, cwd=road.root)
    assert of_zone(names, "secure_match.review") != set()
    assert of_zone(names, *RAW, "secure_match.bureau", "secure_match.registry", "secure_match.compat") == set()
    assert snapshot(road.root) == before


def test_evaluate_loads_no_role(road: Road, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("dataset,handle,person\n", encoding="utf-8")
    words = ["evaluate", road.run / "links.parquet", truth]
    names = loaded(_AFTER_COMMAND, *words, cwd=tmp_path, status=2)
    assert of_zone(names, "secure_match.linkage.quality") != set()
    assert of_zone(names, *RAW, "secure_match.bureau", "secure_match.compat", "secure_match.registry") == set()


def test_department_encode_loads_no_bureau(road: Road, tmp_path: Path) -> None:
    words = ["department", "encode", road.agreement, "students", road.export("students")]
    words += ["--key", road.key("education"), "--out", tmp_path / "students.smp"]
    names = loaded(_AFTER_COMMAND, *words, cwd=tmp_path)
    assert of_zone(names, "secure_match.department") != set()
    others = ("bureau", "keyholder", "review", "synthetic", "registry")
    assert of_zone(names, *(f"secure_match.{zone}" for zone in others)) == set()


@pytest.mark.parametrize("words", [["agreement", "check"]])
def test_checking_an_agreement_loads_no_role(words: list[str], road: Road, tmp_path: Path) -> None:
    names = loaded(_AFTER_COMMAND, *words, road.agreement, cwd=tmp_path)
    assert of_zone(names, *RAW, "secure_match.bureau") == set()


def test_the_package_itself_loads_nothing(tmp_path: Path) -> None:
    assert loaded(_AFTER_IMPORTS, "secure_match", cwd=tmp_path) == {"secure_match"}
