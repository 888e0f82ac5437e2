"""RAW: an export that has to be looked at twice, read once where its columns fit into memory.

A survey of whole columns comes before their encoding. Reading once is faster, and a database table that changes between
two readings cannot give two answers. Invariant: every reading gives the same batches, and memory stays within the limit
plus one batch: an export that is larger is read again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa

from secure_match.department.readers._export import Export, RefusedRows

HELD_BYTES: Final = 1 << 29
"""Largest size of the columns that are held: about four million rows of an ordinary export."""


class HeldExport:
    """Some columns of an export, to be read several times.

    Args:
        export: where they come from.
        columns: names from its header.
        limit_bytes: largest size, in bytes, of what is held.
    """

    __slots__ = ("_columns", "_complete", "_export", "_held", "_limit_bytes", "_refused")

    def __init__(self, export: Export, columns: Sequence[str], *, limit_bytes: int = HELD_BYTES) -> None:
        self._export, self._columns, self._limit_bytes = export, tuple(columns), limit_bytes
        self._held: list[pa.RecordBatch] = []
        self._refused = RefusedRows()
        self._complete = False

    def __repr__(self) -> str:
        return f"<HeldExport: {len(self._columns)} columns>"

    def batches(self, *, refused: RefusedRows, last: bool = False) -> Iterator[pa.RecordBatch]:
        """As :meth:`Export.batches` gives them.

        Args:
            refused: where rows go that the reader cannot give.
            last: nobody reads again, so that each batch is let go of once it is given.
        """
        if not self._complete:
            yield from self._read(refused)
            return
        for code, numbers in self._refused.by_code.items():
            for number in numbers:
                refused.add(number, code)
        if not last:
            yield from self._held
            return
        self._complete, waiting, self._held = False, self._held[::-1], []
        while waiting:
            yield waiting.pop()

    def _read(self, refused: RefusedRows) -> Iterator[pa.RecordBatch]:
        held: list[pa.RecordBatch] = []
        size = 0
        for batch in self._export.batches(self._columns, refused=refused):
            size += batch.nbytes
            if size <= self._limit_bytes:
                held.append(batch)
            else:
                held.clear()
            yield batch
        if size <= self._limit_bytes:
            self._held, self._refused, self._complete = held, refused, True
