"""PUBLIC: what goes wrong with ID numbers, and the noise of writing them and names that must not matter."""

from __future__ import annotations

from typing import Final

import numpy as np

from secure_match.synthetic._config import ENROLMENTS, RESIDENT_PENSION
from secure_match.synthetic._errors import ErrorDraw
from secure_match.synthetic._identity import ID_WIDTH, render_numbers
from secure_match.synthetic._people import ADULT_AGE, People
from secure_match.synthetic._places import TOWN_RURAL
from secure_match.synthetic._streams import IntArray
from secure_match.synthetic._text import CodePoints, close_gaps, digits_of, lengths_of, widen

CELL_WIDTH: Final = ID_WIDTH + 2
"""Width of a written ID number: room for a blank on either side."""

_LEGACY_BEFORE: Final = 2000
_KEPT_DIGITS: Final = 15
_SHOWN_DIGITS: Final = 6
_LONGEST_IN_FULL: Final = 11
"""A spreadsheet's general format shows numbers of at most so many digits in full."""
_NEAREST_STRANGERS: Final = 20
_TRIES: Final = 16
"""Draws until a stranger is found who is neither family nor twin; of the whole city sixteen fail next to never."""
_FULL_WIDTH_SHIFT: Final = 0xFEE0
_SEPARATORS: Final = np.array([ord("•"), ord("．")], dtype=np.uint32)
_MIDDLE_DOT: Final = ord("·")
_BLANKS: Final = np.array([ord(" "), 0x3000], dtype=np.uint32)


def damaged_numbers(draw: ErrorDraw, people: People, persons: IntArray) -> CodePoints:
    """ID numbers as keyed, uint32 code points of shape (rows, 18); empty rows are all zeros."""
    config, count = draw.config, len(persons)
    number = people.number[persons]
    _, rows = draw.rows("id_superseded", draw.rate(config.id_superseded), count)
    number[rows] = people.old_number[persons[rows]]
    codes = render_numbers(number)
    _mistype(draw, codes)
    if draw.dataset == RESIDENT_PENSION:
        rural = TOWN_RURAL[people.homes.town[people.home[persons]]]
        legacy = rural & (people.birth_year[persons] < _LEGACY_BEFORE)
        _, rows = draw.rows("id_15_digit", np.where(legacy, config.id_legacy_15, 0.0), count)
        codes[rows[:, None], [6, 7, 17]] = 0
        codes[rows] = close_gaps(codes[rows])
    child_chance, adult_chance = draw.rate(config.id_missing_child), draw.rate(config.id_missing)
    chance = np.where(people.age[persons] < ADULT_AGE, child_chance, adult_chance)
    _, rows = draw.rows("id_missing", chance, count)
    codes[rows] = 0
    draw.forget(("id_superseded", "id_typo", "id_15_digit"), rows)
    if draw.dataset in ENROLMENTS:
        _borrow(draw, people, persons, codes)
    return codes


