"""ENCODED: the decision on pairs: by match weights, or by similarities that the agreement fixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.agreement import TOKEN_KINDS, Agreement, Pass, split_view
from secure_match.linkage._calibrate import chosen_thresholds
from secure_match.linkage._evidence import Evidence
from secure_match.linkage._pairs import FloatArray
from secure_match.linkage._rows import TokenState

StateArray = npt.NDArray[np.int8]

_PAIRS_AT_A_TIME: Final = 1 << 20
_LEAST: Final = 2.0**-19
"""Bits above 0 that a link at the threshold itself has: clusters count weights to 2^-20."""
_OVER_WEAKEST: Final = 200.0


class Decision(IntEnum):
    """Decision on a pair (Fellegi and Sunter's three)."""

    LINK = 0
    POSSIBLE_LINK = 1
    NON_LINK = 2


def decide_pairs(
    agreement: Agreement,
    passes: Sequence[Pass],
    states: StateArray,
    similarity: Mapping[str, FloatArray],
    evidence: Evidence,
) -> tuple[StateArray, FloatArray, tuple[float, float] | None]:
    """Decisions on pairs, by the evidence model where the agreement calibrates, else by its similarities.

    Args:
        states: ``TokenState``, int8 of shape (pairs,).

    Returns:
        ``Decision``, int8 of shape (pairs,); how much speaks for taking each pair as one person, float64 of shape
        (pairs,), above 0 for links and only for them; and the match weights from which a pair is a link and a possible
        link, or None where similarities decide.
    """
    calibration = agreement.thresholds.calibrate
    if calibration is None:
        decision, strength = _by_similarity(agreement, passes, states, similarity)
        return decision, np.where(decision == Decision.LINK, strength, -_LEAST), None
    weight = evidence.weight
    link_weight, review_weight = chosen_thresholds(calibration, weight, joined=agreement.release.two_phase)
    decision = np.where(
        weight >= link_weight,
        Decision.LINK,
        np.where(weight >= review_weight, Decision.POSSIBLE_LINK, Decision.NON_LINK),
    ).astype(np.int8)
    over = weight - link_weight
    balance = np.where(decision == Decision.LINK, np.maximum(over, _LEAST), np.minimum(over, -_LEAST))
    return decision, balance, (link_weight, review_weight)


def _by_similarity(
    agreement: Agreement, passes: Sequence[Pass], states: StateArray, similarity: Mapping[str, FloatArray]
) -> tuple[StateArray, FloatArray]:
    decisions = np.empty(len(states), dtype=np.int8)
    strengths = np.empty(len(states), dtype=np.float64)
    for begin in range(0, len(states), _PAIRS_AT_A_TIME):
        part = slice(begin, begin + _PAIRS_AT_A_TIME)
        some = {name: values[part] for name, values in similarity.items()}
        decisions[part], strengths[part] = decide(agreement, passes, states[part], some)
    # The weakest link, of two different numbers, has -100 and what its passes add.
    return decisions, strengths + _OVER_WEAKEST


def decide(
    agreement: Agreement,
    passes: Sequence[Pass],
    states: StateArray,
    similarity: Mapping[str, FloatArray],
) -> tuple[StateArray, FloatArray]:
    """Decide pairs by thresholds. Passes for review only count nowhere where a link is made.

    * equal ID tokens: LINK;
    * an ID token missing: LINK if a pass reaches its link threshold, POSSIBLE_LINK if one reaches its review threshold;
    * two different valid ID numbers: LINK if a pass reaches ``different_ids_link`` (or its own link threshold if that
      is higher), or two passes reach their link thresholds; POSSIBLE_LINK if one reaches ``different_ids_review``.
      A pass on part of the number links none of these: that the numbers share a part is no evidence against what
      they differ in.

    Returns:
        ``Decision``, int8 of shape (pairs,), and a strength by which links are taken, float64: tokens first, then
        more passes, then higher similarity, and differing numbers after everything else.
    """
    limits = agreement.thresholds
    different_link, different_review = limits.different_ids_link or 1.0, limits.different_ids_review or 1.0
    count = len(states)
    linking, linking_strictly = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    best = np.zeros(count, dtype=np.float64)
    loose_review, strict_link, strict_review = (np.zeros(count, dtype=np.bool_) for _ in range(3))
    for item in passes:
        score = np.nan_to_num(similarity[item.id], nan=-1.0)
        link_threshold, review_threshold = agreement.thresholds_of(item)
        loose_review |= score >= review_threshold
        strict_review |= score >= max(different_review, review_threshold)
        if not item.review_only:
            linking += score >= link_threshold
        if not item.review_only and not _is_on_numbers(agreement, item):
            linking_strictly += score >= link_threshold
            strict_link |= score >= max(different_link, link_threshold)
        best = np.maximum(best, score)
    loose_link = linking >= 1
    strict_link |= linking_strictly >= 2
    equal, different = states == TokenState.EQUAL, states == TokenState.DIFFERENT
    is_link = equal | np.where(different, strict_link, loose_link)
    is_possible = np.where(different, strict_review | loose_link, loose_review)
    decision = np.where(is_link, Decision.LINK, np.where(is_possible, Decision.POSSIBLE_LINK, Decision.NON_LINK))
    strength = np.where(equal, 1000.0, 0.0) - np.where(different, 100.0, 0.0) + linking + best
    return decision.astype(np.int8), strength


def _is_on_numbers(agreement: Agreement, item: Pass) -> bool:
    """Whether a pass blocks on, or encodes, an ID number, another identifier, or a part of one."""
    references = (*item.block_on, *(field.field for field in item.fields))
    return any(agreement.fields[split_view(reference)[0]].kind in TOKEN_KINDS for reference in references)
