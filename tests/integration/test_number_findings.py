"""Trouble with ID numbers through the commands: from two exports to both departments' worklists.

A number on two people's rows is put together by hand at the bureau, because whether a run keeps such rows apart is the
linkage's business; a superseded number goes the whole road, under thresholds that the agreement fixes: five rows are
too few for an evidence model to link two valid numbers.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from python_calamine import CalamineWorkbook

from fixed_thresholds import fixed_template
from integration.people import CHARSETS, OWNERS, Person, Rows, csv_bytes, id_number
from integration.road import Commands, Road, lay_out
from secure_match.agreement.files import read_agreement
from secure_match.bureau._returns import build_returns
from secure_match.bureau.package_files import read_packages
from secure_match.enrolment import PersonRows, find_number_conflicts
from secure_match.enrolment.files import write_findings
from secure_match.linkage import link

OLD = Person(name="鸾鹥鵷", birth="19720503", sequence="311", phone="19900470099")
LENDER = Person(name="鸑鷟鶵", birth="19880912", sequence="533", phone="19900470088")
BORROWER = Person(name="麹麴麯", birth="19610127", sequence="755", phone="19900470077")
SUPERSEDED = id_number(OLD.birth, "913")
HEADERS = {
    "population": ["人员编号", "公民身份号码", "姓名", "性别", "出生日期", "联系电话", "人员状态"],
    "employee_medical": ["psn_no", "certno", "psn_name", "gend", "brdy", "tel", "begn_ym", "end_ym"],
}


def row(key: str, someone: Person, number: str, *more: str) -> list[str]:
    return [key, number, someone.name, someone.sex, someone.birth, someone.phone, *more]


ROWS: dict[str, Rows] = {
    "population": [
        row("P1", OLD, OLD.id_number, "1"),
        row("P2", LENDER, LENDER.id_number, "1"),
    ],
    "employee_medical": [
        row("M1", OLD, SUPERSEDED, "202601", ""),
        row("M2", LENDER, LENDER.id_number, "202601", ""),
        # Somebody else's card: the row's own name and birth date are the borrower's.
        row("M3", BORROWER, LENDER.id_number, "202601", ""),
    ],
}


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with Commands(tmp_path_factory.mktemp("commands")) as running:
        yield running


@pytest.fixture(scope="module")
def city(commands: Commands, tmp_path_factory: pytest.TempPathFactory) -> Road:
    """Packages of both departments, made by the commands."""
    here = lay_out(tmp_path_factory.mktemp("numbers"))
    here.agreement.write_text(fixed_template(), encoding="utf-8")
    for dataset, rows in ROWS.items():
        here.export(dataset).write_bytes(csv_bytes([HEADERS[dataset], *rows], CHARSETS[dataset]))
        words = [here.agreement, dataset, here.export(dataset), "--key", here.key(OWNERS[dataset])]
        here.package(dataset).parent.mkdir(exist_ok=True)
        done = commands.run("department", "encode", *words, "--out", here.package(dataset), cwd=here.root)
        assert done.status == 0, done.error
    return here


def worklist(commands: Commands, city: Road, dataset: str, findings: Path, out: Path, *more: str) -> None:
    words = [findings, city.export(dataset), "--key", city.key(OWNERS[dataset]), "--out", out, *more]
    done = commands.run("department", "resolve", *words, cwd=city.root)
    assert done.status == 0, done.error


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_superseded_number_from_exports_to_worklists(commands: Commands, city: Road, tmp_path: Path) -> None:
    packages = [city.package(dataset) for dataset in ROWS]
    done = commands.run("bureau", "link", city.agreement, *packages, "--out", tmp_path / "run", cwd=city.root)
    assert done.status == 0, done.error
    shown = [line for line in done.lines if "one person, two numbers" in line]
    assert [cell.strip() for cell in shown[0].split("│")[2:6]] == ["1", "1", "2", "2"]

    found = {}
    for dataset, key, other in (
        ("population", "P1", "职工基本医疗保险"),
        ("employee_medical", "M1", "常住人口"),
    ):
        out = tmp_path / f"{dataset}.csv"
        worklist(commands, city, dataset, tmp_path / "run" / f"findings-{OWNERS[dataset]}.smf", out)
        (own,) = (line for line in rows_of(out) if line["疑点类型"] == "一人多号")
        assert own[HEADERS[dataset][0]] == key
        assert own["对方数据"] == other
        assert own["比对依据"] == "姓名等信息一致"
        assert own["说明"].startswith("一人多号：")
        found[dataset] = own["疑点编号"]
        everything = out.read_text(encoding="utf-8-sig")
        # Neither department sees the other's number.
        assert (SUPERSEDED in everything) == (dataset == "employee_medical")
    assert found["population"] == found["employee_medical"]


def test_a_borrowed_card_from_the_bureau_to_worklists(commands: Commands, city: Road, tmp_path: Path) -> None:
    agreement = read_agreement(city.agreement)
    taken = read_packages(agreement, [city.package(dataset) for dataset in ROWS])
    links = link(agreement, taken.verified)
    # Whoever the run takes for one person: here every row is a person of its own.
    links = replace(links, labels=np.arange(len(links.labels)))
    returned = build_returns(
        agreement,
        PersonRows.build(agreement, links),
        taken.digests,
        duplicates=[],
        missing=[],
        numbers=find_number_conflicts(agreement, links),
    )
    for party, package in returned.items():
        write_findings(package, tmp_path / f"{party}.smf")

    out = tmp_path / "medical.xlsx"
    worklist(commands, city, "employee_medical", tmp_path / "medical.smf", out, "--lang", "en")
    header, *lines = CalamineWorkbook.from_path(out).get_sheet_by_index(0).to_python()
    own = [dict(zip(header, line, strict=True)) for line in lines]
    assert [line["psn_no"] for line in own] == ["M2", "M3"]
    assert {line["finding"] for line in own} == {own[0]["finding"]}
    for line in own:
        assert (line["kind"], line["evidence"]) == ("one number, two people", "equal ID number")
        assert line["other dataset"] == "常住人口, 职工基本医疗保险"
        assert str(line["title"]).endswith("whose number is it?")

    out = tmp_path / "police.csv"
    worklist(commands, city, "population", tmp_path / "police.smf", out)
    (theirs,) = rows_of(out)
    assert (theirs["疑点类型"], theirs["人员编号"], theirs["对方数据"]) == ("一号多人", "P2", "职工基本医疗保险")
    assert theirs["疑点编号"] == own[0]["finding"]
    assert BORROWER.name not in out.read_text(encoding="utf-8-sig")
