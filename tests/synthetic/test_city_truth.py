"""The truth is what a slow and simple second reading of the exports says."""

from __future__ import annotations

import dataclasses
from itertools import combinations

import pytest

from secure_match.synthetic import DATASETS, City, CityConfig, generate_city

GROUPS = {"medical": ("employee_medical", "resident_medical"), "pension": ("employee_pension", "resident_pension")}


def usable_rows(city: City, dataset: str) -> list[tuple[int, list[str]]]:
    rows = [list(row.values()) for row in city.exports[dataset].to_pylist()]
    table = city.truth.person_of[dataset]
    assert table["row_key"].to_pylist() == [row[0] for row in rows]
    pairs = zip(table["person"].to_pylist(), rows, strict=True)
    return [(person, row) for person, row in pairs if row[0] not in city.truth.unusable[dataset]]


def rows_of(table: object) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]  # type: ignore[attr-defined]


def test_duplicates_by_brute_force(small_city: City) -> None:
    expected = []
    for rule, datasets in GROUPS.items():
        by_person: dict[int, list[tuple[str, str, int, int]]] = {}
        for dataset in datasets:
            for person, row in usable_rows(small_city, dataset):
                spell = (dataset, row[0], max(int(row[8]), 202601), min(int(row[9] or 202612), 202612))
                by_person.setdefault(person, []).append(spell)
        for spells in by_person.values():
            for one, two in combinations(sorted(spells), 2):
                first, last = max(one[2], two[2]), min(one[3], two[3])
                if first <= last:
                    expected.append((rule, *one[:2], *two[:2], first, last))
    assert rows_of(small_city.truth.duplicates) == sorted(expected)
    kinds = {(row[0], row[1], row[3]) for row in expected}
    assert len(kinds) == 6
    assert any(row[5] == row[6] for row in expected)


def test_missing_by_brute_force() -> None:
    # Birth dates without errors, so that the file itself says who was born when.
    city = generate_city(CityConfig(people=1_500, seed=11, unusable=0.02, birth_wrong=0.0))
    seen = {dataset: {person for person, _ in usable_rows(city, dataset)} for dataset in DATASETS}
    insured = seen["employee_medical"] | seen["resident_medical"]
    pensioned = seen["employee_pension"] | seen["resident_pension"] | seen["students"]
    expected = []
    for person, row in usable_rows(city, "population"):
        if row[8] == "1" and person not in insured:
            expected.append(("medical", row[0]))
        if row[8] == "1" and int(row[4][:4]) <= 2010 and person not in pensioned:
            expected.append(("pension", row[0]))
    assert rows_of(city.truth.missing) == sorted(expected)
    assert {rule for rule, _ in expected} == {"medical", "pension"}


def test_shares_of_findings(city: City) -> None:
    persons = {dataset: set(city.truth.person_of[dataset]["person"].to_pylist()) for dataset in DATASETS}
    enrolled = set().union(*(persons[dataset] for dataset in DATASETS[1:5]))
    person_of = {
        (dataset, key): person
        for dataset in DATASETS
        for key, person in zip(*city.truth.person_of[dataset].to_pydict().values(), strict=True)
    }
    doubled = {person_of[row[1], row[2]] for row in rows_of(city.truth.duplicates)}
    assert 0.017 < len(doubled) / len(enrolled) < 0.022
    rows = [key for key in person_of.items() if key[0][0] in DATASETS[1:5]]
    outside = sum(person not in persons["population"] for _, person in rows)
    assert 0.02 < outside / len(rows) < 0.04
    assert 500 < city.truth.missing.num_rows / 2 < 1_000


def test_without_duplicates_nobody_overlaps() -> None:
    city = generate_city(CityConfig(people=5_000, seed=1, duplicates=0.0, job_changes=0.5))
    assert city.truth.duplicates.num_rows == 0


def test_the_dead_and_the_moved_have_no_month_in_2026(city: City) -> None:
    status = {person: row[8] for person, row in usable_rows(city, "population")}
    for dataset in DATASETS[1:5]:
        for person, row in usable_rows(city, dataset):
            assert status.get(person, "1") == "1" or "202501" <= row[9] <= "202512"


def test_unusable_rows_show_why(small_city: City) -> None:
    for dataset in DATASETS:
        rows = {
            row["row_key"]: row["kind"]
            for row in small_city.truth.errors[dataset].to_pylist()
            if row["kind"] == "unusable"
        }
        assert set(rows) == small_city.truth.unusable[dataset]
        for row in small_city.exports[dataset].to_pylist():
            cells = list(row.values())
            nameless = (cells[1], cells[2], cells[4]) == ("", "", "")
            assert (nameless or "202613" in cells[8:9]) == (cells[0] in rows)


def test_identifiers_hold_every_written_value(small_city: City) -> None:
    identifiers = small_city.truth.identifiers()
    assert list(identifiers) == ["id_number", "name", "phone", "address"]
    for kind, column in zip(identifiers, (1, 2, 5, 6), strict=True):
        values = identifiers[kind]
        assert values == sorted(set(values))
        written = {value for table in small_city.exports.values() for value in table.column(column).to_pylist()}
        assert written - {""} <= set(values)
        assert "" not in values


def test_nothing_raw_is_shown(small_city: City) -> None:
    values = small_city.truth.identifiers()["id_number"]
    shown = repr(small_city) + repr(small_city.truth)
    assert not any(value in shown for value in values)


@pytest.mark.parametrize("rate", ["missing_medical", "missing_pension"])
def test_without_missing_people_nobody_is_missing(rate: str) -> None:
    config = CityConfig(people=2_000, seed=1, unusable=0.0)
    city = generate_city(dataclasses.replace(config, **{rate: 0.0}))
    assert rate.removeprefix("missing_") not in set(city.truth.missing["rule"].to_pylist())
