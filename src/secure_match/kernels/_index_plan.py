"""ENCODED: plans an index: which bits, how long the keys, how many tables, and what recall that promises.

The promise is derived in ``_index_bounds``. Of the keys and sketches that keep it, those of least expected cost
are taken, by the distances of sampled pairs.

Invariant: the promise rests on the draw of bits alone. What is observed (popcounts, shares of set bits,
distances of sampled pairs) bounds ``H``, and otherwise decides cost only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from secure_match.kernels._index_bounds import (
    MAX_TABLES,
    SKETCH_BITS,
    equal_keys,
    log_missed,
    most_differing,
    needed_tables,
    sketch_passes,
)
from secure_match.kernels._index_statistics import (
    bit_masks,
    distance_counts,
    informative_bits,
    sampled_rows,
    set_shares,
)
from secure_match.kernels._popcount import IntArray, WordMatrix, minimum_common, row_popcounts

MAX_KEY_BITS: Final = 24
"""A table has one entry per possible key: 64 MiB at 24 bits."""

SAMPLE_ROWS: Final = 2048
"""Rows of each side whose pairs stand for all pairs. A group of similar rows that holds a share ``f`` of a side
has a share ``f * f`` of its pairs, so the groups that matter to the cost are seen."""

MAX_COMPARED_SHARE: Final = 0.5
MIN_BUDGET: Final = 1 << 20
"""Above this share of all pairs an index compares about as much as no index; below the minimum it does not matter."""

MIN_COST: Final = 1e9
"""Nanoseconds up to which an index need not be quicker than comparing everything."""

MIN_SKETCH_PASS: Final = 0.5
"""Sketches that lose more of the wanted pairs are not looked at."""

ROW_COST: Final = 38.0
COMPARE_COST: Final = 0.2
VERIFY_COST: Final = 80.0
KEY_COST: Final = 1.0
EXHAUSTIVE_COST: Final = 0.5
"""Nanoseconds per row and table, compared sketch, verified candidate, possible key and table, and pair of the
exhaustive kernel at 1024 bits: one thread of a server of 2025, by ``benchmarks/index.py``. They steer choices only,
and are fixed so that the same input gives the same plan on every machine."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexPlan:
    """What an index will do.

    Attributes:
        bits: the chosen bits in random order, int64 of shape (64 * columns,). Bit ``b`` is bit ``b mod 64``,
            from the lowest, of word ``b // 64``.
        keys: for each table the places in ``bits`` that make its key, int64 of shape (tables, key_bits).
        sketch_limit: most differing bits of two sketches.
        row_tables: for each popcount, in how many tables (the first ones) a row of it takes part; int64.
        needed: for each sum of popcounts the common bits that a pair needs, int64.
        recall_bound: a pair at or above the threshold is found with at least this probability.
        compared_share: expected sketch comparisons, as a share of all pairs.
        cost: expected nanoseconds on one thread.
    """

    bits: IntArray
    keys: IntArray
    sketch_limit: int
    row_tables: IntArray
    needed: IntArray
    recall_bound: float
    compared_share: float
    cost: float

    @property
    def num_tables(self) -> int:
        """Number of tables."""
        return len(self.keys)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shape:
    """Length of keys, limit of sketches and number of tables, with what they cost."""

    key_bits: int
    sketch_limit: int
    tables: int
    compared_share: float
    cost: float


def num_possible_pairs(rows_a: int, rows_b: int | None) -> int:
    """Pairs of two sides, or within one."""
    return rows_a * (rows_a - 1) // 2 if rows_b is None else rows_a * rows_b


def comparison_budget(num_pairs: int) -> int:
    """Most sketches that an index over so many pairs may compare."""
    return max(MIN_BUDGET, int(MAX_COMPARED_SHARE * num_pairs))


