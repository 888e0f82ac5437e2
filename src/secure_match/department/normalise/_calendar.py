"""RAW: the Gregorian calendar over arrays."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.department.normalise._field import BoolArray

EARLIEST_YEAR: Final = 1850
LATEST_YEAR: Final = 2100
_LENGTHS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
Integers = npt.NDArray[np.int64]


def is_calendar_date(year: Integers, month: Integers, day: Integers) -> BoolArray:
    """Which triples are dates of the Gregorian calendar within the years taken: bool of the shape of the inputs."""
    within = (year >= EARLIEST_YEAR) & (year <= LATEST_YEAR)
    return is_any_date(year, month, day) & within


def is_any_date(year: Integers, month: Integers, day: Integers) -> BoolArray:
    """Which triples are dates of the Gregorian calendar, whatever the year."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    in_range = (month >= 1) & (month <= 12)
    last = _LENGTHS[np.where(in_range, month, 0)] + (leap & (month == 2))
    return np.asarray(in_range & (day >= 1) & (day <= last), dtype=np.bool_)


def number_of_digits(digits: npt.NDArray[np.uint8]) -> Integers:
    """Numbers, int64 of shape (rows,), from digit values (not characters), uint8 of shape (rows, places)."""
    number = np.zeros(len(digits), dtype=np.int64)
    for place in range(digits.shape[1]):
        number = number * 10 + digits[:, place]
    return number
