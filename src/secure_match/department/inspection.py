"""RAW: looks at an export before anything is encoded: states, reasons, doubled keys, damage, what cannot be linked.

Invariants: a report holds counts, headers, codes and row numbers, never a value; every row is counted once: linkable by
ID number, linkable by passes, or refused; rows are read as a stream, and of a row at most two hashes are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Agreement, Dataset, Pass, dataset_passes, id_token_field, split_view
from secure_match.department._hash_runs import SeenTexts, SharedTexts
from secure_match.department.codes import encode_column
from secure_match.department.normalise import ColumnFacts, NormalisedField, normalise_fields
from secure_match.department.normalise._cleaning import clean_text
from secure_match.department.normalise._field import BoolArray, to_bool
from secure_match.department.normalise._reasons import REASON_CODES
from secure_match.department.normalise._survey import is_damaged
from secure_match.department.passes import view_of
from secure_match.department.readers import ROW_NUMBER, RefusedRows
from secure_match.encoded import FieldState

MAX_EXAMPLES: Final = 5
DIFFERS: Final[dict[str, float]] = {
    "id_number": 0.0, "identifier": 0.0, "name": 0.02, "sex": 0.002, "birth_date": 0.01, "phone": 0.35, "address": 0.80,
    "town": 0.05,
}  # fmt: skip
"""Field kind to the share of pairs of one person's rows in which the field differs: the error rates of the synthetic
city, met on either side. Where there is a usable ID number, the rows count as linked."""
_UNKNOWN_DIFFERS: Final = 0.05
_LONG_NUMBER: Final = r"^[0-9]{18}$"
_POWER_FORM: Final = r"^[1-9]\.[0-9]+[Ee]\+1[0-9]$"
Numbers = npt.NDArray[np.int64]


@dataclass(slots=True)
class Tally:
    """How many rows, and the numbers of the first few."""

    rows: int = 0
    examples: list[int] = field(default_factory=list)

    def add(self, numbers: Numbers) -> None:
        """Count rows by their numbers."""
        self.rows += len(numbers)
        self.examples += numbers[: MAX_EXAMPLES - len(self.examples)].tolist()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonReport:
    """Rows of a field in one state for one reason."""

    state: str
    reason: str
    rows: int
    examples: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagReport:
    """Rows of a field with one doubt that changes no value, such as a sex that is not the ID number's."""

    flag: str
    rows: int
    examples: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReport:
    """An identity field: its column, rows by state, and why they are not simply valid.

    Attributes:
        column: the export's header; None where the export has no such column (an ID number may still imply it).
        flags: doubts, those that occur.
    """

    field: str
    kind: str
    column: str | None
    states: dict[str, int]
    reasons: list[ReasonReport]
    flags: list[FlagReport]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnReport:
    """A column of the export.

    Attributes:
        filled: rows with a cell that is not blank.
        numeric_share: share of filled cells that the file stores as numbers.
        long_numbers: cells of 18 digits.
        ending_000: how many of them end in 000; ``powers``: cells such as a spreadsheet writes 4.4E+17.
        damaged: whether a spreadsheet has probably cut off digits.
    """

    column: str
    filled: int
    numeric_share: float
    long_numbers: int
    ending_000: int
    powers: int
    damaged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalReport:
    """Rows that ``encode`` would quarantine, by code and column; each row under its first reason."""

    code: str
    column: str
    rows: int
    examples: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReport:
    """How rows can be linked.

    Attributes:
        by_id_number: rows with a usable ID number.
        by_passes: rows without one that at least one pass can compare.
        refused: all other rows.
        passes: pass id to the rows without a usable ID number that it can compare.
        missed_by_passes: rows of ``by_passes`` that are expected to find no partner although there is one.
    """

    by_id_number: int
    by_passes: int
    refused: int
    passes: dict[str, int]
    missed_by_passes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What was found in the rows of an export. ``rows == links.by_id_number + links.by_passes + links.refused``.

    Attributes:
        shared_phones: number of rows that share one phone number, as a class, to rows in it; None without phones.
    """

    rows: int
    fields: list[FieldReport]
    columns: list[ColumnReport]
    refusals: list[RefusalReport]
    links: LinkReport
    shared_phones: dict[str, int] | None


class Inspector:
    """Takes an export's rows batch by batch.

    Args:
        agreement: names the identity fields and passes.
        dataset: its identity headers and coded columns.
        row_key: header of the row key; None where it is not known, and then keys are not looked at.
        columns: all named columns of the export.
        numeric_columns: see ``readers.Export``.
        facts: about whole columns, as ``DatasetEncoder`` uses them; without them every batch is judged by itself.
    """

    def __init__(
        self,
        agreement: Agreement,
        dataset: Dataset,
        *,
        row_key: str | None,
        columns: Iterable[str],
        numeric_columns: dict[str, float],
        facts: ColumnFacts | None = None,
    ) -> None:
        self._facts = facts
        self._agreement = agreement
        self._dataset = dataset
        self._row_key = row_key
        self._columns = {name: _ColumnCount(numeric_columns.get(name, 0.0)) for name in columns}
        self._id_field = id_token_field(agreement, dataset)
        self._passes = dataset_passes(agreement, dataset)
        self._miss = {item.id: _miss_rate(agreement, item) for item in self._passes}
        self._pass_rows = dict.fromkeys(self._miss, 0)
        self._fields = {name: _FieldCount() for name in agreement.fields}
        self._phone = next((name for name in dataset.identity if agreement.fields[name].kind == "phone"), None)
        self._seen, self._phones = SeenTexts(), SharedTexts()
        self._refusals: dict[tuple[str, str], Tally] = {}
        self._rows = self._by_id = self._by_passes = 0
        self._missed = 0.0

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch: all named columns as strings, and ``ROW_NUMBER``."""
        numbers = batch[ROW_NUMBER].to_numpy()
        for name, column in self._columns.items():
            column.add(batch[name])
        raw = {name: batch[header] for name, header in self._dataset.identity.items()}
        fields = normalise_fields(self._agreement, raw, batch.num_rows, facts=self._facts)
        for name, count in self._fields.items():
            count.add(fields[name], numbers, list_reasons=name in self._dataset.identity)
        if self._phone is not None:
            self._phones.add(fields[self._phone].values)
        self._rows += batch.num_rows
        self._link(batch, fields, numbers)

    def report(self, refused: RefusedRows) -> Content:
        """What was found.

        Args:
            refused: rows that the reader could not give.
        """
        for code, numbers in refused.by_code.items():
            self._refuse(np.array(numbers, dtype=np.int64), code, "")
        rows = self._rows + len(refused)
        return Content(
            rows=rows,
            fields=[
                count.report(name, self._agreement.fields[name].kind, self._dataset.identity.get(name))
                for name, count in self._fields.items()
            ],
            columns=[column.report(name) for name, column in self._columns.items()],
            refusals=[
                RefusalReport(code=code, column=column, rows=tally.rows, examples=tally.examples)
                for (code, column), tally in self._refusals.items()
            ],
            links=LinkReport(
                by_id_number=self._by_id,
                by_passes=self._by_passes,
                refused=rows - self._by_id - self._by_passes,
                passes=self._pass_rows,
                missed_by_passes=round(self._missed, 1),
            ),
            shared_phones=self._phones.rows_by_degree() if self._phone is not None else None,
        )

    def _link(self, batch: pa.RecordBatch, fields: dict[str, NormalisedField], numbers: Numbers) -> None:
        """Refuse rows in the order in which ``DatasetEncoder`` does, and see how the others can be linked."""
        usable = np.ones(batch.num_rows, dtype=np.bool_)
        if self._row_key is not None:
            keys = clean_text(batch[self._row_key])
            empty = to_bool(pc.or_kleene(pc.is_null(keys), pc.equal(keys, "")))
            usable = self._narrow(usable, empty, numbers, "ROW_KEY_MISSING", self._row_key)
            repeated = self._seen.add(keys, ~empty)
            usable = self._narrow(usable, repeated, numbers, "ROW_KEY_DUPLICATE", self._row_key)
        by_id = _filled(fields[self._id_field].values) if self._id_field is not None else np.zeros_like(usable)
        compared = {item.id: _comparable(item, fields) for item in self._passes}
        identified = np.logical_or.reduce([by_id, *compared.values()])
        usable = self._narrow(usable, ~identified, numbers, "NO_IDENTITY", "")
        for column in self._dataset.columns:
            source = batch[column.column] if column.column is not None else view_of(fields, str(column.derive))
            code_map = self._agreement.code_maps.get(str(column.code_map))
            coded = encode_column(column, source, self._agreement.valid_months, code_map)
            fault = column.column or self._dataset.identity.get(str(column.derive).split(".", maxsplit=1)[0], "")
            usable = self._narrow(usable, coded.refused, numbers, coded.code, fault)
        self._by_id += int((usable & by_id).sum())
        rest = usable & ~by_id
        self._by_passes += int(rest.sum())
        best = np.ones(len(rest))
        for name, hit in compared.items():
            self._pass_rows[name] += int((hit & rest).sum())
            best = np.where(hit, np.minimum(best, self._miss[name]), best)
        self._missed += float(best[rest].sum())

    def _narrow(self, usable: BoolArray, refused: BoolArray, numbers: Numbers, code: str, column: str) -> BoolArray:
        self._refuse(numbers[usable & refused], code, column)
        return usable & ~refused

    def _refuse(self, numbers: Numbers, code: str, column: str) -> None:
        if len(numbers):
            self._refusals.setdefault((code, column), Tally()).add(numbers)


