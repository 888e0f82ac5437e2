"""Missing people: who is eligible, who is excused, who is held for review, and when the run cannot tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bureau.hand_rows import AGREEMENT, Row, agreement_text, person
from secure_match.agreement import CoverageRule, parse_agreement
from secure_match.enrolment import find_missing

MEDICAL, PENSION = AGREEMENT.coverage
OPEN = {"first_month": "202601", "last_month": None}


def citizen(sequence: int, name: str, row_key: str, status: str = "1", **more: Any) -> Row:
    return person(sequence, name, row_key=row_key, status=status, **more)


def enrolled(sequence: int, name: str, row_key: str, **more: Any) -> Row:
    return person(sequence, name, row_key=row_key, **(OPEN | more))


def outcome(linked: Callable[..., Any], rule: CoverageRule, **rows: list[Row]) -> dict[str, Any] | None:
    people, names = linked(**rows)
    result = find_missing(AGREEMENT, people, rule)
    if result is None:
        return None
    assert result.rule == rule.id
    return {
        "missing": sorted(names[place] for place in result.row),
        "held": sorted(names[place] for place in result.held),
        "eligible": result.eligible,
        "enrolled": result.enrolled,
        "excused": result.excused,
        "covered": result.covered,
    }


POPULATION = [
    citizen(1, "张三", "both"),
    citizen(2, "李四", "one"),
    citizen(3, "王五", "none"),
    citizen(4, "赵六", "dead", "2"),
    citizen(5, "孙七", "moved", "3"),
    citizen(6, "周八", "young", birth="20150101"),
]


def test_missing_is_in_no_dataset_of_the_schemes(linked: Callable[..., Any]) -> None:
    result = outcome(
        linked,
        MEDICAL,
        population=POPULATION,
        employee_medical=[enrolled(1, "张三", "e1"), enrolled(2, "李四", "e2")],
        resident_medical=[enrolled(1, "张三", "r1"), enrolled(99, "郑九", "r9")],
    )
    assert result == {
        "missing": ["none", "young"],
        "held": [],
        "eligible": 4,
        "enrolled": 2,
        "excused": 0,
        "covered": 2,
    }


def test_all_filters_have_to_hold_and_excused_people_are_not_missing(linked: Callable[..., Any]) -> None:
    rows = {
        "population": POPULATION,
        "employee_pension": [enrolled(1, "张三", "e1")],
        "resident_pension": [enrolled(4, "赵六", "r4")],
    }
    students = [person(3, "王五", row_key="s3"), person(5, "孙七", row_key="s5")]
    # Status 1 and born before 2011: both, one and none; none studies.
    result = outcome(linked, PENSION, **rows, students=students)
    assert result == {"missing": ["one"], "held": [], "eligible": 3, "enrolled": 1, "excused": 1, "covered": 2}
    assert outcome(linked, PENSION, **rows, students=[]) == {
        "missing": ["none", "one"],
        "held": [],
        "eligible": 3,
        "enrolled": 1,
        "excused": 0,
        "covered": 1,
    }
    everyone = PENSION.model_copy(update={"eligible": {}, "excused_by": ()})
    assert outcome(linked, everyone, **rows) == {
        "missing": ["moved", "none", "one", "young"],
        "held": [],
        "eligible": 6,
        "enrolled": 2,
        "excused": 0,
        "covered": 2,
    }


@pytest.mark.parametrize("absent", ["population", "employee_pension", "resident_pension", "students"])
def test_a_rule_is_not_examined_without_all_its_datasets(linked: Callable[..., Any], absent: str) -> None:
    rows: dict[str, list[Row]] = {
        "population": POPULATION,
        "employee_pension": [],
        "resident_pension": [],
        "students": [],
    }
    assert outcome(linked, PENSION, **rows) is not None
    del rows[absent]
    assert outcome(linked, PENSION, **rows) is None


def test_who_may_be_enrolled_is_held_for_review(linked: Callable[..., Any]) -> None:
    """Equal name, similar birth date, no number in the enrolment: possibly the same person."""
    population = [citizen(1, "欧阳震华", "maybe"), citizen(2, "李四", "none")]
    unknown = enrolled(1, "欧阳震华", "e1", birth="19900102", known=False)
    rows = {"population": population, "resident_medical": []}
    result = outcome(linked, MEDICAL, **rows, employee_medical=[unknown])
    assert result == {"missing": ["none"], "held": ["maybe"], "eligible": 2, "enrolled": 0, "excused": 0, "covered": 0}
    # Once that row is somebody else's, it cannot be theirs.
    owner = citizen(3, "欧阳震华", "owner", birth="19900102")
    rows["population"] = [*population, owner]
    result = outcome(linked, MEDICAL, **rows, employee_medical=[unknown])
    assert result == {
        "missing": ["maybe", "none"],
        "held": [],
        "eligible": 3,
        "enrolled": 1,
        "excused": 0,
        "covered": 1,
    }


def test_no_people(linked: Callable[..., Any]) -> None:
    rows: dict[str, list[Row]] = {"population": [], "employee_medical": [], "resident_medical": []}
    assert outcome(linked, MEDICAL, **rows) == {
        "missing": [],
        "held": [],
        "eligible": 0,
        "enrolled": 0,
        "excused": 0,
        "covered": 0,
    }


def test_eligibility_by_an_integer_without_bands(linked: Callable[..., Any]) -> None:
    text = agreement_text().replace("bands = [1890, 2011]", "").replace("[1890] }", "[1990, 2015] }")
    agreement = parse_agreement(text)
    people, names = linked(agreement, population=POPULATION, employee_pension=[], resident_pension=[], students=[])
    result = find_missing(agreement, people, agreement.coverage[1])
    assert result is not None
    assert sorted(names[place] for place in result.row) == ["both", "none", "one", "young"]
