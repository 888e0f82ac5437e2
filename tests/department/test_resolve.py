"""Findings back to people: the department's own rows, for the right key, dataset and export only."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from python_calamine import CalamineWorkbook

from bureau.hand_rows import AGREEMENT, Row, batch, encode, key_for, person
from secure_match.bureau import run_bureau
from secure_match.department.files import write_key
from secure_match.department.own_rows import choose_sources, verify_recipient_key
from secure_match.department.readers import ROW_NUMBER
from secure_match.department.resolve import Worklist, resolve
from secure_match.department.stations import resolve_findings
from secure_match.enrolment import FINDINGS_SCHEMA, FindingsPackage
from secure_match.enrolment.files import write_findings
from secure_match.errors import KeyFileError, UsageError

FIRST_HALF = {"first_month": "202601", "last_month": "202606"}
EMPLOYEES = [
    person(1, "张三", row_key="e1", **FIRST_HALF),
    person(2, "李四", row_key="e2", **FIRST_HALF),
    person(3, "王五", row_key="e3", **FIRST_HALF),
]
RESIDENTS = [
    person(1, "张三", row_key="r1", first_month="202606", last_month=None),
    person(2, "李四", row_key="r2", first_month="202607", last_month=None),
    person(3, "王五", row_key="r3", first_month="202512", last_month="202602"),
]
POPULATION = [person(place, name, row_key=f"p{place}", status="1") for place, name in enumerate(["赵六", "张三"])]
KEY = key_for(AGREEMENT, "employee_medical")
HEADERS = ["疑点编号", "疑点类型", "规则", "说明", "对方数据", "重叠起月", "重叠止月", "比对依据", "原表行号"]


def findings_of(party: str, **rows: list[Row]) -> FindingsPackage:
    datasets = [encode(name, given) for name, given in rows.items()]
    return run_bureau(AGREEMENT, datasets, dict.fromkeys(rows, "0" * 64)).findings[party]


PACKAGE = findings_of("medical", employee_medical=EMPLOYEES, resident_medical=RESIDENTS, population=POPULATION)


def resolved(dataset: str, rows: list[Row], package: FindingsPackage = PACKAGE, **options: Any) -> Worklist:
    export = batch(AGREEMENT, dataset, rows)
    sources = choose_sources(package, tuple(export.schema.names), options.pop("dataset_id", None))
    cut = [export.slice(start, 2) for start in range(0, len(rows), 2)]
    return resolve(package, sources, cut, options.pop("key", KEY), **options)


def test_the_worklist_holds_own_rows_with_the_finding_beside_them() -> None:
    verify_recipient_key(PACKAGE, KEY, noun="findings")
    work = resolved("employee_medical", EMPLOYEES)
    assert (work.dataset, work.findings, work.not_found) == ("employee_medical", 2, 0)
    header = ["psn_no", "certno", "psn_name", "gend", "brdy", "tel", "begn_ym", "end_ym"]
    assert work.table.column_names == [*HEADERS, *header]
    rows = {row["psn_no"]: row for row in work.table.to_pylist()}
    assert set(rows) == {"e1", "e3"}
    one, three = rows["e1"], rows["e3"]
    assert [one[name] for name in HEADERS[1:]] == [
        "重复",
        "medical",
        "基本医疗保险重复参保",
        "城乡居民基本医疗保险",
        "202606",
        "202606",
        "身份证号一致",
        "2",
    ]
    assert [three[name] for name in ("重叠起月", "重叠止月", "原表行号")] == ["202601", "202602", "4"]
    assert [one[name] for name in header] == [
        "e1",
        EMPLOYEES[0]["id_number"],
        "张三",
        "1",
        "19900101",
        None,
        "202601",
        "202606",
    ]
    residents = {row["psn_no"]: row for row in resolved("resident_medical", RESIDENTS).table.to_pylist()}
    assert set(residents) == {"r1", "r3"}
    assert residents["r1"]["疑点编号"] == one["疑点编号"] != three["疑点编号"]
    assert {field.type for field in work.table.schema} == {pa.string()}


def test_a_worklist_prints_counts_only() -> None:
    work = resolved("employee_medical", EMPLOYEES)
    assert repr(work) == "<Worklist of employee_medical: 2 rows, 2 findings, 0 not found>"
    assert work.other_findings == {"resident_medical": 2}


def test_rows_of_one_finding_stand_together_in_the_order_of_the_export() -> None:
    """Within one dataset both rows of a duplicate are the department's own; findings come in order of first rows."""
    rows = [
        person(3, "王五", row_key="a3", **FIRST_HALF),
        person(1, "张三", row_key="a1", **FIRST_HALF),
        person(2, "李四", row_key="a2", **FIRST_HALF),
        person(1, "张三", row_key="b1", **FIRST_HALF),
        person(2, "李四", row_key="b2", **FIRST_HALF),
        person(3, "王五", row_key="b3", **FIRST_HALF),
    ]
    package = findings_of("medical", employee_medical=rows)
    work = resolved("employee_medical", rows, package)
    assert work.table["原表行号"].to_pylist() == ["2", "7", "3", "5", "4", "6"]
    numbers = work.table["疑点编号"].to_pylist()
    assert numbers[::2] == numbers[1::2]
    assert len(set(numbers)) == 3


