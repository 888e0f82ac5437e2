"""Reading ahead and ordering by handle change no value."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.department._batches import read_ahead
from secure_match.encoded.handle_order import sorted_by_handle
from secure_match.errors import InputError

SCHEMA = pa.schema(
    [
        pa.field("handle", pa.binary(16), nullable=False),
        pa.field("pass.p.encoding", pa.binary(2)),
        pa.field("code.c", pa.string()),
        pa.field("state.s", pa.uint8(), nullable=False),
    ]
)
ROWS = st.lists(
    st.tuples(
        st.binary(min_size=16, max_size=16) | st.sampled_from([bytes(16), b"\xff" * 16, b"\x80" + bytes(15)]),
        st.none() | st.binary(min_size=2, max_size=2),
        st.none() | st.text(max_size=3),
        st.integers(0, 3),
    ),
    max_size=12,
    unique_by=lambda row: row[0],
)


@settings(deadline=None)
@given(ROWS, st.lists(st.integers(0, 12), max_size=4))
def test_rows_come_in_the_order_of_their_handles(
    rows: list[tuple[bytes, bytes | None, str | None, int]], cuts: list[int]
) -> None:
    table = pa.table(
        [pa.array(column, field.type) for column, field in zip(_columns(rows), SCHEMA, strict=True)], schema=SCHEMA
    )
    edges = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    parts = [table.slice(start, stop - start) for start, stop in pairwise(edges)]
    made = sorted_by_handle(parts, SCHEMA)
    assert made.schema == SCHEMA
    assert list(zip(*made.to_pydict().values(), strict=True)) == sorted(rows, key=lambda row: row[0])
    assert all(column.num_chunks == 1 for column in made.columns)
    assert parts == []


def _columns(rows: list[tuple[bytes, bytes | None, str | None, int]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in SCHEMA]


def test_batches_come_in_order() -> None:
    batches = [pa.record_batch([pa.array([number])], names=["n"]) for number in range(5)]
    assert list(read_ahead(iter(batches))) == batches
    assert list(read_ahead([])) == []


def test_what_goes_wrong_while_reading_comes_in_its_turn() -> None:
    first = pa.record_batch([pa.array([1])], names=["n"])

    def failing() -> Iterator[pa.RecordBatch]:
        yield first
        raise InputError("not CSV", code="INPUT_CSV")

    taken = read_ahead(failing())
    assert next(taken) == first
    with pytest.raises(InputError, match="not CSV"):
        next(taken)


def test_a_reader_is_not_read_on_when_nobody_wants_more() -> None:
    read: list[int] = []

    def counted() -> Iterator[pa.RecordBatch]:
        for number in range(100):
            read.append(number)
            yield pa.record_batch([pa.array([number])], names=["n"])

    taken = read_ahead(counted())
    next(taken)
    taken.close()
    assert len(read) <= 2
