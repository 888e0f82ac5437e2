"""What an inspection counts: the same as encoding does, and what a person would count by hand."""

from __future__ import annotations

import csv
import sqlite3
import tomllib
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secure_match.agreement import parse_agreement, trusted_template
from secure_match.agreement.profiles import ROLES
from secure_match.department import DepartmentKey
from secure_match.department._hash_runs import SeenTexts, SharedTexts
from secure_match.department._inspect_texts import FINDINGS, TEXTS
from secure_match.department.contents import looks_like_data, measure_columns, propose_from_sample
from secure_match.department.dataset_encoder import required_columns
from secure_match.department.files import write_key
from secure_match.department.inspect_report import inspection_html, inspection_json, inspection_lines
from secure_match.department.inspect_station import Inspection, inspect_export
from secure_match.department.inspect_verdict import CODES
from secure_match.department.inspection import DIFFERS
from secure_match.department.normalise._check_digits import check_characters
from secure_match.department.quarantine import REASONS
from secure_match.department.readers import ReadOptions
from secure_match.department.stations import encode_export
from secure_match.errors import SecureMatchError, visible
from secure_match.synthetic import CityConfig, generate_city

AGREEMENT = parse_agreement(trusted_template())
CITY = generate_city(CityConfig(people=600, seed=5)).exports
HEADER = ("人员编号", "公民身份号码", "姓名", "性别", "出生日期", "联系电话", "备注")


def id_number(number: int, *, region: str = "999999") -> str:
    """A number with a right check digit in a region that does not exist."""
    first = f"{region}19{50 + number % 50}0{1 + number % 9}1{number % 10}{1 + number % 899:03d}"
    check = check_characters(np.frombuffer(first.encode(), dtype=np.uint8).reshape(1, 17))
    return first + chr(check[0])


def person(number: int) -> list[str]:
    number_of_id = id_number(number)
    birth = number_of_id[6:14]
    return [f"K{number:05d}", number_of_id, "张三", "男", birth, f"138{12345 + number:08d}", ""]


def write(path: Path, rows: list[list[str]], header: tuple[str, ...] = HEADER) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def write_table(path: Path, table: pa.Table) -> Path:
    return write(path, [list(row.values()) for row in table.to_pylist()], tuple(table.column_names))


@pytest.mark.parametrize("dataset_id", [dataset.id for dataset in AGREEMENT.datasets])
def test_the_same_counts_as_encoding(dataset_id: str, tmp_path: Path) -> None:
    """States, quarantine by code and column, and the sums, on exports with every kind of fault."""
    dataset = AGREEMENT.dataset(dataset_id)
    assert dataset is not None
    table = CITY[dataset_id]
    rows = [list(row.values()) for row in table.to_pylist()]
    keyless = list(rows[3])
    keyless[table.column_names.index(dataset.row_key)] = " "
    nobody = ["" if name != dataset.row_key else "K-nobody" for name in table.column_names]
    export = write(
        tmp_path / "export.csv", [*rows, rows[5], rows[5], keyless, nobody, ["a", "b"]], tuple(table.column_names)
    )
    key = DepartmentKey.create(
        party=dataset.owner,
        agreement_id=AGREEMENT.id,
        key_epoch=AGREEMENT.key_epoch,
        encoding_secret=bytes(32),
        handle_secret=bytes(range(32)),
    )
    write_key(key, tmp_path / "key")
    options = ReadOptions(ragged="quarantine")
    encoded = encode_export(AGREEMENT, dataset_id, export, tmp_path / "key", tmp_path / "out.smp", options=options)
    inspected = inspect_export(export, agreement=AGREEMENT, dataset_id=dataset_id, options=options)
    content = inspected.content
    assert content.rows == encoded.read
    assert {item.field: item.states for item in content.fields if item.field in encoded.states} == encoded.states
    by_code: dict[str, int] = {}
    for item in content.refusals:
        by_code[item.code] = by_code.get(item.code, 0) + item.rows
    assert by_code == encoded.reasons
    assert by_code["ROW_KEY_DUPLICATE"] == 2
    assert by_code["ROW_KEY_MISSING"] == by_code["ROW_WIDTH"] == 1
    assert content.links.refused == encoded.quarantined
    assert content.links.by_id_number + content.links.by_passes == encoded.encoded
    assert encoded.quarantine is not None
    listed = list(csv.DictReader(encoded.quarantine.read_text(encoding="utf-8-sig").splitlines()))
    for item in content.refusals:
        rows = [int(row["row_number"]) for row in listed if (row["code"], row["column"]) == (item.code, item.column)]
        assert item.examples == rows[:5]


