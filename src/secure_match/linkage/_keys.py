"""ENCODED: sixteen-byte keys (tags, tokens) of all rows as words, and rows in groups of equal keys.

Invariant: keys of any sender's choice take the time of sorting them; there is no table that they could crowd.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.encoded import matrix_from_binary
from secure_match.linkage._steps import released_chunks

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
RowArray = npt.NDArray[np.int32]
WordArray = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Keys:
    """A key of sixteen bytes per row, in two words.

    Attributes:
        high: uint64 of shape (rows,).
        low: uint64 of shape (rows,).
        valid: bool of shape (rows,): the row has a key.
    """

    high: WordArray
    low: WordArray
    valid: BoolArray

    @classmethod
    def empty(cls, rows: int) -> Keys:
        """No row has a key."""
        words = np.zeros((2, rows), dtype=np.uint64)
        return cls(high=words[0], low=words[1], valid=np.zeros(rows, dtype=np.bool_))

    def fill(self, start: int, column: pa.ChunkedArray, release: Callable[[], None]) -> None:
        """Take a fixed_size_binary(16) column as the keys of the rows from ``start`` on.

        Args:
            release: called now and then when parts of the column were read.
        """
        for chunk in released_chunks(column, release):
            matrix, valid = matrix_from_binary(chunk)
            words = matrix.view(np.uint64)
            end = start + len(chunk)
            self.high[start:end], self.low[start:end], self.valid[start:end] = words[:, 0], words[:, 1], valid
            start = end


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Rows that have a key, group after group of equal keys. The order inside a group and of groups is any.

    Attributes:
        order: row numbers, int64 of shape (members,).
        starts: where in ``order`` each group starts, and the end, int64 of shape (groups + 1,).
    """

    order: IntArray
    starts: IntArray

    @property
    def sizes(self) -> IntArray:
        """Rows of each group, int64 of shape (groups,)."""
        return np.diff(self.starts)

    def of_rows(self, rows: int) -> RowArray:
        """The group of each row, -1 for none, int32 of shape (rows,)."""
        groups = np.full(rows, -1, dtype=np.int32)
        groups[self.order] = np.repeat(np.arange(len(self.starts) - 1, dtype=np.int32), self.sizes)
        return groups


def group_rows(keys: Keys) -> Groups:
    """Group the rows that have a key by it."""
    rows = np.flatnonzero(keys.valid)
    high, low = keys.high[rows], keys.low[rows]
    order = np.argsort(high)
    ranked_high, ranked_low = high[order], low[order]
    one_high = ranked_high[1:] == ranked_high[:-1]
    if (one_high & (ranked_low[1:] != ranked_low[:-1])).any():
        # Keys are pseudo-random: two that agree in their first half only are nobody's but a forger's.
        order = np.lexsort((low, high))
        ranked_high, ranked_low = high[order], low[order]
        one_high = ranked_high[1:] == ranked_high[:-1]
    changes = np.flatnonzero(~(one_high & (ranked_low[1:] == ranked_low[:-1]))) + 1
    ends = np.array([0, len(rows)] if len(rows) else [0], dtype=np.int64)
    return Groups(order=rows[order], starts=np.insert(ends, 1, changes) if len(rows) else ends)
