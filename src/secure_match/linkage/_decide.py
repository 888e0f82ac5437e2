"""ENCODED: the decision on pairs by thresholds, a bounded number of pairs at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Agreement, Pass, split_view
from secure_match.linkage._keys import RowArray
from secure_match.linkage._pairs import FloatArray
from secure_match.linkage._rows import TokenState, token_states

StateArray = npt.NDArray[np.int8]

_PAIRS_AT_A_TIME: Final = 1 << 20


class Decision(IntEnum):
    """Decision on a pair (Fellegi and Sunter's three)."""

    LINK = 0
    POSSIBLE_LINK = 1
    NON_LINK = 2


def decide_pairs(
    agreement: Agreement,
    passes: Sequence[Pass],
    codes: RowArray,
    pairs: tuple[RowArray, RowArray],
    similarity: Mapping[str, FloatArray],
) -> tuple[StateArray, StateArray, npt.NDArray[np.int64]]:
    """Token states and decisions of all pairs, and the links in the order in which they are to be taken.

    Args:
        codes: token code of each row, int32 of shape (rows,), -1 for none.
        pairs: row_i and row_j, int32 of shape (pairs,), in rising order.

    Returns:
        ``TokenState`` and ``Decision``, int8 of shape (pairs,); and places of links among the pairs, int64 of shape
        (links,), strongest first, of equal ones the first pair first.
    """
    row_i, row_j = pairs
    states = np.empty(len(row_i), dtype=np.int8)
    decisions = np.empty(len(row_i), dtype=np.int8)
    places, weakness = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.float64)]
    for begin in range(0, len(row_i), _PAIRS_AT_A_TIME):
        part = slice(begin, begin + _PAIRS_AT_A_TIME)
        states[part] = token_states(codes, row_i[part], row_j[part])
        some = {name: values[part] for name, values in similarity.items()}
        decisions[part], strength = decide(agreement, passes, states[part], some)
        linked = np.flatnonzero(decisions[part] == Decision.LINK)
        places.append(linked + begin)
        weakness.append(-strength[linked])
    links = np.concatenate(places)
    return states, decisions, links[np.argsort(np.concatenate(weakness), kind="stable")]


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
    count = len(states)
    linking, linking_strictly = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    best = np.zeros(count, dtype=np.float64)
    loose_review, strict_link, strict_review = (np.zeros(count, dtype=np.bool_) for _ in range(3))
    for item in passes:
        score = np.nan_to_num(similarity[item.id], nan=-1.0)
        link_threshold, review_threshold = agreement.thresholds_of(item)
        loose_review |= score >= review_threshold
        strict_review |= score >= max(limits.different_ids_review, review_threshold)
        if not item.review_only:
            linking += score >= link_threshold
        if not item.review_only and not _is_on_numbers(agreement, item):
            linking_strictly += score >= link_threshold
            strict_link |= score >= max(limits.different_ids_link, link_threshold)
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
    """Whether a pass blocks on, or encodes, an ID number or a part of one."""
    references = (*item.block_on, *(field.field for field in item.fields))
    return any(agreement.fields[split_view(reference)[0]].kind == "id_number" for reference in references)