def plan_index(
    a: WordMatrix, b: WordMatrix | None, *, threshold: float, recall: float, rng: np.random.Generator
) -> IndexPlan | None:
    """The cheapest index that finds a pair at the threshold with probability at least ``recall``.

    Args:
        a: encodings, uint64 of shape (rows_a, words).
        b: the same, or None for the pairs within ``a``.
        threshold: from 0 to 1.
        recall: above 0 and below 1.
        rng: draws sample and bits.

    Returns:
        The plan, or None where an index would compare about as many pairs as there are, or take longer than
        comparing all of them, as at low thresholds.
    """
    counts_a, counts_b = row_popcounts(a), row_popcounts(a if b is None else b)
    largest = int(max(counts_a.max(initial=0), counts_b.max(initial=0)))
    num_pairs = num_possible_pairs(len(a), None if b is None else len(b))
    if threshold <= 0.0 or num_pairs == 0 or min(counts_a.max(), counts_b.max()) == 0:
        return None
    needed = minimum_common(threshold, 2 * largest)
    differing = most_differing(needed, largest)
    sample_a, sample_b = sampled_rows(a, b, rows=SAMPLE_ROWS, rng=rng)
    bits = informative_bits(set_shares(sample_a), set_shares(sample_b), int(differing[-1]))
    distances = distance_counts(sample_a, sample_b, bit_masks(bits, a.shape[1]))
    sides = len(a) if b is None else len(a) + len(b), num_pairs
    shape = _cheapest(len(bits), int(differing[-1]), distances, sides, recall)
    if shape is None or shape.cost > max(MIN_COST, num_pairs * EXHAUSTIVE_COST):
        return None
    row_tables, bound = _tables_by_popcount(len(bits), differing, shape, recall)
    num_tables = int(row_tables.max(initial=0))
    drawn = rng.random((num_tables, len(bits))).argpartition(shape.key_bits - 1, axis=1)[:, : shape.key_bits]
    return IndexPlan(
        bits=rng.permutation(bits),
        keys=np.sort(drawn, axis=1).astype(np.int64),
        sketch_limit=shape.sketch_limit,
        row_tables=row_tables,
        needed=needed,
        recall_bound=bound,
        compared_share=shape.compared_share,
        cost=shape.cost,
    )


def _cheapest(
    num_bits: int, differing: int, distances: IntArray, sides: tuple[int, int], recall: float
) -> _Shape | None:
    """The shape of least expected cost among those that compare few enough of the pairs."""
    num_rows, num_pairs = sides
    seen = np.flatnonzero(distances[: num_bits + 1])
    weights = distances[seen] / max(1, int(distances.sum()))
    seen_passes = np.array([sketch_passes(num_bits, int(distance)) for distance in seen])
    wanted_passes = sketch_passes(num_bits, differing)
    best: _Shape | None = None
    for key_bits in range(1, min(MAX_KEY_BITS, num_bits) + 1):
        equal = float(equal_keys(num_bits, np.array(differing), key_bits))
        collide = weights * equal_keys(num_bits, seen, key_bits)
        compared = float(collide.sum())
        verified = collide @ seen_passes
        for limit in np.flatnonzero(wanted_passes >= MIN_SKETCH_PASS):
            tables = needed_tables(equal, float(wanted_passes[limit]), num_bits // SKETCH_BITS, recall)
            if tables > MAX_TABLES or tables * compared * num_pairs > comparison_budget(num_pairs):
                continue
            per_pair = compared * COMPARE_COST + float(verified[limit]) * VERIFY_COST
            cost = tables * (num_rows * ROW_COST + (1 << key_bits) * KEY_COST + num_pairs * per_pair)
            if best is None or cost < best.cost:
                best = _Shape(
                    key_bits=key_bits,
                    sketch_limit=int(limit),
                    tables=tables,
                    compared_share=tables * compared,
                    cost=cost,
                )
    return best


def _tables_by_popcount(num_bits: int, differing: IntArray, shape: _Shape, recall: float) -> tuple[IntArray, float]:
    """Tables for each popcount, 0 for rows that stand in no pair, and the bound that holds for all of them."""
    columns = num_bits // SKETCH_BITS
    result = np.zeros(len(differing), dtype=np.int64)
    worst = -math.inf
    for distance in np.unique(differing[1:]):
        if distance < 0:
            continue
        equal = float(equal_keys(num_bits, np.array(distance), shape.key_bits))
        passes = float(sketch_passes(num_bits, int(distance))[shape.sketch_limit])
        tables = needed_tables(equal, passes, columns, recall)
        result[differing == distance] = tables
        worst = max(worst, float(log_missed(equal, passes, np.array(tables), columns)))
    result[0] = 0
    return result, -math.expm1(worst)
