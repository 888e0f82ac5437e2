"""RAW: the station that looks at an export and writes nothing but the report that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from secure_match.agreement import Agreement, Dataset, parse_agreement, trusted_template
from secure_match.agreement.profiles import Mapping, mapping_toml, propose_mapping
from secure_match.department.contents import looks_like_data, propose_from_sample
from secure_match.department.dataset_encoder import require_dataset, required_columns
from secure_match.department.inspect_verdict import Verdict, judge
from secure_match.department.inspection import Content, Inspector
from secure_match.department.normalise import ColumnFacts, survey_columns
from secure_match.department.readers import Export, HeldExport, ReadOptions, RefusedRows, open_export
from secure_match.errors import InputError, Place, UsageError

Progress = Callable[[int], None]
SAMPLE_ROWS: Final = 5_000
"""Rows whose cells a proposal rests on, spread over the first batch."""
_NO_KEY: Final = "none"
"""Stands for the row key of a proposed dataset that has none; nothing reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A whole report. It holds no value of the export.

    Attributes:
        place: path or database table of the export.
        charset: None where the format says it itself.
        notes: how it was read.
        dataset: id in the agreement; None where the mapping is proposed.
        row_key: header of the row key, or None.
        mapping: the proposal; None under an agreement. ``toml`` is the same, ready to paste.
        content: what the rows hold.
        verdict: what to mend, and what it costs.
    """

    place: str
    charset: str | None
    notes: tuple[str, ...]
    dataset: str | None
    row_key: str | None
    mapping: Mapping | None
    toml: str | None
    content: Content
    verdict: Verdict


def inspect_export(
    export: str | Path,
    *,
    agreement: Agreement | None = None,
    dataset_id: str | None = None,
    options: ReadOptions | None = None,
    progress: Progress | None = None,
) -> Inspection:
    """Look at an export. What does not fit into memory is read as a stream, twice.

    Without an agreement the mapping is proposed, and fields and passes are those of the city template.

    Args:
        agreement: says, with ``dataset_id``, which column is what and which rows would be quarantined.
        options: how to read the export.

    Raises:
        SecureMatchError: what ``open_export`` and its batches raise; ``INSPECT_DATASET`` where only one of agreement
            and dataset is given; ``DATASET_UNKNOWN``; ``COLUMN_MISSING``; ``INPUT_HEADER`` where the header holds
            somebody's data. A column that cannot be read (``COLUMN_TYPE``) and that nothing is proposed or agreed for
            is left out, with a note.
    """
    if (agreement is None) != (dataset_id is None):
        raise UsageError(
            "an agreement and a dataset of it go together: --agreement FILE --dataset ID", code="INSPECT_DATASET"
        )
    agreed = require_dataset(agreement, dataset_id) if agreement is not None and dataset_id is not None else None
    source = open_export(export, options)
    named = required_columns(agreed) if agreed is not None else ()
    _verify_header(source, named)
    source.require(named)
    surveyed = _survey(source, agreement or parse_agreement(trusted_template()), agreed)
    agreement, dataset, mapping = surveyed.agreement, surveyed.dataset, surveyed.mapping
    columns, held, facts = surveyed.columns, surveyed.held, surveyed.facts
    row_key = dataset.row_key if mapping is None else mapping.column("row_key")
    inspector = Inspector(
        agreement,
        dataset,
        row_key=row_key,
        columns=columns,
        numeric_columns=dict(source.numeric_columns),
        facts=facts,
    )
    refused = RefusedRows()
    for batch in held.batches(refused=refused, last=True):
        inspector.add(batch)
        if progress is not None:
            progress(batch.num_rows)
    content = inspector.report(refused)
    return Inspection(
        place=source.place,
        charset=source.charset,
        notes=(*source.notes, *surveyed.notes),
        dataset=dataset_id,
        row_key=row_key,
        mapping=mapping,
        toml=mapping_toml(mapping) if mapping is not None else None,
        content=content,
        verdict=judge(content, row_key=row_key, mapping=mapping),
    )


def require_other_file(out: Path, *inputs: str | Path | None) -> None:
    """Check that a report overwrites none of the inputs.

    Raises:
        UsageError: ``OUTPUT_IS_INPUT``.
    """
    if out.resolve() in {Path(item).resolve() for item in inputs if item is not None}:
        raise UsageError("the report would overwrite an input", code="OUTPUT_IS_INPUT", place=Place(file=out))


def _verify_header(source: Export, named: Collection[str]) -> None:
    """Headers stand in the report: a file without a header row must not put its first person there.

    Args:
        named: headers that the agreement names, and that everybody knows therefore.
    """
    places = [place for place in looks_like_data(source.header) if source.header[place - 1] not in named]
    if not places:
        return
    if len(source.header) == 1:
        problem = (
            "the only column's name looks like a person's data: if the cells of a line have fixed widths, give their "
            "places with --layout; otherwise name the delimiter with --delimiter, and add a header row"
        )
    else:
        problem = (
            "a column name looks like a person's data, which must not stand in a report: if the file has no header "
            "row, add one, or say where it is with --header-row; if it is a name, write it with fewer digits"
        )
    place = Place(file=source.place, column=f"number {places[0]}")
    raise InputError(problem, code="INPUT_HEADER", place=place)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Surveyed:
    """What the first reading gives. ``notes`` say which columns cannot be read and were left out."""

    agreement: Agreement
    dataset: Dataset
    mapping: Mapping | None
    columns: list[str]
    held: HeldExport
    facts: ColumnFacts
    notes: list[str]


def _survey(source: Export, agreement: Agreement, agreed: Dataset | None) -> _Surveyed:
    """Read an export for the first time, without the columns that cannot be read and that nothing needs.

    Whether cells have an exact text may show late, so a column that has none starts the reading anew without it.

    Args:
        agreed: the dataset of the agreement; None to propose one.

    Raises:
        InputError: what the export's batches raise; ``COLUMN_TYPE`` only for a column that the agreement, or a
            proposal by the headers alone, takes.
    """
    needed = required_columns(agreed) if agreed is not None else _proposed_columns(agreement, source.header)
    columns = [name for name in source.header if name]
    notes: list[str] = []
    while True:
        try:
            held, mapping, dataset = HeldExport(source, columns), None, agreed
            if dataset is None:
                mapping = _propose(columns, next(source.batches(columns, refused=RefusedRows()), None))
                dataset = _proposed_dataset(agreement, mapping)
            batches = held.batches(refused=RefusedRows())
            facts = survey_columns(agreement, dataset.identity, batches, numeric_columns=source.numeric_columns)
        except InputError as error:
            column = error.place.column
            if error.code != "COLUMN_TYPE" or column not in columns or column in needed or len(columns) == 1:
                raise
        else:
            return _Surveyed(
                agreement=agreement,
                dataset=dataset,
                mapping=mapping,
                columns=columns,
                held=held,
                facts=facts,
                notes=notes,
            )
        columns.remove(column)
        notes.append(f"column {column} left out: its cells have no exact text (COLUMN_TYPE)")


def _propose(columns: Sequence[str], first: pa.RecordBatch | None) -> Mapping:
    """A mapping of some columns from the first batch."""
    if first is None:
        return propose_mapping(columns)
    step = max(1, first.num_rows // SAMPLE_ROWS)
    rows = pa.array(np.arange(0, first.num_rows, step)[:SAMPLE_ROWS])
    sample = first.select(list(columns)).take(rows)
    return propose_from_sample(tuple(columns), sample)


def _proposed_columns(agreement: Agreement, header: tuple[str, ...]) -> tuple[str, ...]:
    """The row key and the identity fields that the headers alone propose."""
    mapping = propose_mapping(header)
    row_key = mapping.column("row_key")
    return (*mapping.identity(_kinds(agreement)).values(), *((row_key,) if row_key is not None else ()))


def _kinds(agreement: Agreement) -> dict[str, str]:
    return {name: field.kind for name, field in agreement.fields.items()}


def _proposed_dataset(agreement: Agreement, mapping: Mapping) -> Dataset:
    return Dataset(
        id="export",
        owner="export",
        kind="reference",
        title="export",
        row_key=mapping.column("row_key") or _NO_KEY,
        identity=mapping.identity(_kinds(agreement)),
    )
