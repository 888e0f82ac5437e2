"""Quality of linking in one table: ours from encodings alone, clkhash + anonlink, and Splink on the plaintext.

Our line uses no labels: it is linked under an agreement of ``agreements/``, and its threshold is the calibrated one.
The peers are read at the threshold with the best F1, which takes the labels. Precision, recall and F1 are of pairs of
rows; for a city, of all pairs of usable rows of one person, within and across files. "best F1" is the F1 at the best
threshold, for ours, too. A city is given as NAME or NAME/SEED; without a seed it stands once for each of --seeds.

Example:
    python benchmarks/quality/table.py --sets febrl4_open febrl4_open_no_id --methods ours anonlink splink
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

from _causes import causes
from _city_sets import CITY_SETS, city_set
from _common import machine
from _environment import peer_python
from _lines import Line, document, markdown
from _methods import METHODS, Options
from _sets import FEBRL_SETS, LinkageSet, febrl_set

SHOWN_CAUSES = 12


def main(arguments: list[str] | None = None) -> None:
    options = parse(arguments)
    needs_peer = "splink" in options.methods
    chosen = Options(
        peer_python=peer_python(options.peer_python) if needs_peer else None, largest_peer=options.largest_peer
    )
    lines: list[Line] = []
    reasons: dict[str, dict[str, int]] = {}
    for name in set_names(options.sets, options.seeds):
        problem = problem_of(name, options.people)
        of_set = [line for method in options.methods for line in METHODS[method](problem, chosen)]
        for line in of_set:
            print(f"{name}, {line.method}: F1 {line.counted.f1:.4f} in {line.seconds:.1f} s", file=sys.stderr)
        reasons |= {f"{name}: {key}": value for key, value in where_peers_win(problem, of_set).items()}
        lines += of_set
    result = {"machine": machine(), "lines": [document(line) for line in lines], "missed": reasons}
    print(json.dumps(result, indent=1) if options.json else told(lines, reasons))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Quality of linking: ours from encodings, clkhash + anonlink, Splink on plaintext; one table.",
        epilog="example: python benchmarks/quality/table.py --sets febrl4_open febrl3 --methods ours anonlink splink",
    )
    parser.add_argument(
        "--sets",
        nargs="+",
        default=[*FEBRL_SETS, *CITY_SETS],
        metavar="SET",
        help=f"{', '.join((*FEBRL_SETS, *CITY_SETS))} (default: all); a city may be given as NAME/SEED",
    )
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), help="default: all")
    parser.add_argument("--people", type=int, default=20_000, help="people of each city (default: 20000)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[101], help="seeds of the cities (default: 101)")
    parser.add_argument(
        "--largest-peer",
        type=int,
        default=100_000,
        help="rows above which a city is too large to be compared exhaustively by anonlink (default: 100000)",
    )
    parser.add_argument("--peer-python", type=Path, help="interpreter with Splink (default: set up at the first run)")
    parser.add_argument("--json", action="store_true", help="print the table for machines")
    return parser.parse_args(arguments)


def set_names(names: list[str], seeds: list[int]) -> list[str]:
    """The sets in the order given, cities with their seeds."""
    known = {*FEBRL_SETS, *CITY_SETS}
    unknown = [name for name in names if name.partition("/")[0] not in known]
    if unknown:
        raise SystemExit(f"no such set: {', '.join(unknown)}; there are {', '.join((*FEBRL_SETS, *CITY_SETS))}")
    return [full for name in names for full in ([f"{name}/{seed}" for seed in seeds] if name in CITY_SETS else [name])]


def problem_of(name: str, people: int) -> LinkageSet:
    base, _, seed = name.partition("/")
    return febrl_set(name) if base in FEBRL_SETS else city_set(base, people=people, seed=int(seed))


def where_peers_win(problem: LinkageSet, lines: list[Line]) -> dict[str, dict[str, int]]:
    """Causes of the true pairs that a peer finds and we do not, by peer."""
    ours = [line for line in lines if line.method == "ours"]
    if not ours:
        return {}
    missed = {line.method: set(line.found - ours[0].found) for line in lines if line.method != "ours"}
    return {method: causes(problem, pairs) for method, pairs in missed.items() if pairs}


def told(lines: list[Line], reasons: dict[str, dict[str, int]]) -> str:
    parts = [machine(), "", markdown(lines)]
    parts += [f"\n{line.set_name}, {line.method}: {_flat(line.extra)}" for line in lines if line.extra]
    for key, counts in reasons.items():
        parts.append(f"\n{key} finds {sum(counts.values())} true pairs that ours misses; columns that differ:")
        parts += [f"  {count:6}  {name}" for name, count in list(counts.items())[:SHOWN_CAUSES]]
    return "\n".join(parts)


def _flat(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


if __name__ == "__main__":
    main()