@pytest.mark.parametrize("dataset_id", [dataset.id for dataset in AGREEMENT.datasets])
def test_the_proposal_is_what_a_person_mapped(dataset_id: str, tmp_path: Path) -> None:
    dataset = AGREEMENT.dataset(dataset_id)
    assert dataset is not None
    proposed = inspect_export(write_table(tmp_path / "export.csv", CITY[dataset_id]))
    assert proposed.mapping is not None
    assert proposed.mapping.column("row_key") == dataset.row_key
    assert proposed.mapping.identity({name: name for name in AGREEMENT.fields}) == dataset.identity
    assert min(item.confidence for item in proposed.mapping.columns if item.role in AGREEMENT.fields) > 0.9


def test_columns_without_their_names_are_told_by_their_cells() -> None:
    """ID number, name, phone; sex in words. A date could be any date, so the birth date is not guessed."""
    table = CITY["population"]
    names = [f"c{place}" for place in range(table.num_columns)]
    arrays = [column.combine_chunks().cast(pa.string()) for column in table.columns]
    mapping = propose_from_sample(tuple(names), pa.record_batch(arrays, names=names))
    real = dict(zip(names, table.column_names, strict=True))
    found = {item.role: real[item.column] for item in mapping.columns}
    assert found == {
        "row_key": "人员编号",
        "id_number": "公民身份号码",
        "name": "姓名",
        "sex": "性别",
        "phone": "联系电话",
    }
    assert all(item.basis in ("content", "unique") for item in mapping.columns)


def test_empty_and_odd_columns_are_measured() -> None:
    batch = pa.record_batch([pa.array(["", "  ", "无"]), pa.array([None, "a", "a"])], names=["empty", "b"])
    measured = measure_columns(batch)
    assert measured["empty"].filled == 0
    assert measured["b"].distinct == 0.0
    assert set(measured["b"].forms) <= set(ROLES)
    assert measure_columns(batch.slice(0, 0))["b"].distinct == 0.0


def hand_rows() -> list[list[str]]:
    """Twenty rows: 2 without ID number, 1 of them without birth date too, 1 wrong check digit, 1 shared key."""
    rows = [person(number) for number in range(20)]
    rows[3][1] = ""
    rows[4][1] = rows[4][4] = rows[4][5] = ""
    rows[5][1] = rows[5][1][:17] + ("0" if rows[5][1][17] != "0" else "1")
    rows[7][0] = rows[6][0]
    for row in rows[8:18]:
        row[5] = "13900001234"
    rows[19][5] = "not a phone"
    return rows


def test_a_verdict_by_hand(tmp_path: Path) -> None:
    found = inspect_export(write(tmp_path / "p.csv", hand_rows()))
    content, verdict = found.content, found.verdict
    assert (content.links.by_id_number, content.links.by_passes, content.links.refused) == (16, 2, 2)
    assert content.links.missed_by_passes == pytest.approx(2 * (1 - 0.99 * 0.998), abs=0.05)
    assert verdict.missed == pytest.approx(2.0, abs=0.05)
    assert [(item.code, item.column, item.rows, item.examples) for item in verdict.findings] == [
        ("ROW_KEY_DUPLICATE", "人员编号", 1, [9]),
        ("NO_IDENTITY", "", 1, [6]),
        ("ID_UNUSABLE", "公民身份号码", 3, [5, 6, 7]),
        ("FIELD_INVALID", "联系电话", 1, [21]),
        ("FIELD_DIFFERS", "性别", 8, [3, 9, 11, 13, 15]),
        ("PHONE_SHARED", "联系电话", 10, []),
    ]
    assert content.shared_phones == {"1": 8, "2-3": 0, "4-9": 0, "10-99": 10, "100+": 0}
    assert [item.column for item in content.columns if not item.filled] == ["备注"]


def test_no_row_key_and_no_id_number_are_said_first(tmp_path: Path) -> None:
    rows = [[row[2], row[3], row[4]] for row in hand_rows()]
    found = inspect_export(write(tmp_path / "p.csv", rows, ("姓名", "性别", "出生日期")))
    assert found.row_key is None
    assert [item.code for item in found.verdict.findings] == ["ROW_KEY_UNKNOWN", "NO_IDENTITY", "ID_UNKNOWN"]
    assert found.verdict.findings[0].missed is None
    assert found.content.links.passes == {"birth": 19, "name_year": 19, "name_day": 19}


