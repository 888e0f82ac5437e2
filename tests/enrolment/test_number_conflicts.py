"""Trouble with ID numbers, on results written by hand: who is one person is given, not computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.hand_rows import AGREEMENT, Row, agreement_text, person
from secure_match.agreement import NUMBER_FINDING_KINDS, parse_agreement
from secure_match.enrolment import NumberConflicts, PersonRows, find_number_conflicts
from secure_match.linkage import LinkResult

ROWS: dict[str, list[Row]] = {
    "population": [person(1, "甲", row_key="p1", status="1"), person(3, "乙", row_key="p3", status="1")],
    "employee_medical": [
        person(1, "甲", row_key="e1", first_month="202601"),
        person(5, "丙", row_key="e5", first_month="202601"),
        person(7, "戊", row_key="e0", known=False, first_month="202601"),
    ],
    "resident_medical": [
        person(1, "丁", row_key="r1", first_month="202601"),
        person(5, "丙", row_key="r5", first_month="202601"),
    ],
}


def by_hand(links: LinkResult, people: list[list[int]]) -> LinkResult:
    """The result with the clusters given; rows that are not named stay alone."""
    labels = np.arange(len(links.labels))
    for rows in people:
        labels[rows] = min(rows)
    return replace(links, labels=labels)


def listed(names: list[str], item: NumberConflicts) -> list[list[str]]:
    groups: dict[int, list[str]] = defaultdict(list)
    for row, finding in zip(item.row.tolist(), item.finding.tolist(), strict=True):
        groups[finding].append(names[row])
    assert list(groups) == list(range(len(item)))
    assert [min(item.row[item.finding == place]) for place in groups] == item.first_row.tolist()
    return [sorted(group) for group in groups.values()]


@pytest.fixture(scope="module")
def hand(linked: Callable[..., Any]) -> tuple[PersonRows, dict[str, int], list[str]]:
    rows, names = linked(**ROWS)
    return rows, {name: place for place, name in enumerate(names)}, names


def found(hand: Any, people: list[list[str]], **changes: Any) -> list[tuple[NumberConflicts, list[list[str]]]]:
    rows, place, names = hand
    links = by_hand(rows.links, [[place[name] for name in group] for group in people])
    agreement = AGREEMENT.model_copy(update=changes)
    return [(item, listed(names, item)) for item in find_number_conflicts(agreement, links)]


def test_nothing_to_ask_where_people_are_their_numbers(hand: Any) -> None:
    (number, _), (two, _) = found(hand, [["p1", "e1", "r1"], ["e5", "r5", "e0"]])
    assert (number.kind, two.kind) == NUMBER_FINDING_KINDS
    for item in (number, two):
        assert (len(item), len(item.row), item.persons, item.numbers) == (0, 0, 0, 0)


def test_one_number_on_rows_of_two_people(hand: Any) -> None:
    (item, groups), (other, _) = found(hand, [["p1", "e1"], ["e5", "r5"]])
    assert groups == [["e1", "p1", "r1"]]
    assert (item.persons, item.numbers, len(other)) == (2, 1, 0)
    assert item.repeated.tolist() == [False]


def test_one_person_with_two_numbers_and_a_row_without_one(hand: Any) -> None:
    (other, _), (item, groups) = found(hand, [["p1", "e1", "r1", "e5", "r5", "e0"]])
    # The row without a number has nothing to be asked about.
    assert groups == [["e1", "e5", "p1", "r1", "r5"]]
    assert (item.persons, item.numbers, len(other)) == (1, 2, 0)


def test_a_borrowed_card_is_both(hand: Any) -> None:
    """Row r1 has the number of p1 and is the person of e5: a question about the number, and one about the person."""
    results = found(hand, [["p1", "e1"], ["e5", "r5", "r1"]])
    assert [groups for _, groups in results] == [[["e1", "p1", "r1"]], [["e5", "r1", "r5"]]]


def test_findings_come_in_the_order_of_their_first_rows(hand: Any) -> None:
    (item, groups), _ = found(hand, [])
    assert sorted(groups) == [["e1", "p1", "r1"], ["e5", "r5"]]
    assert item.first_row.tolist() == sorted(item.first_row.tolist())
    assert groups[0] == ["e1", "p1", "r1"]
    assert (item.persons, item.numbers) == (5, 2)


def test_a_dataset_that_holds_a_person_once_twice(linked: Callable[..., Any]) -> None:
    """Two population rows with one number stay apart whatever else agrees; the finding says that this is why."""
    twice = [person(1, "甲", row_key="p1", status="1"), person(1, "甲", row_key="p2", status="1")]
    rows, names = linked(population=twice, employee_medical=ROWS["employee_medical"])
    number, two = find_number_conflicts(AGREEMENT, rows.links)
    assert listed(names, number) == [["e1", "p1", "p2"]]
    assert number.repeated.tolist() == [True]
    assert len(two) == 0


@pytest.mark.parametrize(("limit", "expected"), [(3, (1, 0, 0)), (2, (0, 1, 3))])
def test_a_crowd_is_counted_and_not_reported(hand: Any, limit: int, expected: tuple[int, int, int]) -> None:
    limits = AGREEMENT.limits.model_copy(update={"max_rows_per_person": limit})
    (item, _), _ = found(hand, [["p1", "e1"], ["e5", "r5"]], limits=limits)
    assert (len(item), item.skipped_findings, item.skipped_rows) == expected


@pytest.mark.parametrize("kind", NUMBER_FINDING_KINDS)
def test_a_kind_can_be_switched_off(hand: Any, kind: str) -> None:
    head, _, rest = agreement_text().partition(f"{kind} = true")
    agreement = parse_agreement(f"{head}{kind} = false{rest}")
    rows, _, _ = hand
    assert [item.kind for item in find_number_conflicts(agreement, rows.links)] == [
        other for other in NUMBER_FINDING_KINDS if other != kind
    ]


def test_no_rows(linked: Callable[..., Any]) -> None:
    rows, _ = linked(population=[], employee_medical=[])
    assert [len(item) for item in find_number_conflicts(AGREEMENT, rows.links)] == [0, 0]


@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 3)), min_size=7, max_size=7))
def test_the_definition_by_brute_force(hand: Any, drawn: list[tuple[int, int]]) -> None:
    rows, _, _ = hand
    codes = np.array([code for code, _ in drawn], dtype=np.int32)
    person_of = [owner for _, owner in drawn]
    labels = np.array([person_of.index(owner) for owner in person_of])
    links = replace(rows.links, labels=labels, rows=replace(rows.links.rows, token_codes=codes))
    known = [row for row in range(7) if codes[row] >= 0]
    for item, key, value in zip(find_number_conflicts(AGREEMENT, links), (codes, labels), (labels, codes), strict=True):
        groups: dict[int, list[int]] = defaultdict(list)
        for row in known:
            groups[int(key[row])].append(row)
        expected = sorted(group for group in groups.values() if len({int(value[row]) for row in group}) > 1)
        given_groups = [item.row[item.finding == place].tolist() for place in range(len(item))]
        assert given_groups == expected
