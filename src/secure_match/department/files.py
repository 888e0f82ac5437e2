"""RAW: files that never leave the department: key files, quarantine lists, worklists."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import xlsxwriter
from pydantic import ValidationError

from secure_match.agreement.strict import StrictModel
from secure_match.department.keys import DepartmentKey
from secure_match.department.quarantine import REASONS, REMEDIES
from secure_match.department.secret_access import reveal
from secure_match.encoded.files import atomic_writer
from secure_match.errors import KeyFileError, Place, UsageError

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_XLSX_MAX_ROWS: Final = 1_048_576


class _KeyFile(StrictModel):
    """A key file: JSON with both secrets in hex."""

    format: Literal["secure_match/department-key"]
    format_version: Literal[1]
    party: str
    agreement_id: str
    key_epoch: str
    encoding_secret: str
    handle_secret: str


def write_key(key: DepartmentKey, path: Path) -> None:
    """Write a key file that only its owner can read.

    Raises:
        KeyFileError: ``FILE_EXISTS`` rather than overwriting a key, or ``FILE_NOT_WRITABLE``.
    """
    content = {
        "format": "secure_match/department-key",
        "format_version": 1,
        "party": key.party,
        "agreement_id": key.agreement_id,
        "key_epoch": key.key_epoch,
        "encoding_secret": reveal(key, "encoding").hex(),
        "handle_secret": reveal(key, "handle").hex(),
    }
    problem = ("", "")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1)
    except FileExistsError:
        problem = (
            "FILE_EXISTS",
            "there is a key already; a lost key cannot be made again, so none is overwritten",
        )
    except OSError as error:
        problem = ("FILE_NOT_WRITABLE", error.strerror or "cannot be written")
    if problem[0]:
        raise KeyFileError(problem[1], code=problem[0], place=Place(file=path))


def read_key(path: Path) -> DepartmentKey:
    """Read a key file.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``, or ``KEY_FORMAT`` where the file is not a whole department key.
    """
    problem = ("KEY_FORMAT", "this is not a department key file; make one with: secure-match keys new")
    try:
        content = _KeyFile.model_validate_json(path.read_bytes())
        return DepartmentKey.create(
            party=content.party,
            agreement_id=content.agreement_id,
            key_epoch=content.key_epoch,
            encoding_secret=bytes.fromhex(content.encoding_secret),
            handle_secret=bytes.fromhex(content.handle_secret),
        )
    except OSError as error:
        problem = ("FILE_NOT_FOUND", error.strerror or "cannot be read")
    except (ValidationError, ValueError, KeyFileError):
        pass
    raise KeyFileError(problem[1], code=problem[0], place=Place(file=path))


def write_quarantine(table: pa.Table, path: Path) -> None:
    """Write refused rows as CSV: row number, column, reason code, its meaning, and what would make the row usable.

    It holds no values.
    """
    codes = table["code"].to_pylist()
    for name, texts in (("meaning", REASONS), ("remedy", REMEDIES)):
        table = table.append_column(name, pa.array([texts[code] for code in codes], pa.string()))
    _write_csv(table, path)


def write_report(page: str, path: Path) -> None:
    """Write an inspection report, whole or not at all. It holds no values."""
    with atomic_writer(path) as stream:
        stream.write(page.encode())


def write_worklist(table: pa.Table, path: Path) -> None:
    """Write a worklist as ``.xlsx`` or ``.csv``, by the ending of its name. All cells are text.

    Raises:
        UsageError: ``WORKLIST_FORMAT`` for another ending, ``WORKLIST_TOO_LONG`` for more rows than a sheet holds.
    """
    writers: dict[str, Callable[[pa.Table, Path], None]] = {".xlsx": _write_xlsx, ".csv": _write_csv}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise UsageError("a worklist is written as .xlsx or .csv", code="WORKLIST_FORMAT", place=Place(file=path))
    writer(table, path)


def _write_xlsx(table: pa.Table, path: Path) -> None:
    if table.num_rows >= _XLSX_MAX_ROWS:
        raise UsageError(
            "an Excel sheet cannot hold so many rows; write .csv",
            code="WORKLIST_TOO_LONG",
            place=Place(file=path),
        )
    with atomic_writer(path) as stream:
        # In memory: the library's temporary files would hold raw values in a shared directory.
        book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_numbers": False})
        sheet = book.add_worksheet("worklist")
        bold = book.add_format({"bold": True})
        for place, name in enumerate(table.column_names):
            sheet.write_string(0, place, name, bold)
            sheet.set_column(place, place, 18)
            for row, value in enumerate(table.column(place).to_pylist(), start=1):
                if value is not None:
                    sheet.write_string(row, place, str(value))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, table.num_rows, max(0, table.num_columns - 1))
        book.close()


def _write_csv(table: pa.Table, path: Path) -> None:
    """UTF-8 with byte order mark, so that spreadsheet programs read it right; no cell can start a formula."""
    columns = [[_safe_cell(value) for value in column.to_pylist()] for column in table.columns]
    with atomic_writer(path) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(table.column_names)
        writer.writerows(zip(*columns, strict=True))


def _safe_cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and not text[1:].isdigit() else text
