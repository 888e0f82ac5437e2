"""Duplicates are found by months, not by standing in both files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bureau.hand_rows import AGREEMENT, Row, person
from secure_match.agreement import Agreement, ExclusionGroup
from secure_match.enrolment import find_duplicates

MEDICAL, PENSION = AGREEMENT.exclusions
Found = list[tuple[str, str, int, int, bool]]


def row(row_key: str, first: str | None, last: str | None, sequence: int = 1, **more: Any) -> Row:
    return person(sequence, "张三", row_key=row_key, first_month=first, last_month=last, **more)


def found(linked: Callable[..., Any], group: ExclusionGroup = MEDICAL, **rows: list[Row]) -> Found:
    people, names = linked(**rows)
    result = find_duplicates(AGREEMENT, people, group)
    assert result.rule == group.id
    assert (result.row_i < result.row_j).all()
    listed = []
    for i, j, first, last, token in zip(
        result.row_i, result.row_j, result.first_month, result.last_month, result.by_token, strict=True
    ):
        one, two = sorted((names[i], names[j]))
        listed.append((one, two, int(first), int(last), bool(token)))
    return sorted(listed)


@pytest.mark.parametrize(
    ("one", "two", "months"),
    [
        (("202601", "202606"), ("202607", "202612"), None),
        (("202601", "202606"), ("202606", "202612"), (202606, 202606)),
        (("202607", "202612"), ("202601", "202606"), None),
        (("202601", None), ("202612", None), (202612, 202612)),
        (("202601", None), ("202603", "202604"), (202603, 202604)),
        (("190001", None), ("190001", None), (202601, 202612)),
        (("202506", "202512"), ("202501", None), None),
        (("202506", "202601"), ("202501", None), (202601, 202601)),
        (("202606", "202603"), ("202601", None), None),
        (("202612", "202712"), ("202612", "202801"), (202612, 202612)),
        (("202701", None), ("202601", None), None),
        (("202701", "202712"), ("202701", "202712"), None),
        (("202612", None), ("202701", None), None),
    ],
    ids=str,
)
def test_one_month_in_common_is_enough_and_none_is_not(
    linked: Callable[..., Any],
    one: tuple[str, str | None],
    two: tuple[str, str | None],
    months: tuple[int, int] | None,
) -> None:
    result = found(linked, employee_medical=[row("e", *one)], resident_medical=[row("r", *two)])
    assert result == ([("e", "r", *months, True)] if months is not None else [])


def test_the_same_scheme_twice(linked: Callable[..., Any]) -> None:
    rows = [row("e1", "202601", "202603"), row("e2", "202603", None), row("e3", "202604", None)]
    assert found(linked, employee_medical=rows) == [
        ("e1", "e2", 202603, 202603, True),
        ("e2", "e3", 202604, 202612, True),
    ]
    other = MEDICAL.model_copy(update={"same_scheme": False})
    residents = [row("r1", "202602", "202602")]
    assert found(linked, other, employee_medical=rows, resident_medical=residents) == [
        ("e1", "r1", 202602, 202602, True)
    ]


def test_three_rows_are_three_pairs(linked: Callable[..., Any]) -> None:
    rows = {"employee_medical": [row("a", "202601", None), row("b", "202602", None)]}
    result = found(linked, **rows, resident_medical=[row("c", "202603", None)])
    assert result == [
        ("a", "b", 202602, 202612, True),
        ("a", "c", 202603, 202612, True),
        ("b", "c", 202603, 202612, True),
    ]


def test_schemes_of_different_groups_may_be_together(linked: Callable[..., Any]) -> None:
    rows = {
        "employee_medical": [row("m", "202601", None)],
        "employee_pension": [row("p", "202601", None)],
        "students": [person(1, "张三", row_key="s")],
    }
    assert found(linked, MEDICAL, **rows) == []
    assert found(linked, PENSION, **rows) == []
    assert found(linked, PENSION, **rows, resident_pension=[row("q", "202601", None)]) == [
        ("p", "q", 202601, 202612, True)
    ]


def test_two_people_are_no_duplicate_and_passes_are_told_from_tokens(linked: Callable[..., Any]) -> None:
    employees = [row("e1", "202601", None), row("e2", "202601", None, 2, birth="19800202")]
    residents = [row("r3", "202601", None, 3, known=False), row("r9", "202601", None, 9, birth="19550505")]
    assert found(linked, employee_medical=employees, resident_medical=residents) == [
        ("e1", "r3", 202601, 202612, False)
    ]


def test_nobody_at_all(linked: Callable[..., Any]) -> None:
    assert found(linked, employee_medical=[]) == []
    assert found(linked, students=[]) == []


def limited(rows: int) -> Agreement:
    content = AGREEMENT.model_dump()
    content["limits"]["max_rows_per_person"] = rows
    return Agreement.model_validate(content)


def test_a_person_with_too_many_rows_is_counted_and_not_paired(linked: Callable[..., Any]) -> None:
    """Pairs grow with the square of a person's rows: 40,000 rows of one placeholder number would take all memory."""
    agreement = limited(3)
    rows = [row(f"A{number}", "202601", None) for number in range(3)]
    people, _ = linked(agreement, employee_medical=rows)
    within = find_duplicates(agreement, people, MEDICAL)
    assert (len(within.row_i), within.skipped_persons, within.skipped_rows) == (3, 0, 0)
    people, _ = linked(agreement, employee_medical=[*rows, row("A3", "202601", None)])
    beyond = find_duplicates(agreement, people, MEDICAL)
    assert (len(beyond.row_i), beyond.skipped_persons, beyond.skipped_rows) == (0, 1, 4)


def test_datasets_that_were_not_handed_in_are_named(linked: Callable[..., Any]) -> None:
    people, _ = linked(employee_medical=[row("A", "202601", None)])
    assert find_duplicates(AGREEMENT, people, MEDICAL).absent_datasets == ("resident_medical",)
