"""The whole road from end to end for growing cities: exports on disk to findings on disk, and every stage.

Each size is one run of ``secure-match demo`` in a process of its own. Time and memory are those that its summary
states; the fitted exponent says how they grow. There is no peer: no other tool does this.

Example:
    python benchmarks/city_growth.py --people 10000 100000 1600000 --svg growth.svg
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _common import machine
from _svg import Panel, plot

STAGES = ("generate", "encode", "link", "resolve", "measure")
_DEMO = "from secure_match.cli import main; main()"


def run_demo(people: int, seed: int) -> dict[str, Any]:
    """The summary of one demo, with ``exports_to_findings``: the seconds of encoding and linking together."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["demo", "--people", str(people), "--seed", str(seed), "--out", folder, "--json"]
        done = subprocess.run([sys.executable, "-c", _DEMO, *words], check=True, capture_output=True, text=True)
    summary: dict[str, Any] = json.loads(done.stdout)
    summary["exports_to_findings"] = summary["stages"]["encode"] + summary["stages"]["link"]
    return summary


def tell(summary: dict[str, Any]) -> None:
    """One size in a few lines."""
    stages = ", ".join(f"{name} {summary['stages'][name]:.1f}" for name in STAGES)
    found = ", ".join(
        f"{kind} precision {summary[kind]['precision']:.4f} recall {summary[kind]['recall']:.4f}"
        for kind in ("duplicates", "missing")
    )
    print(
        f"{summary['people']:,} people, {summary['records']:,} records: exports to findings "
        f"{summary['exports_to_findings']:.1f} s, of which linking {summary['stages']['link']:.1f} s; "
        f"peak memory {summary['peak_bytes'] / 2**30:.2f} GiB"
    )
    print(f"  seconds by stage: {stages}")
    print(f"  {found}; raw identifier hits {summary['raw_identifier_hits']}", flush=True)


def exponent(summaries: list[dict[str, Any]], values: list[float]) -> float:
    """The slope of a line through the logarithms."""
    records = [math.log(item["records"]) for item in summaries]
    return float(np.polyfit(records, np.log(values), 1)[0])


def drawn(summaries: list[dict[str, Any]]) -> str:
    """Time of the stages and memory over records, as SVG."""
    records = [float(item["records"]) for item in summaries]
    lines = {
        name: [(at, float(item["stages"][name])) for at, item in zip(records, summaries, strict=True)]
        for name in ("encode", "link")
    }
    memory = [(at, item["peak_bytes"] / 2**30) for at, item in zip(records, summaries, strict=True)]
    return plot(
        [
            Panel(title="Time", x_label="records", y_label="seconds", lines=lines),
            Panel(title="Peak memory", x_label="records", y_label="GiB", lines={"whole process": memory}),
        ]
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Time and peak memory of the whole road for growing cities, with fitted exponents.",
        epilog="example: python benchmarks/city_growth.py --people 10000 100000 1600000 --svg growth.svg",
    )
    parser.add_argument("--people", type=int, nargs="+", default=[10_000, 50_000], help="default: 10000 50000")
    parser.add_argument("--seed", type=int, default=7, help="default: 7")
    parser.add_argument("--svg", type=Path, help="where to put the plot")
    options = parser.parse_args(arguments)
    print(machine())
    summaries = []
    for people in sorted(options.people):
        summaries.append(run_demo(people, options.seed))
        tell(summaries[-1])
    if len(summaries) > 1:
        time = exponent(summaries, [item["exports_to_findings"] for item in summaries])
        memory = exponent(summaries, [float(item["peak_bytes"]) for item in summaries])
        print(f"exports to findings grow as records^{time:.2f}, peak memory as records^{memory:.2f}")
    if options.svg is not None:
        options.svg.write_text(drawn(summaries), encoding="utf-8")
        print(f"wrote {options.svg}")


if __name__ == "__main__":
    main()
