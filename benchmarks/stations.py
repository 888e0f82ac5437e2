"""The whole demo by station: ID tokens by a key holder (``oprf``) beside a keyed hash (``hmac``), in turn.

Every run is ``secure-match demo`` in a process of its own; the seconds are those of its summary. Tokens: blind,
evaluate, prove, verify and finalise of all departments' distinct numbers, one department after another on one machine.
The next month asks for new numbers only, which ``benchmarks/blind_tokens.py`` measures.

Example:
    python benchmarks/stations.py --people 20000 --repeats 3
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _common import machine

PROTOCOLS = ("oprf", "hmac")
_CALL = "from secure_match.cli import main; main()"


def run(protocol: str, people: int, seed: int, folder: Path) -> dict[str, Any]:
    """The summary of one demo."""
    words = ["demo", "--people", str(people), "--seed", str(seed), "--id-tokens", protocol, "--json"]
    command = [sys.executable, "-c", _CALL, *words, "--out", str(folder / protocol)]
    done = subprocess.run(command, capture_output=True, check=True)
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="example: python benchmarks/stations.py --people 20000 --repeats 3",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--people", type=int, default=100_000, help="people of the city (default: 100000)")
    parser.add_argument("--seed", type=int, default=7, help="seed of the city (default: 7)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each protocol (default: 3)")
    options = parser.parse_args(arguments)
    print(machine())
    found: dict[str, list[dict[str, Any]]] = {protocol: [] for protocol in PROTOCOLS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.repeats):
            for protocol in PROTOCOLS:
                found[protocol].append(run(protocol, options.people, options.seed, Path(folder)))
    first = found["oprf"][0]
    print(f"{options.people:,} people, {first['records']:,} records; median of {options.repeats} runs in turn, seconds")
    print("station           oprf      hmac   oprf / hmac")
    for stage in first["stages"]:
        one, two = (statistics.median(item["stages"][stage] for item in found[protocol]) for protocol in PROTOCOLS)
        ratio = f"{one / two:10.2f}" if two >= 0.01 else "         -"
        print(f"{stage:<12} {one:9.2f} {two:9.2f}   {ratio}")
    for kind in ("duplicates", "missing"):
        scores = {
            tuple(item[kind][name] for name in ("precision", "recall")) for runs in found.values() for item in runs
        }
        print(f"{kind}: precision and recall {', '.join(map(str, sorted(scores)))}")


if __name__ == "__main__":
    main()
