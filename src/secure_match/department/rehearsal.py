"""RAW: a release rehearsed: an export is encoded under keys that nobody else has and that end with the process.

Invariants: no key of the department is read, so that what is made here fits nothing that ever left; ID tokens are a
stand-in of the same form, equal for equal numbers, and need no key holder.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from secure_match.agreement import Agreement, Dataset, id_token_field
from secure_match.department.dataset_encoder import DatasetEncoder, require_dataset, required_columns
from secure_match.department.handles import HandleMaker
from secure_match.department.keys import SECRET_BYTES, DepartmentKey
from secure_match.department.normalise._cleaning import clean_text
from secure_match.department.normalise._field import BoolArray
from secure_match.department.pass_answers import asked_rows, asked_tags
from secure_match.department.readers import HeldExport, ReadOptions, RefusedRows, open_export
from secure_match.department.release import fuzzy_rows
from secure_match.department.roster import HANDLE, HandleMaking, Roster, handle_texts, read_roster
from secure_match.department.tokens import StandInTokens
from secure_match.encoded import EncodedDataset
from secure_match.encoded.pass_requests import NO_PASS
from secure_match.encoded.phases import first_phase, join_phases, pass_columns, second_phase
from secure_match.errors import ReleaseError, UsageError
from secure_match.kernels._seen import SeenKeys

Progress = Callable[[int], None]
RandomBytes = Callable[[int], bytes]
_NO_DIGEST = "0" * 64
"""Stands for the digest of a package of phase 1 that is never written."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Rehearsal:
    """What would leave, made with throw-away keys, and the people it is about.

    Attributes:
        dataset: whose export it is.
        encoded: all columns; in two phases rows that are not released have no encoding.
        roster: the export's people.
        released: rows with an encoding in any pass.
        share: of the rows whose passes were asked for, drawn at random; 1 in one phase.
        quarantined: rows that could not be used.
        rows: the export's rows in plaintext with a column ``handle``, where they were asked for.
    """

    dataset: Dataset
    encoded: EncodedDataset
    roster: Roster
    released: int
    share: float
    quarantined: int
    rows: pa.Table | None


