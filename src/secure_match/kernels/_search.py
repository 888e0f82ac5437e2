"""ENCODED: prepares a search for all pairs of two sets, cuts it into jobs, and runs a job.

The first set is taken slab by slab, so that only one slab of it is laid out at a time; the second is laid out
as a whole. A job is a run of rows of one slab of the first set with one slab of the second.

Invariant: jobs come in the order of the slabs of the first set, and each pair belongs to one job.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from secure_match.kernels._bit_order import telling_first
from secure_match.kernels._measures import Measure, needed_common, similarity_of
from secure_match.kernels._pair_arrays import PairArrays, joined
from secure_match.kernels._popcount import IntArray, WordMatrix, row_popcounts
from secure_match.kernels._prefix import SAMPLE_ROWS, choose_prefix
from secure_match.kernels._slabs import SLAB_ROWS, Slabs, as_tiled_counts, make_slabs, make_tiles, rest_popcounts
from secure_match.kernels._tile import TILE_ROWS, aligned_empty
from secure_match.kernels._walk import TILE, TILE_END, Found, Limits, Partners, PositionArray, Rows, walk

JOB_ROWS: Final = 512
"""Rows of the first set per job: small enough to balance threads and to bound what a job can find, large
enough to reuse a tile."""

MANY_TAKEN: Final = 1 / 64
"""Share of pairs taken in a sample from which jobs are cut smaller, because their pairs need memory."""

FEW_ROWS: Final = JOB_ROWS // 8
"""Rows of the first set per job where many pairs are taken."""

BUFFER_PAIRS: Final = 1 << 16
"""Pairs a job gathers before it puts them aside; at least ``TILE_ROWS``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A laid out set (or slab) of rows, ready to walk, and the codes of its popcounts."""

    slabs: Slabs
    rows: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Rows ``begin`` to ``end`` of a side against slab ``slab`` of the second set.

    Attributes:
        stripe: number of the slab of the first set.
        offset: row number of the side's first row.
    """

    stripe: int
    side: Side
    offset: int
    begin: int
    end: int
    slab: int