def _borrow(draw: ErrorDraw, people: People, persons: IntArray, codes: CodePoints) -> None:
    """Give some rows the number of a stranger of the same sex and nearly the same age, whose card was used."""
    rng, rows = draw.rows("id_shared", draw.config.id_shared, len(persons))
    count = len(people.birth)
    order = np.lexsort((people.birth, people.male))
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    own = persons[rows][:, None]
    reach = max(_NEAREST_STRANGERS, count // 400)
    steps = rng.integers(1, reach + 1, (len(rows), _TRIES)) * rng.choice([-1, 1], (len(rows), _TRIES))
    others = order[(rank[own] + steps) % count]
    fits = (people.male[others] == people.male[own]) & (people.home[others] != people.home[own])
    fits &= (people.twin_of[others] != own) & (people.twin_of[own] != others)
    found = fits.any(axis=1)
    lenders = others[np.arange(len(rows)), np.argmax(fits, axis=1)][found]
    codes[rows[found]] = render_numbers(people.number[lenders])
    draw.forget(("id_shared",), rows[~found])
    draw.forget(("id_superseded", "id_typo", "id_15_digit", "id_missing"), rows[found])


def _mistype(draw: ErrorDraw, codes: CodePoints) -> None:
    """One wrong digit, or two different neighbours swapped: the check catches every one of both."""
    rng, rows = draw.rows("id_typo", draw.rate(draw.config.id_typo), len(codes))
    place = rng.integers(0, ID_WIDTH - 1, len(rows))
    left, right = codes[rows, place], codes[rows, place + 1]
    swaps = (rng.random(len(rows)) < 0.5) & (left != right) & (place < ID_WIDTH - 2)
    wrong = ord("0") + (left - ord("0") + rng.integers(1, 10, len(rows))) % 10
    codes[rows, place] = np.where(swaps, right, wrong)
    codes[rows, place + 1] = np.where(swaps, left, right)


def damage_by_spreadsheet(draw: ErrorDraw, codes: CodePoints) -> None:
    """What a spreadsheet makes of ID numbers when it opens and saves the file, in place.

    A column formatted as a number keeps 15 significant digits; one left in the general format keeps six and an
    exponent, of 15-digit numbers too. A number that ends in X is text to a spreadsheet and survives.
    """
    lengths = lengths_of(codes)
    is_number = codes[np.arange(len(codes)), np.maximum(lengths, 1) - 1] != ord("X")
    if draw.dataset in draw.config.excel_damage:
        rows = np.flatnonzero((lengths == ID_WIDTH) & is_number)
        codes[rows, _KEPT_DIGITS:] = ord("0")
        draw.book["excel_damage"] = rows
    elif draw.dataset in draw.config.excel_scientific:
        rows = np.flatnonzero((lengths > _LONGEST_IN_FULL) & is_number)
        codes[rows] = in_scientific_notation(codes[rows])
        draw.book["excel_scientific"] = rows


def in_scientific_notation(codes: CodePoints) -> CodePoints:
    """Numbers as a spreadsheet's general format writes them, such as 3.39902E+17.

    Six significant digits, the last one rounded half up, without zeros at their end.

    Args:
        codes: digits only, 11 to 18 of them in each row, uint32 of shape (rows, 18); the first six are not all 9.
    """
    leading = codes[:, : _SHOWN_DIGITS + 1].astype(np.int64) - ord("0")
    places = 10 ** np.arange(_SHOWN_DIGITS, -1, -1, dtype=np.int64)
    digits = digits_of((leading @ places + 5) // 10, _SHOWN_DIGITS)
    zeros = np.logical_and.accumulate((digits == ord("0"))[:, ::-1], axis=1)[:, ::-1]
    digits[zeros] = 0
    point = np.where(digits[:, 1:2] == 0, 0, ord(".")).astype(np.uint32)
    exponent = digits_of(lengths_of(codes) - 1, 2)
    mark = np.tile(np.array([ord("E"), ord("+")], dtype=np.uint32), (len(codes), 1))
    return widen(close_gaps(np.concatenate([digits[:, :1], point, digits[:, 1:], mark, exponent], axis=1)), ID_WIDTH)


def noisy_texts(draw: ErrorDraw, numbers: CodePoints, names: CodePoints) -> tuple[CodePoints, CodePoints]:
    """ID numbers and names with the noise that must not matter; both one blank wider at either side."""
    rng, rows = draw.rows("format_noise", draw.config.format_noise, len(numbers))
    numbers, names = widen(numbers, CELL_WIDTH), widen(names, names.shape[1] + 2)
    kind = rng.integers(0, 4, len(rows))
    is_minority = (names[rows] == _MIDDLE_DOT).any(axis=1)
    kind = np.where(is_minority | (numbers[rows, 0] == 0), 3, kind)
    _make_full_width(numbers, rows[kind == 0])
    _lower_check(numbers, rows[kind == 1])
    _pad(numbers, rows[kind == 2])
    _disturb_names(rng, names, rows[(kind == 3) & ~is_minority])
    dots = rows[(kind == 3) & is_minority]
    separators = _SEPARATORS[rng.integers(0, len(_SEPARATORS), len(dots))]
    names[dots] = np.where(names[dots] == _MIDDLE_DOT, separators[:, None], names[dots])
    return numbers, names


def _make_full_width(numbers: CodePoints, rows: IntArray) -> None:
    numbers[rows] += np.where(numbers[rows] > 0, _FULL_WIDTH_SHIFT, 0).astype(np.uint32)


def _lower_check(numbers: CodePoints, rows: IntArray) -> None:
    """A small x; numbers without one get a blank at their end."""
    has_x = numbers[rows, ID_WIDTH - 1] == ord("X")
    numbers[rows[has_x], ID_WIDTH - 1] = ord("x")
    others = rows[~has_x]
    numbers[others, lengths_of(numbers[others])] = ord(" ")


def _pad(texts: CodePoints, rows: IntArray) -> None:
    """A blank on either side."""
    length = lengths_of(texts[rows])
    texts[rows, 1:] = texts[rows, :-1]
    texts[rows, 0] = ord(" ")
    texts[rows, length + 1] = ord(" ")


def _disturb_names(rng: np.random.Generator, names: CodePoints, rows: IntArray) -> None:
    """A blank between the two characters of a short name, around a longer one."""
    short = lengths_of(names[rows]) == 2
    two, others = rows[short], rows[~short]
    names[two, 2] = names[two, 1]
    names[two, 1] = _BLANKS[rng.integers(0, len(_BLANKS), len(two))]
    _pad(names, others)
