"""RAW: the department's two stations from file to file: encode an export, resolve findings. Commands call these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from secure_match.agreement import Agreement
from secure_match.department.dataset_encoder import DatasetEncoder, require_dataset
from secure_match.department.files import read_key, write_quarantine, write_worklist
from secure_match.department.readers import ReadOptions, RefusedRows, open_export
from secure_match.department.resolve import (
    Language,
    choose_sources,
    resolve,
    verify_findings_key,
)
from secure_match.encoded.files import read_package, write_dataset
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
        states: identity field to state to number of rows.
        reasons: quarantine reason code to number of rows.
        quarantine: path of the quarantine file, or None when no row was refused.
    """

    dataset: str
    charset: str | None
    notes: tuple[str, ...]
    read: int
    encoded: int
    quarantined: int
    package: Path
    package_digest: str
    agreement_fingerprint: str
    states: dict[str, dict[str, int]]
    reasons: dict[str, int]
    quarantine: Path | None


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
) -> EncodeReport:
    """Encode an export into a package.

    Args:
        export: path or database URL; see ``open_export``.
        options: how to read it.
        quarantine: where refused rows go; by default beside the package, as ``<package>.quarantine.csv``.

    Raises:
        SecureMatchError: with a code and a place, before anything is written.
    """
    key = read_key(key_path)
    require_dataset(agreement, dataset_id)
    with located(key_path):
        encoder = DatasetEncoder(agreement, dataset_id, key)
    if out.resolve() in _inputs(export, key_path):
        raise UsageError("the package would overwrite an input", code="OUTPUT_IS_INPUT", place=Place(file=out))
    source = open_export(export, options)
    rows = RefusedRows()
    result = encoder.encode(source.batches(encoder.columns, refused=rows), refused=rows, progress=progress)
    counts = result.dataset.manifest.counts
    if not counts.encoded:
        raise ReleaseError(
            "not one row can be used; look at the mapping of columns in the agreement",
            code="RELEASE_EMPTY",
            place=Place(file=source.place),
        )
    refused = quarantine if quarantine is not None else out.with_name(out.name + ".quarantine.csv")
    if counts.quarantined:
        write_quarantine(result.quarantine, refused)
    else:
        refused.unlink(missing_ok=True)
    write_dataset(result.dataset, out)
    _, digest = read_package(out)
    reasons = result.quarantine.group_by("code").aggregate([("code", "count")]).sort_by("code").to_pylist()
    return EncodeReport(
        dataset=dataset_id,
        charset=source.charset,
        notes=source.notes,
        read=counts.read,
        encoded=counts.encoded,
        quarantined=counts.quarantined,
        package=out,
        package_digest=digest,
        agreement_fingerprint=agreement.fingerprint,
        states=result.states,
        reasons={row["code"]: row["code_count"] for row in reasons},
        quarantine=refused if counts.quarantined else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveReport:
    """What ``resolve_findings`` did: ``rows`` of the worklist, and findings whose row the export does not hold."""

    dataset: str
    rows: int
    findings: int
    not_found: int
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
) -> ResolveReport:
    """Turn findings into a worklist of the department's own rows.

    Args:
        outs: files to write the one worklist to, each ``.xlsx`` or ``.csv``.
        export: path or database URL; see ``open_export``.
        dataset_id: which dataset the export is; None to find out.
        options: how to read it; rows that the options quarantine were never encoded and are passed over.

    Raises:
        SecureMatchError: with a code and a place, before anything is written.
    """
    key = read_key(key_path)
    package = read_findings(findings)
    with located(key_path):
        verify_findings_key(package, key)
    inputs = _inputs(export, key_path, findings)
    for out in outs:
        if out.resolve() in inputs:
            raise UsageError("the worklist would overwrite an input", code="OUTPUT_IS_INPUT", place=Place(file=out))
    source = open_export(export, options)
    columns = [name for name in source.header if name]
    with located(source.place):
        sources = choose_sources(package, source.header, dataset_id)
        batches = source.batches(columns, refused=RefusedRows())
        worklist = resolve(package, sources, batches, key, language=language)
    for out in outs:
        write_worklist(worklist.table, out)
    return ResolveReport(
        dataset=worklist.dataset,
        rows=worklist.table.num_rows,
        findings=worklist.findings,
        not_found=worklist.not_found,
        worklists=tuple(outs),
    )


def _inputs(export: str | Path, *others: Path) -> set[Path]:
    """Files that must not be overwritten; a URL is no file, and no file is called so."""
    return {Path(item).resolve() for item in (export, *others)}
