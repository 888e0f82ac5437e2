"""ENCODED: a truth file: whose each row is, or which of some pairs are matches.

Invariants: every record is read or the file is refused, with the line in which the record begins (the header is in line
1) and the column, never a value; only lines without any character are passed over; the header alone tells the form.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import IO, Final

import numpy as np
import pyarrow.compute as pc

from secure_match.errors import LinkageError, Place
from secure_match.linkage.quality._judging import ErrorBits
from secure_match.linkage.quality._pair_quality import BoolArray, IntArray
from secure_match.linkage.quality._row_numbers import RowNames
from secure_match.linkage.quality._truth_columns import TruthColumns

PERSON_COLUMNS: Final = ("dataset", "handle", "person")
PAIR_COLUMNS: Final = ("dataset_a", "handle_a", "dataset_b", "handle_b", "is_match")
ERRORS_COLUMN: Final = "errors"
_LONGEST_HEADER: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonRows:
    """Rows of a truth file by person, as ``PersonTruth`` wants them."""

    rows: RowNames
    person: IntArray
    errors: ErrorBits
    kinds: tuple[str, ...]
    has_errors: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairRows:
    """Pairs of a truth file."""

    left: RowNames
    right: RowNames
    is_match: BoolArray


def parse_truth(stream: IO[bytes]) -> PersonRows | PairRows:
    """Read a truth file: CSV in UTF-8, comma between cells, columns in any order, others passed over.

    Raises:
        LinkageError: ``TRUTH_HEADER``, ``TRUTH_ROW`` for a record of the wrong width, ``TRUTH_EMPTY``, ``TRUTH_VALUE``
            with row and column.
    """
    header = _header(stream)
    by_person, by_pair = (set(columns) <= set(header) for columns in (PERSON_COLUMNS, PAIR_COLUMNS))
    if by_person == by_pair:
        raise LinkageError(
            f"the header must name {', '.join(PERSON_COLUMNS)}, or {', '.join(PAIR_COLUMNS)}; not both",
            code="TRUTH_HEADER",
            place=Place(row=1),
        )
    wanted = PERSON_COLUMNS if by_person else PAIR_COLUMNS
    has_errors = by_person and ERRORS_COLUMN in header
    columns = TruthColumns.read(stream, (*wanted, ERRORS_COLUMN) if has_errors else wanted)
    if by_pair:
        left, right = (columns.row_names(f"dataset_{side}", f"handle_{side}") for side in "ab")
        return PairRows(left=left, right=right, is_match=columns.flags("is_match"))
    person = columns.text("person")
    codes = pc.dictionary_encode(person).indices.to_numpy(zero_copy_only=False).astype(np.int64)
    errors, kinds = columns.kinds(ERRORS_COLUMN) if has_errors else (np.zeros(len(codes), dtype=np.uint64), ())
    rows = columns.row_names("dataset", "handle")
    return PersonRows(rows=rows, person=codes, errors=errors, kinds=kinds, has_errors=has_errors)


def _header(stream: IO[bytes]) -> list[str]:
    """The first line's cells; the stream stands at its begin again."""
    line = stream.readline(_LONGEST_HEADER)
    stream.seek(0)
    header: list[str] | None = None
    try:
        header = next(csv.reader(io.StringIO(line.decode("utf-8-sig"))), [])
    except (UnicodeDecodeError, csv.Error):
        header = None
    if header is None or len(set(header)) != len(header):
        raise LinkageError(
            "the first line must be a header in UTF-8 whose columns have different names",
            code="TRUTH_HEADER",
            place=Place(row=1),
        )
    return header
