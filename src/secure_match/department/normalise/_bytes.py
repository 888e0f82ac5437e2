"""RAW: string arrays as NumPy bytes and code points, so that characters are looked up in tables, not row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department.normalise._field import BoolArray

Bytes2D = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ByteView:
    """The UTF-8 bytes of all rows: row ``i`` is ``data[offsets[i]:offsets[i + 1]]``. Null rows are empty."""

    data: npt.NDArray[np.uint8]
    offsets: Integers

    @property
    def lengths(self) -> Integers:
        """Bytes of every row, int64 of shape (rows,)."""
        return np.diff(self.offsets)

    def matrix(self, mask: BoolArray, width: int) -> Bytes2D:
        """The rows of ``mask``, all of ``width`` bytes, as uint8 of shape (rows of mask, width)."""
        starts = self.offsets[:-1][mask]
        if not len(starts):
            return np.zeros((0, width), dtype=np.uint8)
        windows = np.lib.stride_tricks.sliding_window_view(self.data, width)
        return np.asarray(windows[starts], dtype=np.uint8)

    def any_in_row(self, marked: BoolArray) -> BoolArray:
        """Which rows have a byte that is marked; ``marked`` has one bool per byte."""
        counts = np.concatenate([[0], np.cumsum(marked, dtype=np.int64)])
        return np.asarray(counts[self.offsets[1:]] > counts[self.offsets[:-1]], dtype=np.bool_)


def byte_view(text: pa.StringArray) -> ByteView:
    """The bytes of a string array, without a copy where it has no nulls."""
    if text.null_count:
        text = pc.fill_null(text, "")
    buffers = text.buffers()
    if not len(text):
        return ByteView(data=np.zeros(0, dtype=np.uint8), offsets=np.zeros(1, dtype=np.int64))
    offsets = np.frombuffer(buffers[1], dtype=np.int32, count=len(text) + 1, offset=4 * text.offset).astype(np.int64)
    data = np.frombuffer(buffers[2] if buffers[2] is not None else b"", dtype=np.uint8)
    return ByteView(data=data[offsets[0] : offsets[-1]], offsets=offsets - offsets[0])


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CodePoints:
    """The characters of all rows: row ``i`` is ``codes[offsets[i]:offsets[i + 1]]``."""

    codes: Codes
    offsets: Integers

    @property
    def lengths(self) -> Integers:
        """Characters of every row, int64 of shape (rows,)."""
        return np.diff(self.offsets)

    def rows(self) -> Integers:
        """The row of every character, int64 of the shape of ``codes``."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.lengths)

    def any_in_row(self, marked: BoolArray) -> BoolArray:
        """Which rows have a character that is marked; ``marked`` has one bool per character."""
        counts = np.concatenate([[0], np.cumsum(marked, dtype=np.int64)])
        return np.asarray(counts[self.offsets[1:]] > counts[self.offsets[:-1]], dtype=np.bool_)

    def only(self, kept: BoolArray) -> CodePoints:
        """Without the characters that are not kept; all rows stay."""
        counts = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])
        return CodePoints(codes=self.codes[kept], offsets=counts[self.offsets])


def code_points(text: pa.StringArray) -> CodePoints:
    """The characters of a string array; null rows are empty."""
    view = byte_view(text)
    codes = np.frombuffer(view.data.tobytes().decode("utf-8", "replace").encode("utf-32-le"), dtype="<u4")
    starts = np.concatenate([[0], np.cumsum((view.data & 0xC0) != 0x80, dtype=np.int64)])
    return CodePoints(codes=codes.astype(np.uint32, copy=False), offsets=starts[view.offsets])


def to_strings(points: CodePoints) -> pa.StringArray:
    """The characters as a string array without nulls."""
    codes = points.codes
    data = codes.astype("<u4", copy=False).tobytes().decode("utf-32-le").encode("utf-8")
    sizes = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    offsets = ends[points.offsets].astype(np.int32)
    return pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data))
