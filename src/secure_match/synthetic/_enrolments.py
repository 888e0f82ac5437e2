"""PUBLIC: who is enrolled where in which months, and the rows too many that the city has to find.

A month is counted from January 2025 (0) to December 2026 (23); the year that is examined is 12 to 23.
Invariants: the dead and the moved have no month in 2026; without ``duplicates`` nobody has two rows of one group
in a common month.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from secure_match.synthetic._config import (
    EMPLOYEE_MEDICAL,
    EMPLOYEE_PENSION,
    RESIDENT_MEDICAL,
    RESIDENT_PENSION,
    CityConfig,
)
from secure_match.synthetic._people import ADULT_AGE, NORMAL, RETIREMENT_AGE, People
from secure_match.synthetic._places import TOWN_RURAL
from secure_match.synthetic._streams import BoolArray, IntArray, Streams, draw_flags

FIRST_MONTH: Final = 12
"""January 2026, the first month that is examined."""
LAST_MONTH: Final = 23
"""December 2026, the last month that is examined."""
OPEN: Final = -1
"""Still paying."""
PENSION_BIRTH_YEAR: Final = 2010
"""Whoever was born in this year or before belongs in a pension scheme, unless at school."""

EMPLOYEE_SCHEME, RESIDENT_SCHEME, NO_SCHEME = 0, 1, -1
GROUPS: Final = {
    "pension": (EMPLOYEE_PENSION, RESIDENT_PENSION),
    "medical": (EMPLOYEE_MEDICAL, RESIDENT_MEDICAL),
}
"""Exclusion groups (110 with 170, 310 with 390): rule to datasets, employee scheme first."""

_SCHOOL_SHARES: Final = ((6, 15, 0.98), (16, 18, 0.88), (19, 22, 0.35))
_EMPLOYEE_SHARE: Final = {False: 0.62, True: 0.38}
_RETIRED_EMPLOYEE_SHARE: Final = {False: 0.42, True: 0.2}
_OUTSIDER_EMPLOYEE_SHARE: Final = 0.75
_STOPPED_SHARE: Final = 0.03
_WHOLE_YEAR_SHARE: Final = 0.5
_GONE_WITH_ROWS_SHARE: Final = 0.3
_CROSS_SCHEME_SHARE: Final = 0.7
_BOUNDARY_SHARE: Final = 0.15


class Role(IntEnum):
    """What a person is to the schemes."""

    GONE = 0
    EMPLOYEE = 1
    RESIDENT = 2
    CHILD = 3
    STUDENT = 4
    RETIRED_EMPLOYEE = 5
    RETIRED_RESIDENT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Spells:
    """Rows of one group: int64 of shape (rows,). ``last`` may be OPEN; ``scheme`` indexes the group."""

    person: IntArray
    scheme: IntArray
    first: IntArray
    last: IntArray

    def __add__(self, other: Spells) -> Spells:
        return Spells(
            person=np.concatenate([self.person, other.person]),
            scheme=np.concatenate([self.scheme, other.scheme]),
            first=np.concatenate([self.first, other.first]),
            last=np.concatenate([self.last, other.last]),
        )

    def taken(self, rows: IntArray | BoolArray) -> Spells:
        """The spells at ``rows``."""
        return Spells(person=self.person[rows], scheme=self.scheme[rows], first=self.first[rows], last=self.last[rows])

    def months_in_year(self) -> tuple[IntArray, IntArray]:
        """First and last month within the examined year; the first is above the last where there is none."""
        last = np.where(self.last == OPEN, LAST_MONTH, self.last)
        return np.maximum(self.first, FIRST_MONTH), np.minimum(last, LAST_MONTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolments:
    """Spells by group, and the people at school (indices)."""

    spells: dict[str, Spells]
    students: IntArray


def draw_enrolments(config: CityConfig, streams: Streams, people: People) -> Enrolments:
    """Everybody's enrolments."""
    role = _draw_roles(streams.of("roles"), people)
    rng = streams.of("job-changes")
    scheme = np.where((role == Role.EMPLOYEE) | (role == Role.RETIRED_EMPLOYEE), EMPLOYEE_SCHEME, RESIDENT_SCHEME)
    change = _draw_changes(rng, role, config.job_changes)
    # Half of those who change come from the other scheme, half from another employer or town.
    earlier = np.where(draw_flags(rng, 0.5, len(role)), 1 - scheme, scheme)
    gone = (role == Role.GONE) & ~draw_flags(rng, _GONE_WITH_ROWS_SHARE, len(role))
    at_work = (role == Role.EMPLOYEE) | (role == Role.RESIDENT)
    outside = (scheme == RESIDENT_SCHEME) & (role != Role.GONE)
    skips_medical = outside & draw_flags(streams.of("missing", "medical"), config.missing_medical, len(role))
    skips_pension = at_work & draw_flags(streams.of("missing", "pension"), config.missing_pension, len(role))
    has = {
        "pension": (at_work | (role == Role.RETIRED_EMPLOYEE) | (role == Role.RETIRED_RESIDENT) | (role == Role.GONE))
        & (people.birth_year <= PENSION_BIRTH_YEAR)
        & ~(skips_pension & people.resident),
        "medical": ~(skips_medical & people.resident),
    }
    spells = {}
    for group in GROUPS:
        main = np.where(has[group] & ~gone, scheme, NO_SCHEME)
        rng = streams.of("spells", group)
        spells[group] = _draw_spells(rng, group, role=role, main=main, earlier=earlier, change=change)
    return Enrolments(
        spells=_with_duplicates(streams, spells, people, role, config.duplicates),
        students=np.flatnonzero(role == Role.STUDENT),
    )


