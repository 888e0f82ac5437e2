"""RAW: the department's two stations from file to file: encode an export, resolve findings. Commands call these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from secure_match.agreement import Agreement
from secure_match.department._warnings import column_warnings
from secure_match.department._worklist_words import SHEET_TITLES, Language
from secure_match.department.dataset_encoder import DatasetEncoder, require_dataset
from secure_match.department.files import (
    read_key,
    verify_replaceable_package,
    verify_replaceable_quarantine,
    verify_replaceable_worklist,
    verify_worklist_path,
    write_quarantine,
    write_worklist,
)
from secure_match.department.own_rows import choose_sources, verify_recipient_key
from secure_match.department.quarantine import count_reasons, describe_reasons
from secure_match.department.readers import HeldExport, ReadOptions, RefusedRows, open_export
from secure_match.department.resolve import resolve
from secure_match.department.supplement import SentRows
from secure_match.encoded.files import open_package, read_package, verify_writable, write_dataset
from secure_match.enrolment.files import read_findings
from secure_match.errors import Place, ReleaseError, UsageError, located

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeReport:
    """What ``encode_export`` did. ``read == encoded + quarantined``.

    Attributes:
        charset: of the export; None where its format says it itself.
        notes: what was found about the export and how it was read.
        package_digest: digest of the package, for the receipt.
        title: the dataset's title in the agreement.
        key_id: public name of the departments' shared secret; equal names mean the same secret.
        states: identity field to state to number of rows.
        state_reasons: identity field to the reasons of its states to number of rows.
        flags: identity field to doubts that change no value to number of rows.
        reasons: quarantine reason code to number of rows.
        reasons_by_column: the same by export header; the header is empty where no one column is at fault.
        warnings: one line for each column that looks damaged or wrongly mapped.
        quarantine: path of the quarantine file, or None when no row was refused.
        supplement_to: digest of the package that this one completes; None for a whole package.
        already_sent: rows that were passed over because earlier packages hold them; they are not in ``read``.
    """

    dataset: str
    title: str
    export: str
    charset: str | None
    notes: tuple[str, ...]
    read: int
    encoded: int
    quarantined: int
    package: Path
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
    supplement_to: str | None = None
    already_sent: int = 0


def encode_export(
    agreement: Agreement,
    dataset_id: str,
    export: str | Path,
    key_path: Path,
    out: Path,
    *,
    options: ReadOptions | None = None,
    quarantine: Path | None = None,
    progress: Progress | None = None,
    inputs: Sequence[Path] = (),
    supplement_to: Sequence[Path] = (),
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

    Raises:
        SecureMatchError: with a code and a place, before anything is written; only ``RELEASE_EMPTY`` leaves the
            quarantine file, which says why no row could be used.
    """
    key = read_key(key_path)
    dataset = require_dataset(agreement, dataset_id)
    with located(key_path):
        encoder = DatasetEncoder(agreement, dataset_id, key)
    refused = quarantine if quarantine is not None else out.parent / f"{out.name}.quarantine.csv"
    taken = _inputs(export, key_path, *inputs, *supplement_to)
    for path in (out, refused):
        if path.resolve() in taken:
            raise UsageError("this output would overwrite another file", code="OUTPUT_IS_INPUT", place=Place(file=path))
        taken.add(path.resolve())
        verify_writable(path)
    verify_replaceable_package(out)
    verify_replaceable_quarantine(refused)
    sent = _sent_rows(encoder, supplement_to)
    source = open_export(export, options)
    # Damage by a spreadsheet shows in the whole column only, so that is looked at first.
    held = HeldExport(source, encoder.columns)
    facts = encoder.survey(held.batches(refused=RefusedRows()), numeric_columns=source.numeric_columns)
    rows = RefusedRows()
    result = encoder.encode(
        held.batches(refused=rows, last=True), facts=facts, refused=rows, sent=sent, progress=progress
    )
    counts = result.dataset.manifest.counts
    reasons = count_reasons(result.quarantine)
    if counts.quarantined or refused.exists():
        # An earlier run's list must not be taken for this one's.
        write_quarantine(result.quarantine, refused)
    if sent is not None and not counts.read:
        raise ReleaseError(
            f"all {result.already_sent:,} rows are in the earlier packages; there is nothing to add",
            code="RELEASE_EMPTY",
            place=Place(file=source.place),
        )
    if not counts.encoded:
        listed = f" ({describe_reasons(reasons)}; the rows are listed in {refused})" if counts.quarantined else ""
        raise ReleaseError(
            f"not one row of {counts.read:,} can be used{listed}; look at the mapping of columns in the agreement",
            code="RELEASE_EMPTY",
            place=Place(file=source.place),
        )
    write_dataset(result.dataset, out)
    with open_package(out) as reader:
        digest = reader.digest
    return EncodeReport(
        dataset=dataset_id,
        title=dataset.title,
        export=source.place,
        charset=source.charset,
        notes=source.notes,
        read=counts.read,
        encoded=counts.encoded,
        quarantined=counts.quarantined,
        package=out,
        package_digest=digest,
        agreement_fingerprint=agreement.fingerprint,
        key_id=result.dataset.manifest.key_id,
        states=result.states,
        state_reasons=result.reasons,
        flags=result.flags,
        reasons={code: sum(columns.values()) for code, columns in reasons.items()},
        reasons_by_column=reasons,
        warnings=column_warnings(agreement, dataset, result.states),
        quarantine=refused if counts.quarantined else None,
        supplement_to=sent.base_digest if sent is not None else None,
        already_sent=result.already_sent,
    )


