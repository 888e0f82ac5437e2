"""ENCODED: what the bytes of a package's columns must be beyond their values: order of rows, nothing under nulls."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.encoded._dataset import is_rising

__all__ = ["cells_with_hidden_bytes", "is_rising"]


def cells_with_hidden_bytes(column: pa.ChunkedArray) -> int:
    """How many empty cells of a fixed-size binary or string column have bytes under them; 0 for other types."""
    return sum(_hidden(chunk) for chunk in column.chunks)


def _hidden(array: pa.Array) -> int:
    if not array.null_count:
        return 0
    empty: npt.NDArray[np.bool_] = np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)
    cells = array.buffers()[1]
    if cells is None:
        return 0
    if pa.types.is_fixed_size_binary(array.type):
        width = array.type.byte_width
        flat = np.frombuffer(cells, dtype=np.uint8, count=len(array) * width, offset=array.offset * width)
        return int(flat.reshape(len(array), width)[empty].any(axis=1).sum())
    if pa.types.is_string(array.type):
        offsets = np.frombuffer(cells, dtype=np.int32, count=len(array) + 1, offset=4 * array.offset)
        return int((np.diff(offsets)[empty] != 0).sum())
    return 0
