"""RAW: any export by its address or path. What a file holds is decided by its first bytes, not by its name."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Final

from secure_match.department.readers._arrow import ArrowExport
from secure_match.department.readers._charset import read_head
from secure_match.department.readers._csv import CsvExport
from secure_match.department.readers._dbf import DbfExport, looks_like_dbf
from secure_match.department.readers._export import Export, ReadOptions
from secure_match.department.readers._fixed_width import FixedWidthExport
from secure_match.department.readers._sql import SqlExport
from secure_match.department.readers._sql_address import URL_PATTERN, plain_address
from secure_match.department.readers._workbook import WorkbookExport
from secure_match.department.readers._zip_guard import part_names, read_part
from secure_match.errors import InputError, Place, UsageError

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP: Final = b"PK\x03\x04"
_MAGIC: Final = ((b"PAR1", "PARQUET"), (b"ARROW1\x00\x00", "ARROW_FILE"), (b"\xff\xff\xff\xff", "ARROW_STREAM"))
_MARKUP: Final = (b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<style")
_UNREADABLE: Final = (
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "packed with gzip; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "packed with 7-Zip; unpack it first"),
    (b"Rar!", "packed with RAR; unpack it first"),
    (b"FEA1", "Feather version 1; write it as version 2 or Parquet"),
    (b"SQLite format 3\x00", "an SQLite database; give sqlite:///FILE?table=TABLE"),
)
_ENDINGS: Final = {
    ".csv": "TEXT", ".tsv": "TEXT", ".txt": "TEXT", ".xlsx": "XLSX", ".xlsm": "XLSX", ".xls": "XLS", ".et": "XLS",
    ".ods": "ODS", ".dbf": "DBF", ".parquet": "PARQUET", ".arrow": "ARROW_FILE", ".feather": "ARROW_FILE",
    ".ipc": "ARROW_FILE", ".arrows": "ARROW_STREAM",
}  # fmt: skip
_TITLES: Final = {
    "TEXT": "text",
    "FIXED": "fixed width",
    "QUERY": "query file",
    "URL": "database",
    "ARROW_FILE": "arrow file",
    "ARROW_STREAM": "arrow stream",
}
"""What a kind is called in messages, where it is not called by its name."""
_OPTIONS: Final = {
    "TEXT": {"charset", "delimiter", "header_row"},
    "FIXED": {"charset", "layout"},
    "DBF": {"charset"},
    "XLSX": {"sheet", "header_row"},
    "XLS": {"sheet", "header_row"},
    "ODS": {"sheet", "header_row"},
    "QUERY": {"connection"},
}
"""Options that a format heeds; ``ragged`` may always be given."""
_ODS_TYPE: Final = b"application/vnd.oasis.opendocument.spreadsheet"


def open_export(source: str | Path, options: ReadOptions | None = None) -> Export:
    """Open whatever ``source`` is: a database URL, a ``.sql`` query file, or a file by its first bytes.

    Args:
        source: path, or URL with a scheme.
        options: how to read it; what the format does not heed is refused.

    Raises:
        UsageError: ``OPTION_UNUSED``, ``EXTRA_MISSING``, or what the format's reader says of the options.
        InputError: ``FILE_NOT_FOUND``, ``INPUT_EMPTY``, ``FORMAT_UNKNOWN``, or what the format's reader says.
    """
    options = options or ReadOptions()
    source = plain_address(source)
    if isinstance(source, str) and URL_PATTERN.match(source):
        _refuse_unused("URL", options)
        return SqlExport.open_url(source)
    path = Path(source)
    if path.suffix.lower() == ".sql":
        _refuse_unused("QUERY", options)
        return SqlExport.open_query(path, options.connection)
    if options.layout is not None:
        _refuse_unused("FIXED", options)
        return FixedWidthExport.open(path, options)
    kind = _kind(path)
    _refuse_unused(kind, options)
    named = _ENDINGS.get(path.suffix.lower())
    export = _open_kind(path, kind, options)
    if named is None or named == kind:
        return export
    note = f"the name ends in {path.suffix}, the content is {_title(kind)}"
    if isinstance(export, CsvExport):
        return replace(export, opening_notes=(note, *export.opening_notes))
    return replace(export, notes=(note, *export.notes))


def _open_kind(path: Path, kind: str, options: ReadOptions) -> CsvExport | DbfExport | WorkbookExport | ArrowExport:
    match kind:
        case "XLSX" | "XLS" | "ODS":
            return WorkbookExport.open(path, kind, options)
        case "PARQUET" | "ARROW_FILE" | "ARROW_STREAM":
            return ArrowExport.open(path, kind, options)
        case "DBF":
            return DbfExport.open(path, options)
        case _:
            return CsvExport.open(path, options)


def _kind(path: Path) -> str:
    head = read_head(path)
    if head.startswith(_ZIP):
        return _zip_kind(path)
    if head.startswith(_OLE):
        return "XLS"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    for magic, what in _UNREADABLE:
        if head.startswith(magic):
            raise _unknown(path, what)
    if looks_like_dbf(head):
        return "DBF"
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(_MARKUP):
        raise _unknown(path, "a web page or XML; open it in a spreadsheet program and save it as .xlsx")
    return "TEXT"


def _zip_kind(path: Path) -> str:
    parts = part_names(path)
    if "xl/workbook.xml" in parts:
        return "XLSX"
    if "mimetype" in parts and read_part(path, "mimetype", 100).startswith(_ODS_TYPE):
        return "ODS"
    raise _unknown(path, "a ZIP archive without a workbook; unpack it first, or save the workbook as .xlsx")


def _unknown(path: Path, what: str) -> InputError:
    return InputError(f"this is {what}", code="FORMAT_UNKNOWN", place=Place(file=path))


def _title(kind: str) -> str:
    return _TITLES.get(kind, kind)


def _refuse_unused(kind: str, options: ReadOptions) -> None:
    heeded = _OPTIONS.get(kind, set()) | {"ragged"}
    for item in fields(options):
        if item.name not in heeded and getattr(options, item.name) is not None:
            raise UsageError(
                f"--{item.name.replace('_', '-')} means nothing for this kind of export ({_title(kind)}); leave it out",
                code="OPTION_UNUSED",
            )
