"""RAW: workbooks (XLSX, XLS, ODS) as Arrow batches; a child process under limits opens them."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal

import pyarrow as pa

from secure_match.agreement.profiles import HEADERS
from secure_match.department.readers._charset import read_head
from secure_match.department.readers._child import limited_child
from secure_match.department.readers._export import (
    MAX_CELL_CHARACTERS,
    MAX_COLUMNS,
    MAX_RECORD_CHARACTERS,
    ReadOptions,
    RefusedRows,
    cell_too_long,
    no_rows,
    require_columns,
    text_batch,
    unnamed_columns,
    verified_header,
)
from secure_match.department.readers._workbook_header import known_key, reveals_person
from secure_match.department.readers._zip_guard import read_part, verify_zip
from secure_match.errors import InputError, Place, UsageError

WorkbookKind = Literal["XLSX", "XLS", "ODS"]
MAX_XLS_BYTES: Final = 1 << 29
_MAX_ANSWER_BYTES: Final = 1 << 27
"""A chunk has at most 2**22 characters, or one row of as many; in JSON a character has at most twelve bytes."""
_KNOWN: Final = sorted({known_key(name) for names in HEADERS.values() for name in names})
_WORKER: Final = Path(__file__).with_name("_workbook_worker.py")
_ENCRYPTED_PART: Final = "EncryptedPackage".encode("utf-16-le")
_ODS_ENCRYPTED: Final = b"encryption-data"
_MESSAGES: Final = {
    "FILE_ENCRYPTED": "the workbook is protected with a password; save it without one",
    "WORKBOOK_DAMAGED": "the workbook is damaged or not what its name says; open it and save it again",
    "WORKBOOK_TOO_LARGE": "the workbook needs more memory than any export of people; export it as CSV",
    "INPUT_EMPTY": "no sheet of the workbook holds a cell",
    "INPUT_HEADER": "no row looks like a header; say which one with --header-row",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookExport:
    """One sheet of a workbook whose header was found; an :class:`Export`. Row numbers are rows of the sheet.

    Formulas give the result that the program saved; cells with an error are empty.
    """

    path: Path
    kind: WorkbookKind
    sheet: str
    header: tuple[str, ...]
    header_row: int
    notes: tuple[str, ...]
    numeric_columns: dict[str, float]
    charset: str | None = None

    @property
    def place(self) -> str:
        """The path."""
        return str(self.path)

    @classmethod
    def open(cls, path: Path, kind: WorkbookKind, options: ReadOptions) -> WorkbookExport:
        """Measure the file, choose the sheet, find the header, and count which numbers a spreadsheet rounded.

        Raises:
            UsageError: ``EXTRA_MISSING`` without the extra ``excel``; ``SHEET_UNKNOWN``, ``SHEET_AMBIGUOUS``;
                ``HEADER_ROW``.
            InputError: ``FILE_NOT_FOUND``, ``INPUT_EMPTY``, ``FILE_ENCRYPTED``, ``ZIP_TOO_LARGE``, ``ZIP_DAMAGED``,
                ``WORKBOOK_TOO_LARGE``, ``WORKBOOK_DAMAGED``, ``INPUT_HEADER``.
        """
        if importlib.util.find_spec("python_calamine") is None:
            raise UsageError(
                "workbooks need the extra excel: install secure_match[excel], or export the sheet as CSV",
                code="EXTRA_MISSING",
                place=Place(file=path),
            )
        if options.header_row is not None and options.header_row < 1:
            raise UsageError("sheet rows are counted from 1", code="HEADER_ROW")
        _verify_container(path, kind)
        task = {
            "ending": f".{kind.lower()}",
            "sheet": options.sheet,
            "header_row": options.header_row,
            "rows": False,
            "known": _KNOWN,
        }
        with _answers(path, task) as lines:
            found = next(lines)
        header = verified_header(found["header"], str(path), row=found["header_row"])
        shares = dict(zip(header, found["numeric"], strict=True))
        return cls(
            path=path,
            kind=kind,
            sheet=found["sheet"],
            header=header,
            header_row=found["header_row"],
            notes=(*_notes(kind, found), *unnamed_columns(header)),
            numeric_columns={name: share for name, share in shares.items() if name and share > 0},
        )

    def require(self, columns: Sequence[str]) -> None:
        """See :meth:`Export.require`."""
        require_columns(self.header, columns, self.place)

    def batches(self, columns: Sequence[str], *, refused: RefusedRows | None = None) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """See :meth:`Export.batches`. Rows without a filled cell are passed over; no row is refused."""
        self.require(columns)
        task = {
            "ending": f".{self.kind.lower()}",
            "sheet": self.sheet,
            "header_row": self.header_row,
            "rows": True,
            "places": [self.header.index(column) for column in columns],
        }
        empty = True
        with _answers(self.path, task) as lines:
            for chunk in lines:
                empty = False
                arrays = [pa.array(cells, pa.string()) for cells in chunk["columns"]]
                yield text_batch(columns, chunk["numbers"], arrays)
        if empty:
            raise no_rows(self.place)


def _verify_container(path: Path, kind: WorkbookKind) -> None:
    head = read_head(path)
    if kind != "XLS":
        verify_zip(path)
        if kind == "ODS" and _ODS_ENCRYPTED in read_part(path, "META-INF/manifest.xml", 1 << 20):
            raise _error(path, {"error": "FILE_ENCRYPTED"})
        return
    size = path.stat().st_size
    if size > MAX_XLS_BYTES:
        raise _error(path, {"error": "WORKBOOK_TOO_LARGE"})
    # An encrypted XLSX is an OLE file like an XLS; the name of its one stream stands in its directory.
    with path.open("rb") as stream:
        encrypted = _ENCRYPTED_PART in head or _ENCRYPTED_PART in stream.read()
    if encrypted:
        raise _error(path, {"error": "FILE_ENCRYPTED"})


def _notes(kind: WorkbookKind, found: dict[str, Any]) -> tuple[str, ...]:
    above = f" ({found['titles']} title rows above it)" if found["titles"] else ""
    first, last = found["first_header_row"], found["header_row"]
    rows = f"row {last}" if first == last else f"rows {first} to {last}"
    sheet = _shown_sheet(found["sheet"], found["sheet_number"])
    notes = [f"{kind} sheet {sheet}", f"header in {rows}{above}"]
    for place, count in enumerate(found["cut_off"], start=1):
        if count:
            notes.append(f"column number {place}: {count:,} numbers have lost every digit after the fifteenth")
    if found["blank_rows"]:
        notes.append(
            f"{found['blank_rows']:,} rows below the header hold no value and are passed over "
            "(empty, or nothing but formula errors)"
        )
    if found["merged_rows"]:
        notes.append(f"{found['merged_rows']:,} merged areas below the header: only their first cell holds the value")
    return tuple(notes)


def _shown_sheet(name: str, number: int) -> str:
    """The name of a sheet, or its number where the name may be a person's."""
    return f"number {number}" if reveals_person(name) else name


