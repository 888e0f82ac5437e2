"""PUBLIC: names of made-up people: the father's surname, given names by sex and generation."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.synthetic._characters import (
    GENERATION_STARTS,
    MINORITY_FEMALE,
    MINORITY_MALE,
    MINORITY_SEPARATOR,
    ONE_CHARACTER_SHARE,
    given_characters,
    rank_weights,
    surnames,
)
from secure_match.synthetic._families import Families
from secure_match.synthetic._streams import BoolArray, IntArray, Streams, draw_flags, draw_weighted
from secure_match.synthetic._text import CodePoints, close_gaps, codes_of

NAME_WIDTH: Final = 12
"""Longest clean name in characters: two parts of a minority name and their separator, with room to spare."""

_SIBLINGS_ALIKE: Final = 0.25
_TWINS_ALIKE: Final = 0.7


def draw_names(streams: Streams, families: Families, birth_year: IntArray, *, minority_names: float) -> CodePoints:
    """Clean names, uint32 code points of shape (persons, NAME_WIDTH)."""
    rng = streams.of("names")
    count = len(families.home)
    texts, weights = surnames()
    surname = codes_of(texts, 2)[draw_weighted(rng, weights, count)][families.line]
    given = _draw_given(rng, families.male, birth_year)
    _make_relatives_alike(streams.of("names", "relatives"), families, given, birth_year)
    names = np.zeros((count, NAME_WIDTH), dtype=np.uint32)
    names[:, :4] = close_gaps(np.concatenate([surname, given], axis=1))
    is_minority = draw_flags(streams.of("names", "families"), minority_names, int(families.home.max()) + 1)
    rows = np.flatnonzero(is_minority[families.home[families.line]])
    names[rows] = _draw_minority(streams.of("names", "minority"), families, rows)
    return names


def _draw_given(rng: np.random.Generator, male: BoolArray, birth_year: IntArray) -> CodePoints:
    generation = np.searchsorted(GENERATION_STARTS, birth_year, side="right") - 1
    given = np.zeros((len(male), 2), dtype=np.uint32)
    for number in range(len(GENERATION_STARTS)):
        for sex in (False, True):
            rows = np.flatnonzero((generation == number) & (male == sex))
            characters = codes_of(list(given_characters(number, male=sex)), 1)[:, 0]
            weights = rank_weights(len(characters))
            given[rows, 0] = characters[draw_weighted(rng, weights, len(rows))]
            given[rows, 1] = characters[draw_weighted(rng, weights, len(rows))]
            given[rows[draw_flags(rng, ONE_CHARACTER_SHARE[number], len(rows))], 1] = 0
    return given


def _make_relatives_alike(
    rng: np.random.Generator, families: Families, given: CodePoints, birth_year: IntArray
) -> None:
    """Give siblings of one sex and twins a character in common, and none of them the other's whole name."""
    for other_of, share in ((families.sibling_of, _SIBLINGS_ALIKE), (families.twin_of, _TWINS_ALIKE)):
        rows = np.flatnonzero(other_of >= 0)
        other = other_of[rows]
        alike = draw_flags(rng, share, len(rows)) & (given[rows, 1] != 0) & (given[other, 1] != 0)
        alike &= (families.male[rows] == families.male[other]) | (other_of is families.twin_of)
        given[rows[alike], 0] = given[other[alike], 0]
    for other_of in (families.sibling_of, families.twin_of):
        rows = np.flatnonzero(other_of >= 0)
        same = rows[(given[rows] == given[other_of[rows]]).all(axis=1)]
        _rename(given, same, families.male, birth_year)


def _rename(given: CodePoints, rows: IntArray, male: BoolArray, birth_year: IntArray) -> None:
    """Put the next character of the person's list in the place of the last one. Few rows: a loop is fine."""
    for row in rows:
        generation = int(np.searchsorted(GENERATION_STARTS, birth_year[row], side="right")) - 1
        characters = given_characters(generation, male=bool(male[row]))
        column = 1 if given[row, 1] else 0
        position = characters.find(chr(given[row, column]))
        given[row, column] = ord(characters[(position + 1) % len(characters)])


def _draw_minority(rng: np.random.Generator, families: Families, rows: IntArray) -> CodePoints:
    """Own name, separator, father's name, for ``rows``; the father of a line's first person is in no file."""
    count = len(families.home)
    men, women = np.array(MINORITY_MALE), np.array(MINORITY_FEMALE)
    own = np.where(
        families.male[rows],
        men[rng.integers(0, len(men), len(rows))],
        women[rng.integers(0, len(women), len(rows))],
    )
    father = men[rng.integers(0, len(men), len(rows))]
    at = np.full(count, -1, dtype=np.int64)
    at[rows] = np.arange(len(rows))
    twin, line = families.twin_of[rows], families.line[rows]
    is_child = families.guardian[rows] >= 0
    father = np.where(is_child, own[at[line]], father)
    adult_twin = (twin >= 0) & ~is_child
    father = np.where(adult_twin, father[at[np.where(adult_twin, twin, rows)]], father)
    same = (twin >= 0) & (own == own[at[np.where(twin >= 0, twin, rows)]])
    own = np.where(same, np.where(families.male[rows], _other(own, men), _other(own, women)), own)
    return codes_of(np.char.add(np.char.add(own, MINORITY_SEPARATOR), father), NAME_WIDTH)


def _other(own: npt.NDArray[np.str_], parts: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """One of ``parts`` that is not ``own``."""
    others: npt.NDArray[np.str_] = np.where(own == parts[0], parts[1], parts[0])
    return others
