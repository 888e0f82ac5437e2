"""Databases: a real PostgreSQL and SQLite, read-only, exact text, and no password anywhere."""

from __future__ import annotations

import os
import sqlite3
import sys
import traceback
from pathlib import Path

import pytest
import sqlalchemy as sa

from secure_match.department.readers import ROW_NUMBER, Export, ReadOptions, _sql, open_export
from secure_match.errors import SecureMatchError, UsageError

SECRET = "Zq7-password"
TYPES = """
create schema if not exists "帮 扶";
create table "帮 扶"."人员 表" (
    "编号" bigint, "姓名" text, "日期" date, "金额" numeric(20, 2), "时间" timestamp, "数" float8, "是" boolean,
    "键" uuid, "二" bytea, "半" float8, "select" text
);
insert into "帮 扶"."人员 表" values
    (999999195001011234, '张机密', '2001-02-03', 1.50, '2001-02-03 04:05:06.7', 3, true,
     '00000000-0000-0000-0000-000000000001', 'x', 1.5, 'q'),
    (null, null, null, null, null, null, null, null, null, null, null);
"""


@pytest.fixture
def server(postgres, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECURE_MATCH_DB_PASSWORD", postgres.password)
    engine = sa.create_engine(postgres.own)
    with engine.begin() as connection:
        connection.exec_driver_sql('drop schema if exists "帮 扶" cascade')
        for statement in TYPES.split(";")[:-1]:
            connection.exec_driver_sql(statement)
    engine.dispose()
    return postgres


def rows_of(export: Export, *columns: str) -> list[tuple[object, ...]]:
    return [
        row
        for batch in export.batches(columns or export.header)
        for row in zip(*batch.to_pydict().values(), strict=True)
    ]


def refusal(source: str | Path, options: ReadOptions | None = None, *columns: str) -> SecureMatchError:
    """The error of reading the source, without password or value in it or behind it."""
    caught: SecureMatchError | None = None
    try:
        rows_of(open_export(source, options), *columns)
    except SecureMatchError as error:
        caught = error
    assert caught is not None
    shown = "".join(traceback.format_exception(caught, chain=True))
    told = str(caught) + repr(caught.place) + shown.rsplit("Error: ", maxsplit=1)[-1]
    assert SECRET not in told
    assert "机密" not in told
    assert caught.__context__ is None
    return caught


def test_types_of_postgresql(server) -> None:
    export = open_export(f"{server.address}&table=帮 扶.人员 表")
    columns = ("编号", "姓名", "日期", "金额", "时间", "数", "是", "键", "select")
    first = (
        "999999195001011234", "张机密", "2001-02-03", "1.50", "2001-02-03 04:05:06", "3", "TRUE",
        "00000000-0000-0000-0000-000000000001", "q",
    )  # fmt: skip
    assert rows_of(export, *columns) == [(1, *first), (2, *[""] * 9)]
    for column in ("二", "半"):
        error = refusal(f"{server.address}&table=帮 扶.人员 表", None, column)
        assert (error.code, error.place.row, error.place.column) == ("COLUMN_TYPE", 1, column)


def query_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "q.sql"
    path.write_text(text, encoding="utf-8")
    return path


def test_query_file(server, tmp_path: Path) -> None:
    text = """-- who; and ':when'
        /* all */ select "姓名" as name, '12:30' as t, count(*)::text as "n%" from "帮 扶"."人员 表"
        where "姓名" like '张%' group by 1;
    """
    export = open_export(query_file(tmp_path, text), ReadOptions(connection=server.address))
    assert export.header == ("name", "t", "n%")
    assert rows_of(export) == [(1, "张机密", "12:30", "1")]


def count(server) -> int:
    return len(rows_of(open_export(f"{server.address}&table=帮 扶.人员 表"), "编号"))


@pytest.mark.parametrize(
    "text",
    [
        'delete from "帮 扶"."人员 表"',
        'with gone as (delete from "帮 扶"."人员 表" returning *) select * from gone',
        'select 1 as a; delete from "帮 扶"."人员 表"',
        'select 1 as a; commit; delete from "帮 扶"."人员 表"',
        'select * into copied from "帮 扶"."人员 表"',
        "select nextval('none')",
        "select 1 as a, 1/0 as b",
        "",
        "selectx",
    ],
)
def test_only_a_select_in_a_read_only_transaction(server, tmp_path: Path, text: str) -> None:
    error = refusal(query_file(tmp_path, text), ReadOptions(connection=server.address))
    assert error.code in ("SQL_NOT_SELECT", "SQL_FAILED")
    assert count(server) == 2


def test_a_million_rows_come_through_a_cursor(server, tmp_path: Path) -> None:
    """Only the first rows are fetched: the whole result would be a gigabyte."""
    query = query_file(tmp_path, "select repeat('x', 1000) as a from generate_series(1, 1000000)")
    batches = open_export(query, ReadOptions(connection=server.address)).batches(["a"])
    before = _peak()
    assert next(batches).num_rows == _sql.RESULT_ROWS
    batches.close()  # type: ignore[attr-defined]
    assert _peak() - before < 200 << 20


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def test_errors_of_the_data_show_no_value(server, tmp_path: Path) -> None:
    text = 'select cast("姓名" as int) as a from "帮 扶"."人员 表"'
    error = refusal(query_file(tmp_path, text), ReadOptions(connection=server.address))
    assert (error.code, "22P02" in error.message) == ("SQL_FAILED", True)


def test_passwords(server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{server.address}&table=帮 扶.人员 表"
    assert rows_of(open_export(address), "编号")
    monkeypatch.setenv("SECURE_MATCH_DB_PASSWORD", SECRET)
    assert refusal(address).code == "SQL_FAILED"
    (tmp_path / "password").write_text(server.password + "\n", encoding="utf-8")
    monkeypatch.setenv("SECURE_MATCH_DB_PASSWORD_FILE", str(tmp_path / "password"))
    assert rows_of(open_export(address), "编号")
    monkeypatch.setenv("SECURE_MATCH_DB_PASSWORD_FILE", str(tmp_path / "none"))
    assert refusal(address).code == "SQL_PASSWORD_FILE"
    monkeypatch.delenv("SECURE_MATCH_DB_PASSWORD_FILE")
    monkeypatch.delenv("SECURE_MATCH_DB_PASSWORD")
    monkeypatch.setenv("PGPASSWORD", server.password)
    export = open_export(address)
    assert rows_of(export, "编号")
    assert server.password not in repr(export) + export.place


@pytest.mark.parametrize(
    ("address", "code"),
    [
        (f"postgresql://clerk:{SECRET}@host/db?table=t", "SQL_PASSWORD"),
        (f"postgresql://clerk@host/db?table=t&password={SECRET}", "SQL_PASSWORD"),
        (f"postgresql://clerk@host/db?table=t&passfile={SECRET}", "SQL_PASSWORD"),
        (f"postgresql://clerk@host/db?table=t&options={SECRET}", "SQL_URL"),
        ("postgresql://clerk@host/db", "SQL_URL"),
        ("postgresql://clerk@host:port/db?table=t", "SQL_URL"),
        (f"mysql://clerk:{SECRET}@host/db?table=t", "SQL_URL"),
        (f"http://clerk:{SECRET}@host/p.csv", "SQL_URL"),
        ("sqlite:///none.db?table=t", "FILE_NOT_FOUND"),
        ("sqlite://?table=t", "FILE_NOT_FOUND"),
        ("postgresql://clerk@/db?host=/nonexistent&table=t", "SQL_FAILED"),
    ],
)
def test_addresses_that_are_refused(address: str, code: str) -> None:
    assert refusal(address).code == code


def test_query_without_connection(tmp_path: Path) -> None:
    assert refusal(query_file(tmp_path, "select 1")).code == "SQL_CONNECTION"
    address = f"postgresql://clerk:{SECRET}@host/db"
    assert refusal(query_file(tmp_path, "select 1"), ReadOptions(connection=address)).code == "SQL_PASSWORD"
    assert refusal(tmp_path / "none.sql", ReadOptions(connection="postgresql://host/db")).code == "FILE_NOT_FOUND"
    (tmp_path / "b.sql").write_bytes("select '张机密'".encode("gbk"))
    assert refusal(tmp_path / "b.sql", ReadOptions(connection="postgresql://host/db")).code == "INPUT_CHARSET"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "某 库.db"
    connection = sqlite3.connect(path)
    connection.execute('create table "人员 ""表""" ("编号" integer, "姓名" text, x)')
    rows = [(1, "张机密", 2.0), (2, None, None)]
    connection.executemany('insert into "人员 ""表""" values (?, ?, ?)', rows)
    connection.execute("create table odd (x)")
    connection.execute("insert into odd values (1.5), (zeroblob(10)), (zeroblob(2000000))")
    connection.execute("create table none (x)")
    connection.commit()
    connection.close()
    return path


def test_sqlite(database: Path, tmp_path: Path) -> None:
    options = ReadOptions(connection=f"sqlite:///{database}")
    text = 'select "姓名", "编号", x from "人员 ""表""" order by "编号"'
    export = open_export(query_file(tmp_path, text), options)
    assert rows_of(export) == [(1, "张机密", "1", "2"), (2, "", "2", "")]
    assert refusal(query_file(tmp_path, "select x from none"), options).code == "INPUT_NO_ROWS"
    assert refusal(query_file(tmp_path, "select x from odd"), options).code == "COLUMN_TYPE"
    assert refusal(query_file(tmp_path, "select missing from odd"), options).code == "SQL_FAILED"
    assert refusal(query_file(tmp_path, "select x, x from odd"), options).code == "INPUT_HEADER"
    assert refusal(query_file(tmp_path, "select hex(x) as x from odd"), options).code == "CELL_TOO_LONG"
    change = 'with a as (select 1) insert into "none" select * from a'
    assert refusal(query_file(tmp_path, change), options).code == "SQL_FAILED"


def test_sqlite_table_and_damage(database: Path, tmp_path: Path) -> None:
    path = database.rename(tmp_path / "p.db")
    export = open_export(f'sqlite:///{path}?table=人员 "表"')
    assert rows_of(export, "姓名") == [(1, "张机密"), (2, "")]
    assert ROW_NUMBER not in export.header
    content = bytearray(path.read_bytes())
    content[100:] = os.urandom(len(content) - 100)
    path.write_bytes(content)
    assert refusal(f'sqlite:///{path}?table=人员 "表"').code == "SQL_FAILED"
    assert refusal(path).code == "FORMAT_UNKNOWN"


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "sqlalchemy"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="EXTRA_MISSING"):
        open_export("postgresql://host/db?table=t")
