"""RAW: which rows of an export were sent before, so that after a correction only the others are encoded.

Invariant: a row is passed over only where its whole encoding is what was sent under its handle. Equal row keys alone do
not show that: a row that was quarantined because it repeats another person's key has that key too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import CodedColumn
from secure_match.department.normalise._field import to_bool
from secure_match.department.small_cells import may_have_become
from secure_match.encoded import DatasetManifest, EncodedDataset
from secure_match.encoded.supplements import join_supplements
from secure_match.errors import PackageError, ReleaseError

_NUMBERS_NAMED: Final = 10
"""Row numbers that a message gives."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SentRows:
    """Rows that the bureau has already.

    Attributes:
        base: manifest of the package that is completed.
        base_digest: its digest, hex SHA-256.
        table: the rows, with the columns of the base; every handle stands once.
        room: how many rows of the base are still quarantined.
        cells: columns that a row of a small cell may have given up.
    """

    base: DatasetManifest
    base_digest: str
    table: pa.Table = field(repr=False)
    room: int
    cells: tuple[CodedColumn, ...] = ()

    def which(self, handles: pa.Array) -> npt.NDArray[np.bool_]:
        """Which rows were sent, by their handles alone: bool of shape (rows,)."""
        return to_bool(pc.is_in(handles, value_set=self.table["handle"]))

    def as_sent(self, table: pa.Table) -> npt.NDArray[np.bool_]:
        """Which rows stand among those that were sent just as they are now, in every column: bool of shape (rows,).

        A column that the row can have given up because its cell was small is as it was.

        Args:
            table: encoded rows with the columns of the base, and maybe others.
        """
        places = pc.index_in(table["handle"], value_set=self.table["handle"])
        equal = to_bool(pc.is_valid(places))
        sent = self.table.take(places)
        cells = {f"code.{column.name}": column for column in self.cells}
        # Of a release in two phases passes were not sent; they follow from what was.
        for name, now, before in zip(sent.column_names, table.select(sent.column_names), sent.columns, strict=True):
            same = to_bool(pc.is_null(now)) & to_bool(pc.is_null(before))
            same |= to_bool(pc.fill_null(pc.equal(now, before), False))
            if name in cells:
                same |= may_have_become(cells[name], now, before)
            equal &= same
        return equal

    def verify_room(self, rows: int) -> None:
        """Check that a supplement adds no more rows than the base lacks.

        Raises:
            ReleaseError: ``SUPPLEMENT_ROWS``.
        """
        if rows > self.room:
            raise ReleaseError(
                f"{rows:,} rows are not in the earlier packages, which lack {self.room:,}; the export has changed "
                "by more than corrections, or its row keys have: encode all of it into a new package",
                code="SUPPLEMENT_ROWS",
            )


class ChangedRows:
    """Collects the rows that have the handle of a row that was sent, and are not that row.

    Args:
        sent: what they are compared with.
    """

    __slots__ = ("_numbers", "_sent")

    def __init__(self, sent: SentRows) -> None:
        self._sent = sent
        self._numbers: list[int] = []

    def add(self, numbers: npt.NDArray[np.int64], handles: pa.Array, encoded: pa.Table) -> None:
        """Look at a batch of rows that would be passed over.

        Args:
            numbers: row numbers, of shape (rows,).
            handles: fixed_size_binary(16) of shape (rows,), none twice.
            encoded: those of the rows that can be encoded; any other row has changed.
        """
        unchanged = encoded["handle"].filter(pa.array(self._sent.as_sent(encoded)))
        self._numbers += numbers[~to_bool(pc.is_in(handles, value_set=unchanged))].tolist()

    def verify_none(self) -> None:
        """Check that no row changed after it was sent.

        Raises:
            ReleaseError: ``SUPPLEMENT_CHANGED`` with the first row numbers.
        """
        if not self._numbers:
            return
        named = ", ".join(str(number) for number in self._numbers[:_NUMBERS_NAMED])
        more = ", and others" if len(self._numbers) > _NUMBERS_NAMED else ""
        raise ReleaseError(
            f"{len(self._numbers):,} rows (row {named}{more}) have the row key of a row that was sent before, and are "
            "another person or have changed since; a supplement can neither add nor change them: give each person a "
            "row key of their own and encode the whole export into a new package",
            code="SUPPLEMENT_CHANGED",
        )


def sent_rows(packages: Sequence[tuple[EncodedDataset, str]], cells: tuple[CodedColumn, ...] = ()) -> SentRows:
    """The rows of a package and its supplements.

    Args:
        packages: datasets with their package digests, the base and any supplements to it, in any order.
        cells: columns that a row of a small cell may have given up.

    Raises:
        PackageError: ``SUPPLEMENT_BASE`` unless there is exactly one base and all others complete it;
            ``SUPPLEMENT_ROWS``.
    """
    bases = [item for item in packages if item[0].manifest.supplement_to is None]
    if len(bases) != 1:
        raise PackageError(
            "name the one package that is completed, and any earlier supplements to it", code="SUPPLEMENT_BASE"
        )
    base, digest = bases[0]
    supplements = [dataset for dataset, _ in packages if dataset.manifest.supplement_to is not None]
    whole = join_supplements(base, digest, supplements)
    return SentRows(
        base=base.manifest,
        base_digest=digest,
        table=whole.table.combine_chunks(),
        room=whole.manifest.counts.quarantined,
        cells=cells,
    )
