"""ENCODED: precision, recall and F1 at every threshold of a score, from one sort."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secure_match.errors import LinkageError
from secure_match.linkage.quality._pair_quality import BoolArray, IntArray, PairQuality

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ThresholdSweep:
    """What each threshold would give, from the highest threshold to the lowest.

    A pair is found if its score is at least the threshold. Every distinct score is a threshold, so one pair at least
    is found at each; above the highest nothing is.

    Attributes:
        threshold: distinct scores, falling, float64 of shape (thresholds,).
        true_positive: found pairs that are matches, int64 of shape (thresholds,), rising.
        false_positive: found pairs that are none, int64 of shape (thresholds,), rising.
        true_pairs: all matches there are, found or not.
    """

    threshold: FloatArray
    true_positive: IntArray
    false_positive: IntArray
    true_pairs: int

    def __len__(self) -> int:
        return len(self.threshold)

    @property
    def precision(self) -> FloatArray:
        """Precision at each threshold, float64 of shape (thresholds,)."""
        return self.true_positive / (self.true_positive + self.false_positive)

    @property
    def recall(self) -> FloatArray:
        """Recall at each threshold, float64 of shape (thresholds,); NaN everywhere if there is no match."""
        return self.true_positive / self.true_pairs if self.true_pairs else np.full(len(self), np.nan)

    @property
    def f1(self) -> FloatArray:
        """F1 at each threshold, float64 of shape (thresholds,)."""
        return 2 * self.true_positive / (self.true_positive + self.false_positive + self.true_pairs)

    @property
    def best(self) -> int | None:
        """Place of the best F1, of equal ones that of the highest threshold; None without thresholds or matches."""
        return int(np.argmax(self.f1)) if len(self) and self.true_pairs else None

    def at(self, threshold: float) -> PairQuality:
        """What a threshold gives, be it a score or not; NaN finds nothing."""
        place = int(np.searchsorted(-self.threshold, -threshold, side="right"))
        place = 0 if math.isnan(threshold) else place
        hits, wrong = (int(counts[place - 1]) if place else 0 for counts in (self.true_positive, self.false_positive))
        return PairQuality(true_positive=hits, false_positive=wrong, false_negative=self.true_pairs - hits)


def threshold_sweep(score: FloatArray, is_match: BoolArray, *, true_pairs: int | None = None) -> ThresholdSweep:
    """Judge every threshold of a score.

    Args:
        score: higher is more alike, float64 of shape (pairs,); infinite ones are thresholds too. NaN is no score:
            such a pair is found by no threshold.
        is_match: the truth of each pair, bool of shape (pairs,).
        true_pairs: all matches there are; None for those listed.

    Raises:
        LinkageError: ``QUALITY_SHAPE`` if the arrays differ in length, or fewer matches are said than are listed.
    """
    listed = int(np.count_nonzero(is_match))
    if score.ndim != 1 or score.shape != is_match.shape or (true_pairs is not None and true_pairs < listed):
        raise LinkageError("scores and truth have one entry per pair", code="QUALITY_SHAPE")
    rated = ~np.isnan(score)
    score, is_match = score[rated], is_match[rated]
    order = np.argsort(-score)
    ranked, matches = score[order], np.cumsum(is_match[order], dtype=np.int64)
    # A threshold takes in all pairs of its score: it is counted behind the last of them.
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, dtype=np.int64)
    hits = matches[last]
    return ThresholdSweep(
        threshold=ranked[last],
        true_positive=hits,
        false_positive=last + 1 - hits,
        true_pairs=listed if true_pairs is None else true_pairs,
    )
