"""The FEBRL4 example reaches the precision and recall that it promises."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "febrl4.py"


def load_example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("febrl4_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_precision_and_recall(capsys: pytest.CaptureFixture[str]) -> None:
    best = load_example().main(["--json"])
    assert best["precision"] >= 0.998
    assert best["recall"] >= 0.998
    assert json.loads(capsys.readouterr().out) == best
