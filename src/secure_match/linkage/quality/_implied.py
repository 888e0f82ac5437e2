"""ENCODED: pairs that a run does not list because equal ID tokens imply them.

A run lists the rows of one ID token as a star: its first row with each of the others. That the others are equal among
each other follows, and whoever counts pairs has to count them.

Invariants: a pair that is listed is not implied a second time; what an implied pair says is the weaker of the two
listed pairs that it follows from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from secure_match.errors import LinkageError
from secure_match.linkage import TokenState
from secure_match.linkage.quality._judging import PairEvidence, pair_keys
from secure_match.linkage.quality._pair_quality import BoolArray, IntArray

MAX_IMPLIED: Final = 1 << 27
"""Pairs; a run of ten million people with three rows each implies some ten million."""


def with_implied_pairs(pairs: PairEvidence) -> PairEvidence:
    """Append the pairs that follow from equal ID tokens.

    Where two listed pairs of the state ``EQUAL`` have the same ``row_i``, their ``row_j`` are a pair too. Its decision
    is the weaker one, it is refused if one of the two is, its score is the smaller one (NaN if one is NaN). It has no
    match probability of its own, and no pass counts as having compared it.

    Returns:
        The same pairs, and behind them the implied ones, by ``row_i`` of the two, then by how far apart they stand.

    Raises:
        LinkageError: ``PAIRS_CROWDED`` where more than ``MAX_IMPLIED`` pairs would follow.
    """
    equal = TokenState.EQUAL.name
    if equal not in pairs.token_states:
        return pairs
    state = pairs.token_states.index(equal)
    listed = np.flatnonzero(pairs.token_state == state)
    listed = listed[np.argsort(pairs.row_i[listed], kind="stable")]
    one, two = _within_stars(pairs.row_i[listed])
    one, two = listed[one], listed[two]
    keys = pair_keys(pairs.row_j[one], pairs.row_j[two], pairs.num_rows)
    new = ~_among(keys, pair_keys(pairs.row_i[listed], pairs.row_j[listed], pairs.num_rows))
    one, two = one[new], two[new]
    count = len(one)
    probability = pairs.probability
    if probability is not None:
        probability = np.append(probability, np.full(count, np.nan))
    return replace(
        pairs,
        row_i=np.append(pairs.row_i, pairs.row_j[one]),
        row_j=np.append(pairs.row_j, pairs.row_j[two]),
        decision=np.append(pairs.decision, np.maximum(pairs.decision[one], pairs.decision[two])),
        refused=np.append(pairs.refused, pairs.refused[one] | pairs.refused[two]),
        token_state=np.append(pairs.token_state, np.full(count, state, dtype=np.int8)),
        compared={name: np.append(flags, np.zeros(count, dtype=np.bool_)) for name, flags in pairs.compared.items()},
        score=np.append(pairs.score, np.minimum(pairs.score[one], pairs.score[two])),
        probability=probability,
        implied=pairs.implied + count,
    )


def _among(keys: IntArray, known: IntArray) -> BoolArray:
    """Which keys are known ones."""
    ranked = np.sort(known)
    if not len(ranked):
        return np.zeros(len(keys), dtype=np.bool_)
    return np.asarray(ranked[np.minimum(np.searchsorted(ranked, keys), len(ranked) - 1)] == keys, dtype=np.bool_)


def _within_stars(centre: IntArray) -> tuple[IntArray, IntArray]:
    """All pairs of places with the same centre; centres rise."""
    sizes = np.unique(centre, return_counts=True)[1]
    if int((sizes * (sizes - 1)).sum()) // 2 > MAX_IMPLIED:
        raise LinkageError(
            f"equal ID tokens imply more than {MAX_IMPLIED:,} pairs; link with a smaller max_rows_per_person",
            code="PAIRS_CROWDED",
        )
    left, right = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    place = np.arange(len(centre), dtype=np.int64)
    distance = 1
    while len(place):
        place = place[place < len(centre) - distance]
        # Centres rise, so a place that has no partner at this distance has none farther away.
        place = place[centre[place] == centre[place + distance]]
        left.append(place)
        right.append(place + distance)
        distance += 1
    return np.concatenate(left), np.concatenate(right)
