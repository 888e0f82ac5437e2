"""RAW: distinct values of a column as bytes in one buffer.

Invariants: text is UTF-8; what is not stays as it came and is refused later, as a value that no character set has.
No ``repr`` shows a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

ByteArray = npt.NDArray[np.uint8]
Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Texts:
    """Texts, each a run of bytes of a shared buffer; runs may share bytes and stand in any order.

    Attributes:
        data: uint8 of shape (bytes,).
        starts: int64 of shape (texts,): first byte of each text.
        ends: int64 of shape (texts,): the byte after its last.
    """

    data: ByteArray
    starts: Int64Array
    ends: Int64Array

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def from_items(cls, items: Sequence[bytes]) -> Texts:
        """Texts in the order of ``items``."""
        ends = np.cumsum(np.fromiter(map(len, items), dtype=np.int64, count=len(items)))
        starts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1]]) if len(items) else ends
        return cls(data=np.frombuffer(b"".join(items), dtype=np.uint8), starts=starts, ends=ends)

    @classmethod
    def from_arrow(cls, values: pa.LargeBinaryArray) -> Texts:
        """Texts of an array of large_binary without nulls, without a copy of the bytes."""
        _, offsets, data = values.buffers()
        if len(values) == 0 or offsets is None:
            return cls.from_items([])
        ends = np.frombuffer(offsets, dtype=np.int64, count=len(values) + 1, offset=8 * values.offset)
        flat = np.zeros(0, dtype=np.uint8) if data is None else np.frombuffer(data, dtype=np.uint8)
        return cls(data=flat, starts=ends[:-1], ends=ends[1:])

    @property
    def lengths(self) -> Int64Array:
        """Bytes of each text: int64 of shape (texts,)."""
        return self.ends - self.starts

    def items(self, indices: Int64Array | None = None) -> list[bytes]:
        """The bytes of some texts, in the order asked for, or of all."""
        starts = self.starts if indices is None else self.starts[indices]
        ends = self.ends if indices is None else self.ends[indices]
        if not len(starts):
            return []
        # Bytes are cut much faster than arrays are.
        low = int(starts.min())
        data = self.data[low : int(ends.max())].tobytes()
        return [data[start:end] for start, end in zip((starts - low).tolist(), (ends - low).tolist(), strict=True)]

    def find(self, item: bytes) -> int:
        """Index of the first text that equals ``item``, or -1."""
        candidates = np.flatnonzero(self.lengths == len(item))
        cells = self.data[self.starts[candidates][:, None] + np.arange(len(item))]
        found = candidates[(cells == np.frombuffer(item, dtype=np.uint8)).all(axis=1)]
        return int(found[0]) if len(found) else -1

    def replaced(self, indices: Int64Array, texts: Texts) -> Texts:
        """The same texts, but at ``indices`` those of ``texts``."""
        starts, ends = self.starts.copy(), self.ends.copy()
        starts[indices] = texts.starts + len(self.data)
        ends[indices] = texts.ends + len(self.data)
        return Texts(data=np.concatenate([self.data, texts.data]), starts=starts, ends=ends)

    def appended(self, item: bytes) -> Texts:
        """The same texts and one more."""
        start = len(self.data)
        return Texts(
            data=np.concatenate([self.data, np.frombuffer(item, dtype=np.uint8)]),
            starts=np.append(self.starts, start),
            ends=np.append(self.ends, start + len(item)),
        )
