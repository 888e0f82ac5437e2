"""The measure of wrongly merged twins counts what it says, on a result written by hand."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from secure_match.linkage import Decision, TokenState

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "quality" / "twins.py"
PERSON = np.array([0, 0, 1, 2, 3, 4, 5, 6])
"""Twins are (0, 1), (2, 3), (4, 5) and (6, 7); person 7 has no row."""
PAIRS = [
    (0, 2, TokenState.UNKNOWN, Decision.LINK, 0.9),
    (0, 1, TokenState.EQUAL, Decision.LINK, math.nan),
    (3, 4, TokenState.DIFFERENT, Decision.POSSIBLE_LINK, 0.8),
    (5, 7, TokenState.DIFFERENT, Decision.LINK, 0.99),
]


@pytest.fixture
def twins(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [*sys.path])
    spec = importlib.util.spec_from_file_location("twins_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def result(labels: list[int]) -> Any:
    columns = list(zip(*PAIRS, strict=True))
    return SimpleNamespace(
        labels=np.array(labels),
        row_i=np.array(columns[0]),
        row_j=np.array(columns[1]),
        token_state=np.array(columns[2]),
        decision=np.array(columns[3]),
        similarity={"birth": np.array(columns[4])},
        refused=np.zeros(len(PAIRS), dtype=bool),
    )


def city() -> Any:
    pairs = pa.table({"elder": [0, 2, 4, 6], "twin": [1, 3, 5, 7]})
    return SimpleNamespace(truth=SimpleNamespace(twins=pairs))


def test_twins_in_one_cluster_are_counted_with_what_joined_them(twins: ModuleType) -> None:
    outcome = twins.look_at_twins(city(), result([0, 0, 0, 3, 4, 5, 5, 7]), PERSON)
    assert (outcome.pairs, outcome.merged, outcome.possible) == (3, 2, 1)
    assert outcome.causes == {"token missing, birth": 1, "through others": 1}
    assert outcome.document()["per_1000"] == pytest.approx(2000 / 3)


def test_twins_apart(twins: ModuleType) -> None:
    outcome = twins.look_at_twins(city(), result([0, 0, 2, 3, 4, 5, 6, 7]), PERSON)
    assert (outcome.pairs, outcome.merged, outcome.possible) == (3, 0, 1)


def test_the_upper_end_of_the_interval(twins: ModuleType) -> None:
    """Wilson's interval for no hit ends at z^2 / (n + z^2)."""
    square = 1.959964**2
    assert twins.upper_share(0, 1000) == pytest.approx(square / (1000 + square))
    assert twins.upper_share(5, 10) == pytest.approx(0.5 + 0.5 * math.sqrt(square / (10 + square)))