def _sent_rows(encoder: DatasetEncoder, packages: Sequence[Path]) -> SentRows | None:
    if not packages:
        return None
    read = [read_package(path) for path in packages]
    with located(packages[0]):
        return encoder.sent_rows(read)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveReport:
    """What ``resolve_findings`` did.

    Attributes:
        rows: rows of the worklist.
        findings: findings of the package on this dataset.
        not_found: how many of them are on rows that the export does not hold.
        other_findings: the department's other datasets with findings in the package, and how many each has.
    """

    dataset: str
    rows: int
    findings: int
    not_found: int
    other_findings: dict[str, int]
    worklists: tuple[Path, ...]


def resolve_findings(
    findings: Path,
    export: str | Path,
    key_path: Path,
    outs: Sequence[Path],
    *,
    dataset_id: str | None = None,
    options: ReadOptions | None = None,
    language: Language = "zh",
    overwrite: bool = False,
) -> ResolveReport:
    """Turn findings into a worklist of the department's own rows.

    Args:
        outs: files to write the one worklist to, each ``.xlsx`` or ``.csv``.
        export: path or database URL; see ``open_export``.
        dataset_id: which dataset the export is; None to find out.
        options: how to read it; rows that the options quarantine were never encoded and are passed over.
        overwrite: replace files that are there already. A key file is never replaced.

    Raises:
        SecureMatchError: with a code and a place, before anything is written.
    """
    key = read_key(key_path)
    package = read_findings(findings)
    with located(key_path):
        verify_recipient_key(package, key, noun="findings")
    inputs = _inputs(export, key_path, findings)
    for out in outs:
        if out.resolve() in inputs:
            raise UsageError("the worklist would overwrite an input", code="OUTPUT_IS_INPUT", place=Place(file=out))
        verify_worklist_path(out)
        verify_writable(out)
        verify_replaceable_worklist(out, overwrite=overwrite)
    source = open_export(export, options)
    columns = [name for name in source.header if name]
    with located(source.place):
        sources = choose_sources(package, source.header, dataset_id)
        batches = source.batches(columns, refused=RefusedRows())
        worklist = resolve(package, sources, batches, key, language=language)
    for out in outs:
        write_worklist(worklist.table, out, title=SHEET_TITLES[language])
    return ResolveReport(
        dataset=worklist.dataset,
        rows=worklist.table.num_rows,
        findings=worklist.findings,
        not_found=worklist.not_found,
        other_findings=worklist.other_findings,
        worklists=tuple(outs),
    )


def _inputs(export: str | Path, *others: Path) -> set[Path]:
    """Files that must not be overwritten; a URL is no file, and no file is called so."""
    return {Path(item).resolve() for item in (export, *others)}
