"""Findings on ID numbers as departments get them, made from a result whose people are given by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bureau.hand_rows import AGREEMENT, Row, encode, person
from secure_match.agreement import Agreement
from secure_match.bureau import run_bureau
from secure_match.bureau._returns import build_returns
from secure_match.enrolment import FindingsPackage, PersonRows, find_number_conflicts
from secure_match.linkage import link

OPEN = {"first_month": "202601", "last_month": None}
ROWS: dict[str, list[Row]] = {
    "population": [person(1, "甲", row_key="p1", status="1")],
    "employee_pension": [person(1, "甲", row_key="w1", **OPEN)],
    "employee_medical": [person(1, "甲", row_key="e1", **OPEN), person(5, "丙", row_key="e5", **OPEN)],
    "resident_medical": [person(1, "丁", row_key="r1", **OPEN), person(5, "丙", row_key="r5", **OPEN)],
}
OTHERS = [["p1", "w1", "e1"], ["r1", "e5", "r5"]]
"""Row r1 has the number of p1 and belongs to the person of e5 and r5."""


def handle_of(dataset: str, row: Row) -> bytes:
    (handle,) = encode(dataset, [row]).table["handle"].to_pylist()
    return bytes(handle)


NAMES = {handle_of(dataset, row): row["row_key"] for dataset, rows in ROWS.items() for row in rows}


def returned(
    people: Sequence[Sequence[str]], agreement: Agreement = AGREEMENT, **rows: list[Row]
) -> dict[str, FindingsPackage]:
    given = rows or ROWS
    links = link(AGREEMENT, [encode(name, part) for name, part in given.items()])
    place = {NAMES[handle.tobytes()]: row for row, handle in enumerate(links.rows.handles)}
    labels = np.arange(len(place))
    for group in people:
        chosen = [place[name] for name in group if name in place]
        labels[chosen] = min(chosen)
    links = replace(links, labels=labels)
    numbers = find_number_conflicts(agreement, links)
    digests = dict.fromkeys(given, "0" * 64)
    people_rows = PersonRows.build(agreement, links)
    return build_returns(agreement, people_rows, digests, duplicates=[], missing=[], numbers=numbers)


def listed(package: FindingsPackage) -> dict[tuple[str, str], dict[str, Any]]:
    table = package.table.to_pylist()
    rows = {(row["kind"], NAMES[row["handle"]]): row for row in table}
    assert len(rows) == len(table)
    return rows


def test_each_department_gets_its_own_rows_and_which_datasets_take_part() -> None:
    packages = returned(OTHERS)
    number, two = "one_number_two_people", "one_person_two_numbers"
    shown = {
        party: {key: (row["dataset"], row["other_dataset"], row["evidence"]) for key, row in listed(package).items()}
        for party, package in packages.items()
    }
    both_medical = "population,employee_pension,employee_medical"
    assert shown == {
        "police": {
            (number, "p1"): ("population", "employee_pension,employee_medical,resident_medical", "id_token"),
        },
        "hrss": {
            (number, "w1"): ("employee_pension", "population,employee_medical,resident_medical", "id_token"),
        },
        "medical": {
            (number, "e1"): ("employee_medical", "population,employee_pension,resident_medical", "id_token"),
            (number, "r1"): ("resident_medical", both_medical, "id_token"),
            # Of the finding's other rows one is in the same dataset.
            (two, "r1"): ("resident_medical", "employee_medical,resident_medical", "passes"),
            (two, "r5"): ("resident_medical", "employee_medical,resident_medical", "passes"),
            (two, "e5"): ("employee_medical", "resident_medical", "passes"),
        },
    }
    for package in packages.values():
        for row in package.table.to_pylist():
            assert row["rule"] == row["kind"]
            assert (row["first_month"], row["last_month"]) == (None, None)
    ids = {kind: {row["finding_id"] for row in _rows(packages) if row["kind"] == kind} for kind in (number, two)}
    assert [len(found) for found in ids.values()] == [1, 1]
    assert ids[number] != ids[two]
    titles = {(rule.kind, rule.title) for rule in packages["police"].manifest.rules[-2:]}
    assert titles == {(number, "一号多人"), (two, "一人多号")}


def _rows(packages: dict[str, FindingsPackage]) -> list[dict[str, Any]]:
    return [row for package in packages.values() for row in package.table.to_pylist()]


def test_nothing_of_another_departments_rows_is_in_a_package() -> None:
    owners = {dataset.id: dataset.owner for dataset in AGREEMENT.datasets}
    foreign_of = {
        party: {handle_of(name, row) for name, rows in ROWS.items() if owners[name] != party for row in rows}
        for party in owners.values()
    }
    links = link(AGREEMENT, [encode(name, part) for name, part in ROWS.items()])
    tokens = {token for dataset in links.rows.datasets for token in dataset.table["id_token"].to_pylist()}
    for party, package in returned(OTHERS).items():
        cells = [value for row in package.table.to_pylist() for value in row.values()]
        content = b"".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)
        content += package.manifest.model_dump_json().encode()
        for secret in foreign_of[party] | tokens:
            assert secret not in content
            assert secret.hex().encode() not in content


def test_a_finding_keeps_its_id_when_a_row_joins_it() -> None:
    """It is named after its first row in the agreement's order of datasets, which enrolments do not come before."""
    less = {name: rows for name, rows in ROWS.items() if name != "employee_pension"}
    before, after = returned(OTHERS, **less), returned(OTHERS)
    for key in listed(before["medical"]):
        assert listed(before["medical"])[key]["finding_id"] == listed(after["medical"])[key]["finding_id"]


def test_the_order_of_packages_does_not_matter() -> None:
    one, two = returned(OTHERS), returned(OTHERS, **dict(reversed(ROWS.items())))
    assert {party: package.table for party, package in one.items()} == {
        party: package.table for party, package in two.items()
    }


def test_what_the_agreement_does_not_ask_for_is_not_returned() -> None:
    quiet = AGREEMENT.number_findings.model_copy(update={"one_number_two_people": False})
    packages = returned(OTHERS, AGREEMENT.model_copy(update={"number_findings": quiet}))
    assert {row["kind"] for row in _rows(packages)} == {"one_person_two_numbers"}
    assert [rule.kind for rule in packages["police"].manifest.rules][-1] == "one_person_two_numbers"
    assert "one_number_two_people" not in packages["police"].manifest.model_dump_json()


@pytest.mark.parametrize(("second", "found"), [(3, 1), (1, 0)])
def test_the_summary_of_a_run(second: int, found: int) -> None:
    """Equal in all but the number: one person, with a number that was superseded."""
    population = [person(1, "欧阳震华", row_key="p", status="1")]
    medical = [person(second, "欧阳震华", row_key="e", **OPEN)]
    datasets = [encode("population", population), encode("employee_medical", medical)]
    run = run_bureau(AGREEMENT, datasets, dict.fromkeys(("population", "employee_medical"), "0" * 64))
    pairs = [{"datasets": ["population", "employee_medical"], "found": 1}]
    assert run.summary["numbers"] == [
        {
            "kind": kind,
            "found": count,
            "persons": count,
            "numbers": 2 * count,
            "rows": 2 * count,
            "repeated_in_one_record_dataset": 0,
            "skipped": 0,
            "skipped_rows": 0,
            "by_datasets": pairs[:count],
        }
        for kind, count in (("one_number_two_people", 0), ("one_person_two_numbers", found))
    ]
    assert run.summary["findings"] == {"police": found, "medical": found}