class _FieldCount:
    __slots__ = ("_flags", "_reasons", "_states")

    def __init__(self) -> None:
        self._states = np.zeros(len(FieldState), dtype=np.int64)
        self._reasons: dict[tuple[int, str], Tally] = {}
        self._flags: dict[str, Tally] = {}

    def add(self, item: NormalisedField, numbers: Numbers, *, list_reasons: bool) -> None:
        self._states += np.bincount(item.states, minlength=len(FieldState))
        if not list_reasons:
            return
        for flag, raised in item.flags.items():
            if raised.any():
                self._flags.setdefault(flag, Tally()).add(numbers[raised])
        rows = np.flatnonzero(item.states != FieldState.VALID)
        if not len(rows):
            return
        joint = item.states[rows].astype(np.int64) * (len(REASON_CODES) + 1) + item.reason_numbers[rows]
        for value in np.unique(joint).tolist():
            state, place = divmod(value, len(REASON_CODES) + 1)
            self._reasons.setdefault((state, REASON_CODES[place - 1]), Tally()).add(numbers[rows[joint == value]])

    def report(self, name: str, kind: str, column: str | None) -> FieldReport:
        return FieldReport(
            field=name,
            kind=kind,
            column=column,
            states={state.name.lower(): int(self._states[state]) for state in FieldState},
            reasons=[
                ReasonReport(
                    state=FieldState(state).name.lower(), reason=reason, rows=tally.rows, examples=tally.examples
                )
                for (state, reason), tally in sorted(
                    self._reasons.items(), key=lambda item: (-item[0][0], -item[1].rows)
                )
            ],
            flags=[
                FlagReport(flag=flag, rows=tally.rows, examples=tally.examples)
                for flag, tally in sorted(self._flags.items())
            ],
        )


