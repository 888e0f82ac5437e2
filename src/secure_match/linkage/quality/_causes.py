"""ENCODED: what missed and wrong links have in common: errors of their rows, token state, the pass that compared them.

Invariants: matches that nobody proposed are counted in closed form from how many rows of a person have an error, so
nothing is listed pair by pair; causes overlap (a pair may have two errors), so their counts do not add up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from secure_match.linkage.quality._cluster_quality import true_pair_count
from secure_match.linkage.quality._judging import JudgedPairs, PairEvidence, PersonTruth
from secure_match.linkage.quality._pair_quality import BoolArray, IntArray

By = Literal["error", "token_state", "pass", "candidate"]

NOT_A_CANDIDATE: Final = "not a candidate"
NO_ERROR: Final = "no error"
UNCOMPARED: Final = "no pass"
TWIN: Final = "twin"
"""A kind that says who a person is, not what was keyed wrongly: it counts where both rows have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseCount:
    """How many pairs with something in common went wrong.

    Attributes:
        by: what it is that they have in common.
        cause: the kind of error on one row or both (``TWIN``: on both), ``NO_ERROR`` on either; the token state; the
            pass that could compare the pair, or ``UNCOMPARED``; or ``NOT_A_CANDIDATE``.
        count: missed matches, or wrong links.
        of: matches, or links, that have it in common.
    """

    by: By
    cause: str
    count: int
    of: int


def missed_by_cause(pairs: PairEvidence, judged: JudgedPairs, truth: PersonTruth | None) -> tuple[CauseCount, ...]:
    """Matches that are not linked, by what they have in common.

    Args:
        truth: for kinds of error; None where rows have no known person.

    Returns:
        Counts by candidate, error, token state and pass, in this order; within each the most missed first, then by
        name. Causes that no match has are left out.
    """
    place = judged.place[judged.is_match]
    missed = ~pairs.linked[place]
    unproposed = judged.true_pairs - len(place)
    rows = [CauseCount(by="candidate", cause=NOT_A_CANDIDATE, count=unproposed, of=judged.true_pairs)]
    if truth is not None and truth.has_errors:
        found = ~missed
        for cause, flags, among in _errors_of(pairs, place, truth):
            rows.append(CauseCount(by="error", cause=cause, count=among - int((flags & found).sum()), of=among))
    rows += _evidence_counts(pairs, place, missed)
    return _ordered(rows)


def wrong_by_cause(pairs: PairEvidence, judged: JudgedPairs, truth: PersonTruth | None) -> tuple[CauseCount, ...]:
    """Links that are no matches, by what they have in common; as :func:`missed_by_cause`, without candidates."""
    linked = pairs.linked[judged.place]
    place, wrong = judged.place[linked], ~judged.is_match[linked]
    rows: list[CauseCount] = []
    if truth is not None and truth.has_errors:
        for cause, flags, _ in _errors_of(pairs, place, truth):
            rows.append(CauseCount(by="error", cause=cause, count=int((flags & wrong).sum()), of=int(flags.sum())))
    rows += _evidence_counts(pairs, place, wrong)
    return _ordered(rows)


def _errors_of(pairs: PairEvidence, place: IntArray, truth: PersonTruth) -> Iterator[tuple[str, BoolArray, int]]:
    """Each kind: its name, which of the pairs at ``place`` have it, and how many of all matches do."""
    one, two = truth.errors[pairs.row_i[place]], truth.errors[pairs.row_j[place]]
    either, both = one | two, one & two
    for number, kind in enumerate(truth.kinds):
        bit = np.uint64(1) << np.uint64(number)
        has = (truth.errors & bit) != 0
        # Matches with the kind on a row are those of all rows without those of the rows that lack it.
        among = (
            true_pair_count(truth.person[has])
            if kind == TWIN
            else true_pair_count(truth.person) - true_pair_count(truth.person[~has])
        )
        yield kind, ((both if kind == TWIN else either) & bit) != 0, among
    twin = sum(1 << number for number, kind in enumerate(truth.kinds) if kind == TWIN)
    damage = np.uint64(~twin & (1 << 64) - 1)
    yield NO_ERROR, (either & damage) == 0, true_pair_count(truth.person[(truth.errors & damage) == 0])


def _evidence_counts(pairs: PairEvidence, place: IntArray, chosen: BoolArray) -> Iterator[CauseCount]:
    state = pairs.token_state[place]
    for number, name in enumerate(pairs.token_states):
        flags = state == number
        yield CauseCount(by="token_state", cause=name, count=int((flags & chosen).sum()), of=int(flags.sum()))
    nowhere = np.ones(len(place), dtype=np.bool_)
    for name, compared in pairs.compared.items():
        flags = compared[place]
        nowhere &= ~flags
        yield CauseCount(by="pass", cause=name, count=int((flags & chosen).sum()), of=int(flags.sum()))
    yield CauseCount(by="pass", cause=UNCOMPARED, count=int((nowhere & chosen).sum()), of=int(nowhere.sum()))


def _ordered(rows: list[CauseCount]) -> tuple[CauseCount, ...]:
    groups: tuple[By, ...] = ("candidate", "error", "token_state", "pass")
    held = [row for row in rows if row.of]
    return tuple(sorted(held, key=lambda row: (groups.index(row.by), -row.count, row.cause)))
