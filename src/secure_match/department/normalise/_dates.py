"""RAW: birth dates in the forms that exports write them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department.normalise._field import (
    BoolArray,
    NormalisedField,
    clean_text,
    group_numbers,
    is_missing,
    keep,
    state_array,
    to_bool,
)

EARLIEST_YEAR: Final = 1850
LATEST_YEAR: Final = 2100
_FORMS: Final = (
    r"^(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?(?:[ T]0{1,2}:00(?::00(?:\.0+)?)?)?$"
    r"|^(?P<year8>\d{4})(?P<month8>\d{2})(?P<day8>\d{2})$"
)
Integers = npt.NDArray[np.int64]


def is_calendar_date(year: Integers, month: Integers, day: Integers) -> BoolArray:
    """Which triples are dates of the Gregorian calendar within the years taken: bool of the shape of the inputs."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)
    in_range = (month >= 1) & (month <= 12)
    last = lengths[np.where(in_range, month, 0)] + (leap & (month == 2))
    within = (year >= EARLIEST_YEAR) & (year <= LATEST_YEAR)
    return np.asarray(in_range & (day >= 1) & (day <= last) & within, dtype=np.bool_)


def normalise_birth_dates(column: pa.Array) -> NormalisedField:
    """Birth dates as YYYYMMDD: 20010203, 2001-2-3, 2001/02/03, 2001.2.3, 2001年2月3日, also with a midnight time.

    Args:
        column: string array of shape (rows,).
    """
    text = clean_text(column)
    missing = is_missing(text)
    parts = pc.extract_regex(text, pattern=_FORMS)
    found = to_bool(pc.is_valid(parts)) & ~missing
    year, month, day = (group_numbers(parts, name, f"{name}8") for name in ("year", "month", "day"))
    valid = found & is_calendar_date(year, month, day)
    stamp = year * 10_000 + month * 100 + day
    values = keep(pa.array(stamp).cast(pa.string()), valid)
    return NormalisedField(values=values, states=state_array(missing=missing, valid=valid))
