"""ENCODED: chooses after how many bytes the prefix bound is asked, from a sample of pairs.

Invariant: the choice depends on the encodings and the threshold only, and changes the speed, never the pairs.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from secure_match.kernels._popcount import WORD_BYTES, IntArray, WordArray, jit, popcount
from secure_match.kernels._slabs import Slabs

SAMPLE_ROWS: Final = 128
"""Rows of each side; every row of one sample meets every row of the other."""

SURVIVOR_BYTES: Final = 50_000.0
"""What a pair past the bound costs, in bytes of a pair counted in a tile: measured, about 0.2 microseconds, most of it
waiting for memory."""


@jit
def _refused_at(one: WordArray, two: WordArray, rests: tuple[int, int], need: int) -> int:
    """The first number of bytes after which the prefix bound refuses a pair; one more than all bytes if never.

    ``rests`` are the popcounts. The bound never rises, so whole words are passed first, then bytes of one word.
    """
    rest_a, rest_b = np.int64(rests[0]), np.int64(rests[1])
    common, unit, done = np.int64(0), WORD_BYTES, 0
    if min(rest_a, rest_b) < need:
        return 0
    while done < one.shape[0] * WORD_BYTES:
        mask = (
            np.uint64(0xFFFFFFFFFFFFFFFF) if unit == WORD_BYTES else np.uint64(255) << np.uint64(done % WORD_BYTES * 8)
        )
        x, y = one[done // WORD_BYTES] & mask, two[done // WORD_BYTES] & mask
        next_common = common + np.int64(popcount(x & y))
        next_a, next_b = rest_a - np.int64(popcount(x)), rest_b - np.int64(popcount(y))
        if next_common + min(next_a, next_b) >= need:
            common, rest_a, rest_b, done = next_common, next_a, next_b, done + unit
        elif unit == 1:
            return done + 1
        else:
            unit = 1
    return done + 1


@jit
def _refused_after(a: Slabs, b: Slabs, needed: IntArray, out: IntArray) -> None:
    """Count the pairs that the prefix bound refuses after 0, 1, 2... bytes; the last entry is never."""
    words_a, words_b, counts_a, counts_b = a.words, b.words, a.counts, b.counts
    for row in range(words_a.shape[0]):
        for other in range(words_b.shape[0]):
            out[_refused_at(words_a[row], words_b[other], (counts_a[row], counts_b[other]), needed[row, other])] += 1


def choose_prefix(a: Slabs, b: Slabs, needed: IntArray) -> tuple[int, float]:
    """Bytes to count before the bound is asked, and the share of the pairs of the samples that are taken.

    Args:
        a: rows, sampled by the caller.
        b: partners, sampled by the caller.
        needed: common bits that these pairs need, int64 of shape (rows of a, rows of b).

    Returns:
        Bytes, from 1; all bytes of an encoding if asking does not pay. The share, from 0 to 1.
    """
    width = a.words.shape[1] * WORD_BYTES
    refused = np.zeros(width + 2, dtype=np.int64)
    _refused_after(a, b, needed, refused)
    compared = refused[1:].sum()  # The length bound refuses the others for nothing.
    if compared == 0:
        return 1, 0.0
    survivors = 1.0 - np.cumsum(refused[1:-1]) / compared
    cost = np.arange(1, width + 1) + np.minimum(survivors * SURVIVOR_BYTES, width)
    cost[-1] = width
    return int(np.argmin(cost)) + 1, float(refused[-1] / refused.sum())
