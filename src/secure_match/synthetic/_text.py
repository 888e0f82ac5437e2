"""PUBLIC: text as matrices of code points, so that a character of a million names changes in one step.

Invariant: a text is a row of uint32 code points of the basic plane, padded with zeros at its right end.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.synthetic._streams import IntArray

CodePoints = npt.NDArray[np.uint32]


def strings_of(codes: CodePoints) -> pa.Array:
    """The texts of ``codes``, uint32 of shape (rows, width), as an Arrow string array."""
    rows, width = codes.shape
    if rows == 0:
        return pa.array([], pa.string())
    return pa.array(np.ascontiguousarray(codes).view(f"<U{width}").reshape(rows), pa.string())


def codes_of(texts: list[str] | npt.NDArray[np.str_], width: int) -> CodePoints:
    """Code points of ``texts``, uint32 of shape (texts, width); no text may be longer than ``width``."""
    padded = np.ascontiguousarray(np.asarray(texts, dtype=f"<U{width}"))
    return padded.view(np.uint32).reshape(len(padded), width).copy()


def digits_of(numbers: IntArray, width: int) -> CodePoints:
    """Decimal digits of non-negative ``numbers`` with leading zeros, uint32 of shape (numbers, width)."""
    codes = np.empty((len(numbers), width), dtype=np.uint32)
    rest = numbers.astype(np.int64)
    for column in range(width - 1, -1, -1):
        rest, digit = np.divmod(rest, 10)
        codes[:, column] = digit + ord("0")
    return codes


def close_gaps(codes: CodePoints) -> CodePoints:
    """Move the zeros of every row to its right end; the order of the rest stays."""
    order = np.argsort(codes == 0, axis=1, kind="stable")
    return np.take_along_axis(codes, order, axis=1)


def widen(codes: CodePoints, width: int, *, left: int = 0) -> CodePoints:
    """The same texts in rows of ``width``, with ``left`` zeros before them."""
    wide = np.zeros((len(codes), width), dtype=np.uint32)
    wide[:, left : left + codes.shape[1]] = codes
    return wide


def lengths_of(codes: CodePoints) -> IntArray:
    """Number of characters of every text, int64."""
    lengths: IntArray = (codes != 0).sum(axis=1, dtype=np.int64)
    return lengths
