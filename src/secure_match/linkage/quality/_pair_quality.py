"""ENCODED: how good pairs are against truth: precision, recall, F1, and what candidate generation kept.

Invariants: counts are exact Python integers, so that no number of pairs overflows; a ratio whose denominator is zero is
None, never 1 or 0, for nothing was measured; *match* is said of the truth only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

NORMAL_QUANTILE_95: Final = 1.959963984540054
"""Two-sided 95 % quantile of the standard normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairQuality:
    """Found pairs against true ones.

    Attributes:
        true_positive: found pairs that are matches.
        false_positive: found pairs that are none.
        false_negative: matches that were not found.
    """

    true_positive: int
    false_positive: int
    false_negative: int

    @property
    def precision(self) -> float | None:
        """Share of the found pairs that are matches; None if none was found."""
        return ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float | None:
        """Share of the matches that were found; None if there is none."""
        return ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both, as 2 TP / (2 TP + FP + FN); None if there is neither a found pair nor a match."""
        return ratio(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)

    @property
    def precision_interval(self) -> tuple[float, float] | None:
        """95 % Wilson interval of the precision; None if none was found."""
        return wilson_interval(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall_interval(self) -> tuple[float, float] | None:
        """95 % Wilson interval of the recall; None if there is no match."""
        return wilson_interval(self.true_positive, self.true_positive + self.false_negative)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateQuality:
    """What candidate generation kept and what it spared (Christen and Goiser 2007).

    Attributes:
        candidates: pairs that were proposed.
        matches: those of them that are matches.
        true_pairs: all matches.
        possible_pairs: all pairs of rows.
    """

    candidates: int
    matches: int
    true_pairs: int
    possible_pairs: int

    @property
    def pairs_completeness(self) -> float | None:
        """Share of the matches that were proposed; None if there is no match."""
        return ratio(self.matches, self.true_pairs)

    @property
    def pairs_quality(self) -> float | None:
        """Share of the proposed pairs that are matches; None if none was proposed."""
        return ratio(self.matches, self.candidates)

    @property
    def reduction_ratio(self) -> float | None:
        """Share of the possible pairs that were spared; None if no pair is possible."""
        return ratio(self.possible_pairs - self.candidates, self.possible_pairs)


def ratio(part: int, whole: int) -> float | None:
    """``part / whole``; None where ``whole`` is zero."""
    return part / whole if whole else None


def pairs_of(rows: int) -> int:
    """How many unordered pairs of different rows there are."""
    return rows * (rows - 1) // 2


def pair_quality(is_match: BoolArray, found: BoolArray, *, true_pairs: int) -> PairQuality:
    """Judge pairs, each listed once.

    Args:
        is_match: the truth of each pair, bool of shape (pairs,).
        found: which pairs were linked, bool of shape (pairs,).
        true_pairs: all matches there are, those that are not listed included; at least the matches listed.
    """
    hits = int(np.count_nonzero(is_match & found))
    return PairQuality(
        true_positive=hits,
        false_positive=int(np.count_nonzero(found)) - hits,
        false_negative=true_pairs - hits,
    )


def candidate_quality(is_match: BoolArray, *, true_pairs: int, rows: int) -> CandidateQuality:
    """Judge the candidates themselves, whatever was decided on them.

    Args:
        is_match: the truth of each candidate pair, bool of shape (pairs,); each pair is listed once.
        true_pairs: all matches there are.
        rows: rows that could be paired, each with each, within one dataset too.
    """
    return CandidateQuality(
        candidates=len(is_match),
        matches=int(np.count_nonzero(is_match)),
        true_pairs=true_pairs,
        possible_pairs=pairs_of(rows),
    )


def wilson_interval(successes: int, trials: int, *, quantile: float = NORMAL_QUANTILE_95) -> tuple[float, float] | None:
    """Wilson's score interval of a share (Wilson 1927), which stays in 0..1 and holds up at shares near 0 and 1.

    Args:
        successes: from 0 to ``trials``.
        trials: how many were tried, each on its own; pairs of one cluster are not, so the true interval is wider.
        quantile: two-sided quantile of the standard normal distribution; 95 % unless told otherwise.

    Returns:
        Low and high end, from 0 to 1; None if nothing was tried.
    """
    if trials == 0:
        return None
    share, square = successes / trials, quantile * quantile
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    spread = share * (1 - share) / trials + square / (4 * trials * trials)
    half = quantile / (1 + square / trials) * math.sqrt(spread)
    # At the ends the bound is exactly the share; rounding would put it some 1e-17 beside it.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return low, high
