"""The same people through every kind of file and database give the same columns."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from people import FILES, HEADER, PEOPLE, columns_of, options_for, write_database

from secure_match.department.readers import ROW_NUMBER, Export, open_export

FIRST_ROWS = {"xlsx": 2, "xls": 2, "ods": 2}
"""Sheet rows count the header; records, lines of a fixed-width file and table places do not."""


def first_row(export: Export) -> int:
    return int(next(iter(export.batches(HEADER)))[ROW_NUMBER][0].as_py())


@pytest.mark.parametrize("kind", FILES)
def test_files(kind: str, tmp_path: Path) -> None:
    name, write = FILES[kind]
    path = tmp_path / name
    write(path)
    export = open_export(path, options_for(path))
    assert export.header == HEADER
    assert export.place == str(path)
    assert export.numeric_columns == {}
    assert columns_of(export) == PEOPLE
    assert columns_of(export) == PEOPLE, "an export can be read again"
    assert columns_of(export, ("姓名", "编号")) == [(row[2], row[0]) for row in PEOPLE]
    assert first_row(export) == FIRST_ROWS.get(kind, 2 if export.place.endswith(("csv", "tsv", "txt")) else 1)


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    write_database(sa.URL.create("sqlite", database=str(path)))
    assert columns_of(open_export(f"sqlite:///{path}?table=人员")) == PEOPLE


def test_postgresql(postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    write_database(postgres.own)
    monkeypatch.setenv("SECURE_MATCH_DB_PASSWORD", postgres.password)
    export = open_export(f"{postgres.address}&table=public.人员")
    assert columns_of(export) == PEOPLE
    assert postgres.password not in export.place + repr(export) + " ".join(export.notes)
