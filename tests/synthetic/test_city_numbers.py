"""The truth about ID numbers is what departments read in the exports, and borrowed cards change nothing else."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

import pytest

from secure_match.department.normalise._id_number import normalise_id_numbers
from secure_match.synthetic import DATASETS, City, CityConfig, generate_city

CONFIG = CityConfig(people=3_000, seed=5, id_typo=0.05, id_superseded=0.02, id_legacy_15=0.5, unusable=0.02)
SHARED = dataclasses.replace(CONFIG, id_shared=0.02)
Row = tuple[str, str]


@pytest.fixture(scope="module")
def plain() -> City:
    return generate_city(CONFIG)


@pytest.fixture(scope="module")
def shared() -> City:
    return generate_city(SHARED)


def read_by_departments(city: City) -> dict[Row, tuple[int, str]]:
    """Person and normalised number of the usable rows that have one."""
    known: dict[Row, tuple[int, str]] = {}
    for dataset in DATASETS:
        table = city.exports[dataset]
        numbers = normalise_id_numbers(table.column(1).combine_chunks()).values.to_pylist()
        people = city.truth.person_of[dataset]["person"].to_pylist()
        for row_key, person, number in zip(table.column(0).to_pylist(), people, numbers, strict=True):
            if number is not None and row_key not in city.truth.unusable[dataset]:
                known[dataset, row_key] = (person, number)
    return known


def groups_of(city: City, kind: str) -> dict[int, set[Row]]:
    groups: dict[int, set[Row]] = defaultdict(set)
    for row in city.truth.numbers.to_pylist():
        if row["kind"] == kind:
            groups[row["subject"]].add((row["dataset"], row["row_key"]))
    return groups


@pytest.mark.parametrize("city", ["plain", "shared"])
def test_the_truth_is_what_departments_read(city: str, request: pytest.FixtureRequest) -> None:
    made: City = request.getfixturevalue(city)
    by_person: dict[int, dict[Row, str]] = defaultdict(dict)
    by_number: dict[str, dict[Row, int]] = defaultdict(dict)
    for row, (person, number) in read_by_departments(made).items():
        by_person[person][row] = number
        by_number[number][row] = person
    two_numbers = {person: set(rows) for person, rows in by_person.items() if len(set(rows.values())) > 1}
    two_people = {int(number[:17]): set(rows) for number, rows in by_number.items() if len(set(rows.values())) > 1}
    assert groups_of(made, "one_person_two_numbers") == two_numbers
    assert groups_of(made, "one_number_two_people") == two_people
    assert len(two_numbers) > 50
    assert (len(two_people) > 50) == (city == "shared")
    rows = [tuple(row.values()) for row in made.truth.numbers.to_pylist()]
    assert rows == sorted(rows)


def test_a_borrowed_card_is_a_strangers_and_changes_its_row_only(plain: City, shared: City) -> None:
    changed = 0
    owner = {number: person for person, number in read_by_departments(plain).values()}
    people = {dataset: table["person"].to_pylist() for dataset, table in shared.truth.person_of.items()}
    read = read_by_departments(shared)
    for dataset in DATASETS:
        assert shared.truth.person_of[dataset] == plain.truth.person_of[dataset]
        table, before = shared.exports[dataset], plain.exports[dataset]
        errors = shared.truth.errors[dataset].to_pylist()
        borrowed = {row["row_key"] for row in errors if row["kind"] == "id_shared"}
        assert (dataset in DATASETS[1:5]) == bool(borrowed)
        for place, row_key in enumerate(table.column(0).to_pylist()):
            if row_key not in borrowed:
                assert all(column[place] == old[place] for column, old in zip(table, before, strict=True))
                continue
            changed += 1
            # Unusable rows, and numbers whose owner has no row of his own, say nothing here.
            number = read.get((dataset, row_key), (0, ""))[1]
            assert owner.get(number, -1) != people[dataset][place]
    rows = sum(table.num_rows for name, table in shared.exports.items() if name in DATASETS[1:5])
    assert 0.015 < changed / rows < 0.025
    assert shared.truth.duplicates == plain.truth.duplicates
    assert shared.truth.missing == plain.truth.missing


def test_twins_are_pairs_of_people(plain: City) -> None:
    pairs = plain.truth.twins.to_pylist()
    assert len(pairs) > 10
    twins = [pair["twin"] for pair in pairs]
    assert twins == sorted(set(twins))
    assert all(pair["elder"] != pair["twin"] for pair in pairs)


@pytest.mark.parametrize("damage", ["excel_damage", "excel_scientific"])
def test_numbers_that_a_spreadsheet_broke_are_none(damage: str) -> None:
    city = generate_city(dataclasses.replace(CONFIG, **{damage: frozenset({"employee_medical"})}))
    datasets = [row for row in city.truth.numbers.to_pylist() if row["dataset"] == "employee_medical"]
    assert datasets
    keys = {row["row_key"] for row in city.truth.errors["employee_medical"].to_pylist() if row["kind"] == damage}
    assert not keys & {row["row_key"] for row in datasets}
