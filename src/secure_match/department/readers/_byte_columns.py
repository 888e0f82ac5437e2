"""RAW: columns of equal byte width to Arrow text, a column at a time; fixed-width and DBF files are made of them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department.readers._charset import Charset
from secure_match.errors import InputError, Place

ByteMatrix = npt.NDArray[np.uint8]
_SEPARATORS: Final = tuple(range(1, 32))
"""Control characters. None can be a later byte of a character in UTF-8 or GB18030."""


class _NotTextError(Exception):
    """Bytes of a cell do not decode; ``row`` counts from 0."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


def decode_column(
    cells: ByteMatrix, charset: Charset, *, place: str, numbers: npt.NDArray[np.int64], column: str
) -> pa.StringArray:
    """Text of one column, without blanks and NULs at the ends of its cells.

    Args:
        cells: uint8 of shape (rows, width).
        numbers: row numbers, int64 of shape (rows,), for errors.
        column: its name or number, for errors.

    Raises:
        InputError: ``INPUT_CHARSET`` or ``INPUT_NUL`` with row and column.
    """
    bad = -1
    texts: list[str] = []
    try:
        texts = _decode_rows(cells, "utf-8" if charset == "utf-8-sig" else charset)
    except _NotTextError as error:
        bad = error.row
    if bad >= 0:
        raise InputError(
            f"the cell is not {charset.upper()}: another charset, or a column that cuts a character in two",
            code="INPUT_CHARSET",
            place=Place(file=place, row=int(numbers[bad]), column=column),
        )
    array = pc.utf8_rtrim(pa.array(texts, pa.string()), characters=" \x00")
    nul = pc.index(pc.match_substring(array, "\x00"), True).as_py() if b"\x00" in cells.tobytes() else -1
    if nul >= 0:
        raise InputError(
            "there is a NUL byte inside the cell: the file is damaged",
            code="INPUT_NUL",
            place=Place(file=place, row=int(numbers[nul]), column=column),
        )
    return array


def _decode_rows(cells: ByteMatrix, codec: str) -> list[str]:
    """Decode all cells in one go, with a control character between them that no cell holds."""
    rows, width = cells.shape
    used = np.bincount(cells.ravel(), minlength=256) if cells.size else np.zeros(256, dtype=np.int64)
    separator = next((byte for byte in _SEPARATORS if not used[byte]), None)
    if separator is None:
        return [_decode_cell(cell.tobytes(), codec, row) for row, cell in enumerate(cells)]
    joined = np.full((rows, width + 1), separator, dtype=np.uint8)
    joined[:, :width] = cells
    bad = -1
    try:
        return joined.tobytes().decode(codec).split(chr(separator))[:-1]
    except UnicodeDecodeError as error:
        bad = error.start // (width + 1)
    raise _NotTextError(bad)


def _decode_cell(cell: bytes, codec: str, row: int) -> str:
    try:
        return cell.decode(codec)
    except UnicodeDecodeError:
        pass
    raise _NotTextError(row)
