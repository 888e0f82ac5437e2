"""ENCODED: trouble with ID numbers: one number on two people's rows, and one person with two numbers.

Both follow from two partitions of the rows that have a valid number: by number (the ID token) and by person (the
cluster). Where the partitions agree there is nothing to ask. Invariants:

* a finding is a group of rows, never a pair: all rows with the number, or all rows of the person that have a number;
* a row is in at most one finding of a kind, so a finding can be named after its first row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Agreement, NumberFindingKind
from secure_match.enrolment._rows import IntArray
from secure_match.linkage import LinkResult

BoolArray = npt.NDArray[np.bool_]
CodeArray = npt.NDArray[np.int64] | npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NumberConflicts:
    """Findings of one kind on ID numbers.

    Attributes:
        kind: ``one_number_two_people`` or ``one_person_two_numbers``.
        row: rows of all findings by canonical row number, int64 of shape (rows,), ordered by (finding, row).
        finding: the finding of each row, int64 of shape (rows,): 0, 1, ... in the order of their first rows.
        first_row: the first row of each finding, int64 of shape (findings,), rising.
        persons: people (clusters) that the findings are on, each once.
        numbers: ID numbers that they are on, each once.
        repeated: the finding has two rows of one dataset that holds a person once, bool of shape (findings,). Under
            ``one_number_two_people`` it may be one person who was recorded twice: what keeps the rows apart is the
            agreement. Always false under ``one_person_two_numbers``.
        skipped_findings: findings with more rows than the limit; they are not in the arrays.
        skipped_rows: their rows.
    """

    kind: NumberFindingKind
    row: IntArray
    finding: IntArray
    first_row: IntArray
    persons: int
    numbers: int
    repeated: BoolArray
    skipped_findings: int = 0
    skipped_rows: int = 0

    def __len__(self) -> int:
        """Number of findings."""
        return len(self.first_row)


def find_number_conflicts(agreement: Agreement, links: LinkResult) -> tuple[NumberConflicts, ...]:
    """Find the trouble with ID numbers that the agreement asks for, by kind in the order of the agreement's table.

    * ``one_number_two_people``: all rows with one valid number, where they belong to two or more people. Rows of one
      dataset that holds a person once are two people by the agreement, see ``NumberConflicts.repeated``.
    * ``one_person_two_numbers``: all rows of one person that have a valid number, where the numbers are two or more.

    A group with more rows than ``limits.max_rows_per_person`` is counted and not reported.
    """
    limit = agreement.limits.max_rows_per_person
    codes, labels = links.rows.token_codes, links.labels
    sides: dict[NumberFindingKind, tuple[CodeArray, CodeArray]] = {
        "one_number_two_people": (codes, labels),
        "one_person_two_numbers": (labels, codes),
    }
    return tuple(_conflicts(kind, links, *sides[kind], limit) for kind in agreement.number_findings.titles)


def _conflicts(
    kind: NumberFindingKind, links: LinkResult, key: CodeArray, value: CodeArray, limit: int
) -> NumberConflicts:
    rows, first = _in_conflict(np.flatnonzero(links.rows.token_codes >= 0), key, value)
    _, finding, sizes = np.unique(first, return_inverse=True, return_counts=True)
    crowded = sizes > limit
    kept = ~crowded[finding]
    rows, first = rows[kept], first[kept]
    first_row, finding = np.unique(first, return_inverse=True)
    order = np.lexsort((rows, finding))
    rows, finding = rows[order], finding[order]
    return NumberConflicts(
        kind=kind,
        row=rows,
        finding=finding.astype(np.int64),
        first_row=first_row,
        persons=len(np.unique(links.labels[rows])),
        numbers=len(np.unique(links.rows.token_codes[rows])),
        repeated=_is_repeated(links, rows, finding, len(first_row)),
        skipped_findings=int(crowded.sum()),
        skipped_rows=int(sizes[crowded].sum()),
    )


def _in_conflict(rows: IntArray, key: CodeArray, value: CodeArray) -> tuple[IntArray, IntArray]:
    """The rows whose key has two or more values, and the first row of the key of each. No sort over all rows."""
    keys, values = key[rows], value[rows]
    first = np.zeros(int(keys.max(initial=-1)) + 1, dtype=np.int64)
    # Written from the last row to the first, so that a key's first row stays.
    first[keys[::-1]] = rows[::-1]
    is_bad = np.zeros(len(first), dtype=np.bool_)
    is_bad[keys[values != value[first[keys]]]] = True
    bad = is_bad[keys]
    return rows[bad], first[keys[bad]]


def _is_repeated(links: LinkResult, rows: IntArray, finding: IntArray, count: int) -> BoolArray:
    """Which findings have two rows of one dataset that holds a person once."""
    table = links.rows
    once = table.constraint_bit_of[table.dataset_of[rows]] != 0
    places = finding[once] * len(table.datasets) + table.dataset_of[rows[once]]
    twice, counts = np.unique(places, return_counts=True)
    repeated = np.zeros(count, dtype=np.bool_)
    repeated[twice[counts > 1] // max(1, len(table.datasets))] = True
    return repeated
