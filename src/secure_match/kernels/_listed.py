"""ENCODED: Dice of listed pairs, compiled, and encodings gathered in the order in which pairs need them.

Invariant: same values as the NumPy reference, for any number of threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels._popcount import (
    ByteMatrix,
    FloatArray,
    IntArray,
    WordMatrix,
    common_bits,
    jit,
    row_popcounts,
    usable_threads,
)

_PAIRS_PER_JOB: Final = 1 << 18
PlaceArray = npt.NDArray[np.int32]


@jit
def _gather(source: ByteMatrix, places: PlaceArray, out: ByteMatrix) -> None:
    for row in range(source.shape[0]):
        place = places[row]
        if place >= 0:
            for byte in range(source.shape[1]):
                out[place, byte] = source[row, byte]


@jit
def _listed_in_blocks(
    words: WordMatrix,
    counts: IntArray,
    at: tuple[PlaceArray, PlaceArray],
    pairs: tuple[PlaceArray, PlaceArray],
    out: FloatArray,
) -> None:
    places, blocks = at
    row_i, row_j = pairs
    for pair in range(row_i.shape[0]):
        i, j = row_i[pair], row_j[pair]
        if blocks[i] < 0 or blocks[i] != blocks[j]:
            out[pair] = np.nan
            continue
        one, two = places[i], places[j]
        total = counts[one] + counts[two]
        out[pair] = 2.0 * common_bits(words, one, words, two) / total if total > 0 else 0.0


@jit
def _listed(words: WordMatrix, row_i: IntArray, row_j: IntArray, out: FloatArray) -> None:
    for pair in range(row_i.shape[0]):
        i, j = row_i[pair], row_j[pair]
        total = common_bits(words, i, words, i) + common_bits(words, j, words, j)
        out[pair] = 2.0 * common_bits(words, i, words, j) / total if total > 0 else 0.0


def listed_dice(words: WordMatrix, row_i: IntArray, row_j: IntArray) -> FloatArray:
    """Dice similarity of listed pairs.

    Args:
        words: encodings, uint64 of shape (rows, words).
        row_i: int64 of shape (pairs,), valid row numbers.
        row_j: int64 of shape (pairs,), valid row numbers.

    Returns:
        float64 of shape (pairs,).
    """
    out = np.empty(len(row_i), dtype=np.float64)
    _listed(words, row_i, row_j, out)
    return out


def gather_rows(source: ByteMatrix, places: PlaceArray, out: WordMatrix) -> None:
    """Put rows where they are needed.

    Args:
        source: uint8 of shape (rows, bytes), at whatever alignment.
        places: int32 of shape (rows,): the row of ``out`` that each goes to; negative for none.
        out: uint64 of shape (places, words), C-contiguous, with words * 8 >= bytes; the bytes beyond stay.
    """
    _gather(source, places, out.view(np.uint8))


def listed_in_blocks(
    words: WordMatrix,
    places: PlaceArray,
    blocks: PlaceArray,
    row_i: PlaceArray,
    row_j: PlaceArray,
    *,
    threads: int | None = None,
) -> FloatArray:
    """Dice similarity of listed pairs of rows, where both are of one block.

    Args:
        words: gathered encodings, uint64 of shape (places, words).
        places: int32 of shape (rows,): where in ``words`` a row stands; looked at for pairs of one block only.
        blocks: int32 of shape (rows,): the block of each row, -1 for none.
        row_i: int32 of shape (pairs,), valid row numbers.
        row_j: int32 of shape (pairs,), valid row numbers.

    Returns:
        float64 of shape (pairs,); NaN where the rows are of no block, or of two.
    """
    out = np.empty(len(row_i), dtype=np.float64)
    counts = row_popcounts(words)

    def work(begin: int) -> None:
        part = slice(begin, begin + _PAIRS_PER_JOB)
        _listed_in_blocks(words, counts, (places, blocks), (row_i[part], row_j[part]), out[part])

    with ThreadPoolExecutor(max_workers=threads or usable_threads()) as pool:
        list(pool.map(work, range(0, len(out), _PAIRS_PER_JOB)))
    return out
