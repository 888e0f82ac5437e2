"""RAW: the station that encodes: an export is read and encoded, the gate looks at it, then it is written, or held.

Invariants: nothing is written before the gate passed but the list of rows that cannot be used; a dry run writes nothing
at all; under an agreement that asks for a second operator no package is written here, only what is to be approved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from secure_match.agreement import Agreement, Dataset, LeavingColumn, leaving_columns
from secure_match.audit import Artifact, make_artifact
from secure_match.department._warnings import column_warnings
from secure_match.department.canaries import Canaries, CanaryRows, ScanSummary, added_scans
from secure_match.department.dataset_encoder import DatasetEncoder, EncodingResult, require_dataset
from secure_match.department.desk_files import read_department_key, sent_packages
from secure_match.department.files import (
    verify_replaceable_package,
    verify_replaceable_quarantine,
    write_quarantine,
)
from secure_match.department.held_files import held_path, hold_release, report_path
from secure_match.department.kept_files import forget_released, kept_path
from secure_match.department.quarantine import count_reasons, describe_reasons
from secure_match.department.readers import HeldExport, ReadOptions, RefusedRows, open_export
from secure_match.department.release import Assessment, CellCount, assessed_rate, count_cells, fuzzy_rows
from secure_match.department.release_files import Written, measure_release, write_plain, write_release
from secure_match.department.supplement import SentRows
from secure_match.department.token_files import kept_tokens
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import file_digest, verify_writable
from secure_match.encoded.phases import first_phase, second_phase
from secure_match.errors import Place, ReleaseError, UsageError, located
from secure_match.exchange.approvals import approval_key
from secure_match.exchange.desk import Desk, require_desk

Progress = Callable[[int], None]
ScanChoice = Literal["sample", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeReport:
    """What ``encode_export`` did. ``read == encoded + quarantined``.

    Attributes:
        charset: of the export; None where its format says it itself.
        notes: what was found about the export and how it was read.
        package: the package; None in a dry run and where it waits for approval.
        package_digest: digest of the plain package, for the receipt.
        title: the dataset's title in the agreement.
        key_id: public name of the departments' shared secret; equal names mean the same secret.
        states: identity field to state to number of rows.
        state_reasons: identity field to the reasons of its states to number of rows.
        flags: identity field to doubts that change no value to number of rows.
        reasons: quarantine reason code to number of rows.
        reasons_by_column: the same by export header; the header is empty where no one column is at fault.
        warnings: one line for each column that looks damaged or wrongly mapped.
        quarantine: path of the quarantine file, or None when no row was refused, and in a dry run.
        supplement_to: digest of the package that this one completes; None for a whole package.
        already_sent: rows that were passed over because earlier packages hold them; they are not in ``read``.
        columns: what leaves.
        cells: the combinations of coded columns that the agreement names.
        given_up: coded column to the number of its cells that rows of small cells gave up.
        fuzzy_rows: rows that carry an encoding in any pass.
        scan: what was searched for in the bytes.
        package_bytes: size of the plain package.
        package_id: of the sealed package; None for a plain one.
        held: what waits for approval; None unless the agreement asks for a second operator.
        on_request: columns that leave when rows are asked for, under a release in two phases.
        kept: where those of all rows wait; None in one phase and in a dry run.
        attack_rate: what the rehearsal reached that the agreement asks for; None where it asks for none, and where too
            few rows could be tried to judge.
    """

    dataset: str
    title: str
    export: str
    charset: str | None
    notes: tuple[str, ...]
    read: int
    encoded: int
    quarantined: int
    package: Path | None
    package_digest: str
    agreement_fingerprint: str
    key_id: str
    states: dict[str, dict[str, int]]
    state_reasons: dict[str, dict[str, int]]
    flags: dict[str, dict[str, int]]
    reasons: dict[str, int]
    reasons_by_column: dict[str, dict[str, int]]
    warnings: tuple[str, ...]
    quarantine: Path | None
    columns: tuple[LeavingColumn, ...]
    cells: CellCount
    given_up: dict[str, int]
    fuzzy_rows: int
    scan: ScanSummary | None
    package_bytes: int
    package_id: str | None = None
    held: Path | None = None
    supplement_to: str | None = None
    already_sent: int = 0
    on_request: tuple[LeavingColumn, ...] = ()
    kept: Path | None = None
    attack_rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Encoded:
    """An export that was read and encoded and that passed the gate."""

    dataset: Dataset
    place: str
    charset: str | None
    notes: tuple[str, ...]
    result: EncodingResult
    sent: SentRows | None
    canaries: Canaries


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outputs:
    """Where things go; no path is that of an input."""

    out: Path
    quarantine: Path
    is_held: bool
    kept: Path | None


def encode_export(
    agreement: Agreement,
    dataset_id: str,
    export: str | Path,
    key_path: Path,
    out: Path,
    *,
    options: ReadOptions | None = None,
    quarantine: Path | None = None,
    kept: Path | None = None,
    progress: Progress | None = None,
    inputs: Sequence[Path] = (),
    supplement_to: Sequence[Path] = (),
    desk: Desk | None = None,
    scan: ScanChoice = "sample",
    dry_run: bool = False,
    tokens: Path | None = None,
    assess: Assessment | None = None,
) -> EncodeReport:
    """Encode an export into a package, or only the rows that earlier packages lack into a supplement.

    An earlier package or quarantine list is replaced; any other file is left alone.

    Args:
        export: path or database URL; see ``open_export``.
        options: how to read it.
        inputs: further files that no output may overwrite.
        supplement_to: the package that is completed after a correction, and any earlier supplements to it. The export
            may be the whole corrected one or hold the corrected rows alone; rows that were sent are passed over.
        quarantine: where refused rows go; by default beside the package, as ``<package>.quarantine.csv``.
        kept: where passes wait in a release in two phases; by default beside the package, as ``<package>.passes``.
        desk: the department's, under a sealed agreement.
        scan: search for the identifiers of a sample of rows, or of all.
        dry_run: write nothing; the report says what would leave.
        tokens: the department's store of ID tokens, under ``oprf``.
        assess: rehearses the release; called where the agreement limits what attacks may name.

    Raises:
        SecureMatchError: with a code and a place, before anything is written; only ``RELEASE_EMPTY`` and
            ``RELEASE_IDENTIFIER`` leave the quarantine file, which says why rows could not be used.
    """
    require_desk(agreement, desk)
    dataset = require_dataset(agreement, dataset_id)
    with desk.logging_refusals("encode") if desk is not None and not dry_run else nullcontext():
        if agreement.release.second_operator:
            approval_key(agreement, dataset.owner)
        outputs = _Outputs(
            out=out,
            quarantine=quarantine if quarantine is not None else out.parent / f"{out.name}.quarantine.csv",
            is_held=agreement.release.second_operator and not dry_run,
            kept=(kept or kept_path(out)) if agreement.release.two_phase and not dry_run else None,
        )
        if not dry_run:
            _verify_outputs(outputs, _inputs(export, key_path, *inputs, *supplement_to))
        encoded = encode_rows(
            agreement,
            dataset,
            export,
            key_path,
            options=options,
            progress=progress,
            supplement_to=supplement_to,
            desk=desk,
            scan=scan,
            tokens=tokens,
        )
        counts = encoded.result.dataset.manifest.counts
        if not dry_run and (counts.quarantined or outputs.quarantine.exists()):
            # An earlier run's list must not be taken for this one's.
            write_quarantine(encoded.result.quarantine, outputs.quarantine)
        _verify_some_rows(encoded, None if dry_run else outputs.quarantine)
        rate = assessed_rate(agreement, dataset, assess)
        written = _leave(agreement, encoded, outputs, desk, dry_run=dry_run)
        return replace(_report(agreement, encoded, written, outputs, dry_run=dry_run), attack_rate=rate)


def encode_rows(
    agreement: Agreement,
    dataset: Dataset,
    export: str | Path,
    key_path: Path,
    *,
    options: ReadOptions | None,
    progress: Progress | None,
    supplement_to: Sequence[Path],
    desk: Desk | None,
    scan: ScanChoice,
    tokens: Path | None = None,
) -> _Encoded:
    """Read and encode an export; what is returned passed the gate but for the search of its bytes.

    Raises:
        SecureMatchError: as :func:`encode_export`.
    """
    key = read_department_key(key_path, desk)
    kept = kept_tokens(tokens, agreement, key, desk) if tokens is not None else None
    with located(key_path):
        encoder = DatasetEncoder(agreement, dataset.id, key, tokens=kept)
    sent = None
    if supplement_to:
        with located(supplement_to[0]):
            sent = encoder.sent_rows(sent_packages(supplement_to, desk))
    source = open_export(export, options)
    # Damage by a spreadsheet shows in the whole column only, so that is looked at first.
    held = HeldExport(source, encoder.columns)
    canaries = CanaryRows(agreement, dataset, every=scan == "all")
    first = canaries.count(held.batches(refused=RefusedRows()))
    facts = encoder.survey(first, numeric_columns=source.numeric_columns)
    rows = RefusedRows()
    second = canaries.take(held.batches(refused=rows, last=True))
    result = encoder.encode(second, facts=facts, refused=rows, sent=sent, progress=progress)
    return _Encoded(
        dataset=dataset,
        place=source.place,
        charset=source.charset,
        notes=source.notes,
        result=result,
        sent=sent,
        canaries=canaries.finish(key),
    )


def _verify_outputs(outputs: _Outputs, taken: set[Path]) -> None:
    package = (held_path(outputs.out), report_path(held_path(outputs.out))) if outputs.is_held else (outputs.out,)
    kept = () if outputs.kept is None else (outputs.kept,)
    for path in (*package, *kept, outputs.quarantine):
        if path.resolve() in taken:
            raise UsageError("this output would overwrite another file", code="OUTPUT_IS_INPUT", place=Place(file=path))
        taken.add(path.resolve())
        verify_writable(path)
    for path in (package[0], *kept):
        verify_replaceable_package(path)
    verify_replaceable_quarantine(outputs.quarantine)


def _verify_some_rows(encoded: _Encoded, listed_in: Path | None) -> None:
    counts = encoded.result.dataset.manifest.counts
    if encoded.sent is not None and not counts.read:
        raise ReleaseError(
            f"all {encoded.result.already_sent:,} rows are in the earlier packages; there is nothing to add",
            code="RELEASE_EMPTY",
            place=Place(file=encoded.place),
        )
    if counts.encoded:
        return
    where = f"; the rows are listed in {listed_in}" if listed_in is not None else ""
    reasons = describe_reasons(count_reasons(encoded.result.quarantine))
    listed = f" ({reasons}{where})" if counts.quarantined else ""
    raise ReleaseError(
        f"not one row of {counts.read:,} can be used{listed}; look at the mapping of columns in the agreement",
        code="RELEASE_EMPTY",
        place=Place(file=encoded.place),
    )


def _leave(agreement: Agreement, encoded: _Encoded, outputs: _Outputs, desk: Desk | None, *, dry_run: bool) -> Written:
    """Search and write what passed the gate, hold it for approval, or only measure it; in two phases, keep passes."""
    if not agreement.release.two_phase:
        return _leave_now(agreement, encoded, encoded.result.dataset, outputs, desk, dry_run=dry_run)
    # What is kept is searched now, while the export is at hand: it is not when rows are asked for.
    first = first_phase(encoded.result.dataset)
    digest = measure_release(agreement, encoded.dataset, first, None, None).digest
    passes = second_phase(encoded.result.dataset, digest)
    if outputs.kept is None:
        kept = measure_release(agreement, encoded.dataset, passes, None, encoded.canaries)
    else:
        forget_released(outputs.kept)
        kept = write_plain(passes, outputs.kept, canaries=encoded.canaries)
    written = _leave_now(agreement, encoded, first, outputs, desk, dry_run=dry_run)
    return replace(written, scan=added_scans(written.scan, kept.scan))


def _leave_now(
    agreement: Agreement,
    encoded: _Encoded,
    leaving: EncodedDataset,
    outputs: _Outputs,
    desk: Desk | None,
    *,
    dry_run: bool,
) -> Written:
    dataset, result = encoded.dataset, encoded.result
    if dry_run:
        return measure_release(agreement, dataset, leaving, desk, encoded.canaries)
    if outputs.is_held:
        return hold_release(
            agreement, leaving, held_path(outputs.out), desk, encoded.canaries, given_up=result.given_up
        )
    counts = {"given_up": sum(result.given_up.values())} if result.given_up else {}
    return write_release(
        agreement,
        dataset,
        leaving,
        outputs.out,
        desk,
        canaries=encoded.canaries,
        inputs=_logged_inputs(encoded.place, desk),
        counts=counts,
    )


def _logged_inputs(place: str, desk: Desk | None) -> tuple[Artifact, ...]:
    """The export for the log: its name and digest; the digest of a database's answer nobody could check."""
    path = Path(place)
    return (make_artifact(path, file_digest(path)),) if desk is not None and path.is_file() else ()


