"""Rows of several tables get one number each, by dataset and handle together."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from secure_match.linkage.quality._row_numbers import number_rows

Side = list[tuple[str, int]]
SIDES = st.lists(st.tuples(st.sampled_from(["police", "health", ""]), st.integers(0, 4)), max_size=8)


def columns(side: Side) -> tuple[pa.Array, pa.Array]:
    names = pa.array([name for name, _ in side], pa.string())
    return names, pa.array([bytes([number] * 16) for _, number in side], pa.binary(16))


@given(st.lists(SIDES, min_size=1, max_size=4))
def test_numbers_by_a_dictionary(sides: list[Side]) -> None:
    numbers, total = number_rows([columns(side) for side in sides])
    rows = {row for side in sides for row in side}
    assert total == len(rows)
    named = [pair for side, part in zip(sides, numbers, strict=True) for pair in zip(side, part.tolist(), strict=True)]
    of_row = dict(named)
    assert all(of_row[row] == number for row, number in named)
    assert sorted(of_row.values()) == list(range(total))
    first = list(dict.fromkeys(sides[0]))
    assert [of_row[row] for row in first] == list(range(len(first)))


def test_slices_are_numbered_as_they_are() -> None:
    """Arrays that begin inside a larger buffer, and dictionaries with names that no row has."""
    names, handles = columns([("police", 1), ("health", 2), ("health", 1), ("police", 1)])
    numbers, total = number_rows([(names.slice(1, 2), handles.slice(1, 2)), (names.slice(2), handles.slice(2))])
    assert (numbers[0].tolist(), numbers[1].tolist(), total) == ([0, 1], [1, 2], 3)
