"""ENCODED: a set of encodings laid out for the kernel: slabs of consecutive rows, each in order of popcount.

A slab's rows stand in order of popcount, so that the length bound leaves one run of partners for each row and a
tile holds rows of about one popcount. Slabs are runs of consecutive rows of the caller, so that pairs can be
handed over in the order of rows with bounded memory.

Invariant: ``order`` is a permutation inside each slab, stable for equal popcounts.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from secure_match.kernels._bit_order import reorder_bits, transpose_square
from secure_match.kernels._popcount import (
    WORD_BYTES,
    ByteArray,
    CountArray,
    IntArray,
    WordArray,
    WordMatrix,
    jit,
    row_popcounts,
)
from secure_match.kernels._tile import TILE_ROWS, aligned_empty

SLAB_ROWS: Final = 8192
"""Rows per slab: many tiles, so that a tile's popcounts are close; few enough that all pairs of a job of rows
with a slab fit in memory."""


class Slabs(NamedTuple):
    """A set of rows in slabs. ``rows`` counts them, a position is a place in ``order``.

    Attributes:
        order: row number at each position, int64 of shape (rows,).
        counts: popcounts, int64 of shape (rows,).
        words: encodings with the most telling bits first, uint64 of shape (rows, words).
    """

    order: IntArray
    counts: IntArray
    words: WordMatrix


def make_slabs(words: WordMatrix, bit_order: IntArray) -> Slabs:
    """Lay out a set of encodings of shape (rows, words)."""
    counts = row_popcounts(words)
    order = np.lexsort((counts, np.arange(len(words)) // SLAB_ROWS)).astype(np.int64)
    return Slabs(order, counts[order], reorder_bits(words, order, bit_order))


def rest_popcounts(words: WordMatrix, counts: IntArray, prefix: int) -> IntArray:
    """Set bits behind the first ``prefix`` bytes of each row: int64 of shape (rows,)."""
    rest: IntArray = counts - np.bitwise_count(words.view(np.uint8)[:, :prefix]).sum(axis=1, dtype=np.int64)
    return rest


@jit
def _fill_tiles(words: WordMatrix, tiles: WordArray) -> None:
    """Transpose rows into tiles by squares of 8 x 8 bytes: eight rows of a word become eight lines of a tile."""
    block = np.empty(WORD_BYTES, dtype=np.uint64)
    lines = TILE_ROWS // WORD_BYTES
    num_words = words.shape[1]
    for first in range(0, tiles.shape[0] // num_words, WORD_BYTES):
        base = first // TILE_ROWS * num_words * TILE_ROWS + first % TILE_ROWS // WORD_BYTES
        rows = max(0, min(WORD_BYTES, words.shape[0] - first))
        for word in range(num_words):
            block[rows:] = 0
            for row in range(rows):
                block[row] = words[first + row, word]
            transpose_square(block, WORD_BYTES)
            for byte in range(WORD_BYTES):
                tiles[base + (word * WORD_BYTES + byte) * lines] = block[byte]


def make_tiles(words: WordMatrix) -> ByteArray:
    """Rows as transposed tiles: uint8 of shape (tiles * bytes * TILE_ROWS,), filled up with zero rows.

    Byte ``i`` of a row is bits ``8 * i`` to ``8 * i + 7`` of its words.
    """
    num_tiles = -(-len(words) // TILE_ROWS)
    tiles: ByteArray = aligned_empty(num_tiles * TILE_ROWS * words.shape[1] * WORD_BYTES, np.uint8)
    _fill_tiles(words, tiles.view(np.uint64))
    return tiles


def as_tiled_counts(values: IntArray, bits: int) -> CountArray:
    """Counts of rows in the unit and alignment of the sums: of shape (tiles * TILE_ROWS,), filled up with 0."""
    dtype = np.uint16 if bits < 1 << 16 else np.uint32
    padded: CountArray = aligned_empty(-(-len(values) // TILE_ROWS) * TILE_ROWS, dtype)
    padded[: len(values)] = values
    padded[len(values) :] = 0
    return padded