def _report(
    agreement: Agreement, encoded: _Encoded, written: Written, outputs: _Outputs, *, dry_run: bool
) -> EncodeReport:
    result, dataset = encoded.result, encoded.dataset
    counts = result.dataset.manifest.counts
    reasons = count_reasons(result.quarantine)
    return EncodeReport(
        dataset=dataset.id,
        title=dataset.title,
        export=encoded.place,
        charset=encoded.charset,
        notes=encoded.notes,
        read=counts.read,
        encoded=counts.encoded,
        quarantined=counts.quarantined,
        package=None if outputs.is_held else written.path,
        package_digest=written.digest,
        agreement_fingerprint=agreement.fingerprint,
        key_id=result.dataset.manifest.key_id,
        states=result.states,
        state_reasons=result.reasons,
        flags=result.flags,
        reasons={code: sum(columns.values()) for code, columns in reasons.items()},
        reasons_by_column=reasons,
        warnings=column_warnings(agreement, dataset, result.states),
        quarantine=outputs.quarantine if counts.quarantined and not dry_run else None,
        columns=leaving_columns(agreement, dataset, 1 if agreement.release.two_phase else None),
        cells=count_cells(agreement, dataset, result.dataset, others=result.others),
        given_up=result.given_up,
        fuzzy_rows=0 if agreement.release.two_phase else fuzzy_rows(result.dataset),
        scan=written.scan,
        package_bytes=written.size,
        package_id=written.package_id,
        held=written.path if outputs.is_held else None,
        supplement_to=encoded.sent.base_digest if encoded.sent is not None else None,
        already_sent=result.already_sent,
        on_request=leaving_columns(agreement, dataset, 2) if agreement.release.two_phase else (),
        kept=outputs.kept,
    )


def _inputs(export: str | Path, *others: Path) -> set[Path]:
    """Files that must not be overwritten; a URL is no file, and no file is called so."""
    return {Path(item).resolve() for item in (export, *others)}
