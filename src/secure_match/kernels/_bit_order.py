"""ENCODED: the bits of encodings in another order, the same for all rows, compiled.

Counting common bits does not see an order, but a count that stops early does. The most telling bits come
first: a bit that is set in a share ``p`` of the rows refuses an unlike pair with ``p * (1 - p)``, the chance
that it is set on one given side and not on the other, so bits near one half lead and bits that all or no rows
set come last.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from secure_match.kernels._popcount import IntArray, WordArray, WordMatrix, jit, popcount

WORD_BITS: Final = 64

SAMPLE_ROWS: Final = 512
"""Rows of each side from which the shares are estimated: the order changes the speed, never the pairs."""


@jit
def transpose_square(block: WordArray, size: int) -> None:
    """Transpose in place the square matrix whose rows are the ``size`` words of ``block``.

    64 words are a matrix of bits, 8 words one of bytes; the lowest bit or byte is the first column. Quarters
    are swapped, then their quarters, down to one element. For compiled code only.
    """
    width = size // 2
    shift = np.uint64(WORD_BITS // 2)
    mask = np.uint64(0xFFFFFFFF)
    while width:
        for start in range(0, size, 2 * width):
            for row in range(start, start + width):
                swap = ((block[row] >> shift) ^ block[row + width]) & mask
                block[row] ^= swap << shift
                block[row + width] ^= swap
        width >>= 1
        shift >>= np.uint64(1)
        mask ^= mask << shift


@jit
def _columns(words: WordMatrix, begin: int, block: WordMatrix) -> None:
    """Bit columns of 64 rows from ``begin``: entry (word, bit) of ``block`` holds one bit of every row."""
    rows = min(WORD_BITS, words.shape[0] - begin)
    for word in range(words.shape[1]):
        for row in range(rows):
            block[word, row] = words[begin + row, word]
        block[word, rows:] = 0
        transpose_square(block[word], WORD_BITS)


@jit
def _fills(words: WordMatrix, out: IntArray) -> None:
    block = np.empty((words.shape[1], WORD_BITS), dtype=np.uint64)
    for begin in range(0, words.shape[0], WORD_BITS):
        _columns(words, begin, block)
        for word in range(words.shape[1]):
            for bit in range(WORD_BITS):
                out[word * WORD_BITS + bit] += np.int64(popcount(block[word, bit]))


@jit
def _reorder(words: WordMatrix, rows: IntArray, order: IntArray, out: WordMatrix) -> None:
    block = np.empty((words.shape[1], WORD_BITS), dtype=np.uint64)
    moved = np.empty(WORD_BITS, dtype=np.uint64)
    gathered = np.empty((WORD_BITS, words.shape[1]), dtype=np.uint64)
    for begin in range(0, rows.shape[0], WORD_BITS):
        number = min(WORD_BITS, rows.shape[0] - begin)
        for row in range(number):
            gathered[row] = words[rows[begin + row]]
        _columns(gathered[:number], 0, block)
        for word in range(words.shape[1]):
            for bit in range(WORD_BITS):
                source = order[word * WORD_BITS + bit]
                moved[bit] = block[source // WORD_BITS, source % WORD_BITS]
            transpose_square(moved, WORD_BITS)
            for row in range(number):
                out[begin + row, word] = moved[row]


def telling_first(*sides: WordMatrix) -> IntArray:
    """Bit numbers, the most telling first: int64 of shape (words * 64,), ties by number.

    The shares are those of at most ``SAMPLE_ROWS`` rows of each side, evenly spaced.
    """
    num_bits = sides[0].shape[1] * WORD_BITS
    filled, sampled = np.zeros(num_bits, dtype=np.int64), 0
    for words in sides:
        sample = np.ascontiguousarray(words[:: max(1, len(words) // SAMPLE_ROWS)][:SAMPLE_ROWS])
        _fills(sample, filled)
        sampled += len(sample)
    return np.argsort(-filled * (sampled - filled), kind="stable").astype(np.int64)


def reorder_bits(words: WordMatrix, rows: IntArray, order: IntArray) -> WordMatrix:
    """Chosen rows with their bits in another order: uint64 of shape (len(rows), words).

    Bit ``i`` of a result is bit ``order[i]`` of its row.
    """
    out = np.empty((len(rows), words.shape[1]), dtype=np.uint64)
    _reorder(words, rows, order, out)
    return out