@contextmanager
def _answers(path: Path, task: dict[str, Any]) -> Iterator[Iterator[dict[str, Any]]]:
    """Run the child process on one task; its answers up to the last, which says that all is there."""
    task = task | {"path": str(path.absolute()), "max_cell": MAX_CELL_CHARACTERS, "max_columns": MAX_COLUMNS}
    task |= {"max_row": MAX_RECORD_CHARACTERS}
    with limited_child(_WORKER, task) as output:
        yield _read_answers(path, output)


def _read_answers(path: Path, output: IO[bytes]) -> Iterator[dict[str, Any]]:
    while line := output.readline(_MAX_ANSWER_BYTES):
        if not line.endswith(b"\n"):
            break
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise _error(path, answer)
        if "end" in answer:
            return
        yield answer
    # It ended without its last line: killed by a limit, or by a failed allocation inside the library.
    raise _error(path, {"error": "WORKBOOK_TOO_LARGE"})


def _error(path: Path, answer: dict[str, Any]) -> InputError | UsageError:
    code = answer["error"]
    sheets = ", ".join(_shown_sheet(name, number) for number, name in answer.get("sheets", ()))
    place = Place(file=path, row=answer.get("row"))
    if code == "SHEET_UNKNOWN":
        return UsageError(f"the workbook has no such sheet; sheets: {sheets}", code=code, place=place)
    if code == "SHEET_AMBIGUOUS":
        return UsageError(f"several sheets hold cells; name one with --sheet: {sheets}", code=code, place=place)
    if code == "CELL_TOO_LONG":
        column = None if answer["column"] is None else f"number {answer['column'] + 1}"
        return cell_too_long(str(path), row=answer["row"], column=column)
    return InputError(_MESSAGES[code], code=code, place=place)
