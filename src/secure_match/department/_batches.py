"""RAW: batches in, one table out: reading runs one batch ahead, and encoded batches become a table in handle order.

Invariant: neither changes a value; a failure of the reader reaches the caller where the batch would have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.encoded import binary_from_matrix, matrix_from_binary


def read_ahead(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches in order; while one is worked on, a thread reads the next."""
    source = iter(batches)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, source, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, source, None)
            yield batch


def sorted_by_handle(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    """All rows as one table of one chunk, in the order of their handles, bytes compared unsigned.

    Args:
        tables: encoded batches with that schema, the handle first. The list is emptied, so that beside the two copies
            of one column no more than one copy of the rows is in memory.
        schema: of the table.
    """
    columns = [[chunk for table in tables for chunk in table.column(place).chunks] for place in range(len(schema))]
    tables.clear()
    order: npt.NDArray[np.int64] | None = None
    done: list[pa.Array] = []
    for place, field in enumerate(schema):
        column = pa.chunked_array(columns[place], field.type)
        columns[place] = []
        if order is None:
            order = _handle_order(column)
        done.append(_taken(column, order))
        del column
    return pa.table(done, schema=schema)


def _handle_order(handles: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    # Arrow does not sort fixed-size binary columns; as big-endian words they sort like their bytes.
    words = np.ascontiguousarray(matrix_from_binary(handles)[0]).view(">u8").astype(np.uint64)
    return np.lexsort((words[:, 1], words[:, 0]))


def _taken(column: pa.ChunkedArray, order: npt.NDArray[np.int64]) -> pa.Array:
    if not pa.types.is_fixed_size_binary(column.type):
        taken = column.take(pa.array(order))
        return taken.combine_chunks() if taken.num_chunks != 1 else taken.chunk(0)
    # Arrow's take of wide cells goes byte by byte and is several times slower.
    matrix, valid = matrix_from_binary(column)
    return binary_from_matrix(matrix.take(order, axis=0), None if valid.all() else valid[order])