def choose_dataset(agreement: Agreement, header: tuple[str, ...], dataset_id: str | None) -> Dataset:
    """The dataset that was named, or else the only one whose columns the export has.

    Raises:
        AgreementError: ``DATASET_UNKNOWN``.
        UsageError: ``DATASET_CHOICE`` where none or several fit.
    """
    if dataset_id is not None:
        return require_dataset(agreement, dataset_id)
    fitting = [item for item in agreement.datasets if set(required_columns(item)) <= set(header)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(item.id for item in fitting or agreement.datasets)
    problem = "has the columns of several datasets" if fitting else "has the columns of no dataset of the agreement"
    raise UsageError(f"the export {problem} ({known}); say which it is with --dataset", code="DATASET_CHOICE")


def rehearse_export(
    agreement: Agreement,
    export: str | Path,
    draw: RandomBytes,
    *,
    dataset_id: str | None = None,
    options: ReadOptions | None = None,
    share: float | None = None,
    keep_rows: bool = False,
    progress: Progress | None = None,
) -> Rehearsal:
    """Encode an export as it would leave, with throw-away keys.

    In two phases the bureau's request is not known beforehand, so rows are drawn at random: by default as many as the
    agreement lets out (``limits.max_fuzzy_share``), which is the most that any request can get. Of a population the
    passes under the drawn rows' block tags leave.

    Args:
        export: path or database URL; see ``open_export``.
        draw: random bytes for the keys.
        dataset_id: which dataset it is; None where the columns tell.
        options: how to read it.
        share: of the rows to draw, above 0 and at most 1.
        keep_rows: give the rows in plaintext, too.

    Raises:
        SecureMatchError: as ``encode_export``; ``DATASET_CHOICE``; ``RELEASE_EMPTY`` where no row can be used.
    """
    if share is not None and not 0 < share <= 1:
        raise UsageError("the share of rows is above 0 and at most 1", code="OPTION_UNKNOWN")
    source = open_export(export, options)
    dataset = choose_dataset(agreement, source.header, dataset_id)
    key = _throw_away_key(agreement, dataset, draw)
    needs_tokens = agreement.id_token.protocol == "oprf" and id_token_field(agreement, dataset) is not None
    stand_in = StandInTokens(draw(SECRET_BYTES)) if needs_tokens else None
    encoder = DatasetEncoder(agreement, dataset.id, key, tokens=stand_in)
    held = HeldExport(source, encoder.columns)
    facts = encoder.survey(held.batches(refused=RefusedRows()), numeric_columns=source.numeric_columns)
    refused = RefusedRows()
    whole = encoder.encode(held.batches(refused=refused), facts=facts, refused=refused, progress=progress).dataset
    if not len(whole):
        raise ReleaseError("no row of the export can be used: secure-match department inspect", code="RELEASE_EMPTY")
    kept: list[pa.RecordBatch] | None = [] if keep_rows else None
    maker = _handles(HandleMaker(key, agreement.id, dataset.id), dataset, kept)
    roster = read_roster(agreement, dataset, held.batches(refused=RefusedRows(), last=True), maker, facts=facts)
    two_phase = agreement.release.two_phase
    drawn = (share if share is not None else agreement.limits.max_fuzzy_share) if two_phase else 1.0
    encoded = _released(agreement, dataset, whole, drawn) if two_phase else whole
    return Rehearsal(
        dataset=dataset,
        encoded=encoded,
        roster=roster,
        released=fuzzy_rows(encoded),
        share=drawn,
        quarantined=whole.manifest.counts.quarantined,
        rows=pa.Table.from_batches(kept) if kept else None,
    )


def _throw_away_key(agreement: Agreement, dataset: Dataset, draw: RandomBytes) -> DepartmentKey:
    return DepartmentKey.create(
        party=dataset.owner,
        agreement_id=agreement.id,
        key_epoch=agreement.key_epoch,
        encoding_secret=draw(SECRET_BYTES),
        handle_secret=draw(SECRET_BYTES),
        agreement_fingerprint=agreement.fingerprint if agreement.sealed else "",
    )


def _handles(maker: HandleMaker, dataset: Dataset, kept: list[pa.RecordBatch] | None) -> HandleMaking:
    """Makes the handles of batches, and puts the rows that have one into ``kept``."""
    seen = SeenKeys()
    headers = required_columns(dataset)

    def make(batch: pa.RecordBatch) -> tuple[pa.Array, BoolArray]:
        handles, no_key, repeated = maker.make(clean_text(batch[dataset.row_key]), seen)
        usable = ~no_key & ~repeated
        if kept is not None:
            rows = pa.record_batch([batch[name] for name in headers], names=list(headers))
            named = rows.append_column(HANDLE, pa.array(handle_texts(handles), pa.string()))
            kept.append(named.filter(pa.array(usable)))
        return handles, usable

    return make


def _released(agreement: Agreement, dataset: Dataset, whole: EncodedDataset, share: float) -> EncodedDataset:
    """The dataset with the passes of drawn rows only. Rows stand in the order of their random handles."""
    most = max(math.floor(share * len(whole)), min(agreement.limits.free_fuzzy_rows, len(whole)))
    kept = second_phase(whole, _NO_DIGEST)
    drawn = kept.table.slice(0, most)
    if dataset.kind == "population":
        tags = {item.id: drawn[f"pass.{item.id}.block"].drop_null() for item in kept.manifest.passes if item.blocked}
        part = asked_tags(kept, {name: column.combine_chunks() for name, column in tags.items()})
    else:
        part, _ = asked_rows(kept, {NO_PASS: drawn["handle"].combine_chunks()})
    return join_phases(first_phase(whole), [_NO_DIGEST], [part], pass_columns(agreement, dataset))