def test_spreadsheet_damage_is_seen_and_sound_numbers_are_not_suspected(tmp_path: Path) -> None:
    rows = [person(number) for number in range(2000)]
    sound = inspect_export(write(tmp_path / "sound.csv", rows))
    assert not any(item.damaged for item in sound.content.columns)
    for row in rows:
        row[1] = row[1][:15] + "000"
    found = inspect_export(write(tmp_path / "cut.csv", rows))
    column = next(item for item in found.content.columns if item.column == "公民身份号码")
    assert (column.damaged, column.long_numbers, column.ending_000) == (True, 2000, 2000)
    assert found.verdict.findings[0].code == "ID_DAMAGED"
    for row in rows:
        row[1] = f"{float(row[1][:15] + '000'):.5E}"
    found = inspect_export(write(tmp_path / "powers.csv", rows))
    column = next(item for item in found.content.columns if item.column == "公民身份号码")
    assert (column.damaged, column.powers) == (True, 2000)
    assert found.mapping is not None
    assert found.mapping.column("id_number") == "公民身份号码"


def test_a_file_without_a_header_row_is_refused(tmp_path: Path) -> None:
    """Headers stand in the report, so the first person must not be one."""
    export = write(tmp_path / "p.csv", [person(2)], (*person(1)[:6], "备注"))
    with pytest.raises(SecureMatchError, match="INPUT_HEADER") as caught:
        inspect_export(export)
    assert caught.value.place.column == "number 2"
    assert id_number(1) not in str(caught.value)


HEADLESS = [
    ("'" + id_number(1), "张三", "某路1号"),
    (f"{id_number(2)[:6]} {id_number(2)[6:14]} {id_number(2)[14:]}", "张三", "某路2号"),
    (f"{id_number(3)[:6]}-{id_number(3)[6:14]}-{id_number(3)[14:]}", "某路"),
    (id_number(4) + "张三", "1990-03-07 00:00:00"),
    ("张三丰", "0755-8888 0001", "某路3号", "H12345678"),
    ("（020）8123·4567", "张三"),
    ("某路4号", "M12345678"),
    ("编码", "一九", "1990.1.2"),
    ("1.39E+10", "x"),
    ("张三", "男", "某街道"),
    ("张三", "李四", "某街道"),
    ("张三",),
]
NAMES_OF_COLUMNS = [
    ("AAC001", "AAC002_身份证号", "参保202601至202612"),
    ("姓名", "任务", "金额", "方法"),
    ("金额", "单位", "年度2025"),
    ("c1", "c2", "c3"),
]


@pytest.mark.parametrize("header", HEADLESS)
def test_a_header_that_is_a_person_never_reaches_a_report(header: tuple[str, ...], tmp_path: Path) -> None:
    """ID numbers in any writing, telephone and permit numbers, and names where no column is known."""
    export = write(tmp_path / "p.csv", [["x"] * len(header)], header)
    with pytest.raises(SecureMatchError, match="INPUT_HEADER") as caught:
        inspect_export(export)
    assert not any(cell in str(caught.value) for cell in header)


@pytest.mark.parametrize("header", NAMES_OF_COLUMNS)
def test_names_of_columns_are_not_taken_for_people(header: tuple[str, ...]) -> None:
    assert looks_like_data(header) == []


def test_one_column_with_a_whole_line_asks_for_a_layout(tmp_path: Path) -> None:
    lines = [f"张三        {id_number(number)}K{number:06d}" for number in range(5)]
    (tmp_path / "fixed.txt").write_text("\n".join(lines), encoding="gb18030")
    with pytest.raises(SecureMatchError, match="INPUT_HEADER") as caught:
        inspect_export(tmp_path / "fixed.txt")
    assert "--layout" in str(caught.value)


def test_a_header_that_the_agreement_names_is_known(tmp_path: Path) -> None:
    """It stands in the agreement, so it tells nothing; any other is refused there too."""
    agreement = parse_agreement(trusted_template().replace('"人员编号"', '"编号20260101"'))
    dataset = agreement.dataset("population")
    assert dataset is not None
    header = required_columns(dataset)
    assert "编号20260101" in header
    rows = [["x"] * len(header)]
    inspect_export(write(tmp_path / "p.csv", rows, header), agreement=agreement, dataset_id="population")
    other = write(tmp_path / "o.csv", [[*rows[0], "x"]], (*header, "13812345678"))
    with pytest.raises(SecureMatchError, match="INPUT_HEADER"):
        inspect_export(other, agreement=agreement, dataset_id="population")


def odd_table(path: Path, **columns: pa.Array) -> Path:
    rows = [person(number) for number in range(4)]
    table = {name: pa.array([row[place] for row in rows]) for place, name in enumerate(HEADER)}
    pq.write_table(pa.table(table | columns), path)
    return path


