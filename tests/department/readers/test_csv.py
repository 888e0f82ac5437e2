"""Delimited text: what is found and said, what is refused and where, rows in bounded memory."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from people import PEOPLE, SECRETS, columns_of, csv_text

from secure_match.department.readers import ROW_NUMBER, CsvExport, ReadOptions, RefusedRows
from secure_match.department.readers._csv_lines import swallows_rows
from secure_match.department.readers._export import MAX_CELL_CHARACTERS
from secure_match.errors import InputError, SecureMatchError, UsageError

GIB = 1 << 30


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read_all(path: Path, options: ReadOptions | None) -> None:
    export = CsvExport.open(path, options)
    for _ in export.batches([name for name in export.header if name]):
        pass


def refusal(path: Path, options: ReadOptions | None = None) -> SecureMatchError:
    """The error of reading the file to its end, which holds nothing of the file."""
    with pytest.raises(SecureMatchError) as caught:
        read_all(path, options)
    assert caught.value.__context__ is None
    assert not any(secret in str(caught.value) for secret in SECRETS)
    return caught.value


@pytest.mark.parametrize(
    ("codec", "charset", "note"),
    [
        ("utf-8", "utf-8", "charset UTF-8 (decoded strictly)"),
        ("utf-8-sig", "utf-8-sig", "charset UTF-8-SIG (byte order mark)"),
        ("utf-16", "utf-16-le", "charset UTF-16-LE (byte order mark)"),
        ("gb18030", "gb18030", "charset GB18030 (decoded strictly)"),
    ],
)
def test_charset_is_found_and_said(tmp_path: Path, codec: str, charset: str, note: str) -> None:
    export = CsvExport.open(write(tmp_path / "p.csv", csv_text().encode(codec)))
    assert (export.charset, export.notes[0]) == (charset, note)
    given_charset = CsvExport.open(export.path, ReadOptions(charset=charset.upper()))
    assert given_charset.notes[0].startswith("charset")
    assert columns_of(given_charset) == PEOPLE


@pytest.mark.parametrize("name", ["GBK", "gb2312", "cp936"])
def test_older_names_of_the_national_charset(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "p.csv", csv_text().encode("gbk"))
    assert CsvExport.open(path, ReadOptions(charset=name)).charset == "gb18030"


def test_four_byte_characters(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "id,姓名\n1,\U00020087\u3400\n".encode("gb18030"))
    (batch,) = CsvExport.open(path).batches(["姓名"])
    assert batch["姓名"].to_pylist() == ["\U00020087\u3400"]


@pytest.mark.parametrize(
    ("content", "options", "code", "row"),
    [
        (b"id,x\n1,\xff\xff\n", None, "INPUT_CHARSET", 2),
        (b"id,x\n1,a\n2,\xd5\xc5\n", ReadOptions(charset="utf-8"), "INPUT_CHARSET", 3),
        (b"id,x\n1,a\n", ReadOptions(charset="utf-16-le"), "INPUT_CHARSET", 1),
        ("id,x\n".encode("utf-16-le"), None, "INPUT_NUL", 1),
        (b"id,x\n1,a\n2,\x00\n", None, "INPUT_NUL", 3),
        (b"id,x\n1,\xd5\xc5\n2,\x00\n", None, "INPUT_NUL", 3),
        ("id,x\n1,a\n2,\x00\n".encode("utf-16"), None, "INPUT_NUL", 3),
        ("id,x\n1,a\n".encode("utf-16") + b"\x00\xd8\n\x00", None, "INPUT_CHARSET", 3),
        (b"", None, "INPUT_EMPTY", None),
        (b"\xef\xbb\xbf", None, "INPUT_HEADER", 1),
        (b"\n\n", None, "INPUT_HEADER", 1),
        (b",,\n1,2,3\n", None, "INPUT_HEADER", 1),
        (b"id,x,id\n1,2,3\n", None, "INPUT_HEADER", 1),
        (b"id,x\n", None, "INPUT_NO_ROWS", None),
        (b'id,x\n1,"a"b\n', None, "INPUT_CSV", 2),
        (b'id,x\n1,"a\n', None, "INPUT_CSV", 2),
        (b"id,x\n1,2\n3\n", None, "ROW_WIDTH", 3),
        (b'id,x\n1,"a\nb"\n3,4,5\n', None, "ROW_WIDTH", 4),
        (b"id,x;y\n1,2;3\n", None, "INPUT_DELIMITER", 1),
        (b"id,x\n1,2\n", ReadOptions(charset="latin-1"), "CHARSET_UNKNOWN", None),
        (b"id,x\n1,2\n", ReadOptions(delimiter="ab"), "DELIMITER_UNKNOWN", None),
        (b"id,x\n1,2\n", ReadOptions(header_row=9), "INPUT_HEADER", 9),
    ],
)
def test_refusals(tmp_path: Path, content: bytes, options: ReadOptions | None, code: str, row: int | None) -> None:
    error = refusal(write(tmp_path / "p.csv", content), options)
    assert (error.code, error.place.row) == (code, row)


def test_header_errors_name_columns_by_number(tmp_path: Path) -> None:
    error = refusal(write(tmp_path / "p.csv", "张机密,999999,张机密\n"))
    assert error.place.column == "number 3"


def test_missing_file_and_column(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="FILE_NOT_FOUND"):
        CsvExport.open(tmp_path / "none.csv")
    export = CsvExport.open(write(tmp_path / "p.csv", "id,x\n1,2\n"))
    with pytest.raises(InputError, match="COLUMN_MISSING"):
        export.require(["id", "姓名"])


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [("a,b", ","), ("a\tb", "\t"), ("a;b;c,d", ";"), ("a|b", "|"), ('"a;x;y",b', ","), ("a", ",")],
)
def test_delimiter_is_found_in_the_header(tmp_path: Path, header: str, delimiter: str) -> None:
    export = CsvExport.open(write(tmp_path / "p.csv", header + "\n"))
    assert export.delimiter == delimiter


def test_given_delimiter_and_header_row(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", '某市人员表 "未闭合\n制表:, 某\n\nid;x,y\n1;2,3\n')
    export = CsvExport.open(path, ReadOptions(delimiter="semicolon", header_row=4))
    assert export.header == ("id", "x,y")
    (batch,) = export.batches(["id"])
    assert batch.to_pydict() == {ROW_NUMBER: [5], "id": ["1"]}
    assert "header in line 4" in export.notes


def test_ragged_rows_can_be_quarantined(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "id,x\n1,2\n3\n\n4,5,6\n7,8\n")
    export = CsvExport.open(path, ReadOptions(ragged="quarantine"))
    refused = RefusedRows()
    (batch,) = export.batches(["id"], refused=refused)
    assert batch.to_pydict() == {ROW_NUMBER: [2, 6], "id": ["1", "7"]}
    assert refused.by_code == {"ROW_WIDTH": [3, 5]}
    assert len(refused) == 2
    with pytest.raises(UsageError, match="REFUSED_ROWS_MISSING"):
        list(export.batches(["id"]))


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12)
ODD = st.text(st.sampled_from("\",;|\t\n 张a'"), max_size=8)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(st.tuples(CELLS | ODD, CELLS | ODD, ODD), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ending=st.sampled_from(["\n", "\r\n"]),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]),
)
@example(rows=[("", "", "")], delimiter=",", quoting=csv.QUOTE_ALL, ending="\n", codec="utf-8")
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    delimiter: str,
    quoting: int,
    ending: str,
    codec: str,
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=ending)
    writer.writerows([("a", "姓名", "c"), *rows])
    path = tmp_path_factory.mktemp("csv") / "p.csv"
    path.write_bytes(out.getvalue().encode(codec))
    # Few bytes can be good UTF-8 by chance, so the charset without a mark is given.
    export = CsvExport.open(path, ReadOptions(charset=codec if codec in ("utf-8", "gb18030") else None))
    assert export.delimiter == delimiter
    if any(swallows_rows(row, delimiter, 3) for row in rows):
        with pytest.raises(InputError, match="ROW_WIDTH"):
            list(export.batches(["a", "姓名", "c"]))
        return
    read = [
        row for batch in export.batches(["a", "姓名", "c"]) for row in zip(*batch.to_pydict().values(), strict=True)
    ]
    assert [row[1:] for row in read] == rows
    ends = [out.getvalue().count("\n")]
    assert read[-1][0] == ends[0]


@pytest.mark.parametrize(
    "content",
    [
        "id,x\n1," + "长" * (MAX_CELL_CHARACTERS + 1) + "\n",
        'id,x\n1,"' + "a\n" * (6 << 20),
        "id,x\n" + "a," * (6 << 20),
        'id,x\n1,"' + '""' * (6 << 20) + '"\n',
        "id,x\n" + '"a\n",' * (3 << 20),
        "x" * (11 << 20),
    ],
    ids=["long-cell", "open-quote", "wide-row", "deep-quotes", "row-of-lines", "no-line-end"],
)
def test_hostile_text_ends_in_bounded_memory(tmp_path: Path, content: str) -> None:
    path = write(tmp_path / "p.csv", content)
    size = path.stat().st_size
    tracemalloc.start()
    try:
        error = refusal(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert error.code == "CELL_TOO_LONG"
    assert peak < 400 << 20, f"{peak:,} bytes for a file of {size:,}"


MILLION = """
import resource, sys
from pathlib import Path
path = Path(sys.argv[1])
block = "".join(f"K{n:07d},99999919500101{n % 10000:04d},张机密{n % 97},1950-01-01\\n" for n in range(10_000))
with path.open("w", encoding="gb18030") as stream:
    stream.write("编号,身份证号,姓名,出生日期\\n")
    for _ in range(100):
        stream.write(block)
from secure_match.department.readers import open_export
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
before = peak()
rows = sum(batch.num_rows for batch in open_export(path).batches(["编号", "身份证号", "姓名", "出生日期"]))
print(rows, peak() - before)
"""


def test_a_million_rows_in_bounded_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MILLION, str(tmp_path / "p.csv")], check=True, capture_output=True, text=True
    )
    rows, growth = map(int, done.stdout.split())
    assert rows == 1_000_000
    assert growth < 200 << 20
