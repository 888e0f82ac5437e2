"""The template's pass on what a spreadsheet leaves of ID numbers: who meets in it, and what reaches
thresholds that an agreement fixes."""

from __future__ import annotations

from typing import Any

import pytest

from bureau.hand_rows import batch, encode, key_for, person
from fixed_thresholds import fixed_agreement
from secure_match.department.dataset_encoder import DatasetEncoder
from secure_match.department.normalise import ColumnFacts
from secure_match.encoded import EncodedDataset, matrix_from_binary
from secure_match.linkage import Decision, LinkResult, TokenState, link

AGREEMENT = fixed_agreement()
PASS = next(item for item in AGREEMENT.passes if item.id == "partial")
LINK, _ = AGREEMENT.thresholds_of(PASS)
CODES = {"status": "1", "first_month": "202601"}


def whole(dataset: str, sequence: int, name: str) -> EncodedDataset:
    return encode(dataset, [person(sequence, name, "19900307", **CODES)], AGREEMENT)


def damaged(sequence: int, name: str) -> EncodedDataset:
    row: dict[str, Any] = person(sequence, name, "19900307", **CODES)
    row["id_number"] = row["id_number"][:15] + "000"
    encoder = DatasetEncoder(AGREEMENT, "resident_medical", key_for(AGREEMENT, "resident_medical"))
    return encoder.encode([batch(AGREEMENT, "resident_medical", [row])], facts=ColumnFacts(id_damaged=True)).dataset


def column(dataset: EncodedDataset, part: str) -> Any:
    return matrix_from_binary(dataset.table[f"pass.partial.{part}"])[0]


def decision(links: LinkResult) -> tuple[TokenState, Decision]:
    assert (links.row_i.tolist(), links.row_j.tolist()) == ([0], [1])
    return TokenState(links.token_state[0]), Decision(links.decision[0])


def test_whole_and_damaged_numbers_share_a_tag_if_15_characters_are_equal() -> None:
    tag = column(whole("population", 101, "王建国"), "block").tolist()
    assert column(damaged(101, "王建国"), "block").tolist() == tag
    assert column(whole("students", 199, "李娜"), "block").tolist() == tag
    assert column(damaged(201, "王建国"), "block").tolist() != tag
    assert damaged(101, "王建国").table["id_token"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("one", "two"),
    [("王建国", "王建国"), ("王建国", "王健国"), ("李伟", "李玮"), ("张思敏", "张诗敏"), ("欧阳建国", "欧阳健国")],
)
def test_names_of_one_sound_link(one: str, two: str) -> None:
    links = link(AGREEMENT, [whole("population", 101, one), damaged(101, two)])
    assert decision(links) == (TokenState.UNKNOWN, Decision.LINK)
    assert links.similarity["partial"][0] >= LINK


@pytest.mark.parametrize(("one", "two"), [("王建国", "王建军"), ("欧阳建国", "欧阳建军"), ("李佳琪", "李佳慧")])
def test_names_as_twins_have_them_are_for_review(one: str, two: str) -> None:
    links = link(AGREEMENT, [whole("population", 101, one), damaged(101, two)])
    assert decision(links) == (TokenState.UNKNOWN, Decision.POSSIBLE_LINK)
    assert links.similarity["partial"][0] < LINK - 0.04


def test_two_valid_numbers_that_share_15_characters_stay_two_people() -> None:
    links = link(AGREEMENT, [whole("population", 101, "王建国"), whole("resident_medical", 103, "王健国")])
    assert decision(links) == (TokenState.DIFFERENT, Decision.POSSIBLE_LINK)
    assert links.labels.tolist() == [0, 1]


def test_of_twins_whose_names_sound_alike_the_one_with_the_same_characters_gets_the_row() -> None:
    for name, other in (("王建国", "王健国"), ("王健国", "王建国")):
        twins = [person(101, name, "19900307", **CODES), person(103, other, "19900307", **CODES)]
        links = link(AGREEMENT, [encode("population", twins, AGREEMENT), damaged(101, name)])
        alone = encode("population", twins[:1], AGREEMENT)
        own = links.rows.handles[:2].tolist().index(matrix_from_binary(alone.table["handle"])[0][0].tolist())
        assert links.labels[2] == links.labels[own]
        assert links.refused.sum() == 1
