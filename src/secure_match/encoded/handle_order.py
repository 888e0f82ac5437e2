"""ENCODED: rows in the order of their handles, the order in which they leave, which says nothing of the export's.

Invariant: no value changes, and beside two copies of one column no more than one copy of the rows is in memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.encoded._dataset import binary_from_matrix, matrix_from_binary

Int64Array = npt.NDArray[np.int64]


def sorted_by_handle(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    """All rows as one table of one chunk, in the order of their handles, bytes compared unsigned.

    Args:
        tables: encoded batches with that schema, the handle first. The list is emptied, so that beside two copies of
            one column no more than one copy of the rows is in memory.
        schema: of the table.
    """
    columns = [[chunk for table in tables for chunk in table.column(place).chunks] for place in range(len(schema))]
    tables.clear()
    order = _handle_order(pa.chunked_array(columns[0], schema.field(0).type))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    done: list[pa.Array] = []
    for place, field in enumerate(schema):
        chunks, columns[place] = columns[place], []
        wide = pa.types.is_fixed_size_binary(field.type)
        done.append(_scattered(chunks, rank, field.type.byte_width) if wide else _taken(chunks, order, field.type))
        del chunks
    return pa.table(done, schema=schema)


def _handle_order(handles: pa.ChunkedArray) -> Int64Array:
    # Arrow does not sort fixed-size binary columns; as big-endian words they sort like their bytes.
    words = np.ascontiguousarray(matrix_from_binary(handles)[0]).view(">u8").astype(np.uint64)
    return np.lexsort((words[:, 1], words[:, 0]))


def _taken(chunks: list[pa.Array], order: Int64Array, kind: pa.DataType) -> pa.Array:
    return pa.concat_arrays([*chunks, pa.array([], kind)]).take(pa.array(order))


def _scattered(chunks: list[pa.Array], rank: Int64Array, width: int) -> pa.Array:
    """Fixed-size binary chunks with row ``i`` of them all at ``rank[i]``: Arrow's own ``take`` goes byte by byte."""
    matrix = np.empty((len(rank), width), dtype=np.uint8)
    filled = np.empty(len(rank), dtype=np.bool_)
    cells = matrix.view(f"V{width}").reshape(-1)
    start = 0
    for chunk in chunks:
        part, there = matrix_from_binary(chunk)
        places = rank[start : start + len(chunk)]
        cells[places] = np.ascontiguousarray(part).view(f"V{width}").reshape(-1)
        filled[places] = there
        start += len(chunk)
    return binary_from_matrix(matrix, None if filled.all() else filled)
