"""Every benchmark can be started: what it imports is there, and it says how it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCRIPTS = sorted(
    path for path in BENCHMARKS.rglob("[!_.]*.py") if not path.relative_to(BENCHMARKS).parts[0].startswith(".")
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_help(script: Path) -> None:
    done = subprocess.run([sys.executable, str(script), "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
    assert "example:" in done.stdout.lower()


def test_make_bench_runs_every_benchmark() -> None:
    makefile = (BENCHMARKS.parent / "Makefile").read_text(encoding="utf-8")
    assert [path.name for path in SCRIPTS if f"benchmarks/{path.relative_to(BENCHMARKS)}" not in makefile] == []
