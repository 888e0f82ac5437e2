"""The same rows give the same package, byte for byte, whatever kind of export held them; refused rows are counted."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
import sqlalchemy as sa
import xlsxwriter

from secure_match.agreement import Agreement
from secure_match.agreement.files import read_agreement
from secure_match.department import DepartmentKey
from secure_match.department.files import write_key
from secure_match.department.quarantine import REASONS, REMEDIES
from secure_match.department.readers import ReadOptions
from secure_match.department.stations import EncodeReport, encode_export
from secure_match.encoded.files import read_dataset
from secure_match.errors import InputError
from secure_match.synthetic import CityConfig, generate_city

TEMPLATE = Path(__file__).parents[3] / "src" / "secure_match" / "agreement" / "templates" / "trusted.toml"
DATASET = "population"


@pytest.fixture(scope="module")
def people() -> pa.Table:
    return generate_city(CityConfig(people=400, seed=11)).exports[DATASET]


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    return read_agreement(TEMPLATE)


@pytest.fixture
def key(tmp_path: Path, agreement: Agreement) -> Path:
    made = DepartmentKey.create(
        party="police",
        agreement_id=agreement.id,
        key_epoch=agreement.key_epoch,
        encoding_secret=bytes(range(32)),
        handle_secret=bytes(range(32, 64)),
    )
    write_key(made, tmp_path / "police.key")
    return tmp_path / "police.key"


def rows_of(people: pa.Table) -> list[list[str]]:
    return [people.column_names, *(list(row.values()) for row in people.to_pylist())]


def write_text(people: pa.Table, path: Path, codec: str, delimiter: str = ",") -> str:
    with path.open("w", encoding=codec, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows_of(people))
    return str(path)


def write_workbook(people: pa.Table, path: Path) -> str:
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False})
    sheet = book.add_worksheet("人口")
    sheet.merge_range(0, 0, 0, people.num_columns - 1, "人口信息表")
    for row, cells in enumerate(rows_of(people), start=1):
        for column, cell in enumerate(cells):
            sheet.write_string(row, column, cell)
    book.close()
    return str(path)


def write_parquet(people: pa.Table, path: Path) -> str:
    pa.parquet.write_table(people, path)
    return str(path)


def write_dbf(people: pa.Table, path: Path) -> str:
    rows = [[cell.encode("gb18030") for cell in row] for row in rows_of(people)]
    widths = [max(1, *(len(row[place]) for row in rows[1:])) for place in range(people.num_columns)]
    record = 1 + sum(widths)
    first = 32 + 32 * len(widths) + 1
    out = [b"\x03\x1a\x01\x01", (len(rows) - 1).to_bytes(4, "little")]
    out += [first.to_bytes(2, "little"), record.to_bytes(2, "little"), bytes(20)]
    for name, width in zip(rows[0], widths, strict=True):
        assert len(name) <= 12
        out.append(name[:11].ljust(11, b"\x00") + b"C" + bytes(4) + bytes([width]) + bytes(15))
    out.append(b"\r")
    for row in rows[1:]:
        out.append(b" " + b"".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    path.write_bytes(b"".join(out) + b"\x1a")
    return str(path)


def write_sqlite(people: pa.Table, path: Path) -> str:
    write_table(people, sa.URL.create("sqlite", database=str(path)))
    return f"sqlite:///{path}?table=人口"


def write_table(people: pa.Table, address: sa.URL) -> None:
    engine = sa.create_engine(address)
    table = sa.Table("人口", sa.MetaData(), *(sa.Column(name, sa.String) for name in people.column_names))
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), people.to_pylist())
    engine.dispose()


def write_numeric_ids(people: pa.Table, path: Path) -> str:
    """As a spreadsheet keeps a column of ID numbers that was typed in as numbers: 15 digits survive."""
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    place = people.column_names.index("公民身份号码")
    for row, cells in enumerate(rows_of(people)):
        for column, cell in enumerate(cells):
            if row and column == place and len(cell) == 18 and cell.isdigit():
                sheet.write_number(row, column, float(int(cell) // 1000 * 1000))
            else:
                sheet.write_string(row, column, cell)
    book.close()
    return str(path)


FORMS: dict[str, Callable[[pa.Table, Path], str]] = {
    "utf16.tsv": lambda people, path: write_text(people, path, "utf-16", "\t"),
    "utf8.txt": lambda people, path: write_text(people, path, "utf-8-sig", ";"),
    "p.xlsx": write_workbook,
    "p.parquet": write_parquet,
    "p.db": write_sqlite,
}


def encode(agreement: Agreement, export: str, key: Path, out: Path, **options: object) -> EncodeReport:
    return encode_export(agreement, DATASET, export, key, out, options=ReadOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
def test_packages_are_equal(form: str, people: pa.Table, agreement: Agreement, key: Path, tmp_path: Path) -> None:
    plain = encode(agreement, write_text(people, tmp_path / "p.csv", "gb18030"), key, tmp_path / "plain.smp")
    other = encode(agreement, FORMS[form](people, tmp_path / form), key, tmp_path / "other.smp")
    assert plain.read == people.num_rows
    assert other.notes != plain.notes
    assert (tmp_path / "plain.smp").read_bytes() == (tmp_path / "other.smp").read_bytes()


def test_dbf_gives_the_same_package(people: pa.Table, agreement: Agreement, key: Path, tmp_path: Path) -> None:
    """A DBF name has eleven bytes, so one column has a shorter name here, in the agreement too."""
    shorter = people.rename_columns([name.replace("公民身份号码", "公民身份号") for name in people.column_names])
    changed = TEMPLATE.read_text(encoding="utf-8").replace("公民身份号码", "公民身份号")
    (tmp_path / "agreement.toml").write_text(changed, encoding="utf-8")
    agreed = read_agreement(tmp_path / "agreement.toml")
    encode(agreed, write_text(shorter, tmp_path / "p.csv", "utf-8"), key, tmp_path / "plain.smp")
    encode(agreed, write_dbf(shorter, tmp_path / "p.dbf"), key, tmp_path / "other.smp")
    assert (tmp_path / "plain.smp").read_bytes() == (tmp_path / "other.smp").read_bytes()


def test_postgresql_gives_the_same_package(
    postgres, people: pa.Table, agreement: Agreement, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(people, postgres.own)
    monkeypatch.setenv("SECURE_MATCH_DB_PASSWORD", postgres.password)
    encode(agreement, write_text(people, tmp_path / "p.csv", "utf-8"), key, tmp_path / "plain.smp")
    encode(agreement, f"{postgres.address}&table=public.人口", key, tmp_path / "other.smp")
    assert (tmp_path / "plain.smp").read_bytes() == (tmp_path / "other.smp").read_bytes()


def test_numbers_kept_as_floats_change_nothing_but_what_they_lost(
    people: pa.Table, agreement: Agreement, key: Path, tmp_path: Path
) -> None:
    encode(agreement, write_text(people, tmp_path / "p.csv", "utf-8"), key, tmp_path / "plain.smp")
    encode(agreement, write_numeric_ids(people, tmp_path / "p.xlsx"), key, tmp_path / "other.smp")
    plain, other = (read_dataset(tmp_path / f"{name}.smp").table for name in ("plain", "other"))
    both = plain.join(other, "handle", join_type="inner", right_suffix=".damaged")
    assert both.num_rows == other.num_rows >= plain.num_rows - 5
    numeric = sum(cell.isdigit() and len(cell) == 18 for cell in people["公民身份号码"].to_pylist())
    assert other["id_token"].null_count >= numeric - (people.num_rows - other.num_rows)
    for name in (name for name in plain.column_names if name.startswith("pass.")):
        pairs = zip(both[name].to_pylist(), both[f"{name}.damaged"].to_pylist(), strict=True)
        # The number also corrects the birth date and sex of a few rows, and cannot any more.
        assert sum(one == two for one, two in pairs) >= 0.98 * both.num_rows, name


def test_refused_rows_are_read_and_quarantined(
    people: pa.Table, agreement: Agreement, key: Path, tmp_path: Path
) -> None:
    path = tmp_path / "p.csv"
    write_text(people, path, "utf-8")
    plain = encode(agreement, str(path), key, tmp_path / "plain.smp")
    with path.open("a", encoding="utf-8") as stream:
        stream.write("too,few\n")
    with pytest.raises(InputError, match="ROW_WIDTH") as caught:
        encode(agreement, str(path), key, tmp_path / "p.smp")
    assert caught.value.place.row == people.num_rows + 2
    assert not (tmp_path / "p.smp").exists()
    report = encode(agreement, str(path), key, tmp_path / "p.smp", ragged="quarantine")
    assert report.reasons == plain.reasons | {"ROW_WIDTH": 1}
    assert report.read == people.num_rows + 1 == report.encoded + report.quarantined
    assert report.quarantine is not None
    listed = list(csv.reader(report.quarantine.read_text(encoding="utf-8-sig").splitlines()))
    assert listed[0] == ["row_number", "column", "code", "meaning", "remedy"]
    assert [str(people.num_rows + 2), "", "ROW_WIDTH", REASONS["ROW_WIDTH"], REMEDIES["ROW_WIDTH"]] in listed
    assert set(REASONS) == set(REMEDIES)


def test_options_of_the_command(people: pa.Table, key: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.dat"
    write_text(people, path, "gb18030", "|")
    path.write_bytes("人口信息表\n".encode("gb18030") + path.read_bytes() + b"too|few\n")
    command = [
        sys.executable, "-c", "from secure_match.cli import main; main()", "department", "encode",
        str(TEMPLATE), DATASET, str(path), "--key", str(key), "--out", str(tmp_path / "p.smp"), "--json",
        "--charset", "gbk", "--delimiter", "pipe", "--header-row", "2", "--ragged", "quarantine",
    ]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert report["read"] == people.num_rows + 1
    assert report["reasons"]["ROW_WIDTH"] == 1
    assert report["notes"] == ["charset GB18030 (given)", "delimiter vertical bar", "header in line 2"]