class Search:
    """One search: what every job needs. Arrays are shared between threads and not written to.

    The table of needed bits has an entry for each pair of distinct popcounts: 8 MiB at most at 1024 bits.

    Args:
        a: encodings of at least one row, uint64 of shape (rows_a, words), C-contiguous.
        b: the second set of the same form, or None for the pairs within ``a``.
        measure: which similarity.
        threshold: from 0 to 1.
        bits: length of an encoding.
    """

    def __init__(self, a: WordMatrix, b: WordMatrix | None, *, measure: Measure, threshold: float, bits: int) -> None:
        self.measure, self.bits, self.within, self._a = measure, bits, b is None, a
        other = a if b is None else b
        self._bit_order = telling_first(a, other)
        slabs = make_slabs(other, self._bit_order)
        self._distinct_a = np.unique(row_popcounts(a))
        self._distinct_b = np.unique(slabs.counts)
        self._needed = needed_common(measure, threshold, self._distinct_a, self._distinct_b, bits=bits)
        # The floor holds whatever a measure's table looks like: it is the smallest entry from a code on.
        self._floor = np.ascontiguousarray(np.minimum.accumulate(self._needed[:, ::-1], axis=1)[:, ::-1])
        self.prefix, share = self._choose_prefix(slabs)
        self._job_rows = FEW_ROWS if share > MANY_TAKEN else JOB_ROWS
        codes = np.searchsorted(self._distinct_b, slabs.counts)
        rest = as_tiled_counts(rest_popcounts(slabs.words, slabs.counts, self.prefix), bits)
        self._slabs_b, self._partners = slabs, Partners(slabs.words, make_tiles(slabs.words), rest, codes)
        self._runs = self._slab_runs()

    def _choose_prefix(self, slabs: Slabs) -> tuple[int, float]:
        step_a, step_b = (max(1, len(rows) // SAMPLE_ROWS) for rows in (self._a, slabs.words))
        # Half a step between the samples keeps a row from meeting itself where both sides are one set.
        chosen = np.arange(step_b // 2, len(slabs.order), step_b)[:SAMPLE_ROWS]
        two = Slabs(slabs.order[chosen], slabs.counts[chosen], slabs.words[chosen])
        one = make_slabs(np.ascontiguousarray(self._a[::step_a][:SAMPLE_ROWS]), self._bit_order)
        rows = np.searchsorted(self._distinct_a, one.counts)
        columns = np.searchsorted(self._distinct_b, two.counts)
        return choose_prefix(one, two, self._needed[np.ix_(rows, columns)])

    def _slab_runs(self) -> list[IntArray]:
        """For each slab of the second set, and each code of the first, the run of positions that can matter."""
        least = np.minimum(self._distinct_a[:, None], self._distinct_b[None, :])
        allowed = self._needed <= least
        first = np.argmax(allowed, axis=1)
        last = allowed.shape[1] - np.argmax(allowed[:, ::-1], axis=1)
        last[~allowed.any(axis=1)] = 0
        edges = np.append(self._distinct_b, self._distinct_b[-1] + 1)
        runs: list[IntArray] = []
        for begin in range(0, len(self._slabs_b.counts), SLAB_ROWS):
            counts = self._slabs_b.counts[begin : begin + SLAB_ROWS]
            ends = np.stack([np.searchsorted(counts, edges[first]), np.searchsorted(counts, edges[last])], axis=1)
            runs.append(begin + ends.astype(np.int64))
        return runs

    def _side(self, slabs: Slabs) -> Side:
        rest = as_tiled_counts(rest_popcounts(slabs.words, slabs.counts, self.prefix), self.bits)
        codes = np.searchsorted(self._distinct_a, slabs.counts)
        return Side(slabs=slabs, rows=Rows(slabs.words, slabs.words.view(np.uint8).reshape(-1), rest, codes))

    def jobs(self) -> Iterator[Job]:
        """The jobs in order; a slab of the first set is laid out when its first job is asked for."""
        whole = self._side(self._slabs_b) if self.within else None
        for stripe, start in enumerate(range(0, len(self._a), SLAB_ROWS)):
            end = min(start + SLAB_ROWS, len(self._a))
            side = whole or self._side(make_slabs(self._a[start:end], self._bit_order))
            base = 0 if whole else start
            for slab in range(stripe if whole else 0, len(self._runs)):
                for begin in range(start, end, self._job_rows):
                    stop = min(begin + self._job_rows, end)
                    yield Job(stripe=stripe, side=side, offset=base, begin=begin - base, end=stop - base, slab=slab)

    def run(self, job: Job) -> PairArrays:
        """The pairs of a job, in no order."""
        rows, runs = job.side.rows, self._runs[job.slab]
        limits = Limits(self._needed, self._floor, runs, self.prefix)
        reach = runs[rows.codes[job.begin : job.end]]
        reach = reach[reach[:, 0] < reach[:, 1]]
        if len(reach) == 0:
            return joined(())
        inside = self.within and job.stripe == job.slab
        first = int(max(reach[:, 0].min(), job.begin if inside else 0)) // TILE_ROWS * TILE_ROWS
        span = np.array([job.begin, job.end, job.begin, first, reach[:, 1].max(), inside], dtype=np.int64)
        room = np.empty((3, BUFFER_PAIRS), dtype=np.int32)
        out = Found(room[0], room[1], room[2], aligned_empty(TILE_ROWS, self._partners.rest.dtype))
        parts: list[PairArrays] = []
        while span[TILE] < span[TILE_END]:
            used = walk(rows, self._partners, limits, span, out)
            if used:
                parts.append(self._pairs(job, out.a[:used], out.b[:used], out.common[:used]))
        return joined(parts)

    def _pairs(self, job: Job, a: PositionArray, b: PositionArray, common: PositionArray) -> PairArrays:
        one, two = job.side.slabs, self._slabs_b
        similarity = similarity_of(self.measure, common.astype(np.int64), one.counts[a], two.counts[b], bits=self.bits)
        index_a, index_b = one.order[a] + job.offset, two.order[b]
        if self.within:
            index_a, index_b = np.minimum(index_a, index_b), np.maximum(index_a, index_b)
        return index_a, index_b, similarity
