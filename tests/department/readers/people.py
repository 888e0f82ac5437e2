"""Invented people and every kind of file that can hold them. Region 999999 does not exist: no number is anybody's."""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import sqlalchemy as sa
import xlsxwriter
import xlwt
from odf import opendocument, table, text

from secure_match.department.readers import ROW_NUMBER, Export, ReadOptions, RefusedRows

HEADER = ("编号", "身份证号", "姓名", "出生日期", "地址")
NAMES = ("张机密", "欧阳·机密", "李机密", "阿依古丽·机密", "王机密")
PEOPLE = [
    (
        f"K{number:05d}",
        f"999999{1950 + number % 60}0{1 + number % 9}1{number % 10}{number % 1000:03d}X",
        NAMES[number % len(NAMES)],
        f"{1950 + number % 60}-0{1 + number % 9}-1{number % 10}",
        "" if number % 7 == 0 else f"机密路{number}号",
    )
    for number in range(1, 61)
]
SECRETS = ("机密", "999999", "K0000")
"""Parts of every value; none may stand in an error."""
WIDTHS = (8, 20, 40, 12, 40)

Writer = Callable[[Path], None]


def columns_of(export: Export, columns: tuple[str, ...] = HEADER) -> list[tuple[str, ...]]:
    """All rows of an export, after checking the form of its batches."""
    rows: list[tuple[str, ...]] = []
    last = 0
    for batch in export.batches(columns, refused=RefusedRows()):
        assert batch.schema.names == [ROW_NUMBER, *columns]
        assert batch.schema.types == [pa.int64(), *[pa.string()] * len(columns)]
        assert all(column.null_count == 0 for column in batch.columns)
        numbers = batch[ROW_NUMBER].to_pylist()
        assert numbers == sorted(numbers)
        assert numbers[0] > last
        last = numbers[-1]
        rows += zip(*(batch[name].to_pylist() for name in columns), strict=True)
    return rows


