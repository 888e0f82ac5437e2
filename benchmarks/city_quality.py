"""Quality of the demo's findings over several cities that nobody looked at before: one line per seed, and the worst.

Each city goes through ``secure-match demo`` in a process of its own, as a user would run it.

Example:
    python benchmarks/city_quality.py --people 20000 --seeds 1 2 3
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from _common import machine

COLUMNS = ("precision", "recall", "false_positive", "false_negative")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Precision and recall of duplicates and missing people on synthetic cities.",
        epilog="example: python benchmarks/city_quality.py --people 20000 --seeds 1 2 3",
    )
    parser.add_argument("--people", type=int, default=20_000, help="people of each city (default: 20000)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103], help="seeds (default: 101 102 103)")
    options = parser.parse_args(arguments)
    print(machine())
    print("seed      seconds  kind        expected  precision  recall    false+  false-  raw identifier hits")
    worst = dict.fromkeys(COLUMNS[:2], 1.0)
    for seed in options.seeds:
        summary = run_demo(options.people, seed)
        for kind in ("duplicates", "missing"):
            score = summary[kind]
            worst = {name: min(value, score[name]) for name, value in worst.items()}
            print(
                f"{seed:<8}  {summary['seconds']:7.1f}  {kind:<10}  {score['expected']:8}  {score['precision']:.4f}"
                f"     {score['recall']:.4f}    {score['false_positive']:6}  {score['false_negative']:6}"
                f"  {summary['raw_identifier_hits']:6}"
            )
    print(f"worst precision {worst['precision']:.4f}, worst recall {worst['recall']:.4f}")


def run_demo(people: int, seed: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as directory:
        command = [Path(sys.executable).with_name("secure-match"), "demo", "--people", str(people)]
        command += ["--seed", str(seed), "--out", directory, "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


if __name__ == "__main__":
    main()
