"""PUBLIC: what goes wrong when people's data are keyed: a row's name, birth date, phone, address and town.

Every kind of error has its own random stream per dataset and strikes every row on its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from secure_match.synthetic._config import CityConfig
from secure_match.synthetic._confusions import ConfusionTable, homophones, look_alikes, variants
from secure_match.synthetic._identity import dates_of
from secure_match.synthetic._people import People, draw_phone_numbers
from secure_match.synthetic._places import CLEAN_FORM, FORM_COUNT, TOWN_CODES, address_texts
from secure_match.synthetic._streams import FloatArray, IntArray, Streams, draw_flags
from secure_match.synthetic._text import CodePoints

_OLD_PHONE_SHARE: Final = 0.5
_NO_PHONE_SHARE: Final = 0.15
_OTHER_HOME_SHARE: Final = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDraw:
    """Draws the errors of one dataset and keeps the book of them.

    Attributes:
        dataset: id of the dataset.
        config: the rates.
        streams: the random streams of the city.
        book: kind of error to the rows (int64) that have it.
    """

    dataset: str
    config: CityConfig
    streams: Streams
    book: dict[str, IntArray] = field(default_factory=dict)

    def rng(self, kind: str) -> np.random.Generator:
        """The stream of one kind of error."""
        return self.streams.of("errors", self.dataset, kind)

    def rate(self, rate: float) -> float:
        """``rate`` as it holds in this dataset."""
        return self.config.error_rate(rate, self.dataset)

    def rows(self, kind: str, rate: float | FloatArray, count: int) -> tuple[np.random.Generator, IntArray]:
        """The rows of ``count`` that get an error, entered in the book, and the stream for what follows."""
        rng = self.rng(kind)
        rows = np.flatnonzero(draw_flags(rng, rate, count))
        self.book[kind] = rows
        return rng, rows

    def forget(self, kinds: tuple[str, ...], rows: IntArray) -> None:
        """Strike ``rows`` from the book where a later error has wiped out these kinds."""
        for kind in kinds:
            if kind in self.book:
                self.book[kind] = np.setdiff1d(self.book[kind], rows)


def damage_names(draw: ErrorDraw, names: CodePoints) -> None:
    """Replace a character in some of ``names``, uint32 of shape (rows, width), in place."""
    config = draw.config
    for kind, rate, table in (
        ("homophone", config.homophone, homophones()),
        ("look_alike", config.look_alike, look_alikes()),
        ("variant", config.variant, variants()),
    ):
        _replace_character(draw, kind, draw.rate(rate), table, names)


def _replace_character(draw: ErrorDraw, kind: str, rate: float, table: ConfusionTable, names: CodePoints) -> None:
    can_be_replaced = table.has_target(names)
    possible = can_be_replaced.any(axis=1)
    # Names without such a character are spared; the others carry their share: the rate holds for the file.
    chance = np.where(possible, min(1.0, rate * len(names) / max(int(possible.sum()), 1)), 0.0)
    rng, rows = draw.rows(kind, chance, len(names))
    options = can_be_replaced[rows]
    wanted = (rng.random(len(rows)) * options.sum(axis=1)).astype(np.int64)
    column = np.argmax(np.cumsum(options, axis=1) == wanted[:, None] + 1, axis=1)
    names[rows, column] = table.draw(rng, names[rows, column])


def damaged_births(draw: ErrorDraw, birth: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Year, month, day as keyed, int64 each; a few are not dates at all."""
    date = np.stack(dates_of(birth))
    rng, rows = draw.rows("birth_wrong", draw.rate(draw.config.birth_wrong), len(birth))
    before = date[:, rows]
    sign = rng.choice([-1, 1], len(rows))
    next_day = np.stack(dates_of(birth[rows] + sign))
    next_year = before + np.stack([sign, 0 * sign, 0 * sign])
    swapped = np.where(before[1] == before[2], next_year, before[[0, 2, 1]])
    step, part = rng.integers(1, 10, len(rows)), rng.integers(0, 3, len(rows))
    one_digit = np.where(np.arange(3)[:, None] == part, before // 10 * 10 + (before % 10 + step) % 10, before)
    choice = rng.choice(4, len(rows), p=[0.25, 0.15, 0.25, 0.35])
    date[:, rows] = np.choose(choice, [next_day, next_year, swapped, one_digit])
    return date[0], date[1], date[2]


def damaged_phones(draw: ErrorDraw, people: People, persons: IntArray) -> IntArray:
    """Mobile numbers as keyed, int64, 0 for none; only rows of people with a number can differ."""
    phone = people.phone[persons]
    has_phone = np.where(phone > 0, draw.rate(draw.config.mobile_differs), 0.0)
    rng, rows = draw.rows("mobile_differs", has_phone, len(persons))
    choice = rng.random(len(rows))
    fresh, old = draw_phone_numbers(rng, len(rows)), people.old_phone[persons[rows]]
    use_old = (choice < _OLD_PHONE_SHARE) & (old > 0) & (old != phone[rows])
    phone[rows] = np.where(use_old, old, np.where(choice > 1 - _NO_PHONE_SHARE, 0, fresh))
    return phone


def damaged_addresses(draw: ErrorDraw, people: People, persons: IntArray) -> pa.Array:
    """Addresses as keyed: the clean form, another form, or another dwelling."""
    home = people.home[persons].copy()
    form = np.full(len(persons), CLEAN_FORM, dtype=np.int64)
    rng, rows = draw.rows("address_differs", draw.rate(draw.config.address_differs), len(persons))
    form[rows] = rng.integers(CLEAN_FORM + 1, FORM_COUNT, len(rows))
    moved = rows[draw_flags(rng, _OTHER_HOME_SHARE, len(rows))]
    home[moved] = rng.integers(0, len(people.homes.town), len(moved))
    return address_texts(people.homes, home, form)


def damaged_towns(draw: ErrorDraw, town: IntArray) -> IntArray:
    """Towns (indices) as keyed; a stale one is always another one."""
    keyed = town.copy()
    rng, rows = draw.rows("town_stale", draw.rate(draw.config.town_stale), len(town))
    keyed[rows] = (keyed[rows] + rng.integers(1, len(TOWN_CODES), len(rows))) % len(TOWN_CODES)
    return keyed
