"""PUBLIC: families at addresses: couples, their children, grandparents, people alone, and twins.

A family is drawn from its first child's age backwards: the mother's age at the birth, the father's, his
parents'. The pyramid of ages follows from that and from the mix of families.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from secure_match.synthetic._streams import (
    BoolArray,
    FloatArray,
    IntArray,
    Streams,
    draw_flags,
    draw_weighted,
)

REFERENCE_DAY: Final = int(np.datetime64("2026-01-01", "D").astype(np.int64))
"""Everybody was born before this day; ages are as of it. Days since 1970-01-01."""

DAYS_PER_YEAR: Final = 365.25
_MAX_AGE_YEARS: Final = 102.0
_FAMILY_WEIGHTS: Final = np.array([0.16, 0.22, 0.38, 0.24])
_ALONE, _COUPLE, _PARENTS, _THREE_GENERATIONS = range(4)
_FIRST_CHILD_WEIGHTS: Final = np.array([0.55] * 4 + [1.0] * 5 + [1.15] * 9 + [0.85] * 10)
"""Weight of each age in years of the first child at home: fewer births since 2021, fewer at home from 18."""
_HUSBAND, _WIFE, _FIRST, _FIRST_TWIN, _SECOND, _SECOND_TWIN, _THIRD, _GRANDFATHER, _GRANDMOTHER = range(9)
_SLOTS: Final = 9
_CHILDREN: Final = slice(_FIRST, _GRANDFATHER)
_YOUNGEST_WIFE_YEARS: Final = 20.0
_BOYS: Final = 0.53
_TWINS_OF_ONE_SEX: Final = 2 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """Persons in families; arrays of shape (persons,), int64 unless said otherwise.

    Attributes:
        home: index of the family, and of its dwelling.
        age: float64, years on the reference day.
        male: bool.
        line: person whose surname this one has (itself where it starts a line).
        guardian: parent who answers the phone for a child; -1 for all others.
        sibling_of: first child of the family, for its further children; -1 for all others.
        twin_of: the twin who was born first; -1 for all others.
    """

    home: IntArray
    age: FloatArray
    male: BoolArray
    line: IntArray
    guardian: IntArray
    sibling_of: IntArray
    twin_of: IntArray


def draw_families(streams: Streams, count: int, *, twin_births: float) -> Families:
    """``count`` persons, families complete but for the last one."""
    rng = streams.of("families")
    families = int(count * 0.45) + 64
    kind = draw_weighted(rng, _FAMILY_WEIGHTS, families)
    age, male, exists = _adults(rng, kind)
    _add_children(rng, kind, age, exists)
    male[:, _CHILDREN] = draw_flags(rng, _BOYS, families * 5).reshape(families, 5)
    _add_twin_births(streams.of("twins"), age, male, exists, twin_births)
    _add_grandparents(rng, kind, age, exists)
    exists &= (age > 0) & (age < _MAX_AGE_YEARS)
    persons = _flattened(rng, age, male, exists, count)
    alone = np.flatnonzero(kind[persons.home] == _ALONE)
    return _with_adult_twins(streams.of("adult-twins"), persons, alone, twin_births)


def _adults(rng: np.random.Generator, kind: IntArray) -> tuple[FloatArray, BoolArray, BoolArray]:
    families = len(kind)
    age = np.zeros((families, _SLOTS))
    male = np.zeros((families, _SLOTS), dtype=bool)
    exists = np.zeros((families, _SLOTS), dtype=bool)
    male[:, [_HUSBAND, _GRANDFATHER]] = True
    exists[:, _HUSBAND] = True
    exists[:, _WIFE] = kind != _ALONE
    first = draw_weighted(rng, _FIRST_CHILD_WEIGHTS, families) + rng.random(families)
    mother = first + np.clip(rng.normal(26.5, 4.0, families), 19.0, 43.0)
    father = mother + np.clip(rng.normal(2.0, 2.5, families), -4.0, 10.0)
    low, high = np.array([[23.0, 33.0], [42.0, 55.0], [55.0, 90.0]])[rng.choice(3, families, p=[0.3, 0.2, 0.5])].T
    husband = rng.uniform(low, high)
    wife = husband - np.clip(rng.normal(2.0, 2.5, families), -4.0, 10.0)
    # Redrawn, not clipped: clipping would put all of them on one birthday.
    wife = np.where(wife < _YOUNGEST_WIFE_YEARS, _YOUNGEST_WIFE_YEARS + 3.0 * rng.random(families), wife)
    low, high = np.array([[18.5, 35.0], [35.0, 60.0], [60.0, 93.0]])[rng.choice(3, families, p=[0.4, 0.25, 0.35])].T
    alone = rng.uniform(low, high)
    age[:, _HUSBAND] = np.select([kind == _ALONE, kind == _COUPLE], [alone, husband], father)
    age[:, _WIFE] = np.where(kind == _COUPLE, wife, mother)
    age[:, _FIRST] = first
    male[:, _HUSBAND] = np.where(kind == _ALONE, draw_flags(rng, 0.52, families), True)
    return age, male, exists


def _add_children(rng: np.random.Generator, kind: IntArray, age: FloatArray, exists: BoolArray) -> None:
    families = len(kind)
    has_children = kind >= _PARENTS
    children = 1 + rng.choice(3, families, p=[0.58, 0.36, 0.06])
    age[:, _SECOND] = age[:, _FIRST] - np.clip(rng.normal(4.0, 2.0, families), 1.0, 10.0)
    age[:, _THIRD] = age[:, _SECOND] - np.clip(rng.normal(4.0, 2.0, families), 1.0, 10.0)
    exists[:, _FIRST] = has_children
    exists[:, _SECOND] = has_children & (children >= 2)
    exists[:, _THIRD] = has_children & (children == 3)


def _add_twin_births(
    rng: np.random.Generator, age: FloatArray, male: BoolArray, exists: BoolArray, twin_births: float
) -> None:
    families = len(age)
    for born, twin in ((_FIRST, _FIRST_TWIN), (_SECOND, _SECOND_TWIN)):
        exists[:, twin] = exists[:, born] & draw_flags(rng, twin_births, families)
        age[:, twin] = age[:, born]
        male[:, twin] = male[:, born] ^ ~draw_flags(rng, _TWINS_OF_ONE_SEX, families)


def _add_grandparents(rng: np.random.Generator, kind: IntArray, age: FloatArray, exists: BoolArray) -> None:
    families = len(kind)
    age[:, _GRANDFATHER] = age[:, _HUSBAND] + np.clip(rng.normal(26.0, 3.5, families), 18.0, 40.0)
    age[:, _GRANDMOTHER] = age[:, _GRANDFATHER] - np.clip(rng.normal(1.5, 2.0, families), -4.0, 8.0)
    exists[:, _GRANDFATHER] = (kind == _THREE_GENERATIONS) & draw_flags(rng, 0.7, families)
    exists[:, _GRANDMOTHER] = (kind == _THREE_GENERATIONS) & draw_flags(rng, 0.85, families)


def _flattened(rng: np.random.Generator, age: FloatArray, male: BoolArray, exists: BoolArray, count: int) -> Families:
    index = np.where(exists, np.cumsum(exists).reshape(exists.shape) - 1, -1)
    none = np.full(len(age), -1)
    father, first = index[:, _HUSBAND], index[:, _FIRST]
    guardian = np.where(draw_flags(rng, 0.6, len(age)), index[:, _WIFE], father)
    line, guardians, siblings, twins = index.copy(), *(np.full_like(index, -1) for _ in range(3))
    line[:, _CHILDREN] = line[:, [_GRANDFATHER]] = father[:, None]
    guardians[:, _CHILDREN] = guardian[:, None]
    siblings[:, _FIRST_TWIN:_GRANDFATHER] = first[:, None]
    twins[:, _FIRST_TWIN] = np.where(exists[:, _FIRST_TWIN], first, none)
    twins[:, _SECOND_TWIN] = np.where(exists[:, _SECOND_TWIN], index[:, _SECOND], none)
    homes = np.broadcast_to(np.arange(len(age))[:, None], age.shape)
    flat = {
        "home": homes, "age": age, "male": male, "line": line,
        "guardian": guardians, "sibling_of": siblings, "twin_of": twins,
    }  # fmt: skip
    return Families(**{name: column[exists][:count] for name, column in flat.items()})


def _with_adult_twins(rng: np.random.Generator, persons: Families, alone: IntArray, twin_births: float) -> Families:
    """Make some people who live alone the twins of married people elsewhere."""
    is_root = (persons.line == np.arange(len(persons.line))) & (persons.age >= 18)
    is_root[alone] = False
    elders = np.flatnonzero(is_root & draw_flags(rng, twin_births, len(is_root)))
    twins = rng.permutation(alone)[: len(elders)]
    elders = elders[: len(twins)]
    age, male = persons.age.copy(), persons.male.copy()
    line, twin_of = persons.line.copy(), persons.twin_of.copy()
    age[twins] = age[elders]
    male[twins] = male[elders] ^ ~draw_flags(rng, _TWINS_OF_ONE_SEX, len(twins))
    line[twins], twin_of[twins] = line[elders], elders
    return replace(persons, age=age, male=male, line=line, twin_of=twin_of)