def csv_text(delimiter: str = ",", rows: list[tuple[str, ...]] | None = None) -> str:
    """The people as delimited text with CRLF."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(HEADER)
    writer.writerows(PEOPLE if rows is None else rows)
    return out.getvalue()


def text_writer(delimiter: str, codec: str) -> Writer:
    return lambda path: path.write_bytes(csv_text(delimiter).encode(codec))


def write_xlsx(path: Path) -> None:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("人员")
    for row, cells in enumerate([HEADER, *PEOPLE]):
        sheet.write_row(row, 0, cells)
    book.close()


def write_xls(path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("人员")
    for row, cells in enumerate([HEADER, *PEOPLE]):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    with path.open("wb") as stream:
        book.save(stream)


def write_ods(path: Path) -> None:
    book = opendocument.OpenDocumentSpreadsheet()
    sheet = table.Table(name="人员")
    for cells in [HEADER, *PEOPLE]:
        row = table.TableRow()
        for cell in cells:
            item = table.TableCell(valuetype="string")
            item.addElement(text.P(text=cell))
            row.addElement(item)
        sheet.addElement(row)
    book.spreadsheet.addElement(sheet)
    with path.open("wb") as stream:
        book.write(stream)


def dbf_bytes(
    rows: list[tuple[str, ...]],
    *,
    fields: list[tuple[str, str, int]] | None = None,
    language: int = 0,
    codec: str = "gbk",
    version: int = 3,
    deleted: frozenset[int] = frozenset(),
) -> bytes:
    """A DBF file: (name, type letter, width) fields; texts are padded with blanks."""
    fields = fields or [(name, "C", width) for name, width in zip(HEADER, WIDTHS, strict=True)]
    record = 1 + sum(width for _, _, width in fields)
    first = 32 + 32 * len(fields) + 1
    out = [struct.pack("<BBBBLHH16xBB2x", version, 26, 1, 1, len(rows), first, record, 0, language)]
    for name, kind, width in fields:
        out.append(name.encode(codec).ljust(11, b"\x00") + kind.encode() + bytes(4) + width.to_bytes(2, "little"))
        out.append(bytes(14))
    out.append(b"\r")
    for number, cells in enumerate(rows, start=1):
        out.append(b"*" if number in deleted else b" ")
        for cell, (_, _, width) in zip(cells, fields, strict=True):
            data = cell if isinstance(cell, bytes) else cell.encode(codec)
            assert len(data) <= width
            out.append(data.ljust(width))
    return b"".join(out) + b"\x1a"


def write_dbf(path: Path) -> None:
    path.write_bytes(dbf_bytes(PEOPLE))


LAYOUT = "format = 1\ncharset = 'gb18030'\n" + "".join(
    f"[[columns]]\nname = '{name}'\nstart = {1 + sum(WIDTHS[:place])}\nwidth = {WIDTHS[place]}\n"
    for place, name in enumerate(HEADER)
)


def write_fixed(path: Path) -> None:
    lines = []
    for cells in PEOPLE:
        lines.append(b"".join(cell.encode("gb18030").ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)))
    path.write_bytes(b"\r\n".join(lines) + b"\r\n")
    path.with_suffix(".toml").write_text(LAYOUT, encoding="utf-8")


def arrow_table() -> pa.Table:
    """The people with a date column and nulls, as a program would keep them."""
    columns = [pa.array(column, pa.string()) for column in zip(*PEOPLE, strict=True)]
    columns[3] = columns[3].cast(pa.date32())
    columns[4] = pa.array([cell or None for cell in columns[4].to_pylist()], pa.string())
    return pa.table(columns, names=list(HEADER))


def write_parquet(path: Path) -> None:
    pa.parquet.write_table(arrow_table(), path, row_group_size=7)


def write_dictionary_parquet(path: Path) -> None:
    source = arrow_table()
    pa.parquet.write_table(source.set_column(2, "姓名", source["姓名"].dictionary_encode()), path)


def write_feather(path: Path) -> None:
    pa.feather.write_feather(arrow_table(), str(path), compression="zstd", chunksize=7)


def write_arrow_stream(path: Path) -> None:
    source = arrow_table()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, source.schema) as writer:
        writer.write_table(source, max_chunksize=7)


def write_database(address: sa.URL) -> None:
    """A table 人员 with a real date column and nulls."""
    engine = sa.create_engine(address)
    columns = [sa.Column(name, sa.Date if name == "出生日期" else sa.String) for name in HEADER]
    people = sa.Table("人员", sa.MetaData(), *columns)
    rows = arrow_table().to_pylist()
    with engine.begin() as connection:
        people.create(connection)
        connection.execute(people.insert(), rows)
    engine.dispose()


FILES: dict[str, tuple[str, Writer]] = {
    "csv-utf8": ("p.csv", text_writer(",", "utf-8")),
    "csv-bom": ("p.csv", text_writer(",", "utf-8-sig")),
    "csv-gb18030": ("p.csv", text_writer(",", "gb18030")),
    "csv-semicolon": ("p.csv", text_writer(";", "gb18030")),
    "csv-bar": ("p.txt", text_writer("|", "utf-8")),
    "tsv-utf16": ("p.tsv", text_writer("\t", "utf-16")),
    "tsv-utf16-be": ("p.tsv", lambda path: path.write_bytes(b"\xfe\xff" + csv_text("\t").encode("utf-16-be"))),
    "xlsx": ("p.xlsx", write_xlsx),
    "xls": ("p.xls", write_xls),
    "ods": ("p.ods", write_ods),
    "dbf": ("p.dbf", write_dbf),
    "fixed": ("p.dat", write_fixed),
    "parquet": ("p.parquet", write_parquet),
    "parquet-dictionary": ("p.parquet", write_dictionary_parquet),
    "feather": ("p.feather", write_feather),
    "arrow-stream": ("p.arrows", write_arrow_stream),
}


def options_for(path: Path) -> ReadOptions:
    """What the reader must be told."""
    return ReadOptions(layout=path.with_suffix(".toml") if path.suffix == ".dat" else None)
