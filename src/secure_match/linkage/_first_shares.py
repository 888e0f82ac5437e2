"""ENCODED: the shares of levels that the estimate begins with, among true and among false pairs."""

from __future__ import annotations

from typing import Final

import numpy as np

from secure_match.linkage._comparisons import MISSING, SIMILARITY_EDGES, Comparison, ComparisonKind
from secure_match.linkage._pairs import FloatArray

FEW_PAIRS: Final = 50_000.0
"""Pairs of rows (of some three hundred rows) below which a run leans on what cities show."""
_BLOCK_BY_CHANCE: Final = 1e-4
_TOKENS_BY_CHANCE: Final = 1e-8
_CODES_BY_CHANCE: Final = 0.2
_SIMILAR_BY_CHANCE: Final = (60.0, 20.0, 8.0, 3.0, 3.0, 3.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.02)
"""Shares in a hundred of the levels of similarity among people who share a block, families among them."""


def first_m(item: Comparison) -> FloatArray:
    """What m is assumed to be before anything is estimated: most true pairs agree, fewer the less they agree."""
    size = len(item.levels)
    share = np.zeros(size)
    share[MISSING] = 1.0
    if item.kind is not ComparisonKind.ENCODINGS:
        share[1], share[2] = 0.02, 0.98
        return share
    blocked = item.levels[1] == "other block"
    first = 2 if blocked else 1
    steps = np.exp(0.35 * np.arange(size - first))
    steps[-1] *= 3.0
    share[first:] = steps / steps.sum() * (0.85 if blocked else 1.0)
    if blocked:
        share[1] = 0.15
    return share


def first_u(item: Comparison, lacking: float) -> FloatArray:
    """False pairs of each level that are assumed beside those that are seen.

    In a large run half a pair per level. A small run has too few false pairs to show that agreement by chance is rare:
    it gets as many pairs as it lacks, in the shares that cities show, and less than a pair of any level that agrees.
    """
    size = len(item.levels)
    if not lacking:
        return np.full(size, 0.5)
    share = np.zeros(size)
    if item.kind is not ComparisonKind.ENCODINGS:
        common = _CODES_BY_CHANCE if item.kind is ComparisonKind.CODES else _TOKENS_BY_CHANCE
        share[1], share[2] = 1.0 - common, common
        return lacking * share
    first = size - 1 - len(SIMILARITY_EDGES)
    falling = np.array(_SIMILAR_BY_CHANCE)
    together = _BLOCK_BY_CHANCE if item.levels[1] == "other block" else 1.0
    share[first:] = together * falling / falling.sum()
    share[1] += 1.0 - together
    return lacking * share
