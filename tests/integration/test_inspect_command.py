"""``department inspect`` in a process of its own, on files of every format; no value of a cell comes out anywhere."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
import sqlalchemy as sa
import xlsxwriter

from secure_match.agreement.files import read_agreement
from secure_match.synthetic import CityConfig, generate_city

TEMPLATE = Path(__file__).parents[2] / "src" / "secure_match" / "agreement" / "templates" / "city.toml"
HEADER = ("AAC001", "AAC002", "AAC003", "AAC004", "AAC006", "AAE005", "AAE006", "AAE041", "AAE042")
MARK = "ZQX"
Rows = list[list[str]]


@pytest.fixture(scope="module")
def people() -> Rows:
    """People whose every cell of four characters or more stands nowhere else than in the export."""
    table = generate_city(CityConfig(people=500, seed=3)).exports["employee_pension"]
    drawn = random.Random(4)
    rows = [[str(row[name] or "") for name in HEADER] for row in table.to_pylist()]
    for place, row in enumerate(rows):
        row[0] = f"{MARK}{drawn.randrange(10**12):012d}"
        row[6] = f"机密路{drawn.randrange(10**9)}号"
        if place % 9 == 0:
            row[1] = ""
        if place % 10 == 0:
            row[1] = f"{MARK}{drawn.randrange(10**12):012d}"
        if place % 11 == 0:
            row[4] = f"机密{place}日"
    rows[20][0] = rows[10][0]
    return rows


def write_text(rows: Rows, path: Path, codec: str, delimiter: str) -> str:
    with path.open("w", encoding=codec, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows([HEADER, *rows])
    return str(path)


def write_workbook(rows: Rows, path: Path, *, numeric: bool = False) -> str:
    book = xlsxwriter.Workbook(path, {"strings_to_numbers": False})
    sheet = book.add_worksheet("人员")
    for number, row in enumerate([list(HEADER), *rows]):
        for place, cell in enumerate(row):
            if numeric and place == 1 and cell.isdigit():
                sheet.write_number(number, place, float(cell[:15] + "000"))
            else:
                sheet.write_string(number, place, cell)
    book.close()
    return str(path)


def write_parquet(rows: Rows, path: Path) -> str:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    pa.parquet.write_table(pa.table(columns, names=list(HEADER)), path)
    return str(path)


def write_database(rows: Rows, path: Path) -> str:
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    table = sa.Table("people", sa.MetaData(), *(sa.Column(name, sa.String) for name in HEADER))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [dict(zip(HEADER, row, strict=True)) for row in rows])
    engine.dispose()
    return f"sqlite:///{path}?table=people"


FORMS: dict[str, Callable[[Rows, Path], str]] = {
    "p.csv": lambda rows, path: write_text(rows, path, "gb18030", ","),
    "p.tsv": lambda rows, path: write_text(rows, path, "utf-16", "\t"),
    "p.xlsx": write_workbook,
    "p.parquet": write_parquet,
    "p.db": write_database,
}


@pytest.fixture(scope="module")
def plain(people: Rows, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the command says in JSON of the people in a CSV file."""
    export = write_text(people, tmp_path_factory.mktemp("plain") / "p.csv", "utf-8", ",")
    found: dict[str, Any] = json.loads(run(export, "--json").stdout)
    return found