def test_missing_people_and_english() -> None:
    package = findings_of("police", employee_medical=[], resident_medical=RESIDENTS, population=POPULATION)
    work = resolved("population", POPULATION, package, key=key_for(AGREEMENT, "population"), language="en")
    (row,) = work.table.to_pylist()
    assert (row["人员编号"], row["kind"], row["rule"], row["title"]) == (
        "p0",
        "missing",
        "medical",
        "未参加基本医疗保险",
    )
    assert [row[name] for name in ("other dataset", "first month", "last month", "evidence")] == [None] * 4
    assert row["export row"] == "2"


def test_rows_that_are_gone_and_rows_that_repeat_a_key() -> None:
    work = resolved("employee_medical", EMPLOYEES[:2])
    assert (work.findings, work.not_found, work.table["psn_no"].to_pylist()) == (2, 1, ["e1"])
    # The second batch repeats a key of the first: the row that was encoded is the first.
    again = person(7, "赵七", row_key=" e1 ", **FIRST_HALF)
    work = resolved("employee_medical", [*EMPLOYEES, again])
    assert sorted(work.table["原表行号"].to_pylist()) == ["2", "4"]
    assert work.not_found == 0


def test_no_finding_on_the_export() -> None:
    with pytest.raises(UsageError) as caught:
        resolved("employee_medical", EMPLOYEES[1:2])
    assert caught.value.code == "RESOLVE_NO_ROWS"
    none = findings_of("medical", employee_medical=EMPLOYEES[:1], resident_medical=RESIDENTS[1:2])
    work = resolved("employee_medical", EMPLOYEES, none)
    assert (work.findings, work.not_found, work.table.num_rows) == (0, 0, 0)
    assert work.table.column_names[: len(HEADERS)] == HEADERS


def test_two_datasets_with_one_row_key_header_and_equal_keys() -> None:
    """A person's number in both schemes: the export fits both, so only the department can say which it is."""
    one = [row | {"row_key": "n" + row["row_key"][1:]} for row in EMPLOYEES]
    two = [row | {"row_key": "n" + row["row_key"][1:]} for row in RESIDENTS]
    package = findings_of("medical", employee_medical=one, resident_medical=two)
    with pytest.raises(UsageError) as caught:
        resolved("employee_medical", one, package)
    assert caught.value.code == "RESOLVE_AMBIGUOUS"
    for dataset, rows in (("employee_medical", one), ("resident_medical", two)):
        work = resolved(dataset, rows, package, dataset_id=dataset)
        assert (work.dataset, work.table.num_rows) == (dataset, 2)
    assert (
        resolved("employee_medical", one, package, dataset_id="employee_medical").table["对方数据"].to_pylist()
        == ["城乡居民基本医疗保险"] * 2
    )


def test_of_two_datasets_the_one_that_is_there_whole() -> None:
    one = [row | {"row_key": f"n{place}"} for place, row in enumerate(EMPLOYEES)]
    two = [row | {"row_key": f"n{place + 1}"} for place, row in enumerate(RESIDENTS)]
    package = findings_of("medical", employee_medical=one, resident_medical=two)
    # Keys n0 and n2 against n1 and n3: of the second dataset's keys this export has n1, of the first's both.
    work = resolved("employee_medical", one, package)
    assert (work.dataset, work.table["psn_no"].to_pylist()) == ("employee_medical", ["n0", "n2"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"party": "police"}, "KEY_PARTY"),
        ({"agreement_id": "other"}, "KEY_AGREEMENT"),
        ({"handle_secret": b"o" * 32}, "KEY_MISMATCH"),
    ],
)
def test_only_the_key_that_made_the_handles(change: dict[str, Any], code: str) -> None:
    with pytest.raises(KeyFileError) as caught:
        verify_recipient_key(PACKAGE, key_for(AGREEMENT, "employee_medical", **change), noun="findings")
    assert caught.value.code == code
    other = key_for(AGREEMENT, "employee_medical", encoding_secret=b"o" * 32, key_epoch="9")
    verify_recipient_key(PACKAGE, other, noun="findings")


def test_which_datasets_an_export_can_be() -> None:
    header = ("psn_no", "x")
    assert [source.dataset for source in choose_sources(PACKAGE, header, None)] == [
        "employee_medical",
        "resident_medical",
    ]
    assert [source.dataset for source in choose_sources(PACKAGE, header, "resident_medical")] == ["resident_medical"]
    for given, dataset_id, code in (
        (header, "population", "DATASET_UNKNOWN"),
        (("AAC001",), None, "RESOLVE_NO_ROW_KEY"),
        ((), "resident_medical", "RESOLVE_NO_ROW_KEY"),
    ):
        with pytest.raises(UsageError) as caught:
            choose_sources(PACKAGE, given, dataset_id)
        assert caught.value.code == code


