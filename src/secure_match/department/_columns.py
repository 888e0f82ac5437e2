"""RAW: takes rows or Arrow data in, gives back dictionary-encoded chunks of the columns that a schema names.

Invariants: columns that the schema does not name are never converted; numbers reach the encoder only where
their decimal text is exact (integers), never through the text of a float; no error carries a value.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department._sources import wrong_data
from secure_match.department._texts import Texts
from secure_match.errors import EncodingError, Place

_TEXT_TYPES: Final = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Chunk:
    """Dictionary-encoded cells of one column.

    Attributes:
        codes: int32 of shape (rows,): index into ``texts``, -1 where the cell is null.
        texts: the distinct texts, in the order in which they first stand. A lone surrogate, which Python's text can
            hold and UTF-8 cannot, stands as the three bytes that UTF-8 refuses.
    """

    codes: npt.NDArray[np.int32]
    texts: Texts


class Column(Protocol):
    """One column of the input."""

    def chunk(self, start: int, stop: int) -> Chunk:
        """The cells ``start`` to ``stop - 1``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Source:
    """The columns that were asked for, in that order, each of ``num_rows`` cells."""

    num_rows: int
    columns: list[Column]


class _ArrowColumn:
    __slots__ = ("_values",)

    def __init__(self, values: pa.ChunkedArray) -> None:
        self._values = values

    def chunk(self, start: int, stop: int) -> Chunk:
        parts = [_plain_bytes(part) for part in self._values.slice(start, stop - start).chunks]
        plain = pa.concat_arrays(parts) if parts else pa.array([], pa.large_binary())
        encoded = plain.dictionary_encode()
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        return Chunk(codes=np.asarray(codes, dtype=np.int32), texts=Texts.from_arrow(encoded.dictionary))


def _plain_bytes(values: pa.Array) -> pa.Array:
    """Cells as bytes rather than text: a cell that is not UTF-8 must become our error, not Arrow's."""
    if pa.types.is_dictionary(values.type):
        # Arrow cannot decode every dictionary by a cast, and entries may be doubled or null.
        return _plain_bytes(values.dictionary).take(values.indices.cast(pa.int64()))
    if pa.types.is_integer(values.type):
        return values.cast(pa.string()).cast(pa.large_binary())
    return values.cast(pa.large_binary())


class _RowColumn:
    __slots__ = ("_index", "_name", "_rows")

    def __init__(self, rows: Sequence[Sequence[str | None]], index: int, name: str) -> None:
        self._rows, self._index, self._name = rows, index, name

    def chunk(self, start: int, stop: int) -> Chunk:
        numbers: dict[str, int] = {}
        codes = np.empty(stop - start, dtype=np.int32)
        for offset in range(stop - start):
            text = self._rows[start + offset][self._index]
            if text is None:
                codes[offset] = -1
            elif isinstance(text, str):
                codes[offset] = numbers.setdefault(text, len(numbers))
            else:
                raise EncodingError(
                    "a cell of a row is text or None; convert other types to text yourself",
                    code="VALUE_TYPE",
                    place=Place(row=start + offset + 1, column=self._name),
                )
        return Chunk(codes=codes, texts=Texts.from_items([text.encode("utf-8", "surrogatepass") for text in numbers]))


def read_rows(rows: Sequence[Sequence[str | None]], names: Sequence[str], wanted: Sequence[int]) -> Source:
    """Columns of rows of text, by position.

    Args:
        rows: rows of ``len(names)`` cells, text or None.
        names: name of each position.
        wanted: the positions that are asked for.

    Raises:
        EncodingError: ``ROW_WIDTH`` with the first row that has another width or is not a sequence of cells.
    """
    for number, row in enumerate(rows, start=1):
        if isinstance(row, str | bytes) or not isinstance(row, Sequence) or len(row) != len(names):
            raise EncodingError(
                f"a row has {len(names)} cells, one for each feature of the schema",
                code="ROW_WIDTH",
                place=Place(row=number),
            )
    return Source(num_rows=len(rows), columns=[_RowColumn(rows, index, names[index]) for index in wanted])


def read_table(data: Any, wanted: Sequence[str]) -> Source:
    """Columns of Arrow data, by name.

    Args:
        data: an object with the Arrow PyCapsule interface, or a pandas data frame.
        wanted: names of the columns that are asked for; a name may be asked for twice.

    Raises:
        EncodingError: ``COLUMN_MISSING``, ``COLUMN_DUPLICATE`` or ``COLUMN_TYPE``, with the column;
            ``DATA_TYPE``.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        table, num_rows = _from_pandas(data, wanted), len(data)
    else:
        whole = _from_arrow(data)
        _require(whole.column_names, wanted)
        table, num_rows = {name: whole[name] for name in wanted}, whole.num_rows
    for name in wanted:
        _require_type(name, table[name].type)
    return Source(num_rows=num_rows, columns=[_ArrowColumn(table[name]) for name in wanted])


def _from_arrow(data: Any) -> pa.Table:
    table: pa.Table | None = None
    try:
        table = pa.table(data)
    except (pa.ArrowException, TypeError, ValueError, AttributeError):
        table = None
    if table is None:
        raise wrong_data()
    return table


def _from_pandas(frame: Any, wanted: Sequence[str]) -> dict[str, pa.ChunkedArray]:
    _require([str(name) for name in frame.columns], wanted)
    positions = {str(name): index for index, name in enumerate(frame.columns)}
    table: dict[str, pa.ChunkedArray] = {}
    for name in wanted:
        values: Any = None
        try:
            values = pa.array(frame.iloc[:, positions[name]], from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            values = None
        if values is None:
            raise _wrong_type(name)
        table[name] = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
    return table


def _require(present: Sequence[str], wanted: Sequence[str]) -> None:
    for name in wanted:
        count = present.count(name)
        if count == 0:
            raise EncodingError(
                "the table has no such column; rename a column or correct the schema",
                code="COLUMN_MISSING",
                place=Place(column=name),
            )
        if count > 1:
            raise EncodingError(
                "the table has this column more than once; keep one",
                code="COLUMN_DUPLICATE",
                place=Place(column=name),
            )


def _require_type(name: str, kind: pa.DataType) -> None:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        textual = any(test(kind) for test in _TEXT_TYPES)
    else:
        textual = any(test(kind) for test in (*_TEXT_TYPES, pa.types.is_integer, pa.types.is_null))
    if not textual:
        raise _wrong_type(name)


def _wrong_type(name: str) -> EncodingError:
    return EncodingError(
        "only columns of text or of integers are encoded; convert others to text yourself, so that every "
        "party writes a number or date the same way",
        code="COLUMN_TYPE",
        place=Place(column=name),
    )
