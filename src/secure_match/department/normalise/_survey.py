"""RAW: what can only be seen in whole columns: numbers that a spreadsheet rounded, phones that many rows share.

A survey reads the columns once before they are normalised, in batches of any size; the facts do not depend on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement
from secure_match.department.normalise._bytes import byte_view
from secure_match.department.normalise._cleaning import clean_text
from secure_match.department.normalise._field import nulls, put, take_rows, to_bool

DAMAGE_MIN_ROWS: Final = 5
DAMAGE_MIN_SHARE: Final = 0.05
"""Share of all-digit 18-character cells that end in 000. By chance it is 1 in 1100 (two sequence digits, one check)."""
FEW_MIN_ROWS: Final = 2
FEW_MIN_SHARE: Final = 0.2
"""The same for a few rows, a supplement's for instance: at most ten sound numbers hold two by chance once in 27,000."""
NUMERIC_MIN_SHARE: Final = 0.05
"""Share of a column's cells that are stored as numbers from which on one damaged cell is enough; fewer are strays."""
SHARED_PHONE_ROWS: Final = 10
"""From this many rows on, a phone number counts as shared: an agent's, a village's, not a family's."""

_SCIENTIFIC: Final = r"(?i)^\s*\d(?:\.\d*)?E\+?1[4-7]\s*$"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ColumnFacts:
    """Facts about whole columns.

    Attributes:
        id_damaged: a spreadsheet rounded the ID numbers to 15 digits.
        shared_phones: numbers as normalised that at least ``SHARED_PHONE_ROWS`` rows have.
    """

    id_damaged: bool = False
    shared_phones: pa.StringArray = field(default_factory=lambda: nulls(0))

    def __repr__(self) -> str:
        return f"<ColumnFacts: {len(self.shared_phones)} shared phones>"

    def __reduce__(self) -> str:
        raise TypeError("facts about raw columns are not pickled")


def is_damaged(hints: int, long_numbers: int, *, numeric_share: float) -> bool:
    """Whether a spreadsheet has probably cut off the digits of a column's ID numbers.

    Args:
        hints: cells that end in 000 or are in scientific notation.
        long_numbers: cells of 18 digits, and those in scientific notation.
        numeric_share: share, 0 to 1, of the cells that are stored as numbers.
    """
    share = hints / max(long_numbers, 1)
    many = hints >= DAMAGE_MIN_ROWS and share >= DAMAGE_MIN_SHARE
    few = hints >= FEW_MIN_ROWS and share >= FEW_MIN_SHARE
    return many or few or (hints > 0 and numeric_share >= NUMERIC_MIN_SHARE)


class ColumnSurvey:
    """Collects facts from the batches of an export.

    Args:
        agreement: says which field is of which kind.
        numeric: identity field to the share, 0 to 1, of its cells that the export stores as numbers which cannot keep
            every digit, although they are given as text.
    """

    __slots__ = ("_eighteen", "_kinds", "_numeric", "_phones", "_rounded", "_scientific")

    def __init__(self, agreement: Agreement, numeric: Mapping[str, float] | None = None) -> None:
        self._kinds = {name: item.kind for name, item in agreement.fields.items()}
        self._eighteen = self._rounded = self._scientific = 0
        shares = [share for name, share in (numeric or {}).items() if self._kinds.get(name) == "id_number"]
        self._numeric = max(shares, default=0.0)
        self._phones: list[pa.StructArray] = []

    def add(self, columns: Mapping[str, pa.Array]) -> None:
        """Look at a batch: identity field to raw cells of shape (rows,), text or numbers.

        Floats count as a numeric column; integers keep every digit.
        """
        for name, column in columns.items():
            if self._kinds.get(name) == "id_number":
                self._add_numbers(column)
            elif self._kinds.get(name) == "phone":
                text = column.cast(pa.string())
                self._phones.append(pc.value_counts(text.drop_null()))

    def facts(self) -> ColumnFacts:
        """The facts of all batches so far."""
        hints = self._rounded + self._scientific
        damaged = is_damaged(hints, self._eighteen + self._scientific, numeric_share=self._numeric)
        return ColumnFacts(id_damaged=damaged, shared_phones=self._shared())

    def _add_numbers(self, column: pa.Array) -> None:
        if pa.types.is_floating(column.type):
            self._numeric = 1.0
        text = column.cast(pa.string())
        view = byte_view(text)
        full = view.lengths == 18
        matrix = view.matrix(full, 18)
        digits = np.asarray((matrix - np.uint8(ord("0")) <= 9).all(axis=1))
        self._eighteen += int(digits.sum())
        self._rounded += int((digits & (matrix[:, 15:] == ord("0")).all(axis=1)).sum())
        others = text.filter(pa.array((view.lengths > 0) & (view.lengths < 24) & ~full))
        self._scientific += int(to_bool(pc.match_substring_regex(others, _SCIENTIFIC)).sum())

    def _shared(self) -> pa.StringArray:
        """Counts of the raw cells first, so that only cells that occur often are cleaned."""
        if not self._phones:
            return nulls(0)
        cells = pa.concat_arrays([part.field(0) for part in self._phones])
        counts = pa.concat_arrays([part.field(1) for part in self._phones])
        table = pa.table({"cell": _only_digits(cells), "rows": counts}).group_by("cell").aggregate([("rows", "sum")])
        often = table.filter(pc.greater_equal(table["rows_sum"], SHARED_PHONE_ROWS))["cell"]
        return pa.concat_arrays(often.drop_null().chunks) if often.num_chunks else nulls(0)


def surveyed_headers(agreement: Agreement, identity: Mapping[str, str]) -> dict[str, str]:
    """Of a dataset's identity field to export header, the part that :func:`survey_columns` looks at."""
    kinds = {name: item.kind for name, item in agreement.fields.items()}
    return {name: header for name, header in identity.items() if kinds[name] in ("id_number", "phone")}


def survey_columns(
    agreement: Agreement,
    identity: Mapping[str, str],
    batches: Iterable[pa.RecordBatch],
    *,
    numeric_columns: Mapping[str, float] | None = None,
) -> ColumnFacts:
    """Look at whole columns of an export: was the ID column damaged, which phones are shared?

    Args:
        agreement: says which field is of which kind.
        identity: identity field to export header.
        batches: the columns of :func:`surveyed_headers`, at least.
        numeric_columns: export header to the share, 0 to 1, of its cells that are stored as numbers.
    """
    headers = surveyed_headers(agreement, identity)
    shares = numeric_columns or {}
    survey = ColumnSurvey(agreement, {name: shares.get(header, 0.0) for name, header in headers.items()})
    for batch in batches:
        survey.add({name: batch[header] for name, header in headers.items()})
    return survey.facts()


def _only_digits(cells: pa.StringArray) -> pa.StringArray:
    """Phone cells without what stands between and before their digits; most need nothing."""
    view = byte_view(cells)
    odd = (view.lengths != 11) | view.any_in_row((view.data < ord("0")) | (view.data > ord("9")))
    digits = pc.replace_substring_regex(clean_text(take_rows(cells, odd)), pattern=r"\D", replacement="")
    digits = pc.replace_substring_regex(digits, pattern=r"^(?:00)?86(1\d{10})$", replacement=r"\1")
    return put(cells, odd, digits)
