"""ENCODED: how alike two encodings are, by four measures, and a threshold as a count of common bits.

All four grow with the number of common bits when both popcounts stand, so one kernel serves them: it counts
common bits, and a table says how many a pair of popcounts needs.

Invariant: a pair is taken if and only if its float64 similarity is at least the threshold. The table is made
by evaluating that same float64, so rounding cannot part the two.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from secure_match.kernels._popcount import FloatArray, IntArray


class Measure(StrEnum):
    """A similarity from 0 to 1, of ``common`` bits set on both sides and popcounts ``count_a``, ``count_b``.

    Attributes:
        DICE: ``2 * common / (count_a + count_b)`` (Dice, Ecology 26, 1945); 0.0 where no bit is set on either
            side.
        JACCARD: ``common / (count_a + count_b - common)`` (Jaccard, 1901; Tanimoto); 0.0 where no bit is set
            on either side.
        COSINE: ``common / sqrt(count_a * count_b)`` (Ochiai, 1957); 0.0 where no bit is set on one side.
        HAMMING: ``(bits - distance) / bits``, the share of positions that agree, where ``distance`` is
            ``count_a + count_b - 2 * common`` and ``bits`` the length of an encoding. Agreeing zeros count:
            two encodings without a set bit have 1.0, as have two of length 0.
    """

    DICE = "dice"
    JACCARD = "jaccard"
    COSINE = "cosine"
    HAMMING = "hamming"


def similarity_of(measure: Measure, common: IntArray, count_a: IntArray, count_b: IntArray, *, bits: int) -> FloatArray:
    """Similarities in float64, of the shape to which the three int64 arrays broadcast.

    Args:
        measure: which.
        common: bits set on both sides, at most the smaller popcount.
        count_a: popcounts of the first side.
        count_b: popcounts of the second side.
        bits: length of an encoding; only ``HAMMING`` asks for it.
    """
    total = count_a + count_b
    result: FloatArray
    if measure is Measure.DICE:
        result = 2.0 * common / np.maximum(total, 1)
    elif measure is Measure.JACCARD:
        result = common / np.maximum(total - common, 1)
    elif measure is Measure.COSINE:
        result = common / np.sqrt(np.maximum(count_a * count_b, 1))
    else:
        result = (bits - (total - 2 * common)) / bits if bits else np.ones(np.shape(total))
    return result


def needed_common(measure: Measure, threshold: float, counts_a: IntArray, counts_b: IntArray, *, bits: int) -> IntArray:
    """The threshold as integers: the fewest common bits at which a pair of popcounts is taken.

    Args:
        measure: which.
        threshold: from 0 to 1.
        counts_a: popcounts, int64 of shape (rows,).
        counts_b: popcounts, int64 of shape (columns,).
        bits: length of an encoding.

    Returns:
        int64 of shape (rows, columns). One more than the smaller popcount where no pair can be taken.
    """
    one, two = np.broadcast_arrays(counts_a[:, None], counts_b[None, :])
    total, most = one + two, np.minimum(one, two)
    # Close from below in real numbers; the loop then asks the float64 itself, and moves a few steps at most.
    if measure is Measure.DICE:
        guess = threshold * total / 2.0
    elif measure is Measure.JACCARD:
        guess = threshold * total / (1.0 + threshold)
    elif measure is Measure.COSINE:
        guess = threshold * np.sqrt(one * two)
    else:
        guess = (total - bits * (1.0 - threshold)) / 2.0
    least: IntArray = np.clip(np.floor(guess).astype(np.int64) - 1, 0, most + 1)
    while (below := (least <= most) & (similarity_of(measure, least, one, two, bits=bits) < threshold)).any():
        least += below
    return least