def test_a_column_that_cannot_be_read_and_nobody_needs_is_left_out_with_a_note(tmp_path: Path) -> None:
    fractions = pa.array([1.5, 2.0, None, 4.25])
    binary = pa.array([b"a", b"b", b"c", b"d"])
    found = inspect_export(odd_table(tmp_path / "p.parquet", 金额=fractions, 照片=binary, 住址=binary))
    for column in ("金额", "照片", "住址"):
        assert any(column in note and "COLUMN_TYPE" in note for note in found.notes)
    assert [item.column for item in found.content.columns] == list(HEADER)
    assert found.content.links.by_id_number == 4
    assert inspect_export(odd_table(tmp_path / "q.parquet")).content == found.content


def test_a_column_that_is_needed_and_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecureMatchError, match="COLUMN_TYPE") as caught:
        inspect_export(odd_table(tmp_path / "p.parquet", 公民身份号码=pa.array([1.5] * 4)))
    assert caught.value.place.column == "公民身份号码"
    rows = [person(number)[:6] for number in range(4)]
    header = ("人员编号", "公民身份号码", "姓名", "性别", "出生日期", "联系电话", "人员状态")
    table = {name: pa.array([[*row, "1"][place] for row in rows]) for place, name in enumerate(header)}
    dataset = AGREEMENT.dataset("population")
    assert dataset is not None
    table |= {name: pa.array(["1"] * 4) for name in required_columns(dataset) if name not in table}
    table["人员状态"] = pa.array([0.5] * 4)
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    with pytest.raises(SecureMatchError, match="COLUMN_TYPE"):
        inspect_export(tmp_path / "a.parquet", agreement=AGREEMENT, dataset_id="population")


def test_a_binary_cell_far_down_a_database_column_is_left_out_too(tmp_path: Path) -> None:
    rows = [(f"K{number}", id_number(number), "张三", "x") for number in range(40)]
    with closing(sqlite3.connect(tmp_path / "d.db")) as base, base:
        base.execute("create table p (编号, 身份证号, 姓名, 备注)")
        base.executemany("insert into p values (?, ?, ?, ?)", [*rows, ("K40", id_number(40), "张三", b"\x00")])
    found = inspect_export(f"sqlite:///{tmp_path / 'd.db'}?table=p")
    assert (found.content.rows, found.content.links.by_id_number) == (41, 41)
    assert [item.column for item in found.content.columns] == ["编号", "身份证号", "姓名"]


def test_a_few_damaged_rows_are_told(tmp_path: Path) -> None:
    """As many as a supplement has."""
    rows = [person(number) for number in range(4)]
    for row in rows:
        row[1] = row[1][:15] + "000"
    found = inspect_export(write(tmp_path / "p.csv", rows))
    assert found.verdict.findings[0].code == "ID_DAMAGED"
    assert found.content.links.by_id_number == 0


def test_an_agreement_needs_a_dataset_and_its_columns(tmp_path: Path) -> None:
    export = write(tmp_path / "p.csv", [person(1)])
    for call in ({"agreement": AGREEMENT}, {"dataset_id": "population"}):
        arguments: dict[str, Any] = call
        with pytest.raises(SecureMatchError, match="INSPECT_DATASET"):
            inspect_export(export, **arguments)
    with pytest.raises(SecureMatchError, match="COLUMN_MISSING") as caught:
        inspect_export(export, agreement=AGREEMENT, dataset_id="population")
    assert caught.value.place.column == "人员状态"
    with pytest.raises(SecureMatchError, match="DATASET_UNKNOWN"):
        inspect_export(export, agreement=AGREEMENT, dataset_id="nowhere")


def test_all_rows_refused_still_gives_a_report(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("姓名,身份证号\na\nb\n", encoding="utf-8")
    found = inspect_export(path, options=ReadOptions(ragged="quarantine"))
    assert (found.content.rows, found.content.links.refused) == (2, 2)
    assert found.verdict.missed_per_10_000 == 10_000
    assert [item.code for item in found.verdict.findings] == [
        "ROW_KEY_UNKNOWN",
        "ROW_WIDTH",
        "COLUMN_EMPTY",
        "COLUMN_EMPTY",
    ]


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=12), max_size=9))
def test_repeats_are_those_of_a_set(batches: list[list[tuple[str, bool]]]) -> None:
    seen, known = SeenTexts(), set[str]()
    for batch in batches:
        expected = []
        for text, chosen in batch:
            expected.append(chosen and text in known)
            if chosen:
                known.add(text)
        chosen_rows = np.array([chosen for _, chosen in batch], dtype=np.bool_)
        assert seen.add(pa.array([text for text, _ in batch], pa.string()), chosen_rows).tolist() == expected


