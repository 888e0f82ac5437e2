"""ENCODED: missing people: in the population and in no dataset of a scheme."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement, CoverageRule
from secure_match.enrolment._rows import IntArray, PersonRows
from secure_match.linkage import Decision


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Missing:
    """People missing under one rule.

    Attributes:
        rule: id of the coverage rule.
        row: population rows that are missing, by row number, int64 of shape (people,).
        held: population rows that would be missing, but may be a row of the scheme that belongs to nobody else in the
            population (a possible link); they wait for review, int64.
        eligible: number of population rows that the rule applies to: the denominator of coverage.
        enrolled: how many of those are in a dataset of the schemes.
        excused: how many are not, but in a dataset that excuses them.
    """

    rule: str
    row: IntArray
    held: IntArray
    eligible: int
    enrolled: int
    excused: int

    @property
    def covered(self) -> int:
        """Eligible people who need no visit: enrolled or excused."""
        return self.enrolled + self.excused


def find_missing(agreement: Agreement, rows: PersonRows, rule: CoverageRule) -> Missing | None:
    """Find who of the population is not in the rule's schemes.

    Returns:
        None where the run cannot tell: the population or a dataset of the schemes was not handed in.
    """
    enrolling = {dataset.id for dataset in agreement.datasets_of_schemes(rule.schemes)}
    covering = enrolling | set(rule.excused_by)
    if not covering | {rule.population} <= set(rows.dataset_ids):
        return None
    links = rows.links
    population = np.flatnonzero(rows.in_datasets({rule.population}))
    eligible = population[_is_eligible(rows, rule)]
    covered_rows = rows.in_datasets(covering)
    candidates = eligible[~_is_among(links.labels, covered_rows)[eligible]]
    enrolled = int(_is_among(links.labels, rows.in_datasets(enrolling))[eligible].sum())
    held = np.isin(candidates, _possibly_covered(rows, rule, covered_rows))
    return Missing(
        rule=rule.id,
        row=candidates[~held],
        held=candidates[held],
        eligible=len(eligible),
        enrolled=enrolled,
        excused=len(eligible) - len(candidates) - enrolled,
    )


def _is_among(labels: IntArray, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which rows belong to a person of whom ``rows`` holds a row: bool of shape (rows,)."""
    persons = np.zeros(len(labels), dtype=np.bool_)
    persons[labels[rows]] = True
    return persons[labels]


def _is_eligible(rows: PersonRows, rule: CoverageRule) -> npt.NDArray[np.bool_]:
    index = rows.dataset_ids.index(rule.population)
    count = int((rows.links.rows.dataset_of == index).sum())
    mask = np.ones(count, dtype=np.bool_)
    for name, values in rule.eligible.items():
        cells = rows.code(rule.population, name)
        wanted = pa.array(list(values)).cast(cells.type)
        mask &= np.asarray(pc.is_in(cells, value_set=wanted).to_numpy(zero_copy_only=False), dtype=np.bool_)
    return mask


def _possibly_covered(rows: PersonRows, rule: CoverageRule, covered_rows: npt.NDArray[np.bool_]) -> IntArray:
    """Population rows with a possible link to a covering row whose person is nobody of the population."""
    links = rows.links
    is_population = rows.in_datasets({rule.population})
    free = covered_rows & ~_is_among(links.labels, is_population)
    possible = links.decision == Decision.POSSIBLE_LINK
    forward = possible & is_population[links.row_i] & free[links.row_j]
    backward = possible & is_population[links.row_j] & free[links.row_i]
    return np.union1d(links.row_i[forward], links.row_j[backward]).astype(np.int64)
