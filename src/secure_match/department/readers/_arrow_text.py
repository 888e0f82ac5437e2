"""RAW: Arrow columns of any plain type as exact text: what typed files and databases would have written as text."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from secure_match.department.readers._exact_text import exact_text
from secure_match.department.readers._export import BATCH_CHARACTERS, MAX_CELL_CHARACTERS, cell_too_long
from secure_match.errors import InputError, Place

_EXACT_INTEGERS: Final = 2.0**53


def is_readable(kind: pa.DataType) -> bool:
    """Whether columns of the type can be given as text."""
    if pt.is_dictionary(kind):
        return is_readable(kind.value_type)
    if pt.is_timestamp(kind):
        return kind.tz is None
    return any(
        test(kind)
        for test in (
            pt.is_string, pt.is_large_string, pt.is_string_view, pt.is_integer, pt.is_floating, pt.is_boolean,
            pt.is_date, pt.is_decimal, pt.is_null,
        )
    )  # fmt: skip


def text_bytes(column: pa.Array) -> int:
    """Upper bound of the bytes that the column has as text, without making it."""
    kind = column.type
    if pt.is_dictionary(kind):
        lengths = _byte_lengths(column.dictionary)
        if lengths is None:
            return 64 * len(column)
        return int(pc.sum(pc.take(lengths, column.indices)).as_py() or 0)
    lengths = _byte_lengths(column)
    return 64 * len(column) if lengths is None else int(pc.sum(lengths).as_py() or 0)


def slices(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    """The batch, or halves of it, so that none has more text than ``BATCH_CHARACTERS`` bytes or is one row."""
    total = sum(text_bytes(column) for column in batch.columns)
    if total <= BATCH_CHARACTERS or batch.num_rows < 2:
        return [batch]
    half = batch.num_rows // 2
    return [*slices(batch.slice(0, half)), *slices(batch.slice(half))]


def column_text(column: pa.Array, *, place: str, name: str, first_row: int) -> pa.StringArray:
    """A column as strings without nulls.

    Args:
        first_row: number of its first row, for errors.

    Raises:
        InputError: ``COLUMN_TYPE`` for a type or a float that has no exact text, ``CELL_TOO_LONG``.
    """
    kind = column.type
    if not is_readable(kind):
        raise InputError(
            "values of this type have no exact text; export the column as text, integer or date",
            code="COLUMN_TYPE",
            place=Place(file=place, column=name),
        )
    source = column.dictionary if pt.is_dictionary(kind) else column
    lengths = _byte_lengths(source)
    if lengths is not None and (pc.max(lengths).as_py() or 0) > MAX_CELL_CHARACTERS:
        row = (
            None
            if pt.is_dictionary(kind)
            else first_row + pc.index(pc.greater(lengths, MAX_CELL_CHARACTERS), True).as_py()
        )
        raise cell_too_long(place, row=row, column=name)
    plain = _decoded(column) if pt.is_dictionary(kind) else column
    try:
        text = _plain_text(plain, place, name, first_row)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError, ValueError):
        # A moment or date outside the years 1 to 9999, for one.
        text = None
    if text is None:
        raise InputError(
            "the column holds values that cannot be written as text, such as moments outside the years 1 to 9999; "
            "mend them, or export the column as text",
            code="COLUMN_TYPE",
            place=Place(file=place, column=name),
        )
    return pc.fill_null(text, "")


def _decoded(column: pa.Array) -> pa.Array:
    values = column.dictionary
    if pt.is_string_view(values.type):
        # Arrow has no kernel that takes from views.
        values = pc.cast(values, pa.large_string())
    return pc.take(values, column.indices)


def _plain_text(plain: pa.Array, place: str, name: str, first_row: int) -> pa.StringArray:
    if pt.is_floating(plain.type):
        text = _float_text(plain, place, name, first_row)
    elif pt.is_timestamp(plain.type):
        text = pa.array([exact_text(value) for value in _moments(plain)], pa.string())
    elif pt.is_decimal(plain.type):
        text = pa.array([exact_text(value) for value in plain.to_pylist()], pa.string())
    elif pt.is_boolean(plain.type):
        text = pc.if_else(plain, "TRUE", "FALSE")
    elif pt.is_date(plain.type):
        text = pc.cast(pc.cast(plain, pa.date32()), pa.string())
    else:
        text = pc.cast(plain, pa.string())
    return text


def _byte_lengths(column: pa.Array) -> pa.Array | None:
    if pt.is_string_view(column.type):
        column = pc.cast(column, pa.large_string())
    if pt.is_string(column.type) or pt.is_large_string(column.type):
        return pc.cast(pc.binary_length(column), pa.int64())
    return None


def _moments(column: pa.Array) -> list[object]:
    return list(pc.cast(pc.floor_temporal(column, unit="second"), pa.timestamp("us")).to_pylist())


def _float_text(column: pa.Array, place: str, name: str, first_row: int) -> pa.StringArray:
    # NaN is how data frames write a missing number.
    values = pc.cast(column, pa.float64())
    values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    whole = pc.and_(pc.is_finite(values), pc.equal(pc.floor(values), values))
    bad = pc.index(pc.fill_null(whole, True), False).as_py()
    if bad >= 0:
        raise InputError(
            "the column holds numbers with a fraction; an identifier, code or date has none: export it as text",
            code="COLUMN_TYPE",
            place=Place(file=place, row=first_row + bad, column=name),
        )
    if (pc.max(pc.abs(values)).as_py() or 0.0) <= _EXACT_INTEGERS:
        return pc.cast(pc.cast(values, pa.int64()), pa.string())
    return pa.array([exact_text(value) for value in values.to_pylist()], pa.string())