def _draw_roles(rng: np.random.Generator, people: People) -> IntArray:
    count = len(people.age)
    age, chance = people.age, rng.random(count)
    rural = TOWN_RURAL[people.homes.town[people.home]]
    in_school = np.zeros(count, dtype=bool)
    for youngest, oldest, share in _SCHOOL_SHARES:
        in_school |= (age >= youngest) & (age <= oldest) & (chance < share)
    worker = rng.random(count)
    is_employee = worker < np.where(rural, _EMPLOYEE_SHARE[True], _EMPLOYEE_SHARE[False])
    was_employee = worker < np.where(rural, _RETIRED_EMPLOYEE_SHARE[True], _RETIRED_EMPLOYEE_SHARE[False])
    outsider_role = np.where(worker < _OUTSIDER_EMPLOYEE_SHARE, Role.EMPLOYEE, Role.RESIDENT)
    return np.select(
        [
            ~people.resident,
            people.status != NORMAL,
            in_school,
            people.birth_year > PENSION_BIRTH_YEAR,
            (age >= RETIREMENT_AGE) & was_employee,
            age >= RETIREMENT_AGE,
            (age >= ADULT_AGE + 2) & is_employee,
        ],
        [
            outsider_role,
            Role.GONE,
            Role.STUDENT,
            Role.CHILD,
            Role.RETIRED_EMPLOYEE,
            Role.RETIRED_RESIDENT,
            Role.EMPLOYEE,
        ],
        Role.RESIDENT,
    ).astype(np.int64)


def _draw_changes(rng: np.random.Generator, role: IntArray, job_changes: float) -> IntArray:
    """Month in which a person's present spell began after an earlier one; 0 where there was none."""
    changes = (role == Role.EMPLOYEE) & draw_flags(rng, job_changes, len(role))
    changes |= (role == Role.RESIDENT) & draw_flags(rng, job_changes / 2, len(role))
    return np.where(changes, rng.integers(FIRST_MONTH + 1, LAST_MONTH + 1, len(role)), 0)


