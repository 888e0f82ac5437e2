"""Citizen identity numbers against a slow reference of GB 11643 written from the standard alone."""

from __future__ import annotations

import datetime as dt
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.department.normalise._id_number import birth_dates_of, normalise_id_numbers, sexes_of
from secure_match.encoded import FieldState

CHARACTERS = "0123456789X"
FIRST_DAY, LAST_DAY = dt.date(1850, 1, 1).toordinal(), dt.date(2100, 12, 31).toordinal()


def check_character(first_17: str) -> str:
    """ISO 7064 MOD 11-2 by its recursion: (P + a) * 2 modulo 11, and the check makes the sum 1."""
    rest = 0
    for digit in first_17:
        rest = (rest + int(digit)) * 2 % 11
    return CHARACTERS[(12 - rest) % 11]


def is_number(text: str) -> bool:
    if len(text) != 18 or not (text[:17].isascii() and text[:17].isdigit()) or text[17] not in CHARACTERS:
        return False
    try:
        born = dt.date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    in_years = 1850 <= born.year <= 2100
    return text[:6] != "000000" and in_years and check_character(text[:17]) == text[17]


def made(random: Random) -> str:
    region = f"{random.randrange(1, 1_000_000):06}"
    born = dt.date.fromordinal(random.randrange(FIRST_DAY, LAST_DAY + 1))
    first_17 = f"{region}{born:%Y%m%d}".rjust(14, "0") + f"{random.randrange(1000):03}"
    return first_17 + check_character(first_17)


def normalised(*texts: str | None) -> list[tuple[str | None, str]]:
    field = normalise_id_numbers(pa.array(texts, pa.string()))
    return [
        (value, FieldState(state).name)
        for value, state in zip(field.values.to_pylist(), field.states.tolist(), strict=True)
    ]


NUMBER = "16010119900307001" + check_character("16010119900307001")
WITH_X = next(
    first + "X" for first in (f"16010119900307{place:03}" for place in range(1000)) if check_character(first) == "X"
)


def test_the_example_of_the_standard() -> None:
    # GB 11643-1999, 5.: the body 11010519491231002 has the check character X.
    assert check_character("11010519491231002") == "X"


def test_two_hundred_thousand_numbers_of_all_regions_and_years() -> None:
    random = Random(7)
    numbers = [made(random) for _ in range(200_000)]
    field = normalise_id_numbers(pa.array(numbers))
    assert field.values.to_pylist() == numbers
    assert not field.states.any()
    assert birth_dates_of(field.values).to_pylist() == [number[6:14] for number in numbers]
    assert sexes_of(field.values).to_pylist() == ["1" if int(number[16]) % 2 else "2" for number in numbers]


def test_every_region_begins_a_number() -> None:
    numbers = [f"{region:06}19900307001" for region in range(1, 1_000_000, 7)]
    numbers = [first + check_character(first) for first in numbers]
    assert not normalise_id_numbers(pa.array(numbers)).states.any()


def test_every_wrong_digit_and_every_adjacent_swap_is_refused() -> None:
    random = Random(8)
    wrong = []
    for number in (made(random) for _ in range(300)):
        for place, old in enumerate(number):
            allowed = CHARACTERS if place == 17 else CHARACTERS[:10]
            wrong += [number[:place] + new + number[place + 1 :] for new in allowed if new != old]
        for place in range(17):
            one, two = number[place : place + 2]
            if one != two:
                wrong.append(number[:place] + two + one + number[place + 2 :])
    field = normalise_id_numbers(pa.array(wrong))
    assert len(wrong) > 50_000
    assert (field.states == FieldState.INVALID).all()
    assert field.values.null_count == len(wrong)


def test_fifteen_digits_become_eighteen() -> None:
    random = Random(9)
    whole = [number for number in (made(random) for _ in range(3000)) if number[6:8] == "19"]
    short = [number[:6] + number[8:17] for number in whole]
    assert normalised(*short) == [(number, "REPAIRED") for number in whole]
    assert (
        normalised("160101900230001", "160101901301001", "000000900307001", "16010190030700X")
        == [(None, "INVALID")] * 4
    )
    assert normalised("160101 000229 001")[0][1] == "INVALID"  # 1900 was no leap year.
    assert normalised("160101040229001")[0][1] == "REPAIRED"