def run(*arguments: str, language: str = "C.UTF-8", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    program = "from secure_match.cli import main; main()"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    return subprocess.run(
        [sys.executable, "-c", program, "department", "inspect", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=clean | {"LANG": language, "PYTHONIOENCODING": "utf-8"},
        cwd=cwd,
        check=False,
    )


def require_no_value(rows: Rows, *texts: str) -> None:
    """No cell of four characters or more; months, years apart: they also stand for row counts."""
    for text in texts:
        assert MARK not in text
        assert "机密" not in text
        for row in rows:
            for place in (0, 1, 4, 5, 6):
                assert len(row[place]) < 4 or row[place] not in text
            assert len(row[2]) < 2 or row[2] not in text


@pytest.mark.parametrize("form", FORMS)
def test_every_format_says_the_same_and_no_value(
    form: str, people: Rows, plain: dict[str, Any], tmp_path: Path
) -> None:
    export = FORMS[form](people, tmp_path / form)
    page = tmp_path / "report.html"
    told = run(export, "--html", str(page))
    asked = run(export, "--json")
    assert (told.returncode, asked.returncode) == (0, 0), told.stderr + asked.stderr
    content = json.loads(asked.stdout)
    for field in content["content"]["fields"]:
        other = next(item for item in plain["content"]["fields"] if item["field"] == field["field"])
        assert field["states"] == other["states"]
    assert content["content"]["links"] == plain["content"]["links"]
    assert content["content"]["rows"] == len(people)
    assert content["mapping"] == plain["mapping"]
    require_no_value(people, told.stdout, told.stderr, asked.stdout, asked.stderr, page.read_text(encoding="utf-8"))
    repeated = next(item for item in content["content"]["refusals"] if item["code"] == "ROW_KEY_DUPLICATE")
    assert repeated["rows"] == 1


def test_a_damaged_workbook_is_told(people: Rows, tmp_path: Path) -> None:
    export = write_workbook(people, tmp_path / "p.xlsx", numeric=True)
    asked = run(export, "--json")
    content = json.loads(asked.stdout)
    column = next(item for item in content["content"]["columns"] if item["column"] == "AAC002")
    assert column["damaged"]
    assert column["numeric_share"] > 0.5
    assert column["ending_000"] > 0.8 * column["long_numbers"] > 0
    codes = [item["code"] for item in content["verdict"]["findings"]]
    assert "ID_DAMAGED" in codes
    assert "ID_UNUSABLE" not in codes
    require_no_value(people, asked.stdout, asked.stderr)


def test_every_cell_a_mark(tmp_path: Path) -> None:
    """Also where nothing can be read at all: cells, error messages and the refused width."""
    rows = [[f"{MARK}{place}.{number}机密" for number in range(len(HEADER))] for place in range(300)]
    export = write_text(rows, tmp_path / "p.csv", "utf-8", ",")
    with Path(export).open("a", encoding="utf-8") as stream:
        stream.write(f"{MARK}too,{MARK}few\n")
    page = tmp_path / "page.html"
    agreed = ("--agreement", str(TEMPLATE), "--dataset", "employee_pension")
    runs = [
        run(export, "--html", str(page)),
        run(export, "--json"),
        run(export, *agreed, language="zh_CN.UTF-8"),
        run(export, "--ragged", "refuse"),
        run(export, "--header-row", "3"),
    ]
    assert [done.returncode for done in runs[:4]] == [0, 0, 0, 2]
    for done in runs[:4]:
        assert MARK not in done.stdout + done.stderr
        assert "机密" not in done.stdout + done.stderr
    assert MARK not in page.read_text(encoding="utf-8")
    assert "ROW_WIDTH" in runs[3].stderr


def test_under_an_agreement(people: Rows, tmp_path: Path) -> None:
    export = write_text(people, tmp_path / "p.csv", "utf-8", ",")
    asked = run(export, "--json", "--agreement", str(TEMPLATE), "--dataset", "employee_pension")
    content = json.loads(asked.stdout)
    assert content["mapping"] is None
    assert content["toml"] is None
    assert content["dataset"] == "employee_pension"
    assert content["row_key"] == "AAC001"
    assert "ROW_KEY_DUPLICATE" in {item["code"] for item in content["content"]["refusals"]}
    require_no_value(people, asked.stdout)


def test_the_snippet_of_the_screen_can_be_pasted(people: Rows, plain: dict[str, Any], tmp_path: Path) -> None:
    export = write_text(people, tmp_path / "p.csv", "utf-8", ",")
    told = run(export, "--lang", "en").stdout
    start = told.index("[[datasets]]")
    snippet = told[start : told.index("Next:")].replace('owner = "police"', 'owner = "hrss"')
    assert tomllib.loads(snippet)["datasets"][0]["identity"]["id_number"] == "AAC002"
    text = TEMPLATE.read_text(encoding="utf-8")
    place = text.index("# ---------------------------------------------------------------- passes")
    agreement = tmp_path / "agreement.toml"
    agreement.write_text(text[:place] + snippet + "\n" + text[place:], encoding="utf-8")
    assert read_agreement(agreement).dataset("export") is not None
    again = run(export, "--json", "--agreement", str(agreement), "--dataset", "export")
    assert json.loads(again.stdout)["content"]["fields"] == plain["content"]["fields"]


def test_language_and_what_is_written(people: Rows, tmp_path: Path) -> None:
    export = write_text(people, tmp_path / "p.csv", "utf-8", ",")
    before = sorted(tmp_path.iterdir())
    assert "需要处理的问题" in run(export, language="zh_CN.UTF-8", cwd=tmp_path).stdout
    assert "What to mend" in run(export, language="C.UTF-8", cwd=tmp_path).stdout
    assert "What to mend" in run(export, "--lang", "en", language="zh_CN.UTF-8", cwd=tmp_path).stdout
    assert sorted(tmp_path.iterdir()) == before
    content = Path(export).read_bytes()
    refused = run(export, "--html", export)
    assert refused.returncode == 2
    assert "OUTPUT_IS_INPUT" in refused.stderr
    assert Path(export).read_bytes() == content
    lone = run(export, "--dataset", "employee_pension")
    assert (lone.returncode, "INSPECT_DATASET" in lone.stderr) == (2, True)


def test_a_report_replaces_a_report_and_nothing_else(people: Rows, tmp_path: Path) -> None:
    export = write_text(people, tmp_path / "p.csv", "utf-8", ",")
    page, note = tmp_path / "report.html", tmp_path / "police.key"
    note.write_text("not ours to replace", encoding="utf-8")
    for _ in range(2):
        assert run(export, "--html", str(page)).returncode == 0
    refused = run(export, "--html", str(note))
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: FILE_EXISTS: ")
    assert note.read_text(encoding="utf-8") == "not ours to replace"
