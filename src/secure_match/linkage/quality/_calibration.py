"""ENCODED: whether probabilities mean what they say, and what quality they let expect without any truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from secure_match.errors import LinkageError
from secure_match.linkage.quality._pair_quality import NORMAL_QUANTILE_95, BoolArray, IntArray, wilson_interval
from secure_match.linkage.quality._sweep import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalibrationCurve:
    """Said probability against true share, in bins of equal width. Empty bins are left out; bins rise.

    Attributes:
        low: lower end of each bin, float64 of shape (bins,); a probability on the border of two is in the upper one.
        high: upper end; the last bin holds 1 too.
        pairs: pairs in the bin, int64 of shape (bins,).
        matches: those of them that are matches, int64 of shape (bins,).
        mean_probability: what was said, float64 of shape (bins,).
        share_low: low end of the 95 % Wilson interval of the true share, float64 of shape (bins,).
        share_high: its high end.
        expected_calibration_error: mean over pairs of the distance between what their bin said and what is true
            (Naeini, Cooper and Hauskrecht 2015), from 0 to 1; None without pairs.
    """

    low: FloatArray
    high: FloatArray
    pairs: IntArray
    matches: IntArray
    mean_probability: FloatArray
    share_low: FloatArray
    share_high: FloatArray
    expected_calibration_error: float | None

    @property
    def share(self) -> FloatArray:
        """True share of matches per bin, float64 of shape (bins,)."""
        return self.matches / self.pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedQuality:
    """What probabilities let expect, in pairs. Truth has no part in it.

    Attributes:
        true_positive: expected matches among the accepted pairs.
        false_positive: expected non-matches among them.
        false_negative: expected matches that are not accepted: among the other pairs, and ``missed`` beside them.
        precision_interval: 95 % interval of the precision if pairs are right or wrong independently; pairs of one
            cluster are not, so the true one is wider. None if nothing was accepted.
    """

    true_positive: float
    false_positive: float
    false_negative: float
    precision_interval: tuple[float, float] | None

    @property
    def precision(self) -> float | None:
        """Expected precision; None if nothing was accepted."""
        return _share(self.true_positive, self.false_positive)

    @property
    def recall(self) -> float | None:
        """Expected recall; None if no match is expected."""
        return _share(self.true_positive, self.false_negative)

    @property
    def f1(self) -> float | None:
        """Expected F1; None if nothing was accepted and no match is expected."""
        return _share(2 * self.true_positive, self.false_positive + self.false_negative)


def _share(part: float, rest: float) -> float | None:
    return part / (part + rest) if part + rest > 0 else None


def calibration_curve(probability: FloatArray, is_match: BoolArray, *, bins: int = 10) -> CalibrationCurve:
    """Reliability curve of probabilities.

    Args:
        probability: float64 of shape (pairs,), from 0 to 1.
        is_match: the truth of each pair, bool of shape (pairs,).
        bins: how many of equal width; at least 1.

    Raises:
        LinkageError: ``QUALITY_SHAPE`` if the arrays differ in length or there is no bin; ``PROBABILITY_RANGE`` for a
            probability outside 0 to 1, or NaN.
    """
    _verify(probability, is_match)
    if bins < 1:
        raise LinkageError("a calibration curve has one bin at least", code="QUALITY_SHAPE")
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    pairs = np.bincount(place, minlength=bins)
    matches = np.bincount(place[is_match], minlength=bins)
    said = np.bincount(place, weights=probability, minlength=bins)
    held = np.flatnonzero(pairs)
    pairs, matches, said = pairs[held].astype(np.int64), matches[held].astype(np.int64), said[held]
    ends = [
        wilson_interval(hits, tried) or (0.0, 1.0) for hits, tried in zip(matches.tolist(), pairs.tolist(), strict=True)
    ]
    return CalibrationCurve(
        low=held / bins,
        high=(held + 1) / bins,
        pairs=pairs,
        matches=matches,
        mean_probability=said / pairs,
        share_low=np.array([low for low, _ in ends], dtype=np.float64),
        share_high=np.array([high for _, high in ends], dtype=np.float64),
        expected_calibration_error=float(np.abs(said - matches).sum()) / len(probability) if len(probability) else None,
    )


def estimated_quality(probability: FloatArray, accepted: BoolArray, *, missed: float = 0.0) -> EstimatedQuality:
    """Expected precision and recall from probabilities alone, to compare with the truth.

    Args:
        probability: match probability of each candidate pair, float64 of shape (pairs,), from 0 to 1.
        accepted: which pairs were linked, bool of shape (pairs,).
        missed: expected matches that no step proposed. With 0 the recall is that among candidates, which is never
            below the recall among all.

    Raises:
        LinkageError: ``QUALITY_SHAPE`` if the arrays differ in length, ``PROBABILITY_RANGE`` for a probability outside
            0 to 1 or NaN, or ``missed`` below 0.
    """
    _verify(probability, accepted)
    if not missed >= 0:
        raise LinkageError("the matches that were missed are 0 or more", code="PROBABILITY_RANGE")
    linked = probability[accepted]
    right = float(linked.sum())
    interval: tuple[float, float] | None = None
    if len(linked):
        # The number of matches is Poisson binomial; its variance is the sum of the pairs' own.
        half = NORMAL_QUANTILE_95 * float(np.sqrt((linked * (1 - linked)).sum()))
        interval = max(0.0, (right - half) / len(linked)), min(1.0, (right + half) / len(linked))
    return EstimatedQuality(
        true_positive=right,
        false_positive=len(linked) - right,
        false_negative=float(probability[~accepted].sum()) + missed,
        precision_interval=interval,
    )


def _verify(probability: FloatArray, flags: BoolArray) -> None:
    if probability.ndim != 1 or probability.shape != flags.shape:
        raise LinkageError("probabilities and truth have one entry per pair", code="QUALITY_SHAPE")
    if not ((probability >= 0) & (probability <= 1)).all():
        raise LinkageError("a probability is from 0 to 1", code="PROBABILITY_RANGE")
