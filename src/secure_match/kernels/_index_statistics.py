"""ENCODED: what an index observes of the encodings before it is planned: shares of set bits, sampled distances.

Invariant: rows are sampled by the generator that the caller gives, and nothing else is random.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels._popcount import FloatArray, IntArray, WordMatrix

_WORD_BITS: Final = 64
_CELLS: Final = 1 << 20


def sampled_rows(
    a: WordMatrix, b: WordMatrix | None, *, rows: int, rng: np.random.Generator
) -> tuple[WordMatrix, WordMatrix]:
    """Up to ``rows`` rows of each side; where ``b`` is None, two sets of rows of ``a`` without a common one."""
    if b is None:
        drawn = rng.permutation(len(a))[: 2 * rows]
        middle = (len(drawn) + 1) // 2
        return a[drawn[:middle]], a[drawn[middle:]]
    return a[_drawn(len(a), rows, rng)], b[_drawn(len(b), rows, rng)]


def _drawn(num_rows: int, rows: int, rng: np.random.Generator) -> IntArray:
    return rng.choice(num_rows, size=min(rows, num_rows), replace=False).astype(np.int64)


def set_shares(words: WordMatrix) -> FloatArray:
    """Share of rows in which each bit is set: float64 of shape (64 * words,), 0.0 where there are no rows."""
    shifts = np.arange(_WORD_BITS, dtype=np.uint64)
    shares = np.zeros((words.shape[1], _WORD_BITS))
    for word in range(words.shape[1]):
        bits = (words[:, word, None] >> shifts) & np.uint64(1)
        shares[word] = bits.sum(axis=0, dtype=np.int64) / max(1, len(words))
    return shares.reshape(-1)


def bit_masks(bits: IntArray, num_words: int) -> npt.NDArray[np.uint64]:
    """Words in which the listed bits are set: uint64 of shape (..., num_words) for bits of shape (..., listed)."""
    masks = np.zeros((*bits.shape[:-1], num_words), dtype=np.uint64)
    for word in range(num_words):
        values = np.where(bits >> 6 == word, np.uint64(1) << (bits & 63).astype(np.uint64), np.uint64(0))
        masks[..., word] = np.bitwise_or.reduce(values, axis=-1)
    return masks


def distance_counts(a: WordMatrix, b: WordMatrix, mask: npt.NDArray[np.uint64]) -> IntArray:
    """How many pairs of a row of each side differ in 0, 1, ... of the masked bits: int64."""
    counts = np.zeros(_WORD_BITS * a.shape[1] + 1, dtype=np.int64)
    one, other = a & mask, b & mask
    step = max(1, _CELLS // max(1, other.size))
    for begin in range(0, len(one), step):
        differing = np.bitwise_count(one[begin : begin + step, None] ^ other[None]).sum(axis=-1, dtype=np.int64)
        counts += np.bincount(differing.reshape(-1), minlength=len(counts))
    return counts


def informative_bits(shares_a: FloatArray, shares_b: FloatArray, most_differing: int) -> IntArray:
    """The bits to draw from, a multiple of 64 of them, most telling first.

    A bit tells two unrelated rows apart with probability ``p (1 - q) + q (1 - p)``. Taken are so many of the
    best that the exponent of the index is least: the logarithm of the worst share of equal bits of a wanted
    pair over that of the mean share of an unrelated one. All bits are in their turn where the wanted pair may
    differ in as many bits as there are.
    """
    apart = shares_a * (1.0 - shares_b) + shares_b * (1.0 - shares_a)
    order = np.argsort(-apart, kind="stable").astype(np.int64)
    sizes = np.arange(_WORD_BITS, len(order) + 1, _WORD_BITS)
    mean_apart = np.cumsum(apart[order])[sizes - 1] / sizes
    kept = sizes > most_differing
    if not kept.any():
        return order
    wanted = -np.log1p(-most_differing / sizes[kept])
    unrelated = -np.log1p(-np.clip(mean_apart[kept], 1e-12, 1.0 - 1e-12))
    return order[: sizes[kept][np.argmin(wanted / unrelated)]]
