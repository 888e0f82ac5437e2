"""RAW: the department's two stations from file to file: encode an export, resolve findings. Commands call these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from secure_match.department._worklist_words import SHEET_TITLES, Language
from secure_match.department.desk_files import read_department_key, readable_package
from secure_match.department.encode_station import EncodeReport, encode_export
from secure_match.department.files import verify_replaceable_worklist, verify_worklist_path, write_worklist
from secure_match.department.own_rows import choose_sources, verify_recipient_key
from secure_match.department.readers import ReadOptions, RefusedRows, open_export
from secure_match.department.resolve import resolve
from secure_match.encoded.files import verify_writable
from secure_match.enrolment.files import read_findings
from secure_match.errors import Place, UsageError, located
from secure_match.exchange.desk import Desk

__all__ = ["EncodeReport", "ResolveReport", "encode_export", "resolve_findings"]


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
    desk: Desk | None = None,
) -> ResolveReport:
    """Turn findings into a worklist of the department's own rows.

    Args:
        outs: files to write the one worklist to, each ``.xlsx`` or ``.csv``.
        export: path or database URL; see ``open_export``.
        dataset_id: which dataset the export is; None to find out.
        options: how to read it; rows that the options quarantine were never encoded and are passed over.
        overwrite: replace files that are there already. A key file is never replaced.
        desk: the department's, where the findings are sealed.

    Raises:
        SecureMatchError: with a code and a place, before anything is written.
    """
    key = read_department_key(key_path, desk)
    with readable_package(findings, "findings", desk) as content:
        package = read_findings(content)
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
    if desk is not None:
        counts = {"findings": worklist.findings, "rows": worklist.table.num_rows, "not_found": worklist.not_found}
        desk.note("resolve", counts=counts, details={"dataset": worklist.dataset})
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
