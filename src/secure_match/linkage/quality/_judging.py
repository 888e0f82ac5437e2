"""ENCODED: candidate pairs of a run, the truth about their rows, and which pairs that truth can judge.

Invariants: rows are numbers; those that the truth names by person come first. A pair that the truth says nothing of is
never counted as wrong: it is left out and counted apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.errors import LinkageError
from secure_match.linkage import Decision
from secure_match.linkage.quality._cluster_quality import true_pair_count
from secure_match.linkage.quality._pair_quality import BoolArray, IntArray
from secure_match.linkage.quality._sweep import FloatArray

ErrorBits = npt.NDArray[np.uint64]
MAX_KINDS: Final = 64
"""Kinds of error: each is one bit of a word."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairEvidence:
    """Pairs of a run with what was decided on them; each unordered pair of rows stands once, in any order.

    Attributes:
        row_i: row numbers below ``num_rows``, int64 of shape (pairs,).
        row_j: the other row of each pair, never the same.
        num_rows: all rows of pairs, truth and clusters.
        decision: ``Decision``, int8 of shape (pairs,).
        refused: links that a constraint or a cluster refused, bool of shape (pairs,).
        token_state: index into ``token_states``, int8 of shape (pairs,).
        token_states: names of the states.
        compared: pass id to whether the pass could compare the pair, bool of shape (pairs,).
        score: what thresholds are tried on, float64 of shape (pairs,); NaN where there is none.
        score_name: what ``score`` is.
        probability: match probability, float64 of shape (pairs,), or None where the run gives none.
        reviewed: how many pairs a clerk has decided; on these the decision is the clerk's.
        implied: how many of the last pairs are in no list but follow from equal ID tokens; their probability is NaN.
    """

    row_i: IntArray
    row_j: IntArray
    num_rows: int
    decision: npt.NDArray[np.int8]
    refused: BoolArray
    token_state: npt.NDArray[np.int8]
    token_states: tuple[str, ...]
    compared: Mapping[str, BoolArray]
    score: FloatArray
    score_name: str
    probability: FloatArray | None = None
    reviewed: int = 0
    implied: int = 0

    @property
    def linked(self) -> BoolArray:
        """Links that stand: decided so, and not refused; bool of shape (pairs,)."""
        return np.asarray((self.decision == Decision.LINK) & ~self.refused, dtype=np.bool_)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonTruth:
    """Whose each row is. Rows 0 to ``len(person)`` - 1 of the evidence are these.

    Attributes:
        person: equal numbers for rows of one person, int64 of shape (rows,).
        errors: bit ``b`` is set where the row has the error ``kinds[b]``, uint64 of shape (rows,); zero if unknown.
        kinds: names of the kinds of error, at most ``MAX_KINDS``.
        has_errors: whether kinds of error are known at all.
    """

    person: IntArray
    errors: ErrorBits
    kinds: tuple[str, ...] = ()
    has_errors: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairTruth:
    """Which of some pairs are matches; of other pairs nothing is known.

    Attributes:
        row_i: int64 of shape (listed,).
        row_j: int64 of shape (listed,); each unordered pair stands once, in any order.
        is_match: bool of shape (listed,).
    """

    row_i: IntArray
    row_j: IntArray
    is_match: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedPairs:
    """The candidate pairs that the truth can judge.

    Attributes:
        place: their places among the pairs of the evidence, rising, int64 of shape (judged,).
        is_match: their truth, bool of shape (judged,).
        true_pairs: all matches that the truth knows, candidates or not.
    """

    place: IntArray
    is_match: BoolArray
    true_pairs: int


def pair_keys(row_i: IntArray, row_j: IntArray, num_rows: int) -> IntArray:
    """One number per unordered pair, int64 of shape (pairs,). There are less than 2^31 rows, so it fits."""
    one, two = row_i.astype(np.int64, copy=False), row_j.astype(np.int64, copy=False)
    return np.minimum(one, two) * num_rows + np.maximum(one, two)


def judge(pairs: PairEvidence, truth: PersonTruth | PairTruth) -> JudgedPairs:
    """Find the pairs that the truth can judge.

    Raises:
        LinkageError: ``TRUTH_FOREIGN`` if there are pairs and none of them can be judged.
    """
    if isinstance(truth, PersonTruth):
        known = len(truth.person)
        place = np.flatnonzero((pairs.row_i < known) & (pairs.row_j < known))
        is_match = truth.person[pairs.row_i[place]] == truth.person[pairs.row_j[place]]
        true_pairs = true_pair_count(truth.person)
    else:
        keys = pair_keys(pairs.row_i, pairs.row_j, pairs.num_rows)
        listed = pair_keys(truth.row_i, truth.row_j, pairs.num_rows)
        order = np.argsort(listed)
        ranked = listed[order]
        spot = np.minimum(np.searchsorted(ranked, keys), max(len(ranked) - 1, 0))
        place = np.flatnonzero(ranked[spot] == keys) if len(ranked) else np.zeros(0, dtype=np.int64)
        is_match = truth.is_match[order[spot[place]]]
        true_pairs = int(np.count_nonzero(truth.is_match))
    if len(pairs.row_i) and not len(place):
        raise LinkageError(
            "the truth says nothing of any of the pairs: is it of the same run and the same keys?", code="TRUTH_FOREIGN"
        )
    return JudgedPairs(place=place, is_match=is_match, true_pairs=true_pairs)
