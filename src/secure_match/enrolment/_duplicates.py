"""ENCODED: duplicates: two rows of one person active in schemes that exclude each other in the same months."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Agreement, ExclusionGroup
from secure_match.enrolment._rows import IntArray, PersonRows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Duplicates:
    """Conflicting pairs of rows under one rule, ordered by (row_i, row_j).

    Attributes:
        rule: id of the exclusion group.
        row_i: row number in canonical order, int64 of shape (pairs,); ``row_i < row_j``.
        row_j: likewise.
        first_month: first month (YYYYMM) that both rows cover, int64 of shape (pairs,).
        last_month: last month that both cover.
        by_token: the two rows have equal ID tokens; bool of shape (pairs,).
        absent_datasets: datasets of the group's schemes that were not handed in; conflicts with them stay unseen.
        skipped_persons: persons with more rows than the limit, whose rows were not paired.
        skipped_rows: their rows.
    """

    rule: str
    row_i: IntArray
    row_j: IntArray
    first_month: IntArray
    last_month: IntArray
    by_token: npt.NDArray[np.bool_]
    absent_datasets: tuple[str, ...] = ()
    skipped_persons: int = 0
    skipped_rows: int = 0


def find_duplicates(agreement: Agreement, rows: PersonRows, group: ExclusionGroup) -> Duplicates:
    """Find all pairs of one person's rows that the group forbids; one month in common is enough.

    A person with more rows than ``limits.max_rows_per_person`` is reported and not paired: pairs grow with the square.
    """
    links = rows.links
    chosen = np.flatnonzero(rows.in_schemes(group.schemes) & (rows.first_month <= rows.last_month))
    counts = np.bincount(links.labels[chosen], minlength=1)
    crowded = counts[links.labels[chosen]] > agreement.limits.max_rows_per_person
    skipped = links.labels[chosen[crowded]]
    chosen = chosen[~crowded]
    row_i, row_j = _pairs_within(chosen, links.labels[chosen])
    if not group.same_scheme:
        schemes = np.array(rows.schemes)[links.rows.dataset_of]
        other = schemes[row_i] != schemes[row_j]
        row_i, row_j = row_i[other], row_j[other]
    first = np.maximum(rows.first_month[row_i], rows.first_month[row_j])
    last = np.minimum(rows.last_month[row_i], rows.last_month[row_j])
    shared = first <= last
    row_i, row_j = row_i[shared], row_j[shared]
    tokens = links.rows.token_codes
    return Duplicates(
        rule=group.id,
        row_i=row_i,
        row_j=row_j,
        first_month=first[shared],
        last_month=last[shared],
        by_token=(tokens[row_i] == tokens[row_j]) & (tokens[row_i] >= 0),
        absent_datasets=tuple(
            dataset.id for dataset in agreement.datasets_of_schemes(group.schemes) if dataset.id not in rows.dataset_ids
        ),
        skipped_persons=len(np.unique(skipped)),
        skipped_rows=len(skipped),
    )


def _pairs_within(rows: IntArray, labels: IntArray) -> tuple[IntArray, IntArray]:
    """All pairs of rows with equal labels, ordered by (first, second) row number."""
    order = np.argsort(labels, kind="stable")
    rows, labels = rows[order], labels[order]
    left: list[IntArray] = []
    right: list[IntArray] = []
    # One step per distance inside a group: as many steps as the largest person has rows.
    for distance in range(1, len(rows)):
        same = labels[distance:] == labels[:-distance]
        if not same.any():
            break
        left.append(rows[:-distance][same])
        right.append(rows[distance:][same])
    if not left:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty
    row_i, row_j = np.concatenate(left), np.concatenate(right)
    order = np.lexsort((row_j, row_i))
    return row_i[order], row_j[order]