def test_from_file_to_file_with_headers_of_the_worklists_own(tmp_path: Path) -> None:
    findings, export, key = tmp_path / "f.smf", tmp_path / "export.csv", tmp_path / "medical.key"
    write_findings(PACKAGE, findings)
    write_key(KEY, key)
    export.write_text(
        '规则,psn_no,"=cmd",,原表行号\n=1+1,e1,@x,1,-7\n,e2,,,\n"-1\n+2",e3,0012,,张三\n', encoding="utf-8"
    )
    outs = [tmp_path / "work.csv", tmp_path / "work.xlsx"]
    report = resolve_findings(findings, export, key, outs)
    assert (report.dataset, report.rows, report.findings, report.not_found) == ("employee_medical", 2, 2, 0)
    with outs[0].open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == [*HEADERS, "规则", "psn_no", "'=cmd", "原表行号"]
    cells = {row[10]: row[8:] for row in rows[1:]}
    assert cells == {"e1": ["2", "'=1+1", "e1", "'@x", "-7"], "e3": ["5", "'-1\n+2", "e3", "0012", "张三"]}
    sheet = CalamineWorkbook.from_path(outs[1]).get_sheet_by_index(0).to_python()
    assert sheet[0] == [*HEADERS, "规则", "psn_no", "=cmd", "原表行号"]
    assert {row[10]: row[8:] for row in sheet[1:]} == {
        "e1": ["2", "=1+1", "e1", "@x", "-7"],
        "e3": ["5", "-1\n+2", "e3", "0012", "张三"],
    }
    assert {type(cell) for row in sheet for cell in row} == {str}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "export.csv",
        "f.smf",
        "medical.key",
        "work.csv",
        "work.xlsx",
    ]
    assert ROW_NUMBER not in rows[0]


@pytest.mark.parametrize("name", ["f.smf", "export.csv", "medical.key"])
def test_an_input_is_never_overwritten(tmp_path: Path, name: str) -> None:
    findings, export, key = tmp_path / "f.smf", tmp_path / "export.csv", tmp_path / "medical.key"
    write_findings(PACKAGE, findings)
    write_key(KEY, key)
    export.write_text("psn_no\ne1\n", encoding="utf-8")
    content = (tmp_path / name).read_bytes()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError) as caught:
        resolve_findings(findings, export, key, [tmp_path / "folder" / ".." / name])
    assert caught.value.code == "OUTPUT_IS_INPUT"
    assert (tmp_path / name).read_bytes() == content


def number_findings(kind: str, others: str | None) -> FindingsPackage:
    """Both rows of one finding on ID numbers, as the bureau would return it for two rows of employee_medical."""
    table = PACKAGE.table.filter(pc.equal(PACKAGE.table["dataset"], "employee_medical"))
    count = table.num_rows
    cells = {
        "finding_id": pa.array([b"n" * 16] * count, pa.binary(16)),
        "kind": pa.array([kind] * count),
        "rule": pa.array([kind] * count),
        "other_dataset": pa.array([others] * count, pa.string()),
        "first_month": pa.nulls(count, pa.int32()),
        "last_month": pa.nulls(count, pa.int32()),
    }
    columns = [cells.get(field.name, table[field.name]) for field in FINDINGS_SCHEMA]
    changed = pa.table(columns, schema=FINDINGS_SCHEMA)
    return FindingsPackage(manifest=PACKAGE.manifest.model_copy(update={"rows": count}), table=changed)


@pytest.mark.parametrize(
    ("kind", "language", "shown", "title", "advice"),
    [
        ("one_number_two_people", "zh", "一号多人", "一号多人：", "核对本行的号码与姓名"),
        ("one_person_two_numbers", "zh", "一人多号", "一人多号：", "旧号或误录的号码请更正"),
        ("one_number_two_people", "en", "one number, two people", "一号多人: ", "whose number is it?"),
        ("one_person_two_numbers", "en", "one person, two numbers", "一人多号: ", "superseded or mistyped"),
    ],
)
def test_findings_on_numbers_say_what_to_do(kind: str, language: Any, shown: str, title: str, advice: str) -> None:
    package = number_findings(kind, "employee_medical,population")
    work = resolved("employee_medical", EMPLOYEES, package, language=language)
    assert (work.findings, work.not_found, work.table.num_rows) == (2, 0, 2)
    rows = work.table.select(range(len(HEADERS))).to_pylist()
    for row, number in zip(rows, ("2", "4"), strict=True):
        cells = list(row.values())
        assert cells[:3] == ["6e" * 16, shown, kind]
        assert cells[3].startswith(title)
        assert advice in cells[3]
        between = "、" if language == "zh" else ", "
        assert cells[4] == f"职工基本医疗保险{between}常住人口"
        assert cells[5:7] == [None, None]
        assert cells[8] == number


def test_a_kind_that_this_version_does_not_know_is_shown_as_it_is() -> None:
    work = resolved("employee_medical", EMPLOYEES, number_findings("later", None))
    row = work.table.to_pylist()[0]
    assert [row[name] for name in ("疑点类型", "规则", "说明", "对方数据")] == ["later", "later", "", None]
