"""RAW: the station that looks at an export and writes nothing but the report that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from secure_match.agreement import Agreement, Dataset, city_template, parse_agreement
from secure_match.agreement.profiles import Mapping, mapping_toml, propose_mapping
from secure_match.department.contents import looks_like_data, propose_from_sample
from secure_match.department.dataset_encoder import require_dataset, required_columns
from secure_match.department.inspect_verdict import Verdict, judge
from secure_match.department.inspection import Content, Inspector
from secure_match.department.normalise import survey_columns
from secure_match.department.readers import Export, HeldExport, ReadOptions, RefusedRows, open_export
from secure_match.errors import InputError, Place, UsageError

Progress = Callable[[int], None]
SAMPLE_ROWS: Final = 5_000
"""Rows whose cells a proposal rests on, spread over the first batch."""


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
            somebody's data.
    """
    if (agreement is None) != (dataset_id is None):
        raise UsageError(
            "an agreement and a dataset of it go together: --agreement FILE --dataset ID", code="INSPECT_DATASET"
        )
    dataset = require_dataset(agreement, dataset_id) if agreement is not None and dataset_id is not None else None
    source = open_export(export, options)
    _verify_header(source)
    if dataset is not None:
        source.require(required_columns(dataset))
    columns = [name for name in source.header if name]
    held = HeldExport(source, columns)
    mapping = None
    if agreement is None or dataset is None:
        agreement = parse_agreement(city_template())
        mapping = _propose(source, next(source.batches(columns, refused=RefusedRows()), None))
        dataset = _proposed_dataset(agreement, mapping, columns[0])
    row_key = dataset.row_key if mapping is None else mapping.column("row_key")
    facts = survey_columns(
        agreement,
        dataset.identity,
        held.batches(refused=RefusedRows()),
        numeric_columns=source.numeric_columns,
    )
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
        notes=tuple(source.notes),
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


def _verify_header(source: Export) -> None:
    """Headers stand in the report: a file without a header row must not put its first person there."""
    places = looks_like_data(source.header)
    if places:
        raise InputError(
            "a column name looks like a person's data: the file has no header row; add one, "
            "or say where it is with --header-row",
            code="INPUT_HEADER",
            place=Place(file=source.place, column=f"number {places[0]}"),
        )


def _propose(source: Export, first: pa.RecordBatch | None) -> Mapping:
    """A mapping from the first batch."""
    if first is None:
        return propose_mapping(source.header)
    step = max(1, first.num_rows // SAMPLE_ROWS)
    sample = first.take(pa.array(np.arange(0, first.num_rows, step)[:SAMPLE_ROWS]))
    return propose_from_sample(source.header, sample)


def _proposed_dataset(agreement: Agreement, mapping: Mapping, any_column: str) -> Dataset:
    fields = {name: field.kind for name, field in agreement.fields.items()}
    return Dataset(
        id="export",
        owner="export",
        kind="reference",
        title="export",
        row_key=mapping.column("row_key") or any_column,
        identity=mapping.identity(fields),
    )
