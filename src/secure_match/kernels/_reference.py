"""ENCODED: the kernels once more, in plain NumPy and by the definition, to test the compiled ones.

No length bound, no integer thresholds, no threads. Memory is bounded by comparing a few rows at a time.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from secure_match.kernels._blocked import BlockedResult
from secure_match.kernels._listed import PlaceArray
from secure_match.kernels._measures import Measure
from secure_match.kernels._pair_arrays import PairArrays, in_pair_order, joined
from secure_match.kernels._popcount import ByteMatrix, FloatArray, IntArray, WordMatrix

_CELLS: Final = 1 << 18
"""Words compared at a time."""


def _similarity(measure: Measure, a: WordMatrix, b: WordMatrix, bits: int) -> FloatArray:
    """Similarity of words that broadcast against each other over all axes but the last."""
    common = np.bitwise_count(a & b).sum(axis=-1, dtype=np.int64)
    either = np.bitwise_count(a | b).sum(axis=-1, dtype=np.int64)
    differing = np.bitwise_count(a ^ b).sum(axis=-1, dtype=np.int64)
    count_a, count_b = (np.bitwise_count(side).sum(axis=-1, dtype=np.int64) for side in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        by_definition: dict[Measure, FloatArray] = {
            Measure.DICE: 2.0 * common / (count_a + count_b),
            Measure.JACCARD: common / either,
            Measure.COSINE: common / np.sqrt(count_a * count_b),
            Measure.HAMMING: (bits - differing) / np.float64(bits),
        }
    undefined = 1.0 if measure is Measure.HAMMING else 0.0
    similarity: FloatArray = np.nan_to_num(by_definition[measure], nan=undefined)
    return similarity


def all_pairs(
    a: WordMatrix,
    b: WordMatrix | None,
    *,
    measure: Measure = Measure.DICE,
    threshold: float,
    bits: int | None = None,
    threads: int | None = None,  # noqa: ARG001
) -> PairArrays:
    """As the compiled ``all_pairs``; ``threads`` is taken and not used."""
    other = a if b is None else b
    length = 64 * a.shape[1] if bits is None else bits
    step = max(1, _CELLS // max(1, other.size))
    parts: list[PairArrays] = []
    for begin in range(0, len(a), step):
        similarity = _similarity(measure, a[begin : begin + step, None, :], other[None, :, :], length)
        taken = similarity >= threshold
        if b is None:
            taken &= np.arange(begin, begin + len(taken))[:, None] < np.arange(len(a))[None, :]
        row, column = np.nonzero(taken)
        parts.append((row.astype(np.int64) + begin, column.astype(np.int64), similarity[taken]))
    return joined(parts)


def dice_pairs(a: WordMatrix, b: WordMatrix | None, *, threshold: float, threads: int | None = None) -> PairArrays:
    """As the compiled ``dice_pairs``."""
    return all_pairs(a, b, threshold=threshold, threads=threads)


def best_pairs(pairs: PairArrays, number: int) -> PairArrays:
    """As ``best_per_record``: of pairs in order, the best ``number`` of each ``index_a``, in order again."""
    kept: list[int] = []
    for row in np.unique(pairs[0]).tolist():
        places = np.flatnonzero(pairs[0] == row).tolist()
        ranked = sorted(places, key=lambda place: (-pairs[2][place], pairs[1][place]))
        kept.extend(sorted(ranked[:number]))
    return pairs[0][kept], pairs[1][kept], pairs[2][kept]


def blocked_dice(
    words: WordMatrix,
    order: IntArray,
    starts: IntArray,
    token_codes: IntArray,
    *,
    base_threshold: float,
    different_threshold: float,
    threads: int | None = None,  # noqa: ARG001
) -> BlockedResult:
    """As the compiled ``blocked_dice``; ``threads`` is taken and not used."""
    parts: list[PairArrays] = []
    compared = 0
    for begin, end in pairwise(starts.tolist()):
        rows = order[begin:end]
        first, second = (rows[side] for side in np.triu_indices(len(rows), 1))
        one, two = token_codes[first], token_codes[second]
        both_known = (one >= 0) & (two >= 0)
        kept = ~(both_known & (one == two))
        first, second, both_known = first[kept], second[kept], both_known[kept]
        similarity = listed_dice(words, first, second)
        taken = similarity >= np.where(both_known, different_threshold, base_threshold)
        parts.append((np.minimum(first, second)[taken], np.maximum(first, second)[taken], similarity[taken]))
        compared += len(first)
    row_i, row_j, similarity = in_pair_order(*joined(parts), len(words))
    return BlockedResult(row_i=row_i, row_j=row_j, similarity=similarity, compared=compared)


def listed_dice(words: WordMatrix, row_i: IntArray, row_j: IntArray) -> FloatArray:
    """As the compiled ``listed_dice``."""
    step = max(1, _CELLS // words.shape[1])
    parts = [
        _similarity(Measure.DICE, words[row_i[at : at + step]], words[row_j[at : at + step]], 0)
        for at in range(0, len(row_i), step)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float64)


def gather_rows(source: ByteMatrix, places: PlaceArray, out: WordMatrix) -> None:
    """As the compiled ``gather_rows``."""
    wanted = places >= 0
    out.view(np.uint8)[places[wanted], : source.shape[1]] = source[wanted]


def listed_in_blocks(
    words: WordMatrix,
    places: PlaceArray,
    blocks: PlaceArray,
    row_i: PlaceArray,
    row_j: PlaceArray,
    *,
    threads: int | None = None,  # noqa: ARG001
) -> FloatArray:
    """As the compiled ``listed_in_blocks``; ``threads`` is taken and not used."""
    together = (blocks[row_i] >= 0) & (blocks[row_i] == blocks[row_j])
    similarity = np.full(len(row_i), np.nan)
    one, two = (places[rows[together]].astype(np.int64) for rows in (row_i, row_j))
    similarity[together] = listed_dice(words, one, two)
    return similarity
