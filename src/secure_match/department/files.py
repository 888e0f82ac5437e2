"""RAW: files that never leave the department: key files, quarantine lists, worklists."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import pyarrow as pa
from pydantic import Field, ValidationError

from secure_match.agreement.strict import StrictModel
from secure_match.department._sheet import MAX_ROWS, write_sheet
from secure_match.department.keys import SECRET_BYTES, DepartmentKey, EncodingKey
from secure_match.department.quarantine import REASONS, REMEDIES
from secure_match.department.secret_access import reveal
from secure_match.encoded.csv_cells import safe_cell as _safe_cell
from secure_match.encoded.files import atomic_writer
from secure_match.errors import KeyFileError, Place, UsageError, located

_KEY_FORMAT: Final = "secure_match/department-key"
_SHARED_FORMAT: Final = "secure_match/shared-secret"
_HEAD_BYTES: Final = 1 << 16
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_QUARANTINE_HEADER: Final = ("row_number", "column", "code", "meaning")

REPORT_MARK: Final = '<meta name="generator" content="secure_match inspection">'
"""Stands in every inspection report, which may be replaced by a newer one."""

SecretText = Annotated[str, Field(repr=False)]
KeyFileT = TypeVar("KeyFileT", bound="_KeyHeader")


class _KeyHeader(StrictModel):
    """What key files begin with: which agreement and epoch the secrets are for."""

    format_version: Literal[1]
    agreement_id: str
    key_epoch: str
    encoding_secret: SecretText


class _KeyFile(_KeyHeader):
    """A department's key file: JSON with both secrets in hex."""

    format: Literal["secure_match/department-key"]
    party: str
    handle_secret: SecretText


class _SharedFile(_KeyHeader):
    """What departments hand each other: the shared secret alone, never a handle secret."""

    format: Literal["secure_match/shared-secret"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SharedSecret:
    """The departments' shared encoding secret on its way from one to another."""

    agreement_id: str
    key_epoch: str
    key: EncodingKey

    def __repr__(self) -> str:
        return "<SharedSecret: secret>"


def write_key(key: DepartmentKey, path: Path) -> None:
    """Write a key file that only its owner can read.

    Raises:
        KeyFileError: ``FILE_EXISTS`` rather than overwriting a key, or ``FILE_NOT_WRITABLE``.
    """
    content = _KeyFile(
        format=_KEY_FORMAT,
        format_version=1,
        party=key.party,
        agreement_id=key.agreement_id,
        key_epoch=key.key_epoch,
        encoding_secret=reveal(key, "encoding").hex(),
        handle_secret=reveal(key, "handle").hex(),
    )
    _write_secret_file(content, path)


def write_shared_secret(key: DepartmentKey, path: Path) -> None:
    """Write what another department needs of a key, readable by its owner only.

    Raises:
        KeyFileError: as :func:`write_key` does.
    """
    content = _SharedFile(
        format=_SHARED_FORMAT,
        format_version=1,
        agreement_id=key.agreement_id,
        key_epoch=key.key_epoch,
        encoding_secret=reveal(key, "encoding").hex(),
    )
    _write_secret_file(content, path)


def read_key(path: Path) -> DepartmentKey:
    """Read a key file.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``, ``KEY_FORMAT`` where the file is not a whole department key, or
            ``KEY_PERMISSIONS`` where (on POSIX) its group or others may read or write it.
    """
    content = _read_secret_file(_KeyFile, path, "a department key file; make one with: secure-match keys new")
    with located(path):
        return DepartmentKey.create(
            party=content.party,
            agreement_id=content.agreement_id,
            key_epoch=content.key_epoch,
            encoding_secret=_secret_bytes(content.encoding_secret),
            handle_secret=_secret_bytes(content.handle_secret),
        )


def read_shared_secret(path: Path) -> SharedSecret:
    """Read a shared secret file.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``, ``KEY_PERMISSIONS`` as :func:`read_key` does, or ``KEY_FORMAT`` where the file
            is something else, a department's own key included: handing that over would give its handles away.
    """
    content = _read_secret_file(_SharedFile, path, "a shared secret file; make one with: secure-match keys share")
    with located(path):
        secret = _secret_bytes(content.encoding_secret)
        return SharedSecret(
            agreement_id=content.agreement_id, key_epoch=content.key_epoch, key=EncodingKey.from_secret(secret)
        )


def _write_secret_file(content: _KeyHeader, path: Path) -> None:
    problem = ("", "")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content.model_dump_json(indent=1) + "\n")
    except FileExistsError:
        problem = ("FILE_EXISTS", "there is a file already; a lost key cannot be made again, so none is overwritten")
    except OSError as error:
        problem = ("FILE_NOT_WRITABLE", error.strerror or "cannot be written")
    if problem[0]:
        raise KeyFileError(problem[1], code=problem[0], place=Place(file=path))


def _read_secret_file(model: type[KeyFileT], path: Path, expected: str) -> KeyFileT:
    problem = ("KEY_FORMAT", f"this is not {expected}")
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = model.model_validate_json(stream.read())
        if os.name != "posix" or not mode & _OTHERS:
            return content
        problem = ("KEY_PERMISSIONS", f"others may open this key file; run: chmod 600 {shlex.quote(str(path))}")
    except OSError as error:
        problem = ("FILE_NOT_FOUND", error.strerror or "cannot be read")
    except (ValidationError, ValueError):
        pass
    raise KeyFileError(problem[1], code=problem[0], place=Place(file=path))


def _secret_bytes(text: str) -> bytes:
    secret = b""
    with contextlib.suppress(ValueError):
        secret = bytes.fromhex(text)
    if len(secret) != SECRET_BYTES:
        raise KeyFileError("a secret of the key file is damaged", code="KEY_FORMAT")
    return secret


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
    if head is not None and (_KEY_FORMAT.encode() in head or _SHARED_FORMAT.encode() in head):
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
