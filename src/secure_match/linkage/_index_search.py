"""ENCODED: chooses between comparing all pairs and an index, and reports what was done.

Invariants: ``auto`` and ``index`` give only pairs that ``exhaustive`` gives, in the same order and with the same
values; the choice depends on the input, its parameters and the seed, never on the machine or the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from secure_match.errors import LinkageError
from secure_match.kernels import (
    EXHAUSTIVE_COST,
    IndexedResult,
    IndexPlan,
    Measure,
    all_pairs,
    indexed_dice,
    plan_index,
)
from secure_match.linkage._index_audit import RecallAudit, recall_audit
from secure_match.linkage._sides import Sides

SearchMethod: TypeAlias = Literal["auto", "exhaustive", "index"]
SearchReason: TypeAlias = Literal["requested", "few_pairs", "cheaper", "no_gain", "crowded"]
PairArrays: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]
WordMatrix: TypeAlias = npt.NDArray[np.uint64]

AUTO_PAIRS: Final = 2 * 10**10
"""Possible pairs from which on ``auto`` considers an index; so many take the exhaustive kernel some ten seconds."""

AUTO_GAIN: Final = 2.0
"""``auto`` takes an index that is expected to be this many times cheaper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchReport:
    """How candidate pairs were searched for.

    Attributes:
        method: ``exhaustive`` or ``index``: what was done in the end.
        reason: ``requested``; ``few_pairs`` (``auto``: an index is not worth it); ``cheaper`` (``auto`` took the
            index); ``no_gain`` (an index would take about as long: exhaustive instead); ``crowded`` (the index was
            given up, because the rows crowd into few buckets: exhaustive instead).
        recall_bound: a pair exactly at the threshold is found with at least this probability, over the draw of the
            index; more similar pairs with more. 1.0 for ``exhaustive``.
        tables: tables of the index, 0 for ``exhaustive``.
        key_bits: bits per key, 0 for ``exhaustive``.
        compared: pairs of which at least a sketch was compared (all of them for ``exhaustive``).
        candidates: pairs that passed for a comparison of the encodings, counted once per table.
        largest_bucket: most rows of the smaller set in one bucket, 0 for ``exhaustive``.
        audit: measured recall; None for ``exhaustive``.
    """

    method: Literal["exhaustive", "index"]
    reason: SearchReason
    recall_bound: float
    tables: int
    key_bits: int
    compared: int
    candidates: int
    largest_bucket: int
    audit: RecallAudit | None


def verify_search(method: str, recall: float, seed: int) -> None:
    """Raise ``METHOD_UNKNOWN``, ``RECALL_RANGE`` or ``SEED_RANGE``."""
    if method not in get_args(SearchMethod):
        raise LinkageError(f"the method is one of {', '.join(get_args(SearchMethod))}", code="METHOD_UNKNOWN")
    if not 0.0 < recall < 1.0:
        raise LinkageError(
            "the recall of an index is above 0 and below 1; for all pairs use method 'exhaustive'",
            code="RECALL_RANGE",
        )
    if seed < 0:
        raise LinkageError("a seed is a whole number from 0", code="SEED_RANGE")


def search(
    sides: Sides,
    *,
    threshold: float,
    method: SearchMethod,
    recall: float,
    seed: int,
    threads: int | None,
) -> tuple[PairArrays, SearchReport]:
    """Pairs at or above the threshold, by the method that is asked for or chosen.

    Args:
        sides: what is compared with what, and by which measure. The index serves Dice; other measures compare all.
        threshold: from 0 to 1.
        method: as in ``similar_pairs``.
        recall: above 0 and below 1.
        seed: from 0.
        threads: how many threads; None for all cores that the process may use.

    Returns:
        Pairs ordered by (index_a, index_b), and the report.

    Raises:
        LinkageError: ``METHOD_UNKNOWN`` for an index by another measure than Dice.
    """
    a, b = sides.words_a, sides.words_b
    if sides.measure is not Measure.DICE:
        if method == "index":
            raise LinkageError("the index serves the measure dice only; use method 'auto'", code="METHOD_UNKNOWN")
        method = "exhaustive"
    num_pairs = _num_pairs(a, b)
    reason: SearchReason = "requested"
    if method == "auto" and num_pairs < AUTO_PAIRS:
        reason = "few_pairs"
    elif method != "exhaustive":
        rng = np.random.default_rng(seed)
        plan = plan_index(a, b, threshold=threshold, recall=recall, rng=rng)
        reason = "no_gain"
        if plan is not None and (method == "index" or plan.cost * AUTO_GAIN <= num_pairs * EXHAUSTIVE_COST):
            reason = "crowded"
            result = indexed_dice(a, b, plan, threads=threads)
            if result is not None:
                audit = recall_audit(a, b, result.pairs[:2], threshold=threshold, rng=rng, threads=threads)
                return result.pairs, _index_report(plan, result, audit, "requested" if method == "index" else "cheaper")
    found = all_pairs(a, b, measure=sides.measure, threshold=threshold, bits=sides.bits, threads=threads)
    return found, _exhaustive_report(num_pairs, reason)


def _num_pairs(a: WordMatrix, b: WordMatrix | None) -> int:
    return len(a) * (len(a) - 1) // 2 if b is None else len(a) * len(b)


def _index_report(plan: IndexPlan, result: IndexedResult, audit: RecallAudit, reason: SearchReason) -> SearchReport:
    return SearchReport(
        method="index",
        reason=reason,
        recall_bound=plan.recall_bound,
        tables=plan.num_tables,
        key_bits=plan.keys.shape[1],
        compared=result.compared,
        candidates=result.candidates,
        largest_bucket=result.largest_bucket,
        audit=audit,
    )


def _exhaustive_report(num_pairs: int, reason: SearchReason) -> SearchReport:
    return SearchReport(
        method="exhaustive",
        reason=reason,
        recall_bound=1.0,
        tables=0,
        key_bits=0,
        compared=num_pairs,
        candidates=num_pairs,
        largest_bucket=0,
        audit=None,
    )
