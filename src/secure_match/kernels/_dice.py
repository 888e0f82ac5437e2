"""ENCODED: all pairs of two sets of encodings whose Dice similarity reaches a threshold, compiled.

Both sides are walked in order of popcount, so that the length bound (Swamidass and Baldi, J. Chem. Inf.
Model. 47, 2007: two encodings share at most the smaller popcount) leaves one run of partners for each row.
The second side is cut into transposed tiles that stay in cache: one word of all rows of a tile lies side by
side, so the host's vector unit counts many partners at once. Pairs go to a buffer of fixed size; a full
buffer is emptied and the walk resumes.

Invariant: same pairs, same float64 values and same order as the NumPy reference, for any number of threads.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels._popcount import (
    FloatArray,
    IntArray,
    WordMatrix,
    jit,
    minimum_common,
    popcount,
    row_popcounts,
    usable_threads,
)

PairArrays = tuple[IntArray, IntArray, FloatArray]
Side = tuple[WordMatrix, IntArray]
TileArray = npt.NDArray[np.uint64]

TILE_ROWS: Final = 256
"""Rows of the second side per tile: 32 KiB at 1024 bits, about the first-level cache of current hosts."""

WORD_GROUP: Final = 4
"""Words counted per step over a tile: fewer sweeps over the sums, and still few enough vector registers."""

JOB_ROWS: Final = 512
"""Rows of the first side per job: small enough to balance threads, large enough to reuse a tile."""

BUFFER_PAIRS: Final = 1 << 16
"""Pairs a job gathers before it hands them over; at least ``TILE_ROWS``."""


@jit
def _count_tile(words: WordMatrix, row: int, tile: TileArray, common: IntArray) -> int:
    """Common bits of a row with every row of a transposed tile, into ``common``; return the largest."""
    common[:] = 0
    for word in range(0, tile.shape[0], WORD_GROUP):
        first, second, third, fourth = (
            words[row, word],
            words[row, word + 1],
            words[row, word + 2],
            words[row, word + 3],
        )
        for column in range(TILE_ROWS):
            common[column] += np.int64(
                popcount(first & tile[word, column])
                + popcount(second & tile[word + 1, column])
                + popcount(third & tile[word + 2, column])
                + popcount(fourth & tile[word + 3, column])
            )
    largest = 0
    for column in range(TILE_ROWS):
        largest = max(largest, common[column])
    return int(largest)


@jit
def _walk(
    a: Side, b: tuple[TileArray, IntArray], bounds: tuple[IntArray, IntArray], span: IntArray, out: PairArrays
) -> int:
    """Walk the tiles of ``span``; return the pairs written.

    ``span`` holds first row, end row, the tile's first row, and the row to resume at; ``bounds`` the runs and
    the needed common bits. ``span`` is moved on in place; when the walk is over, its tile stands at or past
    the end of all its runs.
    """
    words_a, counts_a = a
    tiles_b, counts_b = b
    runs, needed = bounds
    out_a, out_b, out_similarity = out
    common = np.empty(TILE_ROWS, dtype=np.int64)
    used = 0
    end = runs[span[0] : span[1], 1].max()
    while span[2] < end:
        tile = tiles_b[span[2] // TILE_ROWS]
        for row in range(span[3], span[1]):
            if used + TILE_ROWS > out_a.shape[0]:
                span[3] = row
                return used
            low, high = max(span[2], runs[row, 0]), min(span[2] + TILE_ROWS, runs[row, 1])
            # Needed bits never fall as popcounts rise, and b is in order: the first partner needs the fewest.
            if low >= high or _count_tile(words_a, row, tile, common) < needed[counts_a[row] + counts_b[low]]:
                continue
            for other in range(low, high):
                total = counts_a[row] + counts_b[other]
                shared = common[other - span[2]]
                if shared >= needed[total]:
                    out_a[used] = row
                    out_b[used] = other
                    out_similarity[used] = 2.0 * shared / total if total > 0 else 0.0
                    used += 1
        span[2] += TILE_ROWS
        span[3] = span[0]
    return used


def _runs(counts_a: IntArray, counts_b: IntArray, threshold: float, *, within: bool) -> IntArray:
    """For each row of a, the run of rows of b that the length bound allows: int64 of shape (rows, 2).

    The bound is the similarity itself at the largest possible number of common bits, so rounding cannot make
    it drop a pair. It falls on both sides of equal popcounts, hence a run, and the run is found per popcount.
    """
    distinct_a, position = np.unique(counts_a, return_inverse=True)
    distinct_b, first = np.unique(counts_b, return_index=True)
    ends = np.append(first[1:], len(counts_b))
    runs = np.zeros((len(distinct_a), 2), dtype=np.int64)
    for number, count in enumerate(distinct_a):
        best = 2.0 * np.minimum(count, distinct_b) / np.maximum(count + distinct_b, 1)
        allowed = np.flatnonzero(best >= threshold)
        if len(allowed):
            runs[number] = first[allowed[0]], ends[allowed[-1]]
    rows = runs[position]
    if within:
        rows[:, 0] = np.maximum(rows[:, 0], np.arange(1, len(rows) + 1))
        rows[:, 1] = np.maximum(rows[:, 1], rows[:, 0])
    return rows


def in_pair_order(index_a: IntArray, index_b: IntArray, similarity: FloatArray, num_b: int) -> PairArrays:
    """Pairs ordered by (index_a, index_b); no pair may stand twice, ``num_b`` is above every ``index_b``."""
    order = np.argsort(index_a * np.int64(max(num_b, 1)) + index_b)
    return index_a[order], index_b[order], similarity[order]


def pair_buffer(num_pairs: int) -> PairArrays:
    """Room for pairs, not initialised."""
    return np.empty(num_pairs, np.int64), np.empty(num_pairs, np.int64), np.empty(num_pairs, np.float64)


def joined(parts: Iterable[PairArrays]) -> PairArrays:
    """Parts one after the other."""
    columns = list(zip(*parts, strict=True))
    if not columns:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float64)
    return np.concatenate(columns[0]), np.concatenate(columns[1]), np.concatenate(columns[2])


def dice_pairs(a: WordMatrix, b: WordMatrix | None, *, threshold: float, threads: int | None = None) -> PairArrays:
    """Pairs whose Dice similarity is at least ``threshold``.

    Args:
        a: encodings, uint64 of shape (rows_a, words), C-contiguous.
        b: encodings, uint64 of shape (rows_b, words), or None for the pairs ``i < j`` within ``a``.
        threshold: from 0 to 1; exact ties are taken, 0 takes every pair.
        threads: how many threads; None for all cores that the process may use.

    Returns:
        ``index_a`` and ``index_b`` (int64) and ``similarity`` (float64), each of shape (pairs,), ordered by
        (index_a, index_b).
    """
    within = b is None
    order_a, side_a = _by_popcount(a)
    order_b, side_b = (order_a, side_a) if b is None else _by_popcount(b)
    tiled_b = _tiles(side_b[0]), side_b[1]
    runs = _runs(side_a[1], side_b[1], threshold, within=within)
    needed = minimum_common(threshold, int(side_a[1].max(initial=0) + side_b[1].max(initial=0)))

    def work(begin: int) -> PairArrays:
        end = min(begin + JOB_ROWS, len(order_a))
        first_tile = runs[begin:end, 0].min() // TILE_ROWS * TILE_ROWS
        span = np.array([begin, end, first_tile, begin], dtype=np.int64)
        last = runs[begin:end, 1].max()
        found: list[PairArrays] = []
        while span[2] < last:
            out = pair_buffer(BUFFER_PAIRS)
            used = _walk(side_a, tiled_b, (runs, needed), span, out)
            found.append((order_a[out[0][:used]], order_b[out[1][:used]], out[2][:used].copy()))
        return joined(found)

    with ThreadPoolExecutor(max_workers=threads or usable_threads()) as pool:
        index_a, index_b, similarity = joined(pool.map(work, range(0, len(order_a), JOB_ROWS)))
    if within:
        index_a, index_b = np.minimum(index_a, index_b), np.maximum(index_a, index_b)
    return in_pair_order(index_a, index_b, similarity, len(order_b))


def _by_popcount(words: WordMatrix) -> tuple[IntArray, Side]:
    counts = row_popcounts(words)
    order = np.argsort(counts, kind="stable").astype(np.int64)
    groups = -(-words.shape[1] // WORD_GROUP)
    padded = np.zeros((len(words), groups * WORD_GROUP), dtype=np.uint64)
    padded[:, : words.shape[1]] = words[order]
    return order, (padded, counts[order])


def _tiles(words: WordMatrix) -> TileArray:
    """Rows as transposed tiles: uint64 of shape (tiles, words, TILE_ROWS), filled up with zero rows."""
    num_tiles = -(-len(words) // TILE_ROWS)
    filled = np.zeros((num_tiles * TILE_ROWS, words.shape[1]), dtype=np.uint64)
    filled[: len(words)] = words
    return np.ascontiguousarray(filled.reshape(num_tiles, TILE_ROWS, words.shape[1]).transpose(0, 2, 1))
