"""Birth dates: the forms that are read, and the calendar."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.department.normalise._calendar import is_calendar_date
from secure_match.department.normalise._dates import normalise_birth_dates
from secure_match.encoded import FieldState


def normalised(*texts: str | None) -> list[tuple[str | None, str]]:
    field = normalise_birth_dates(pa.array(texts, pa.string()))
    return [
        (value, FieldState(state).name)
        for value, state in zip(field.values.to_pylist(), field.states.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "20010203",
        "2001-02-03",
        "2001-2-3",
        "2001/2/03",
        "2001.02.3",
        "2001年2月3日",
        "2001年02月03日",
        "2001年2月3",
        "２００１－０２－０３",
        " 2001-02-03 ",
        "2001-02-03 00:00:00",
        "2001/2/3 0:00:00",
        "2001/2/3 0:00",
        "2001-02-03T00:00:00",
        "2001-02-03 00:00:00.0",
        "2001-02-03 00:00:00.000",
        "\ufeff20010203",
        "2001\u200b-02-03",
    ],
    ids=ascii,
)
def test_forms_of_one_date(text: str) -> None:
    assert normalised(text) == [("20010203", "VALID")]


@pytest.mark.parametrize(
    "text",
    [
        "2001",
        "200102",
        "2001023",
        "200102030",
        "03/02/2001",
        "01-02-03",
        "2001-02",
        "2001-02-30",
        "2001-13-01",
        "2001-00-01",
        "2001-01-00",
        "19000229",
        "18491231",
        "21010101",
        "20010203 12:30",
        "2001-02-03 12:30",
        "2001 02 03",
        "36925.5",
        "09999",
        "49675",
        "张三",
        "--3",
        "²001-02-03x",
    ],
    ids=ascii,
)
def test_what_is_no_date(text: str) -> None:
    assert normalised(text) == [(None, "INVALID")]


@pytest.mark.parametrize("text", [None, "", "  ", "0", "-", "不详", "NULL", "nan", "\u200b", "00000000", "1900-01-01"])
def test_words_for_nothing(text: str | None) -> None:
    assert normalised(text) == [(None, "MISSING")]


def test_the_calendar_is_that_of_the_standard_library() -> None:
    years = [1849, 1850, 1899, 1900, 1904, 1999, 2000, 2023, 2024, 2100, 2101]
    year, month, day = (part.ravel() for part in np.meshgrid(years, np.arange(-1, 15), np.arange(-1, 34)))

    def is_date(year: int, month: int, day: int) -> bool:
        try:
            dt.date(year, month, day)
        except ValueError:
            return False
        return 1850 <= year <= 2100

    expected = [is_date(*parts) for parts in zip(year.tolist(), month.tolist(), day.tolist(), strict=True)]
    assert is_calendar_date(year, month, day).tolist() == expected


DATES = st.dates(dt.date(1850, 1, 1), dt.date(2100, 12, 31))
FILLER = dt.date(1900, 1, 1)
"""What systems write where nobody typed a date; missing unless an ID number proves it."""
TEXTS = st.text(max_size=20) | st.text("0123456789-/.年月日 :", max_size=12) | DATES.map(str)


@settings(deadline=None)
@given(st.lists(st.none() | TEXTS, max_size=20))
def test_any_text_has_one_meaning(rows: list[str | None]) -> None:
    field = normalise_birth_dates(pa.array(rows, pa.string()))
    values = field.values.to_pylist()
    unusable = field.states >= FieldState.MISSING
    assert [value is None for value in values] == unusable.tolist()
    for value in values:
        assert value is None or dt.datetime.strptime(value, "%Y%m%d").strftime("%Y%m%d") == value  # noqa: DTZ007
    assert normalise_birth_dates(pa.array(values, pa.string())).values.to_pylist() == values


@settings(deadline=None)
@given(st.lists(DATES.filter(lambda date: date != FILLER), max_size=10))
def test_every_date_is_read(dates: list[dt.date]) -> None:
    expected = [(f"{date:%Y%m%d}".rjust(8, "0"), "VALID") for date in dates]
    assert normalised(*(f"{date.year}-{date.month}-{date.day}" for date in dates)) == expected
    assert normalised(*(f"{date.year}年{date.month:02}月{date.day:02}日" for date in dates)) == expected
