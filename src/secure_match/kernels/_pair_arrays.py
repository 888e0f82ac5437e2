"""ENCODED: pairs as three arrays of one length, and what is done with them: join, order, keep the best."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from secure_match.kernels._popcount import FloatArray, IntArray

PairArrays = tuple[IntArray, IntArray, FloatArray]


def pair_buffer(num_pairs: int) -> PairArrays:
    """Room for pairs, not initialised."""
    return np.empty(num_pairs, np.int64), np.empty(num_pairs, np.int64), np.empty(num_pairs, np.float64)


def joined(parts: Iterable[PairArrays]) -> PairArrays:
    """Parts one after the other."""
    columns = list(zip(*parts, strict=True))
    if not columns:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float64)
    return np.concatenate(columns[0]), np.concatenate(columns[1]), np.concatenate(columns[2])


def in_pair_order(index_a: IntArray, index_b: IntArray, similarity: FloatArray, num_b: int) -> PairArrays:
    """Pairs ordered by (index_a, index_b); no pair may stand twice, ``num_b`` is above every ``index_b``."""
    order = np.argsort(index_a * np.int64(max(num_b, 1)) + index_b)
    return index_a[order], index_b[order], similarity[order]


def best_partners(pairs: PairArrays, number: int) -> PairArrays:
    """For each ``index_a`` the ``number`` pairs of highest similarity, of equal ones those of lowest ``index_b``.

    The result is ordered by (index_a, falling similarity, index_b).
    """
    index_a, index_b, similarity = pairs
    order = np.lexsort((index_b, -similarity, index_a))
    group = index_a[order]
    kept = order[np.arange(len(order)) - np.searchsorted(group, group) < number]
    return index_a[kept], index_b[kept], similarity[kept]