@pytest.mark.parametrize(
    "text",
    [
        WITH_X.lower(),
        "".join(chr(ord(character) + 0xFEE0) for character in WITH_X),
        f"  {WITH_X}\t",
        f"\u3000{WITH_X}\u00a0",
        f"'{WITH_X}",
        f"‘{WITH_X}’",
        f"`{WITH_X}",
        f"{WITH_X[:6]} {WITH_X[6:14]} {WITH_X[14:]}",
        f"{WITH_X[:6]}-{WITH_X[6:14]}-{WITH_X[14:]}",
        f"\u200b{WITH_X[:3]}\ufeff{WITH_X[3:]}\u200e",
        WITH_X[:-1] + "\u0425",
        WITH_X[:-1] + "\u0445",
        WITH_X[:-1] + "ⅹ",
        WITH_X[:-1] + "Ⅹ",
        f"{WITH_X}\r\n",
    ],
    ids=ascii,
)
def test_ways_of_writing_one_number(text: str) -> None:
    assert normalised(text) == [(WITH_X, "VALID")]


@pytest.mark.parametrize(
    "text",
    [
        NUMBER[:-1],
        NUMBER + "0",
        NUMBER[:14] + "000" + NUMBER[17],
        NUMBER[:8] + "X" + NUMBER[9:],
        "000000" + NUMBER[6:],
        WITH_X[:-1] + "Х́",
        "1.60101E+17",
        "'",
        "张",
        "H1234567(8)",
        "٣" * 18,
    ],
    ids=ascii,
)
def test_what_is_no_number(text: str) -> None:
    assert normalised(text) == [(None, "INVALID")]


@pytest.mark.parametrize(
    "text", [None, "", " ", "\u3000", "\u200b", "无", " 不详 ", "null", "Ｎ／Ａ", "0", "-", "－－"]
)
def test_words_for_nothing(text: str | None) -> None:
    assert normalised(text) == [(None, "MISSING")]


@pytest.mark.parametrize(
    ("birth", "state"),
    [
        ("20000229", "VALID"),
        ("19000229", "INVALID"),
        ("21000229", "INVALID"),
        ("20240229", "VALID"),
        ("20230229", "INVALID"),
        ("20240230", "INVALID"),
        ("20240431", "INVALID"),
        ("20241301", "INVALID"),
        ("20240001", "INVALID"),
        ("20240100", "INVALID"),
        ("18491231", "INVALID"),
        ("18500101", "VALID"),
        ("21001231", "VALID"),
        ("21010101", "INVALID"),
    ],
)
def test_birth_dates_are_dates(birth: str, state: str) -> None:
    first = f"160101{birth}001"
    assert normalised(first + check_character(first))[0][1] == state


def test_permits_and_foreigners_are_numbers_too() -> None:
    for region in ("810000", "820000", "830000", "911156"):
        first = f"{region}19900307001"
        assert normalised(first + check_character(first))[0][1] == "VALID"


def test_no_region_of_zeros() -> None:
    first = "00000019900307001"
    assert normalised(first + check_character(first)) == [(None, "INVALID")]


def test_no_rows() -> None:
    assert normalised() == []


NUMBERS = st.builds(made, st.randoms(use_true_random=False))
TEXTS = st.text(max_size=24) | st.text("0123456789Xx '-　Ｘ１\u200b", max_size=22) | NUMBERS
ROWS = st.lists(st.none() | TEXTS, max_size=20)


@settings(deadline=None)
@given(ROWS)
def test_any_text_has_one_meaning(rows: list[str | None]) -> None:
    field = normalise_id_numbers(pa.array(rows, pa.string()))
    values = field.values.to_pylist()
    unusable = np.isin(field.states, [FieldState.MISSING, FieldState.INVALID])
    assert [value is None for value in values] == unusable.tolist()
    assert all(is_number(value) for value in values if value is not None)
    for row, state in zip(rows, field.states.tolist(), strict=True):
        assert state == FieldState.VALID or row is None or not is_number(row)
    again = normalise_id_numbers(pa.array(values, pa.string()))
    assert again.values.to_pylist() == values
    assert (again.states == np.where(unusable, FieldState.MISSING, FieldState.VALID)).all()
    assert birth_dates_of(field.values).null_count == sexes_of(field.values).null_count == unusable.sum()
