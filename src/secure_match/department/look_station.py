"""RAW: the bureau's questions from file to file: a request to a sheet, the filled sheet to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from secure_match.agreement import Agreement
from secure_match.department._worklist_words import Language
from secure_match.department.files import (
    read_key,
    verify_replaceable_worklist,
    verify_worklist_path,
    write_worklist,
)
from secure_match.department.look import LOOK_TITLES, answer_columns, answer_of, look_sheet
from secure_match.department.own_rows import choose_sources, verify_recipient_key
from secure_match.department.readers import ReadOptions, RefusedRows, open_export
from secure_match.encoded.files import verify_writable
from secure_match.enrolment.files import read_look_request, write_look_answer
from secure_match.errors import LinkageError, Place, UsageError, located


@dataclass(frozen=True, slots=True, kw_only=True)
class LookReport:
    """What ``write_look_sheet`` did; ``other`` are the department's other datasets that the request asks about."""

    dataset: str
    rows: int
    asked: int
    not_found: int
    other: dict[str, int]
    sheet: Path


def write_look_sheet(
    request: Path,
    export: str | Path,
    key_path: Path,
    out: Path,
    *,
    agreement: Agreement | None = None,
    dataset_id: str | None = None,
    options: ReadOptions | None = None,
    language: Language = "zh",
    overwrite: bool = False,
) -> LookReport:
    """Turn a request into a sheet of the department's own rows; it holds raw values and stays here.

    Args:
        export: path or database URL; see ``open_export``.
        out: the sheet, ``.xlsx`` or ``.csv``.
        agreement: the department's copy; the request has to be made under it.
        dataset_id: which dataset the export is; None to find out.
        overwrite: replace a file that is there. A key file is never replaced.

    Raises:
        SecureMatchError: with a code and a place, before anything is written.
    """
    key = read_key(key_path)
    package, _ = read_look_request(request)
    if agreement is not None and package.manifest.agreement_fingerprint != agreement.fingerprint:
        raise LinkageError(
            "the request was made under another agreement", code="DEFINITION_MISMATCH", place=Place(file=request)
        )
    with located(key_path):
        verify_recipient_key(package, key, noun="questions")
    _verify_output(out, export, key_path, request)
    verify_worklist_path(out)
    verify_replaceable_worklist(out, overwrite=overwrite)
    source = open_export(export, options)
    columns = [name for name in source.header if name]
    with located(source.place):
        sources = choose_sources(package, source.header, dataset_id, noun="questions")
        batches = source.batches(columns, refused=RefusedRows())
        sheet = look_sheet(package, sources, batches, key, language=language)
    write_worklist(sheet.table, out, title=LOOK_TITLES[language])
    return LookReport(
        dataset=sheet.dataset,
        rows=sheet.table.num_rows,
        asked=sheet.asked,
        not_found=sheet.not_found,
        other=sheet.other,
        sheet=out,
    )


def write_answer(request: Path, sheet: Path, out: Path) -> tuple[int, int]:
    """Turn a filled sheet into an answer of codes, which may leave.

    Returns:
        How many items are answered, and how many of the request are not.

    Raises:
        SecureMatchError: with a code and a place, before anything is written.
    """
    package, digest = read_look_request(request)
    _verify_output(out, sheet, request)
    if out.exists():
        raise UsageError("there is a file already; name another", code="FILE_EXISTS", place=Place(file=out))
    source = open_export(sheet)
    with located(source.place):
        columns = answer_columns(source.header)
        answer, left = answer_of(package, digest, source.batches(list(columns), refused=RefusedRows()))
    write_look_answer(answer, out)
    return answer.manifest.rows, left


def _verify_output(out: Path, *inputs: str | Path) -> None:
    if out.resolve() in {Path(item).resolve() for item in inputs}:
        raise UsageError("the output would overwrite an input", code="OUTPUT_IS_INPUT", place=Place(file=out))
    verify_writable(out)