class _ColumnCount:
    __slots__ = ("_filled", "_long", "_numeric_share", "_powers", "_zeros")

    def __init__(self, numeric_share: float) -> None:
        self._numeric_share = numeric_share
        self._filled = self._long = self._zeros = self._powers = 0

    def add(self, column: pa.StringArray) -> None:
        text = pc.utf8_trim_whitespace(column)
        lengths = pc.binary_length(text)
        self._filled += int(pc.sum(pc.greater(lengths, 0)).as_py() or 0)
        long = text.filter(pc.equal(lengths, 18))
        if len(long):
            numbers = long.filter(pc.match_substring_regex(long, _LONG_NUMBER))
            self._long += len(numbers)
            self._zeros += int(pc.sum(pc.ends_with(numbers, "000")).as_py() or 0)
        powers = text.filter(pc.match_substring(text, "+1"))
        if len(powers):
            self._powers += int(pc.sum(pc.match_substring_regex(powers, _POWER_FORM)).as_py() or 0)

    def report(self, name: str) -> ColumnReport:
        hints = self._zeros + self._powers
        return ColumnReport(
            column=name,
            filled=self._filled,
            numeric_share=round(self._numeric_share, 4),
            long_numbers=self._long,
            ending_000=self._zeros,
            powers=self._powers,
            damaged=is_damaged(hints, self._long + self._powers, numeric_share=self._numeric_share),
        )


def _comparable(item: Pass, fields: dict[str, NormalisedField]) -> BoolArray:
    """Rows that get an encoding in a pass: all that blocks is there, and something to encode."""
    encoded = np.logical_or.reduce([_filled(view_of(fields, part.field)) for part in item.fields])
    blocks = [_filled(view_of(fields, reference)) for reference in item.block_on]
    return np.asarray(np.logical_and.reduce([encoded, *blocks]), dtype=np.bool_)


def _miss_rate(agreement: Agreement, item: Pass) -> float:
    """Share of pairs of one person's rows that cannot meet in a pass, because a field that blocks differs."""
    kinds = {agreement.fields[split_view(reference)[0]].kind for reference in item.block_on}
    return 1.0 - float(np.prod([1.0 - DIFFERS.get(kind, _UNKNOWN_DIFFERS) for kind in kinds]))


def _filled(values: pa.StringArray) -> BoolArray:
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
