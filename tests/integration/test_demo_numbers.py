"""The demo's score of findings on ID numbers: by number or person, and a mixed group is a wrong one."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

import pytest

from secure_match.cli._demo_measure import Found, measure_findings
from secure_match.synthetic import City, CityConfig, generate_city

KINDS = ("one_number_two_people", "one_person_two_numbers")


@pytest.fixture(scope="module")
def city() -> City:
    return generate_city(CityConfig(people=1_000, seed=2, id_shared=0.01, id_superseded=0.02))


def truth(city: City) -> dict[tuple[str, int], list[tuple[str, str]]]:
    groups: dict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
    for row in city.truth.numbers.to_pylist():
        groups[row["kind"], row["subject"]].append((row["dataset"], row["row_key"]))
    return groups


def worklists(groups: list[tuple[str, list[tuple[str, str]]]]) -> dict[str, Found]:
    found: dict[str, Found] = defaultdict(list)
    for number, (kind, rows) in enumerate(groups):
        for dataset, row_key in rows:
            found[dataset].append((f"{number:032x}", kind, kind, row_key))
    return found


def test_all_groups_found(city: City) -> None:
    groups = [(kind, rows) for (kind, _), rows in truth(city).items()]
    score = measure_findings(city, worklists(groups))
    assert score["numbers"]["expected"] == score["numbers"]["found"] == score["numbers"]["true_positive"] == len(groups)
    assert set(score["numbers"]["by_kind"]) == set(KINDS)
    for part in score["numbers"]["by_kind"].values():
        assert (part["precision"], part["recall"]) == (1.0, 1.0)
    # Findings on numbers are neither duplicates nor missing people.
    for other in ("duplicates", "missing"):
        assert score[other]["found"] == 0


def test_a_part_of_a_group_counts_and_a_mixture_does_not(city: City) -> None:
    groups = [rows for (kind, _), rows in truth(city).items() if kind == KINDS[1]]
    one, two, three = groups[:3]
    score = measure_findings(city, worklists([(KINDS[1], one[:2]), (KINDS[1], [*two, three[0]])]))["numbers"]
    part = score["by_kind"][KINDS[1]]
    assert (part["found"], part["true_positive"], part["false_positive"]) == (2, 1, 1)
    assert part["expected"] == len(groups)


def test_two_findings_on_one_person_are_one_hit_and_rows_without_trouble_are_a_false_one(city: City) -> None:
    (kind, _), rows = next((key, rows) for key, rows in truth(city).items() if len(rows) > 2)
    known = {row for group in truth(city).values() for row in group}
    people = city.truth.person_of["population"]["row_key"].to_pylist()
    fine = [("population", key) for key in people if ("population", key) not in known][:2]
    score = measure_findings(city, worklists([(kind, rows[:1]), (kind, rows[1:]), (kind, fine)]))["numbers"]
    assert (score["found"], score["true_positive"], score["false_positive"]) == (2, 1, 1)


def test_without_trouble_nothing_is_expected(city: City) -> None:
    clean = dataclasses.replace(city.config, id_shared=0.0, id_superseded=0.0, id_legacy_15=0.0)
    score = measure_findings(generate_city(clean), {})["numbers"]
    assert score == {
        "expected": 0,
        "found": 0,
        "true_positive": 0,
        "false_positive": 0,
        "false_negative": 0,
        "precision": 1.0,
        "recall": 1.0,
        "by_kind": {},
    }
