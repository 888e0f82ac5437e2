"""Threshold sweep, calibration and expected quality against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secure_match.errors import LinkageError
from secure_match.linkage.quality import calibration_curve, estimated_quality, pair_quality, threshold_sweep
from secure_match.linkage.quality._json import sweep_places

SCORES = st.sampled_from([-math.inf, -2.0, -0.0, 0.0, 0.5, 0.5000001, 3.0, math.inf, math.nan])
Pairs = list[tuple[float, bool]]


@given(st.lists(st.tuples(SCORES, st.booleans()), max_size=25), st.integers(0, 4))
def test_every_threshold_by_definition(pairs: Pairs, unseen: int) -> None:
    score = np.array([pair[0] for pair in pairs], dtype=np.float64)
    is_match = np.array([pair[1] for pair in pairs], dtype=bool)
    true = int(is_match.sum()) + unseen
    sweep = threshold_sweep(score, is_match, true_pairs=true)
    assert sweep.threshold.tolist() == sorted({value for value in score.tolist() if value == value}, reverse=True)
    for place, threshold in enumerate(sweep.threshold.tolist()):
        expected = pair_quality(is_match, score >= threshold, true_pairs=true)
        assert sweep.at(threshold) == expected
        assert sweep.precision[place] == expected.precision
        assert sweep.f1[place] == expected.f1
        assert sweep.recall[place] == expected.recall or (true == 0 and math.isnan(sweep.recall[place]))
    for threshold in (-7.0, 0.25, 10.0, math.nan):
        assert sweep.at(threshold) == pair_quality(is_match, score >= threshold, true_pairs=true)
    if sweep.best is None:
        assert true == 0 or not len(sweep)
    else:
        best = sweep.f1.max()
        assert sweep.best == sweep.f1.tolist().index(best)


@given(st.integers(1, 2000), st.integers(0, 2**31))
def test_the_shown_thresholds_hold_the_ends_and_the_best(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    score = rng.normal(size=count).round(2)
    sweep = threshold_sweep(score, rng.random(count) < 0.5 + score / 4)
    places = sweep_places(sweep)
    assert {0, len(sweep) - 1, sweep.best or 0} <= set(places.tolist())
    assert len(places) <= 403
    assert (np.diff(places) > 0).all()


def test_a_sweep_needs_arrays_that_belong_together() -> None:
    with pytest.raises(LinkageError, match="QUALITY_SHAPE"):
        threshold_sweep(np.zeros(2), np.zeros(3, dtype=bool))
    with pytest.raises(LinkageError, match="QUALITY_SHAPE"):
        threshold_sweep(np.zeros(2), np.ones(2, dtype=bool), true_pairs=1)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=30), st.integers(1, 7))
def test_calibration_by_definition(pairs: Pairs, bins: int) -> None:
    probability = np.array([pair[0] for pair in pairs], dtype=np.float64)
    is_match = np.array([pair[1] for pair in pairs], dtype=bool)
    curve = calibration_curve(probability, is_match, bins=bins)
    held: dict[int, list[tuple[float, bool]]] = {}
    for said, match in pairs:
        held.setdefault(min(int(said * bins), bins - 1), []).append((said, match))
    assert curve.low.tolist() == [number / bins for number in sorted(held)]
    error = 0.0
    for place, number in enumerate(sorted(held)):
        inside = held[number]
        said, share = sum(item[0] for item in inside) / len(inside), sum(item[1] for item in inside) / len(inside)
        assert curve.pairs[place] == len(inside)
        assert curve.mean_probability[place] == pytest.approx(said)
        assert curve.share[place] == share
        assert curve.share_low[place] <= share <= curve.share_high[place]
        error += len(inside) * abs(said - share) / len(pairs)
    if pairs:
        assert curve.expected_calibration_error == pytest.approx(error, abs=1e-12)
    else:
        assert curve.expected_calibration_error is None


def test_probabilities_are_verified() -> None:
    for wrong in (-0.1, 1.1, math.nan):
        with pytest.raises(LinkageError, match="PROBABILITY_RANGE"):
            calibration_curve(np.array([wrong]), np.array([True]))
        with pytest.raises(LinkageError, match="PROBABILITY_RANGE"):
            estimated_quality(np.array([wrong]), np.array([True]))
    with pytest.raises(LinkageError, match="PROBABILITY_RANGE"):
        estimated_quality(np.array([0.5]), np.array([True]), missed=-1)
    with pytest.raises(LinkageError, match="QUALITY_SHAPE"):
        calibration_curve(np.zeros(2), np.zeros(3, dtype=bool))
    with pytest.raises(LinkageError, match="QUALITY_SHAPE"):
        calibration_curve(np.zeros(2), np.zeros(2, dtype=bool), bins=0)


def test_expected_quality_in_hand_numbers() -> None:
    quality = estimated_quality(np.array([1.0, 0.5, 0.25, 0.25]), np.array([True, True, False, False]), missed=1.0)
    assert (quality.true_positive, quality.false_positive, quality.false_negative) == (1.5, 0.5, 1.5)
    assert (quality.precision, quality.recall, quality.f1) == (0.75, 0.5, 0.6)
    low, high = quality.precision_interval or (0, 0)
    assert (low, high) == (pytest.approx(0.75 - 1.96 * 0.5 / 2, abs=1e-3), 1.0)
    nothing = estimated_quality(np.zeros(0), np.zeros(0, dtype=bool))
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.precision_interval) == (None, None, None, None)


def test_true_probabilities_estimate_the_truth() -> None:
    """Pairs that are matches as often as is said of them: the estimate is near, and the calibration error is small."""
    rng = np.random.default_rng(8)
    probability = rng.beta(0.3, 0.2, 200_000)
    is_match = rng.random(len(probability)) < probability
    accepted = probability > 0.7
    quality = estimated_quality(probability, accepted)
    true = pair_quality(is_match, accepted, true_pairs=int(is_match.sum()))
    assert quality.precision == pytest.approx(true.precision, abs=0.004)
    assert quality.recall == pytest.approx(true.recall, abs=0.004)
    assert (calibration_curve(probability, is_match).expected_calibration_error or 1) < 0.006
