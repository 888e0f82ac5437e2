"""ENCODED: thresholds that nobody has to pick, and what is to be expected of decisions, with intervals.

Invariant: no label is used that a clerk did not give; expectations are sums of match probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from secure_match.agreement import Calibration
from secure_match.linkage._evidence import Evidence, pattern_weights
from secure_match.linkage._evidence_model import EvidenceModel, Patterns, probability_of
from secure_match.linkage._fellegi_sunter import refit
from secure_match.linkage._keys import BoolArray
from secure_match.linkage._pairs import FloatArray

_REPLICATES: Final = 12
_REPLICATE_ROUNDS: Final = 12
_STREAM: Final = 0xCA11
_SURE: Final = 1.96
"""Standard deviations of a 95 % interval."""
_LEAST_ASKED: Final = 0.95
"""Match probability of the least likely link of two phases, or the precision asked for if that is less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """An expectation with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is expected of a run's decisions; no label was used.

    The intervals hold two things: that a sum of probabilities is no count, and that the model was estimated from these
    pairs (a Poisson bootstrap of patterns). They do not hold that the model may be wrong.

    Attributes:
        link_weight: match weight in bits from which a pair is a link; None where the agreement fixes similarities.
        review_weight: likewise for possible links.
        precision: share of true pairs among links.
        recall: share of links among all true pairs, those that nothing proposed included.
        true_pairs: true pairs of rows.
        review_pairs: possible links.
        review_true: true pairs among them.
    """

    link_weight: float | None
    review_weight: float | None
    precision: Estimate
    recall: Estimate
    true_pairs: Estimate
    review_pairs: int
    review_true: float


def chosen_thresholds(calibration: Calibration, weight: FloatArray, *, joined: bool) -> tuple[float, float]:
    """Match weights in bits from which a pair is a link, and a possible link.

    The first is the lowest one, of those from which a pair is rather true than false, at which the links' mean match
    probability reaches the precision asked for; where none does, the highest one that any pair has. In two phases
    nearly all pairs are joined by tokens, and their certainty would let the few others be links at even odds: there a
    link has to be likely by itself.

    Args:
        weight: of all candidates, float64 of shape (pairs,).
        joined: whether rows left in two phases.
    """
    least = _weight_of(min(_LEAST_ASKED, calibration.precision)) if joined else 0.0
    falling = np.sort(weight)[::-1]
    falling = falling[falling >= least]
    lowest = least
    if len(falling):
        probability = probability_of(falling)
        reached = np.cumsum(probability) / np.arange(1, len(falling) + 1) >= calibration.precision
        # A mean that falls and rises again: the last place where it is reached.
        places = np.flatnonzero(reached)
        lowest = float(falling[places[-1]] if len(places) else falling[0])
        if len(places) == len(falling):
            lowest = least
    return lowest, min(_weight_of(calibration.review), lowest)


def _weight_of(probability: float) -> float:
    return float(np.log2(probability / (1.0 - probability)))


def expect(
    evidence: Evidence, is_link: BoolArray, is_possible: BoolArray, thresholds: tuple[float, float] | None
) -> Expectation:
    """What to expect of decisions.

    Args:
        is_link: which pairs are links, bool of shape (pairs,).
        is_possible: which are possible links.
        thresholds: as :func:`chosen_thresholds` gives them, or None.
    """
    patterns = evidence.patterns
    number = len(patterns.weight)
    links, possible = (
        np.bincount(evidence.pattern_of, weights=some, minlength=number).astype(np.float64)
        for some in (is_link, is_possible)
    )
    rng = np.random.Generator(np.random.PCG64(_STREAM))
    point = _point(evidence.model, patterns, links)
    spread = [_point(_replicate(evidence.model, patterns, rng), patterns, links) for _ in range(_REPLICATES)]
    probability = probability_of(pattern_weights(evidence.model, patterns))
    doubt = float((links * probability * (1 - probability)).sum())
    total = max(float(links.sum()), 1.0)
    own = (np.sqrt(doubt) / total, np.sqrt(doubt) / max(point[2], 1.0), 0.0)
    estimates = []
    for place in range(3):
        model_spread = np.std([one[place] for one in spread])
        half = _SURE * float(np.hypot(own[place], model_spread))
        top = np.inf if place == 2 else 1.0
        estimates.append(
            Estimate(value=point[place], low=max(0.0, point[place] - half), high=min(top, point[place] + half))
        )
    return Expectation(
        link_weight=thresholds[0] if thresholds is not None else None,
        review_weight=thresholds[1] if thresholds is not None else None,
        precision=estimates[0],
        recall=estimates[1],
        true_pairs=estimates[2],
        review_pairs=int(is_possible.sum()),
        review_true=float((possible * probability).sum()),
    )


def _replicate(model: EvidenceModel, patterns: Patterns, rng: np.random.Generator) -> EvidenceModel:
    """The model of pairs that are drawn anew; it is asked of the patterns as they were."""
    drawn = rng.poisson(patterns.proposed).astype(np.float64)
    each = patterns.weight / np.maximum(patterns.proposed, 1.0)
    weight = np.where(patterns.proposed > 0, drawn * each, patterns.weight)
    return refit(model, replace(patterns, weight=weight, proposed=drawn), _REPLICATE_ROUNDS)


def _point(model: EvidenceModel, patterns: Patterns, links: FloatArray) -> tuple[float, float, float]:
    """Expected precision and recall of links, and true pairs."""
    probability = probability_of(pattern_weights(model, patterns))
    true = patterns.weight * probability
    share = links / np.maximum(patterns.proposed, 1.0)
    total = float(links.sum())
    all_true = float(true.sum())
    precision = float((links * probability).sum()) / total if total else 1.0
    recall = float((true * share).sum()) / all_true if all_true else 1.0
    return precision, recall, all_true
