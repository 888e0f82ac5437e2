"""ENCODED: pairs at or above a threshold without comparing all, by a plan of drawn keys and sketches.

Table after table, the rows of the smaller side are sorted into buckets by key, and every row of the other
side meets the rows of its own bucket: sketches first, of which a cache holds many, then the encodings. A pair
is reported by the first table that holds it and by no other, so tables run in any order and on any thread.

Invariants: only true pairs, each once; same pairs, same float64 values and same order as the exhaustive
kernel, less those that no table holds; the same for any number of threads. Memory is the bits once more in
columns, plus per thread the buckets of one table; nothing grows with the number of comparisons. What the
buckets will cost is counted before they are compared, and an index that would cost more than its budget is
given up.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from secure_match.kernels._index_lanes import STRIDE, WORD_BITS
from secure_match.kernels._index_plan import IndexPlan, comparison_budget, num_possible_pairs
from secure_match.kernels._index_statistics import bit_masks
from secure_match.kernels._index_tables import (
    Buckets,
    RowArray,
    bit_columns,
    bucket_pairs,
    fill_buckets,
    judge,
    probe,
    row_keys,
    take_sketches,
)
from secure_match.kernels._pair_arrays import PairArrays, in_pair_order, joined, pair_buffer
from secure_match.kernels._popcount import IntArray, WordMatrix, row_popcounts, usable_threads

CANDIDATES: Final = 1 << 16
"""Candidates a table gathers before they are judged."""

_COLUMN_JOBS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IndexedResult:
    """Pairs ordered by (index_a, index_b), and what was done to find them.

    Attributes:
        pairs: ``index_a``, ``index_b`` (int64) and ``similarity`` (float64), each of shape (pairs,).
        compared: sketches that were compared.
        candidates: pairs whose sketches let them pass.
        largest_bucket: most rows of the inner (smaller) side that stood in one bucket with an outer row.
    """

    pairs: PairArrays
    compared: int
    candidates: int
    largest_bucket: int


class _CrowdedError(Exception):
    """The buckets hold more pairs than the budget."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    """Rows in order of popcount (ties by row number), with the chosen bits in columns."""

    words: WordMatrix
    order: IntArray
    counts: IntArray
    columns: WordMatrix

    def first_row(self, plan: IndexPlan, table: int) -> int:
        """The first row that takes part in a table; all later ones do as well."""
        popcount = np.searchsorted(plan.row_tables, table, side="right")
        return int(np.searchsorted(self.counts, popcount))


def _side(words: WordMatrix, plan: IndexPlan, threads: int) -> _Side:
    counts = row_popcounts(words)
    order = np.argsort(counts, kind="stable").astype(np.int64)
    columns = np.empty((len(plan.bits) // WORD_BITS, len(words)), dtype=np.uint64)
    edges = np.linspace(0, len(words), _COLUMN_JOBS * threads + 1).astype(np.int64).tolist()
    with ThreadPoolExecutor(max_workers=threads) as pool:
        jobs = [
            pool.submit(bit_columns, words, order[begin:end], plan.bits, columns[:, begin:end])
            for begin, end in pairwise(edges)
        ]
        for job in jobs:
            job.result()
    return _Side(words=words, order=order, counts=counts[order], columns=columns)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Work:
    """What all threads share; of it only ``known`` and ``compared`` are written."""

    plan: IndexPlan
    inner: _Side
    outer: _Side
    within: bool
    swapped: bool
    masks: tuple[WordMatrix, WordMatrix]
    known: RowArray
    """A partner with which a row of the outer side was reported, or -1.

    Threads write it without a lock. Whatever a thread reads, the result is the same: a partner stands there
    only after its pair was reported, and a pair that is passed over was therefore reported.
    """
    compared: IntArray
    """Pairs that share a bucket, by table."""

    budget: int

    def spend(self, table: int, num_pairs: int) -> None:
        """Note the comparisons of a table before they are made, and stop when they are too many.

        Counts only grow, so whether a walk is stopped depends on no thread's pace.
        """
        self.compared[table] = num_pairs
        if self.compared.sum() > self.budget:
            raise _CrowdedError


class _Buckets:
    """The rows of one side in the buckets of one table, used again by the next table of the same thread."""

    __slots__ = ("keys", "rows", "sketches", "starts")

    def __init__(self, side: _Side, key_bits: int) -> None:
        rows = len(side.order)
        self.keys = np.empty(rows, dtype=np.uint32)
        self.starts = np.empty((1 << key_bits) + 1, dtype=np.int32)
        self.rows = np.empty(rows, dtype=np.int32)
        self.sketches = np.zeros(rows + STRIDE, dtype=np.uint64)

    def fill(self, side: _Side, plan: IndexPlan, table: int) -> Buckets:
        """Sort in the rows that take part in a table; return starts, rows and sketches."""
        first = side.first_row(plan, table)
        row_keys(side.columns, first, plan.keys[table], self.keys)
        fill_buckets(self.keys, first, self.starts, self.rows)
        take_sketches(side.columns[table % len(side.columns)], self.rows, len(self.rows) - first, self.sketches)
        return self.starts, self.rows, self.sketches


def _walk_table(work: _Work, buckets: tuple[_Buckets, _Buckets], table: int, tally: IntArray) -> Iterator[PairArrays]:
    """The pairs of one table that no earlier one holds, as (outer row, inner row, similarity)."""
    plan, inner, outer = work.plan, work.inner, work.outer
    inner_buckets = buckets[0].fill(inner, plan, table)
    outer_buckets = inner_buckets if work.within else buckets[1].fill(outer, plan, table)
    work.spend(table, bucket_pairs(outer_buckets[0], inner_buckets[0], work.within))
    sides = (outer.words, outer.order), (inner.words, inner.order)
    candidates = np.empty(CANDIDATES, np.int32), np.empty(CANDIDATES, np.int32)
    state = np.array([0, -1, 0, 0, 0], dtype=np.int64)
    rule = plan.needed, work.masks, plan.sketch_limit
    while state[0] < outer_buckets[0][-1]:
        limits = plan.sketch_limit, work.within
        used = probe((outer_buckets, work.known), inner_buckets, limits, state, candidates)
        found, passed = pair_buffer(used), (candidates[0][:used], candidates[1][:used])
        kept = judge(passed, sides, rule, table, (work.known, found))
        if kept:
            yield found[0][:kept].copy(), found[1][:kept].copy(), found[2][:kept].copy()
    tally[0] += state[3]
    tally[1] = max(tally[1], state[4])


def indexed_dice(
    a: WordMatrix, b: WordMatrix | None, plan: IndexPlan, *, threads: int | None = None
) -> IndexedResult | None:
    """Pairs at or above the threshold of a plan that at least one of its tables holds.

    Args:
        a: encodings, uint64 of shape (rows_a, words), C-contiguous.
        b: encodings, uint64 of shape (rows_b, words), or None for the pairs ``i < j`` within ``a``.
        plan: made for these two sets by ``plan_index``.
        threads: how many threads; None for all cores that the process may use.

    Returns:
        The pairs and what was done; None where the rows crowd into so few buckets that comparing them would
        pass ``comparison_budget``. Nothing of it depends on the number of threads.
    """
    workers = threads or usable_threads()
    work = _work(a, b, plan, workers)
    tables = iter(range(plan.num_tables))

    def run(_: int) -> tuple[PairArrays, IntArray]:
        one = _Buckets(work.inner, plan.keys.shape[1])
        buckets = one, one if work.within else _Buckets(work.outer, plan.keys.shape[1])
        tally = np.zeros(2, dtype=np.int64)
        found = [part for table in tables for part in _walk_table(work, buckets, table, tally)]
        return joined(found), tally

    try:
        with ThreadPoolExecutor(max_workers=workers) as pool:
            results = list(pool.map(run, range(workers)))
    except _CrowdedError:
        return None
    first, second, similarity = joined(part for part, _ in results)
    if work.within:
        first, second = np.minimum(first, second), np.maximum(first, second)
    elif work.swapped:
        first, second = second, first
    tallies = np.stack([tally for _, tally in results])
    return IndexedResult(
        pairs=in_pair_order(first, second, similarity, len(a if b is None else b)),
        compared=int(work.compared.sum()),
        candidates=int(tallies[:, 0].sum()),
        largest_bucket=int(tallies[:, 1].max()),
    )


def _work(a: WordMatrix, b: WordMatrix | None, plan: IndexPlan, workers: int) -> _Work:
    """Lay out both sides; the smaller one is the inner one."""
    side_a = _side(a, plan, workers)
    side_b = side_a if b is None else _side(b, plan, workers)
    swapped = len(side_a.order) < len(side_b.order)
    outer = side_b if swapped else side_a
    num_words = a.shape[1]
    return _Work(
        plan=plan,
        inner=side_a if swapped else side_b,
        outer=outer,
        within=b is None,
        swapped=swapped,
        masks=(bit_masks(plan.bits[plan.keys], num_words), bit_masks(plan.bits.reshape(-1, WORD_BITS), num_words)),
        known=np.full(len(outer.order), -1, dtype=np.int32),
        compared=np.zeros(plan.num_tables, dtype=np.int64),
        budget=comparison_budget(num_possible_pairs(len(a), None if b is None else len(b))),
    )
