"""RAW: the bureau's questions from file to file: a request to a sheet, the filled sheet to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from secure_match.agreement import Agreement
from secure_match.department._worklist_words import Language
from secure_match.department.desk_files import read_department_key, readable_package
from secure_match.department.files import (
    verify_replaceable_worklist,
    verify_worklist_path,
    write_worklist,
)
from secure_match.department.look import LOOK_TITLES, answer_columns, answer_of, look_sheet
from secure_match.department.own_rows import choose_sources, verify_recipient_key
from secure_match.department.readers import ReadOptions, RefusedRows, open_export
from secure_match.encoded.files import verify_writable
from secure_match.enrolment import ANSWER_NOTES, LookRequest
from secure_match.enrolment.files import read_look_request, write_look_answer
from secure_match.errors import LinkageError, Place, UsageError, located
from secure_match.exchange.desk import Desk, Outgoing


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
    desk: Desk | None = None,
) -> LookReport:
    """Turn a request into a sheet of the department's own rows; it holds raw values and stays here.

    Args:
        export: path or database URL; see ``open_export``.
        out: the sheet, ``.xlsx`` or ``.csv``.
        agreement: the department's copy; the request has to be made under it.
        dataset_id: which dataset the export is; None to find out.
        overwrite: replace a file that is there. A key file is never replaced.
        desk: the department's, where the request is sealed.

    Raises:
        SecureMatchError: with a code and a place, before anything is written.
    """
    key = read_department_key(key_path, desk)
    package, _ = _read_request(request, desk)
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
    if desk is not None:
        desk.note("look", counts={"asked": sheet.asked, "rows": sheet.table.num_rows})
    return LookReport(
        dataset=sheet.dataset,
        rows=sheet.table.num_rows,
        asked=sheet.asked,
        not_found=sheet.not_found,
        other=sheet.other,
        sheet=out,
    )


def _read_request(path: Path, desk: Desk | None) -> tuple[LookRequest, str]:
    with readable_package(path, "look-request", desk) as content:
        return read_look_request(content)


def write_answer(request: Path, sheet: Path, out: Path, *, desk: Desk | None = None) -> tuple[int, int]:
    """Turn a filled sheet into an answer of codes, which may leave.

    Args:
        desk: the department's, where the request is sealed; the answer then is, too.

    Returns:
        How many items are answered, and how many of the request are not.

    Raises:
        SecureMatchError: with a code and a place, before anything is written.
    """
    package, digest = _read_request(request, desk)
    _verify_output(out, sheet, request)
    if out.exists():
        raise UsageError("there is a file already; name another", code="FILE_EXISTS", place=Place(file=out))
    source = open_export(sheet)
    with located(source.place):
        columns = answer_columns(source.header)
        answer, left = answer_of(package, digest, source.batches(list(columns), refused=RefusedRows()))
    if desk is None:
        write_look_answer(answer, out)
    else:
        bureau = next(party.id for party in desk.agreement.parties if party.role == "bureau")
        counts = {"answered": answer.manifest.rows, "left": left}
        outgoing = Outgoing(kind="look-answer", recipient=bureau, columns=ANSWER_NOTES, counts=counts)
        desk.send_written(lambda plain: write_look_answer(answer, plain), out, outgoing)
    return answer.manifest.rows, left


def _verify_output(out: Path, *inputs: str | Path) -> None:
    if out.resolve() in {Path(item).resolve() for item in inputs}:
        raise UsageError("the output would overwrite an input", code="OUTPUT_IS_INPUT", place=Place(file=out))
    verify_writable(out)