def _draw_spells(
    rng: np.random.Generator, group: str, *, role: IntArray, main: IntArray, earlier: IntArray, change: IntArray
) -> Spells:
    count = len(role)
    start = np.where(draw_flags(rng, 0.6, count), 0, rng.integers(0, FIRST_MONTH + 1, count))
    last = np.full(count, OPEN, dtype=np.int64)
    if group == "medical":
        by_year = (main == RESIDENT_SCHEME) & draw_flags(rng, 0.7, count)
        start = np.where(by_year, FIRST_MONTH, start)
        last = np.where(by_year & draw_flags(rng, _WHOLE_YEAR_SHARE, count), LAST_MONTH, last)
    else:
        last = np.where(role == Role.RETIRED_EMPLOYEE, rng.integers(0, FIRST_MONTH, count), last)
    stopped = (change == 0) & (last == OPEN) & draw_flags(rng, _STOPPED_SHARE, count)
    last = np.where(stopped, rng.integers(FIRST_MONTH, LAST_MONTH, count), last)
    last = np.where(role == Role.GONE, rng.integers(0, FIRST_MONTH, count), last)
    start = np.where((last != OPEN) & (start > last), last, start)
    now, before = np.flatnonzero(main != NO_SCHEME), np.flatnonzero((main != NO_SCHEME) & (change > 0))
    present = Spells(person=now, scheme=main[now], first=np.where(change > 0, change, start)[now], last=last[now])
    past = Spells(person=before, scheme=earlier[before], first=start[before], last=change[before] - 1)
    return present + past


def _with_duplicates(
    streams: Streams, spells: dict[str, Spells], people: People, role: IntArray, duplicates: float
) -> dict[str, Spells]:
    """Give a share of the enrolled one row more in a month that one of their rows has already."""
    rng = streams.of("duplicates")
    count = len(people.age)
    enrolled = np.zeros(count, dtype=bool)
    for rows in spells.values():
        enrolled[rows.person] = True
    chosen = enrolled & draw_flags(rng, duplicates, count)
    prefers_pension = draw_flags(rng, 0.4, count)
    done = np.zeros(count, dtype=bool)
    extra: dict[str, Spells] = {}
    active = {group: _persons_active(rows, count) for group, rows in spells.items()}
    for group, other in (("pension", "medical"), ("medical", "pension")):
        wants = prefers_pension if group == "pension" else ~prefers_pension
        persons = chosen & active[group] & ~done & (wants | ~active[other])
        done |= persons
        can_work = (people.birth_year <= PENSION_BIRTH_YEAR) & (role != Role.STUDENT)
        extra[group] = _overlapping(rng, spells[group], persons, can_work)
    return {group: spells[group] + extra[group] for group in spells}


def _persons_active(rows: Spells, count: int) -> BoolArray:
    low, high = rows.months_in_year()
    active = np.zeros(count, dtype=bool)
    active[rows.person[low <= high]] = True
    return active


def _overlapping(rng: np.random.Generator, rows: Spells, persons: BoolArray, can_work: BoolArray) -> Spells:
    """One more row for each of ``persons``, in a month in common with one of ``rows``."""
    low, high = rows.months_in_year()
    candidates = rng.permutation(np.flatnonzero((low <= high) & persons[rows.person]))
    _, first = np.unique(rows.person[candidates], return_index=True)
    base = candidates[first]
    count, person, scheme = len(base), rows.person[base], rows.scheme[base]
    low, high = low[base], high[base]
    crosses = draw_flags(rng, _CROSS_SCHEME_SHARE, count) & can_work[person]
    start = low + (rng.random(count) * (high - low + 1)).astype(np.int64)
    start = np.where(draw_flags(rng, 0.3, count), rng.integers(0, FIRST_MONTH, count), start)
    end = np.maximum(start, low)
    end = end + (rng.random(count) * (LAST_MONTH - end + 1)).astype(np.int64)
    last = np.where(draw_flags(rng, 0.5, count), OPEN, end)
    edge = rng.random(count) / _BOUNDARY_SHARE
    # One month in common: the new row begins in the last month of the old one, or ends in its first.
    start = np.where(edge < 0.5, high, start)
    last = np.where(edge < 0.5, OPEN, last)
    ends_early = (edge >= 0.5) & (edge < 1.0)
    start = np.where(ends_early, np.minimum(start, low), start)
    last = np.where(ends_early, low, last)
    return Spells(person=person, scheme=np.where(crosses, 1 - scheme, scheme), first=start, last=last)