def test_rows_by_degree() -> None:
    shared = SharedTexts()
    assert sum(shared.rows_by_degree().values()) == 0
    shared.add(pa.array(["a", "b", "b", None, None, *["c"] * 9]))
    shared.add(pa.array(["c", *["d"] * 120]))
    assert shared.rows_by_degree() == {"1": 1, "2-3": 2, "4-9": 0, "10-99": 10, "100+": 120}


def test_every_text_is_there_in_both_languages() -> None:
    assert set(FINDINGS) == set(CODES)
    # Whether a cell is small shows when all rows are encoded.
    assert set(REASONS) - {"CELL_SMALL"} <= set(CODES)
    for texts in (*TEXTS.values(), *FINDINGS.values()):
        assert set(texts) == {"zh", "en"}
        assert all(texts.values())


def test_the_rule_that_is_printed_is_the_one_that_is_used() -> None:
    words = {"name": "name", "sex": "sex", "birth_date": "birth date", "phone": "phone", "town": "town"}
    for kind, word in words.items():
        assert f"{word} {DIFFERS[kind] * 100:g} %" in TEXTS["rule"]["en"]
        assert f"{DIFFERS[kind] * 100:g}%" in TEXTS["rule"]["zh"]


@pytest.fixture(scope="module")
def inspected(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    header = (*HEADER[:6], '<b onclick="x">a&b')
    return inspect_export(write(tmp_path_factory.mktemp("html") / "p.csv", hand_rows(), header))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_is_one_escaped_file_without_requests(inspected: Inspection, language: Any) -> None:
    page = inspection_html(inspected, language)
    assert page == inspection_html(inspected, language)
    assert "<b onclick" not in page
    assert "&lt;b onclick=&quot;x&quot;&gt;a&amp;b" in page
    for word in ("<script", "http:", "https:", "src=", "href=", "@import", "url("):
        assert word not in page
    assert "@media print" in page
    for item in inspected.verdict.findings:
        assert f"[{item.code}]" in page
        assert any(f"[{item.code}]" in line for line in inspection_lines(inspected, language))


@pytest.mark.parametrize("hidden", ["\udcd1\udca7", "\u202e", "\u2028", "\x1b[2J", "\u200b", "\n<br>"])
def test_the_page_can_be_written_and_hides_nothing(inspected: Inspection, hidden: str) -> None:
    """A file name of another charset stands in Python's text as lone surrogates; headers may turn the direction."""
    toml = f'a = "{hidden}"\nb = 1\n'
    page = inspection_html(replace(inspected, place=f"p{hidden}.csv", notes=(hidden,), toml=toml), "zh")
    page.encode()
    assert hidden not in page
    assert all(mark == "\n" or visible(mark) == mark for mark in page)


def test_no_header_can_end_a_line_of_the_snippet(tmp_path: Path) -> None:
    """It is there to be pasted: a line of its own would be live TOML."""
    evil = "住址（\u2028[limits]\u2029max_fuzzy_share = 1.0\x85#\u202e）"
    found = inspect_export(write(tmp_path / "p.csv", hand_rows(), (*HEADER[:6], evil)))
    assert found.toml is not None
    assert not any(line.lstrip().startswith(("[limits]", "max_fuzzy")) for line in found.toml.splitlines())
    assert "max_fuzzy_share" not in tomllib.loads(found.toml)
    assert set(found.toml.rstrip("\n").split("\n")) <= set(inspection_lines(found, "zh"))


def test_a_column_is_proposed_by_what_of_its_name_can_be_seen(tmp_path: Path) -> None:
    found = inspect_export(write(tmp_path / "p.csv", hand_rows(), (*HEADER[:2], "姓\u2028名", *HEADER[3:])))
    assert found.mapping is not None
    assert found.mapping.column("name") == "姓名"


def test_json_is_plain(inspected: Inspection) -> None:
    content = inspection_json(inspected)
    assert content["format"] == "secure_match/inspection"
    assert content["content"]["rows"] == 20
    assert {item["code"] for item in content["verdict"]["findings"]} <= set(CODES)


def test_many_batches_equal_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_table(tmp_path / "export.csv", CITY["employee_pension"])
    whole = inspect_export(path).content
    monkeypatch.setattr("secure_match.department.readers._csv.BATCH_ROWS", 7)
    assert inspect_export(path).content == whole
