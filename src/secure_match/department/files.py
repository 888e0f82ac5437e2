"""RAW: files that never leave the department: quarantine lists, worklists, reports; key files are in ``key_files``."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from pathlib import Path
from typing import Final

import pyarrow as pa

from secure_match.department._sheet import MAX_ROWS, write_sheet
from secure_match.department.key_files import SHARED_FORMAT
from secure_match.department.key_files import read_key as read_key  # noqa: PLC0414  # Callers name them here, too.
from secure_match.department.key_files import read_shared_secret as read_shared_secret  # noqa: PLC0414
from secure_match.department.key_files import write_key as write_key  # noqa: PLC0414
from secure_match.department.key_files import write_shared_secret as write_shared_secret  # noqa: PLC0414
from secure_match.department.quarantine import REASONS, REMEDIES
from secure_match.department.sealed_keys import HANDLES_FORMAT, KEY_FORMAT
from secure_match.encoded.csv_cells import safe_cell as _safe_cell
from secure_match.encoded.files import atomic_writer
from secure_match.errors import Place, UsageError
from secure_match.exchange.files import is_sealed, read_sealed

_HEAD_BYTES: Final = 1 << 16
_NEVER_REPLACED: Final = (KEY_FORMAT, SHARED_FORMAT, HANDLES_FORMAT, "secure_match/identity")
_QUARANTINE_HEADER: Final = ("row_number", "column", "code", "meaning")

REPORT_MARK: Final = '<meta name="generator" content="secure_match inspection">'
"""Stands in every inspection report, which may be replaced by a newer one."""


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


def write_roster(rows: pa.Table, path: Path) -> None:
    """Write an export's rows with their handles as CSV. It holds raw values; only its owner may read it."""
    _write_csv(rows, path)
    path.chmod(0o600)


def verify_worklist_path(path: Path) -> None:
    """Check a worklist's name before any work.

    Raises:
        UsageError: ``WORKLIST_FORMAT`` where it ends neither in ``.xlsx`` nor in ``.csv``.
    """
    if path.suffix.lower() not in (".xlsx", ".csv"):
        raise UsageError("a worklist is written as .xlsx or .csv", code="WORKLIST_FORMAT", place=Place(file=path))


def write_worklist(table: pa.Table, path: Path, *, title: str = "worklist") -> None:
    """Write a worklist as ``.xlsx`` or ``.csv``, by the ending of its name. All cells are text.

    Args:
        title: name of the sheet of an ``.xlsx`` file.

    Raises:
        UsageError: ``WORKLIST_FORMAT`` for another ending, ``WORKLIST_TOO_LONG`` for more rows than a sheet holds.
    """
    verify_worklist_path(path)
    if path.suffix.lower() == ".xlsx":
        _write_xlsx(table, path, title)
    else:
        _write_csv(table, path)


def verify_replaceable_package(path: Path) -> None:
    """Check that writing a package to a path would overwrite nothing but an earlier package of encodings.

    Raises:
        UsageError: ``FILE_EXISTS``.
    """
    head = _head_of(path)
    if head is None or (head.startswith(b"PK\x03\x04") and b'"secure_match/encoded"' in head):
        return
    if is_sealed(path) and read_sealed(path).manifest.kind == "encodings":
        return
    raise UsageError(
        "there is a file already that is no package; name another", code="FILE_EXISTS", place=Place(file=path)
    )


def verify_replaceable_quarantine(path: Path) -> None:
    """Check that writing a quarantine list to a path would overwrite nothing but an earlier one.

    Raises:
        UsageError: ``FILE_EXISTS``.
    """
    head = _head_of(path)
    if head is None or head.removeprefix(codecs.BOM_UTF8).startswith(",".join(_QUARANTINE_HEADER).encode()):
        return
    raise UsageError(
        "there is a file already that is no quarantine list; name another", code="FILE_EXISTS", place=Place(file=path)
    )


def verify_replaceable_report(path: Path) -> None:
    """Check that writing an inspection report to a path would overwrite nothing but an earlier one.

    Raises:
        UsageError: ``FILE_EXISTS``.
    """
    head = _head_of(path)
    if head is None or REPORT_MARK.encode() in head:
        return
    raise UsageError(
        "there is a file already that is no inspection report; name another",
        code="FILE_EXISTS",
        place=Place(file=path),
    )


def verify_replaceable_worklist(path: Path, *, overwrite: bool) -> None:
    """Check that a worklist may be written to a path: nothing is there, or it may be overwritten and is no key.

    Raises:
        UsageError: ``FILE_EXISTS``.
    """
    head = _head_of(path)
    problem = ""
    if head is not None and any(mark.encode() in head for mark in _NEVER_REPLACED):
        problem = "this is a key file, which is never overwritten; name another file"
    elif head is not None and not overwrite:
        problem = "there is a file already, perhaps with somebody's notes; name another, or add --overwrite"
    if problem:
        raise UsageError(problem, code="FILE_EXISTS", place=Place(file=path))


def _head_of(path: Path) -> bytes | None:
    """The first bytes of a file; None where there is none, empty where it cannot be read."""
    if not path.exists():
        return None
    head = b""
    with contextlib.suppress(OSError), path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    return head


def _write_xlsx(table: pa.Table, path: Path, title: str) -> None:
    if table.num_rows >= MAX_ROWS:
        raise UsageError(
            "an Excel sheet cannot hold so many rows; write .csv",
            code="WORKLIST_TOO_LONG",
            place=Place(file=path),
        )
    with atomic_writer(path) as stream:
        write_sheet(stream, table, title=title)


def _write_csv(table: pa.Table, path: Path) -> None:
    """UTF-8 with byte order mark, so that spreadsheet programs read it right; no cell can start a formula."""
    columns = [[_safe_cell(value) for value in column.to_pylist()] for column in table.columns]
    with atomic_writer(path) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        writer = csv.writer(text)
        writer.writerow([_safe_cell(name) for name in table.column_names])
        writer.writerows(zip(*columns, strict=True))
