"""RAW: handles, by which a department and nobody else finds its own row again."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from secure_match.department._columns import Column
from secure_match.department.keys import EncodingKey, derive_key, keyed_prf_16_each
from secure_match.department.secret_access import reveal
from secure_match.errors import EncodingError, Place
from secure_match.kernels.bloom import ByteMatrix


def make_handles(key: EncodingKey, dataset: str, num_rows: int, column: Column | None, name: str | None) -> ByteMatrix:
    """Handles of all rows: a keyed PRF of the row key, or of the row number where there is none.

    Args:
        key: its handle secret keys the PRF.
        dataset: takes part in the key, so that equal row keys of two datasets have different handles.
        num_rows: number of rows.
        column: the row keys, or None for row numbers counted from 1.
        name: name of that column, for messages.

    Returns:
        uint8 of shape (num_rows, 16).

    Raises:
        EncodingError: ``ROW_KEY_MISSING`` or ``ROW_KEY_DUPLICATE`` with the row, counted from 1.
    """
    prf_key = derive_key(reveal(key, "handle"), "handle", dataset)
    keys: Iterable[bytes] = (str(number).encode() for number in range(1, num_rows + 1))
    if column is not None:
        keys = _row_keys(column, num_rows, name)
    return keyed_prf_16_each(prf_key, keys)


def _row_keys(column: Column, num_rows: int, name: str | None) -> list[bytes]:
    chunk = column.chunk(0, num_rows)
    missing = np.flatnonzero(chunk.codes < 0)
    if len(missing):
        raise EncodingError(
            "the row has no row key",
            code="ROW_KEY_MISSING",
            place=Place(row=int(missing[0]) + 1, column=name),
        )
    first_rows = np.unique(chunk.codes, return_index=True)[1]
    if len(first_rows) != num_rows:
        again = np.ones(num_rows, dtype=np.bool_)
        again[first_rows] = False
        raise EncodingError(
            "the row key stands on an earlier row too; name a column that is unique",
            code="ROW_KEY_DUPLICATE",
            place=Place(row=int(np.flatnonzero(again)[0]) + 1, column=name),
        )
    # Keys that are not valid text still tell rows apart.
    texts = [text.encode("utf-8", "surrogatepass") for text in chunk.texts]
    return [texts[code] for code in chunk.codes.tolist()]
