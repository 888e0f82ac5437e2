"""RAW: what an encoder takes: tables by the Arrow PyCapsule interface, rows of text, and streams of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, cast, runtime_checkable

import pyarrow as pa

from secure_match.errors import EncodingError


@runtime_checkable
class ArrowStream(Protocol):
    """A table by the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@runtime_checkable
class ArrowArray(Protocol):
    """A record batch by the Arrow PyCapsule interface."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> Any: ...


Table = ArrowStream | ArrowArray
Rows = Sequence[Sequence[str | None]]


def iterate_batches(data: Table | Iterable[Table | Rows]) -> Iterable[Table | Rows]:
    """The batches of a stream, in order; what is one table in memory and has no batches is one.

    Raises:
        EncodingError: ``DATA_TYPE``.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return [cast("Table", data)]  # Its columns are converted one by one, the wanted ones only.
    reader: pa.RecordBatchReader | None = None
    if isinstance(data, ArrowStream):
        try:
            reader = pa.RecordBatchReader.from_stream(data)
        except (pa.ArrowException, TypeError, ValueError):
            reader = None
    elif isinstance(data, ArrowArray):
        return [data]
    elif isinstance(data, Iterable) and not isinstance(data, str | bytes):
        return data
    if reader is None:
        raise wrong_data()
    return cast("Iterable[Table]", reader)


def wrong_data() -> EncodingError:
    """The error for what is neither a table nor rows."""
    return EncodingError(
        "give rows of text, or a table with the Arrow interface (PyArrow, pandas, Polars, DuckDB)", code="DATA_TYPE"
    )
