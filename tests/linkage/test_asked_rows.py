"""Two phases: which rows are asked for, which tags, what is known of a pair, and which random pairs are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from bureau.hand_rows import AGREEMENT, Row, encode, person
from secure_match.agreement import Agreement
from secure_match.encoded import EncodedDataset
from secure_match.linkage import block_tags, unmatched_rows, verified_datasets
from secure_match.linkage._asked import OpenRows, open_pairs, open_rows, with_other_blocks
from secure_match.linkage._random_pairs import sample_pairs
from secure_match.linkage._rows import build_rows

OPEN = {"first_month": "202601", "last_month": None}
TWO = AGREEMENT.model_copy(update={"release": AGREEMENT.release.model_copy(update={"two_phase": True})})
NAMES = ("张三", "王五", "李四", "赵六")


def citizens(*sequences: int) -> EncodedDataset:
    return encode("population", [person(n, NAMES[n % 4], row_key=f"p{n}", status="1") for n in sequences])


def enrolled(*sequences: int, known: bool = True) -> EncodedDataset:
    rows: list[Row] = [person(n, NAMES[n % 4], row_key=f"e{n}", known=known, **OPEN) for n in sequences]
    return encode("employee_medical", rows)


def test_rows_without_an_equal_token_in_the_population_are_unmatched() -> None:
    found = unmatched_rows(AGREEMENT, [citizens(1, 3), enrolled(1, 3, 5)])
    assert set(found) == {"employee_medical"}
    assert found["employee_medical"].equals(enrolled(5).table["handle"].combine_chunks())
    assert len(unmatched_rows(AGREEMENT, [citizens(1), enrolled(1, known=False)])["employee_medical"]) == 1
    # Without a population file nobody is matched.
    assert len(unmatched_rows(AGREEMENT, [enrolled(1, 3)])["employee_medical"]) == 2


def test_a_token_on_too_many_rows_matches_nobody() -> None:
    limits = AGREEMENT.limits.model_copy(update={"max_rows_per_person": 2})
    crowded = AGREEMENT.model_copy(update={"limits": limits})
    three = [citizens(1), encode("employee_medical", [person(1, "张三", row_key=f"e{n}", **OPEN) for n in (1, 2)])]
    assert len(unmatched_rows(crowded, three)["employee_medical"]) == 2
    assert len(unmatched_rows(AGREEMENT, three)["employee_medical"]) == 0


def test_tags_are_those_of_other_registers_each_once_and_rising() -> None:
    one = enrolled(1, 3, 5)
    tags = block_tags(AGREEMENT, [citizens(7, 9), one])
    for item, values in tags.items():
        due = {tag for tag in one.table[f"pass.{item}.block"].to_pylist() if tag is not None}
        assert values.to_pylist() == sorted(due)
    assert "birth" in tags


def shown(agreement: Agreement = TWO) -> tuple[OpenRows, object]:
    rows, _ = build_rows(AGREEMENT, verified_datasets(AGREEMENT, [citizens(1, 3, 7), enrolled(1, 5)]))
    found = open_rows(agreement, rows)
    assert found is not None
    return found, rows


def test_asked_are_the_unmatched_of_other_registers() -> None:
    found, _ = shown()
    assert found.asked.sum() == 1
    assert found.shown.sum() == 4
    rows, _ = build_rows(AGREEMENT, verified_datasets(AGREEMENT, [citizens(1)]))
    assert open_rows(AGREEMENT, rows) is None


def test_a_row_that_was_not_given_out_is_in_a_block_of_its_own_unless_it_lacks_the_field() -> None:
    people = encode(
        "population", [person(1, "张三", row_key="a", status="1"), person(3, None, row_key="b", status="1")]
    )
    rows, _ = build_rows(AGREEMENT, verified_datasets(AGREEMENT, [people, enrolled(5)]))
    item = next(item for item in AGREEMENT.passes if "name" in item.block_on)
    found = with_other_blocks(TWO, rows, item, np.full(len(rows), -1, dtype=np.int32))
    in_order = people.table["state.name"].to_pylist()
    assert [block >= 0 for block in found[:2].tolist()] == [state <= 1 for state in in_order]
    assert found[2] == -1
    kept = with_other_blocks(TWO, rows, item, np.array([4, 4, 9], dtype=np.int32))
    assert kept.tolist() == [4, 4, 9]


@pytest.mark.parametrize("asked_share", [0.02, 0.3, 1.0])
def test_random_pairs_are_open_and_stand_for_all_open_pairs(asked_share: float) -> None:
    rng = np.random.default_rng(5)
    number = 3000
    asked = rng.random(number) < asked_share
    known = OpenRows(asked=asked, shown=asked | (rng.random(number) < 0.5))
    blocks = [rng.integers(0, 300, number).astype(np.int32), np.full(number, -1, dtype=np.int32)]
    codes = np.full(number, -1, dtype=np.int32)
    sampled = sample_pairs(blocks, codes, np.zeros(0, dtype=np.uint64), known)
    assert known.pairs(sampled.row_i, sampled.row_j).all()
    count, visible = int(asked.sum()), int(known.shown.sum())
    due = count * (visible - count) + count * (count - 1) / 2
    assert abs(sampled.weight.sum() / due - 1) < 0.1


def test_open_pairs_are_counted_by_pair_of_datasets() -> None:
    found, rows = shown()
    pairs = open_pairs(rows, found).reshape(2, 2)
    # Three of the population with the one that is asked about; it has no other asked row beside it.
    assert pairs.tolist() == [[0.0, 3.0], [0.0, 0.0]]
