"""RAW: in which pieces a package is searched for identifiers, which bytes of each chance decides, and whose rows.

Invariant: every byte of a package is in one piece, but for the cells that ``PackageLayout.listed`` names; a pattern
that reaches from one piece into the next is found in the first.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import IO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.department.leak_scan import RandomRange, random_digits
from secure_match.encoded import matrix_from_binary
from secure_match.encoded.layout import ColumnRange, PackageLayout

_PIECE_BYTES: Final = 1 << 25
_TAIL_BYTES: Final = 1 << 12
"""Longer than any pattern of an ordinary value."""

Int64Array = npt.NDArray[np.int64]


def pieces_of(
    package: IO[bytes], layout: PackageLayout, manifest: bytes
) -> Iterator[tuple[bytes, int, list[RandomRange]]]:
    """What is searched, piece by piece: bytes, offset behind the last one where a pattern may begin, random ranges."""
    size = package.seek(0, 2)
    places = sorted(layout.by_chance, key=lambda item: item.start)
    begin = 0
    for start, stop in [*sorted(layout.listed), (size, size)]:
        for piece in range(begin, start, _PIECE_BYTES):
            end = min(piece + _PIECE_BYTES, start)
            package.seek(piece)
            data = package.read(min(end + _TAIL_BYTES, start) - piece)
            inside = [_moved(item, piece, piece + len(data)) for item in places if _overlap(item, piece, end)]
            yield data, end - piece, inside + (random_digits(data, inside) if piece == 0 else [])
        begin = max(begin, stop)
    yield manifest, len(manifest), random_digits(manifest)


def _overlap(item: ColumnRange, start: int, stop: int) -> bool:
    return item.start < stop and item.start + item.width * item.rows > start


def _moved(item: ColumnRange, start: int, stop: int) -> RandomRange:
    """The part of a range that a piece holds, by its offsets there."""
    if item.first_row is None:
        return RandomRange(start=item.start - start, width=item.width, row_ids=np.full(1, -1, dtype=np.int64))
    first = max(0, (start - item.start) // item.width)
    last = min(item.rows, -(-(stop - item.start) // item.width))
    rows = np.arange(item.first_row + first, item.first_row + last, dtype=np.int64)
    return RandomRange(start=item.start + first * item.width - start, width=item.width, row_ids=rows)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _RowsHolding:
    """The rows that hold a value: a row is looked at when it is asked about."""

    value: str
    owners: CanaryOwners

    def __contains__(self, row: object) -> bool:
        return isinstance(row, int) and self.value in self.owners.cells(row)


class CanaryOwners:
    """Which rows of a package hold a value: canary rows by the place of their handles.

    Args:
        values: kind to columns of texts, all of shape (canary rows,).
        handles: fixed_size_binary(16) of the canary rows.
        sent: the handles of the package, rising.
    """

    __slots__ = ("_order", "_rows", "_values")

    def __init__(self, values: dict[str, list[pa.Array]], handles: pa.Array, sent: pa.ChunkedArray) -> None:
        self._values = values
        known, wanted = (matrix_from_binary(part)[0].view(">u8").astype(np.uint64) for part in (sent, handles))
        # Handles rise; two that share their first eight bytes are not to be expected in any register.
        places = np.minimum(np.searchsorted(known[:, 0], wanted[:, 0]), max(0, len(known) - 1))
        there = (known[places] == wanted).all(axis=1) if len(known) else np.zeros(len(wanted), dtype=np.bool_)
        rows = np.where(there, places, -1)
        self._order = np.argsort(rows, kind="stable")
        self._rows: Int64Array = rows[self._order]

    def cells(self, row: int) -> set[str]:
        """The texts on a row of the package, if it is a canary row."""
        place = int(np.searchsorted(self._rows, row))
        if row < 0 or place == len(self._rows) or self._rows[place] != row:
            return set()
        canary = int(self._order[place])
        return {column[canary].as_py() or "" for columns in self._values.values() for column in columns}

    def get(self, key: str, default: Container[int], /) -> Container[int]:  # noqa: ARG002  # As a mapping has it.
        """The rows that hold a value."""
        return _RowsHolding(value=key, owners=self)
