"""Clusters of five made-up sources with known persons: connected components, anonlink's greedy solver, and ours.

All get the same noisy evidence on pairs, which is drawn from a distribution and not encoded from people. Rows with a
slip meet fewer of their own and look less alike; twins are proposed to each other and told apart by their numbers
alone; strangers are proposed by chance, so that some links are bridges. Connected components and anonlink see links
only, and get the threshold that is best by the truth, which ours does without. anonlink is given all pairs of equal
numbers, because it joins only what was compared; ours gets them as the bureau stores them, each with the first row.

In the second part sources hold persons twice, all but the first, which anonlink's solver has no word for; it is left
out there.

Example:
    python benchmarks/quality/clusters.py --people 50000 --repeats 5
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from anonlink.solving import greedy_solve, probabilistic_greedy_solve

from _common import describe, describe_ratio, in_turn, machine, seconds

from secure_match.kernels import SignedLimits, signed_clusters
from secure_match.linkage import cluster

SOURCES = 5
PRESENT, TWICE = 0.65, 0.04
SLIPS = (0.90, 0.08, 0.02)
NUMBERED, SUPERSEDED, TWINS = 0.8, 0.005, 0.02
CONFLICT_BITS = -9.0
ABSENT_BITS = (-0.5, -1.0, -2.0, -4.0)
THRESHOLDS = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Rows in the order of sources; pairs with their weight in bits, and which of them the bureau would store."""

    person: np.ndarray
    source: np.ndarray
    number: np.ndarray
    left: np.ndarray
    right: np.ndarray
    weight: np.ndarray
    stored: np.ndarray


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="F1 of pairs, B-cubed F1 and time of clusters from five sources, against anonlink's greedy solver.",
        epilog="example: python benchmarks/quality/clusters.py --people 50000 --repeats 5",
    )
    parser.add_argument("--people", type=int, default=50_000, help="persons (default: 50,000)")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs of each (default: 5)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the noise (default: 1)")
    options = parser.parse_args(arguments)
    print(machine())
    for twice in (False, True):
        sources = made_up(options.people, options.seed, twice=twice)
        kind = "sources with duplicates inside, but for the first" if twice else "every source holds a person once"
        print(
            f"\n{kind}: "
            f"{len(sources.person):,} rows of {options.people:,} persons, {len(sources.left):,} pairs, "
            f"{int((sources.weight > 0).sum()):,} of them links"
        )
        print("                              precision  recall   F1 of pairs  B-cubed F1  seconds")
        best("connected components", sources, components)
        if not twice:
            best("anonlink greedy", sources, partial(anonlink_labels, greedy_solve))
            best("anonlink probabilistic", sources, partial(anonlink_labels, probabilistic_greedy_solve))
        tell("ours, pairs alone", sources, *timed(partial(ours, sources, twice=twice)))
        tell("ours, numbers", sources, *timed(partial(ours, sources, twice=twice, conflict_weight=CONFLICT_BITS)))
        for absent in ABSENT_BITS:
            limits = {"conflict_weight": CONFLICT_BITS, "absent_weight": absent}
            tell(f"ours, numbers, absent {absent:g}", sources, *timed(partial(ours, sources, twice=twice, **limits)))
        if not twice:
            compare(sources, options.repeats)
    print("\nnoise, where nothing holds together: how far greedy merging and moves alone are from the best partition")
    for rows, constrained in ((6, False), (10, False), (10, True)):
        noise(rows, constrained=constrained)


