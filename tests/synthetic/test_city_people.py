"""The people are plausible: ID numbers hold, twins are twins, names have the right frequencies."""

from __future__ import annotations

import numpy as np
import pytest

from secure_match.synthetic._characters import given_characters, surnames
from secure_match.synthetic._config import CityConfig
from secure_match.synthetic._confusions import homophones, look_alikes, variants
from secure_match.synthetic._identity import render_numbers
from secure_match.synthetic._people import People, draw_people
from secure_match.synthetic._streams import Streams
from secure_match.synthetic._text import strings_of

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""Table of GB 11643-1999, written out: the code under test computes it."""


@pytest.fixture(scope="module")
def people() -> People:
    return draw_people(CityConfig(people=20_000), Streams(seed=7))


def check_character(first_17: str) -> str:
    return "10X98765432"[sum(int(c) * weight for c, weight in zip(first_17, WEIGHTS, strict=True)) % 11]


def numbers_of(people: People) -> tuple[list[str], list[str]]:
    current = strings_of(render_numbers(people.number)).to_pylist()
    return current, strings_of(render_numbers(people.old_number)).to_pylist()


def test_every_number_is_valid_and_belongs_to_one_person(people: People) -> None:
    current, old = numbers_of(people)
    assert len(set(current) | set(old)) == 2 * len(people.age)
    dates = people.birth.astype("datetime64[D]").astype(str)
    for numbers in (current, old):
        for number, date, male in zip(numbers, dates, people.male.tolist(), strict=True):
            assert number[17] == check_character(number[:17])
            assert number[6:14] == date.replace("-", "")
            assert int(number[16]) % 2 == male


def test_no_number_has_a_region_that_was_ever_assigned(people: People) -> None:
    current, old = numbers_of(people)
    assert {number[2:4] for number in current + old} == {"99"}


def test_twins_share_birth_date_surname_and_neighbouring_numbers(people: People) -> None:
    names = strings_of(people.name).to_pylist()
    twins = np.flatnonzero(people.twin_of >= 0)
    elders = people.twin_of[twins]
    assert 0.006 < len(twins) / len(people.age) < 0.014
    assert (people.birth[twins] == people.birth[elders]).all()
    distance = people.number[twins] - people.number[elders]
    assert distance.tolist() == np.where(people.male[twins] == people.male[elders], 2, 1).tolist()
    for twin, elder in zip(twins, elders, strict=True):
        assert names[twin] != names[elder]
        if "·" in names[twin]:
            assert names[twin].partition("·")[2] == names[elder].partition("·")[2]
        else:
            assert names[twin][0] == names[elder][0]
    assert (people.home[twins] == people.home[elders]).any()
    assert (people.home[twins] != people.home[elders]).any()


def test_names_have_the_stated_frequencies(people: People) -> None:
    names = strings_of(people.name).to_pylist()
    assert 0.06 < np.mean([len(name) == 2 for name in names]) < 0.10
    assert 0.006 < np.mean(["·" in name for name in names]) < 0.014
    assert 0.06 < np.mean([name[0] == "王" for name in names]) < 0.09


def test_no_birthday_is_crowded(people: People) -> None:
    _, counts = np.unique(people.birth, return_counts=True)
    assert counts.max() <= 12


def test_tables_are_as_large_as_the_design_asks() -> None:
    names, weights = surnames()
    assert len(names) == len(set(names)) == len(weights) >= 150
    assert {"欧阳", "上官"} <= set(names)
    lists = [given_characters(number, male=male) for number in range(4) for male in (False, True)]
    assert all(len(set(characters)) == len(characters) for characters in lists)
    assert len(set("".join(lists))) >= 200
    for table in (homophones(), look_alikes(), variants()):
        characters = np.flatnonzero(table.counts)
        assert len(characters) >= 120
        assert not (table.targets[characters] == characters[:, None]).any()
