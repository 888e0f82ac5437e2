"""A million valid ID numbers of all regions and years, and everything that a slip of a digit makes of them.

The numbers come from the recursion of ISO 7064 (test_id_numbers.py), written over arrays, not from the code under test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bureau.hand_rows import AGREEMENT
from secure_match.department.normalise import ColumnSurvey
from secure_match.department.normalise._id_number import normalise_id_numbers
from secure_match.encoded import FieldState

Characters = npt.NDArray[np.uint8]
MILLION: Final = 1_000_000
CHECKS: Final = np.frombuffer(b"0123456789X", dtype=np.uint8)


def valid_numbers(count: int, seed: int) -> Characters:
    """ASCII characters of shape (count, 18): regions 000001 to 999999, births 1850 to 2100, any sequence."""
    rng = np.random.default_rng(seed)
    first, last = np.datetime64("1850-01-01"), np.datetime64("2100-12-31")
    days = first + rng.integers(0, int((last - first).astype(int)) + 1, count)
    months = days.astype("datetime64[M]")
    year = days.astype("datetime64[Y]").astype(int) + 1970
    birth = (year * 100 + months.astype(int) % 12 + 1) * 100 + (days - months).astype(int) + 1
    parts = [(rng.integers(1, 1_000_000, count), 6), (birth, 8), (rng.integers(0, 1000, count), 3)]
    digits = np.hstack([number[:, None] // 10 ** np.arange(size)[::-1] % 10 for number, size in parts])
    rest = np.zeros(count, dtype=np.int64)
    for place in range(17):
        rest = (rest + digits[:, place]) * 2 % 11
    return np.hstack([(digits + ord("0")).astype(np.uint8), CHECKS[(12 - rest) % 11][:, None]])


def as_strings(characters: Characters) -> pa.StringArray:
    offsets = np.arange(len(characters) + 1, dtype=np.int32) * 18
    data = pa.py_buffer(np.ascontiguousarray(characters).tobytes())
    return pa.StringArray.from_buffers(len(characters), pa.py_buffer(offsets), data)


def wrong_digits(numbers: Characters) -> Iterator[Characters]:
    """All numbers with one other digit: 17 places with 9 others each, and 10 other check characters."""
    for place in range(18):
        for character in CHECKS if place == 17 else CHECKS[:10]:
            changed = numbers[numbers[:, place] != character]
            changed[:, place] = character
            yield changed


def swapped_neighbours(numbers: Characters) -> Iterator[Characters]:
    for place in range(17):
        changed = numbers[numbers[:, place] != numbers[:, place + 1]]
        changed[:, [place, place + 1]] = changed[:, [place + 1, place]]
        yield changed


def test_a_million_valid_numbers_are_accepted() -> None:
    numbers = as_strings(valid_numbers(MILLION, seed=1))
    field = normalise_id_numbers(numbers)
    assert not field.states.any()
    assert field.values.equals(numbers)


def test_valid_numbers_are_accepted_in_any_column_that_is_not_damaged() -> None:
    numbers = as_strings(valid_numbers(MILLION, seed=2))
    survey = ColumnSurvey(AGREEMENT)
    survey.add({"id_number": numbers})
    assert not survey.facts().id_damaged


def test_every_wrong_digit_and_every_swap_of_neighbours_is_refused() -> None:
    numbers = valid_numbers(20_000, seed=3)
    tried = 0
    for changed in (*wrong_digits(numbers), *swapped_neighbours(numbers)):
        states = normalise_id_numbers(as_strings(changed)).states
        # Fillers (birth 1900-01-01 without a right check) are missing: not accepted either.
        assert (states >= FieldState.MISSING).all()
        tried += len(changed)
    assert tried > 3_500_000
