"""What once went missing or was shown without a word: swallowed rows, wrong charsets, passwords, odd column names."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pytest
import sqlalchemy as sa

from secure_match.department.readers import (
    ROW_NUMBER,
    CsvExport,
    ReadOptions,
    RefusedRows,
    _child,
    _sql,
    _zip_guard,
    open_export,
)
from secure_match.errors import SecureMatchError

HEAD = "编号,姓名,住址\n"


def read_all(source: str | Path, options: ReadOptions | None) -> None:
    export = open_export(source, options)
    for _ in export.batches([name for name in export.header if name], refused=RefusedRows()):
        pass


def refusal(source: str | Path, options: ReadOptions | None = None) -> SecureMatchError:
    with pytest.raises(SecureMatchError) as caught:
        read_all(source, options)
    assert caught.value.__context__ is None
    return caught.value


def csv(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "p.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_two_stray_quotes_never_make_one_row_of_many_people(tmp_path: Path) -> None:
    rows = "".join(f"{n},甲{n},路{n}\n" for n in range(2, 12))
    path = csv(tmp_path, f'{HEAD}1,甲,"路\n{rows}12,乙,路"\n')
    for ragged in ("refuse", "quarantine"):
        error = refusal(path, ReadOptions(ragged=ragged))  # type: ignore[arg-type]
        assert (error.code, error.place.row) == ("ROW_WIDTH", 13)
        assert "from line 2 to line 13" in error.message
        assert "甲" not in str(error)


@pytest.mark.parametrize(
    "row",
    ['1,"甲,路\n2,乙",路\n', '1,甲,"路\n2,乙,东路\n3丙路"\n', '1,甲,"' + "x\n" * 20 + '"\n'],
    ids=["neighbours", "whole line inside", "21 lines"],
)
def test_rows_inside_a_cell(tmp_path: Path, row: str) -> None:
    assert refusal(csv(tmp_path, HEAD + row)).code == "ROW_WIDTH"


def test_rows_of_several_lines_and_empty_lines_are_counted(tmp_path: Path) -> None:
    rows = "".join(f'{n},甲,"东路,\n{n}号"\n' for n in range(7))
    export = CsvExport.open(csv(tmp_path, f"{HEAD}{rows}\n8,乙,路\n"))
    assert len(export.notes) == 2
    for _ in range(2):
        list(export.batches(["编号"]))
        assert export.notes[2:] == (
            "7 rows span several lines (rows 3, 5, 7, 9, 11, ...)",
            "1 empty lines are passed over",
        )
    one = CsvExport.open(csv(tmp_path, "编号\n1\n\n\n2\n"))
    (batch,) = one.batches(["编号"])
    assert batch[ROW_NUMBER].to_pylist() == [2, 5]
    assert one.notes[2:] == ("2 empty lines are passed over; in a file of one column these are empty cells too",)


@pytest.mark.parametrize(
    "address",
    [
        "jdbc:postgresql://clerk:GEHEIM@h/db?table=x",
        " postgresql://clerk:GEHEIM@h/db?table=x",
        '"postgresql://clerk:GEHEIM@h/db?table=x"',
        "'postgresql://clerk:GEHEIM@h/db?table=x",
        "postgresql:/clerk:GEHEIM@h/db?table=x",
        "postgresql//clerk:GEHEIM@h/db?table=x",
        "clerk:GEHEIM@h:5432/db",
        "host=db user=clerk password=GEHEIM",
        "host=db user=clerk pwd = GEHEIM",
        "postgresql:clerk/GEHEIM",
    ],
)
def test_a_wrong_address_is_never_shown(address: str, tmp_path: Path) -> None:
    for source in (address, Path(address)):
        error = refusal(source)
        assert error.code in ("SQL_URL", "SQL_PASSWORD")
        assert "GEHEIM" not in str(error) + repr(error) + repr(error.place)


def test_a_file_may_be_called_like_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("password=x.csv").write_text("id\n1\n")
    assert open_export("password=x.csv").header == ("id",)
    assert refusal("nothing.csv").code == "FILE_NOT_FOUND"


def test_column_names_can_be_written_in_an_agreement(tmp_path: Path) -> None:
    path = csv(tmp_path, '编号,"身份\r\n证号",\u200b姓名\u2028,\u202e\x1b住址,\n1,2,3,4,5\n')
    export = open_export(path)
    assert export.header == ("编号", "身份证号", "姓名", "住址", "")
    assert export.notes[-1] == "column number 5 has no name and is not read"
    (batch,) = export.batches(["姓名"])
    assert batch["姓名"].to_pylist() == ["3"]
    assert refusal(csv(tmp_path, "编号,编\u200b号\n1,2\n")).place.column == "number 2"
    assert refusal(csv(tmp_path, "编号,\u200b" + "长" * 201 + "\n1,2\n")).code == "INPUT_HEADER"
    assert refusal(csv(tmp_path, "\u200b,\u200b\n1,2\n")).code == "INPUT_HEADER"


def test_one_wrong_byte_does_not_make_gb18030_of_utf8(tmp_path: Path) -> None:
    good = "编号,姓名\n1,张机密\n2,李机密\n".encode()
    error = refusal(csv(tmp_path, good[:-1] + b"\xd5\n3,x\n"))
    assert (error.code, error.place.row) == ("INPUT_CHARSET", 3)
    assert "--charset" in error.message
    assert open_export(csv(tmp_path, good.decode().encode("gb18030"))).charset == "gb18030"
    # Two such characters are no evidence: an English header, and a row of GB18030 whose bytes could be UTF-8.
    assert open_export(csv(tmp_path, b"id,name\n" + "中文".encode() + b"\xd5\xc5\n")).charset == "gb18030"


def test_a_pipe_is_no_empty_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.csv")
    error = refusal(tmp_path / "p.csv")
    assert (error.code, "regular file" in error.message) == ("FILE_NOT_FOUND", True)


def test_a_long_directory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    size = _zip_guard.MAX_DIRECTORY_BYTES + 1
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, 0, 0)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, size, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 8, 1)
    small = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 46, 0, 0)
    for tail in (end, end64 + locator + small, end[:20] + struct.pack("<H", 5) + b"12345"):
        (tmp_path / "p.xlsx").write_bytes(b"PK\x03\x04" + bytes(4) + tail)
        assert refusal(tmp_path / "p.xlsx").code == "ZIP_TOO_LARGE"


def test_wide_text_comes_in_small_batches(tmp_path: Path) -> None:
    width = 16_384
    names = [f"c{n}" for n in range(width)]
    path = csv(tmp_path, ",".join(names) + "\n" + ("," * (width - 1) + "\n") * 100)
    assert [batch.num_rows for batch in open_export(path).batches(["c0"])] == [64, 36]


def test_a_child_gets_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(_sql.PASSWORD_VARIABLE, "GEHEIM")
    worker = tmp_path / "worker.py"
    worker.write_text("import json, os\nprint(json.dumps(dict(os.environ)))\n")
    with _child.limited_child(worker, {}) as output:
        environment = json.loads(output.readline())
    assert "GEHEIM" not in environment.values()
    assert environment["ARROW_DEFAULT_MEMORY_POOL"] == "system"


def database(tmp_path: Path, *statements: str) -> str:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'p.db'}")
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
    return f"sqlite:///{tmp_path / 'p.db'}?table=t"


def test_floats_of_a_database_are_numbers(tmp_path: Path) -> None:
    address = database(
        tmp_path,
        "create table t (a text, b real, c integer, d)",
        "insert into t values ('1', 5.0, 6, 7.0), ('2', null, 8, '9')",
    )
    assert open_export(address).numeric_columns == {"b": 1.0, "d": 0.5}


def test_rows_are_fetched_by_their_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = database(
        tmp_path,
        "create table t (a text)",
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) "
        "insert into t select printf('%.*c', case when i > 1000 then 1000 else 1 end, 'x') from n",
    )
    monkeypatch.setattr(_sql, "FETCH_CHARACTERS", 10_000)
    asked: list[int] = []
    fetch = sa.CursorResult.fetchmany

    def watched(self: sa.CursorResult[tuple[str]], size: int | None = None) -> object:
        asked.append(size or 0)
        return fetch(self, size)

    monkeypatch.setattr(sa.CursorResult, "fetchmany", watched)
    (batch,) = open_export(address).batches(["a"])
    assert batch.num_rows == 3000
    second = asked[asked.index(1, 1) :]
    assert second[:5] == [1, 8, 64, 512, 2000]
    assert len(second) > 20
    assert max(second[5:]) <= 20


@pytest.mark.parametrize("moment", [-(10**15), 10**15])
def test_moments_that_no_calendar_has(tmp_path: Path, moment: int) -> None:
    table = pa.table({"a": pa.array([moment], pa.timestamp("s"))})
    pa.feather.write_feather(table, str(tmp_path / "p.feather"), compression="uncompressed")
    assert refusal(tmp_path / "p.feather").code == "COLUMN_TYPE"


def test_dictionary_of_views(tmp_path: Path) -> None:
    values = pa.array(["甲", "一个长于十二个字节的文字"], pa.string_view())
    column = pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 1], pa.int8()), values)
    with pa.ipc.new_file(str(tmp_path / "p.arrow"), pa.schema([("a", column.type)])) as writer:
        writer.write_batch(pa.record_batch([column], names=["a"]))
    (batch,) = open_export(tmp_path / "p.arrow").batches(["a"])
    assert batch["a"].to_pylist() == ["一个长于十二个字节的文字", "甲", "", "一个长于十二个字节的文字"]
