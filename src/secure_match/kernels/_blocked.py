"""ENCODED: Dice pairs inside blocks, compiled.

Invariant: same pairs, values and order as the NumPy reference, for any number of threads. No pair of two
blocks is ever looked at.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np

from secure_match.kernels._pair_arrays import PairArrays, in_pair_order, joined, pair_buffer
from secure_match.kernels._popcount import (
    FloatArray,
    IntArray,
    WordMatrix,
    common_bits,
    jit,
    minimum_common,
    row_popcounts,
    usable_threads,
)

_JOBS_PER_THREAD: Final = 8
BUFFER_PAIRS: Final = 1 << 16
"""Pairs that a thread gathers before it hands them over, or all of the largest block."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockedResult:
    """Pairs ``row_i < row_j`` (int64) with their similarity (float64), and how many pairs were compared."""

    row_i: IntArray
    row_j: IntArray
    similarity: FloatArray
    compared: int


@jit
def _walk_blocks(
    rows: tuple[WordMatrix, IntArray, IntArray],
    starts: IntArray,
    needed: tuple[IntArray, IntArray],
    state: IntArray,
    out: PairArrays,
) -> int:
    """Walk from ``state`` (block, end block, row to resume at, pairs compared); return the pairs written.

    ``rows`` are words, popcounts and token codes; ``needed`` the common bits without and with two known
    tokens.
    """
    words, counts, codes = rows
    base_needed, different_needed = needed
    out_i, out_j, out_similarity = out
    used = 0
    while state[0] < state[1]:
        end = starts[state[0] + 1]
        for row in range(max(starts[state[0]], state[2]), end):
            if used + end - row > out_i.shape[0]:
                state[2] = row
                return used
            for other in range(row + 1, end):
                both_known = codes[row] >= 0 and codes[other] >= 0
                if both_known and codes[row] == codes[other]:
                    continue
                state[3] += 1
                total = counts[row] + counts[other]
                least = different_needed[total] if both_known else base_needed[total]
                if min(counts[row], counts[other]) < least:
                    continue
                common = common_bits(words, row, words, other)
                if common >= least:
                    out_i[used] = row
                    out_j[used] = other
                    out_similarity[used] = 2.0 * common / total if total > 0 else 0.0
                    used += 1
        state[0] += 1
        state[2] = 0
    return used


def blocked_dice(
    words: WordMatrix,
    order: IntArray,
    starts: IntArray,
    token_codes: IntArray,
    *,
    base_threshold: float,
    different_threshold: float,
    threads: int | None = None,
) -> BlockedResult:
    """Pairs inside each block whose Dice similarity reaches the threshold that applies to them.

    Pairs of equal token are left out: their ID already links them.

    Args:
        words: encodings, uint64 of shape (rows, words).
        order: int64 of shape (members,): row numbers, block after block; a row stands in one block at most.
        starts: int64 of shape (blocks + 1,): where in ``order`` each block starts, and the end.
        token_codes: int64 of shape (rows,): equal codes for equal ID tokens, -1 for no token.
        base_threshold: for pairs of which one or both have no token.
        different_threshold: for pairs of two different tokens.
        threads: how many threads; None for all cores that the process may use.

    Returns:
        Pairs ordered by (row_i, row_j). ``compared`` counts the pairs of the blocks without those of equal
        token.
    """
    return grouped_dice(
        words[order],
        starts,
        order,
        token_codes[order],
        base_threshold=base_threshold,
        different_threshold=different_threshold,
        threads=threads,
    )


def grouped_dice(
    words: WordMatrix,
    starts: IntArray,
    row_of: IntArray,
    token_codes: IntArray,
    *,
    base_threshold: float,
    different_threshold: float,
    threads: int | None = None,
) -> BlockedResult:
    """As :func:`blocked_dice`, of encodings that lie block after block already.

    Args:
        words: encodings, uint64 of shape (members, words), C-contiguous.
        starts: int64 of shape (blocks + 1,): where each block starts, from 0, and the end.
        row_of: int64 of shape (members,): the row number that stands for each in the result; none stands twice.
        token_codes: int64 of shape (members,): equal codes for equal ID tokens, -1 for no token.

    Returns:
        Pairs ordered by (row_i, row_j).
    """
    counts = row_popcounts(words)
    largest = 2 * int(counts.max(initial=0))
    tables = minimum_common(base_threshold, largest), minimum_common(different_threshold, largest)
    sizes = np.diff(starts)
    capacity = max(BUFFER_PAIRS, int(sizes.max(initial=0)))
    workers = threads or usable_threads()

    def work(begin: int, end: int) -> tuple[PairArrays, int]:
        state = np.array([begin, end, 0, 0], dtype=np.int64)
        found: list[PairArrays] = []
        while state[0] < end:
            out = pair_buffer(capacity)
            used = _walk_blocks((words, counts, token_codes), starts, tables, state, out)
            found.append((row_of[out[0][:used]], row_of[out[1][:used]], out[2][:used].copy()))
        return joined(found), int(state[3])

    edges = balanced_edges(sizes, workers * _JOBS_PER_THREAD)
    with ThreadPoolExecutor(max_workers=workers) as pool:
        parts = list(pool.map(work, edges[:-1].tolist(), edges[1:].tolist()))
    first, second, similarity = joined(part for part, _ in parts)
    num_rows = int(row_of.max(initial=-1)) + 1
    pairs = in_pair_order(np.minimum(first, second), np.maximum(first, second), similarity, num_rows)
    compared = sum(number for _, number in parts)
    return BlockedResult(row_i=pairs[0], row_j=pairs[1], similarity=pairs[2], compared=compared)


def balanced_edges(sizes: IntArray, num_jobs: int) -> IntArray:
    """Edges of block ranges with about equally many pairs each: int64, rising from 0 to the number of blocks."""
    done = np.cumsum(sizes * (sizes - 1) // 2)
    if len(sizes) == 0:
        return np.zeros(1, dtype=np.int64)
    inner = np.searchsorted(done, done[-1] * np.arange(1, num_jobs) // num_jobs)
    return np.unique(np.concatenate(([0], inner, [len(sizes)]))).astype(np.int64)