def made_up(people: int, seed: int, *, twice: bool) -> Sources:
    rng = np.random.default_rng(seed)
    copies = (rng.random((SOURCES, people)) < PRESENT).astype(np.int64)
    if twice:
        copies[1:] += copies[1:] * (rng.random((SOURCES - 1, people)) < TWICE)
    source, person = (np.repeat(index.ravel(), copies.ravel()) for index in np.indices(copies.shape))
    slip = rng.choice(3, len(person), p=SLIPS)
    number = np.where(rng.random(len(person)) < NUMBERED, person, -1)
    superseded = (number >= 0) & (rng.random(len(person)) < SUPERSEDED)
    number[superseded] = people + np.arange(int(superseded.sum()))

    one, two = pairs_of_groups(person)
    slips = slip[one] + slip[two]
    listed = rng.random(len(one)) < 0.98 * 0.6**slips
    true = one, two, rng.normal(14.0, 3.0, len(one)) - 7.0 * slips, listed

    # Persons 2 i and 2 i + 1 are twins for the first i; what the rows of a family are to each other says the parity.
    family = np.where(person < TWINS * people, person // 2, people + np.arange(len(person)))
    one, two = pairs_of_groups(family)
    one, two = (side[person[one] != person[two]] for side in (one, two))
    twins = one, two, rng.normal(1.0, 4.0, len(one)), rng.random(len(one)) < 0.8

    one, two = rng.integers(0, len(person), (2, len(person) * 3 // 10))
    one, two = (side[person[one] != person[two]] for side in (np.minimum(one, two), np.maximum(one, two)))
    strangers = one, two, rng.normal(-6.0, 4.0, len(one)), np.ones(len(one), dtype=np.bool_)

    left, right, weight, listed = (np.concatenate(parts) for parts in zip(true, twins, strangers, strict=True))
    both = (number[left] >= 0) & (number[right] >= 0)
    equal = both & (number[left] == number[right])
    weight += np.where(equal, 18.0, np.where(both, CONFLICT_BITS, 0.0))
    first = np.full(number.max() + 1, -1)
    first[number[::-1]] = np.arange(len(number))[::-1]
    kept = (equal | listed) & (twice | (source[left] != source[right]))
    stored = (~equal | (first[number[left]] == left))[kept]
    left, right = (side[kept].astype(np.int32) for side in (left, right))
    return Sources(
        person=person,
        source=source,
        number=number.astype(np.int32),
        left=left,
        right=right,
        weight=weight[kept],
        stored=stored,
    )


def pairs_of_groups(group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of rows of a group, the smaller row first."""
    order = np.argsort(group, kind="stable")
    ranked, found = group[order], []
    for gap in range(1, 4 * SOURCES):
        same = np.flatnonzero(ranked[gap:] == ranked[:-gap])
        found.append(np.stack([order[same], order[same + gap]]))
    ends = np.concatenate(found, axis=1)
    return ends.min(axis=0), ends.max(axis=0)


def ours(sources: Sources, *, twice: bool, **limits: float) -> np.ndarray:
    bits = np.uint64(1) << sources.source.astype(np.uint64)
    if twice:
        bits[sources.source > 0] = 0
    pairs = [column[sources.stored] for column in (sources.left, sources.right, sources.weight)]
    code = sources.number if limits else None
    return cluster(len(sources.person), *pairs, constraint_bit=bits, conflict_code=code, **limits).labels


def components(sources: Sources, threshold: float) -> np.ndarray:
    linked = sources.weight > threshold
    free = np.zeros(len(sources.person), dtype=np.uint64)
    pairs = (column[linked] for column in (sources.left, sources.right, sources.weight))
    return cluster(len(free), *pairs, constraint_bit=free).labels


def candidates(sources: Sources, threshold: float) -> tuple[np.ndarray, ...]:
    """Links as anonlink takes them: strongest first, each side as source and row; rows may be counted through."""
    linked = np.flatnonzero(sources.weight > threshold)
    linked = linked[np.argsort(-sources.weight[linked], kind="stable")]
    sides = [side[linked] for side in (sources.left, sources.right)]
    return (
        sources.weight[linked],
        tuple(sources.source[side].astype(np.uint32) for side in sides),
        tuple(side.astype(np.uint32) for side in sides),
    )


def anonlink_labels(solve: Callable[[object], list[object]], sources: Sources, threshold: float) -> np.ndarray:
    labels = np.arange(len(sources.person))
    for group in solve(candidates(sources, threshold)):
        rows = [row for _, row in group]
        labels[rows] = min(rows)
    return labels


def best(name: str, sources: Sources, labelled: Callable[[Sources, float], np.ndarray]) -> None:
    """Tell of the threshold with the best F1 of pairs."""
    found = [(threshold, *timed(partial(labelled, sources, threshold))) for threshold in THRESHOLDS]
    threshold, labels, took = max(found, key=lambda item: scores(sources.person, item[1])[2])
    tell(f"{name}, > {threshold:g}", sources, labels, took)


def timed(call: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    kept: list[np.ndarray] = []
    took = seconds(lambda: kept.append(call()))
    return kept[0], took


def tell(name: str, sources: Sources, labels: np.ndarray, took: float) -> None:
    precision, recall, f1, bcubed = scores(sources.person, labels)
    print(f"  {name:<29} {precision:.4f}     {recall:.4f}   {f1:.4f}       {bcubed:.4f}      {took:.2f}")


def scores(person: np.ndarray, labels: np.ndarray) -> tuple[float, float, float, float]:
    """Precision, recall and F1 of pairs, and B-cubed F1 (Bagga and Baldwin, 1998)."""

    def pairs(sizes: np.ndarray) -> float:
        return float((sizes * (sizes - 1) // 2).sum())

    cells, inverse, together = np.unique(person * (len(person) + 1) + labels, return_inverse=True, return_counts=True)
    assert len(cells) == len(together)
    persons, clusters = np.bincount(person), np.bincount(labels)
    precision, recall = pairs(together) / pairs(clusters), pairs(together) / pairs(persons)
    per_row = together[inverse]
    own, right = (per_row / clusters[labels]).mean(), (per_row / persons[person]).mean()
    return precision, recall, 2 * precision * recall / (precision + recall), 2 * own * right / (own + right)


def compare(sources: Sources, repeats: int) -> None:
    """Time ours and anonlink's solver alone in turn, at a threshold of 0; its input is sorted and typed beforehand."""
    prepared = candidates(sources, 0.0)
    limits = {"conflict_weight": CONFLICT_BITS, "absent_weight": -1.0}
    own, theirs = in_turn(lambda: ours(sources, twice=False, **limits), lambda: greedy_solve(prepared), repeats)
    print(describe("ours, numbers and absent", own, len(sources.left), "pairs"))
    print(describe("anonlink greedy_solve", theirs, len(sources.left), "pairs"))
    print(describe_ratio(own, theirs))


def noise(rows: int, *, constrained: bool, graphs: int = 300) -> None:
    """Tell how often, and for how much of the evidence, weights without a pattern get their best partition."""
    left, right = (side.astype(np.int32) for side in np.triu_indices(rows, 1))
    ways = {
        "best": SignedLimits(best_of=rows),
        "greedy with moves": SignedLimits(best_of=0),
        "greedy": SignedLimits(best_of=0, rounds=0),
    }
    worths = {name: np.empty(graphs) for name in ways}
    for seed in range(graphs):
        rng = np.random.default_rng(seed)
        weight = rng.normal(0.0, 5.0, len(left))
        bits = rng.choice(np.array([0, 1, 2, 4], dtype=np.uint64), rows) * np.uint64(constrained)
        for name, limits in ways.items():
            labels, _ = signed_clusters(left, right, weight, bits=bits, limits=limits)
            worths[name][seed] = weight[labels[left] == labels[right]].sum()
    best = worths.pop("best")
    for name, worth in worths.items():
        reached, share = (worth >= best - 1e-3).mean(), worth.sum() / best.sum()
        kind = f"{rows} rows{', constraints' if constrained else ''}"
        print(f"  {kind:<22} {name:<18} best in {reached:.2f} of {graphs} graphs, {share:.4f} of the evidence")


if __name__ == "__main__":
    main()
