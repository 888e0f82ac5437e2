"""Attacks succeed on encodings that are known to be broken, and no better than by guessing on bits of chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from review.synthetic_people import records
from secure_match.review.attacks import PlainColumn, SeenPass, draw_known
from secure_match.review.attacks.frequency import frequency_alignment, pattern_mining
from secure_match.review.attacks.known_plaintext import LEARNERS, LearnerName, known_plaintext, known_plaintext_by_tag
from secure_match.review.attacks.membership import membership
from secure_match.review.attacks.propagation import tag_propagation
from secure_match.review.attacks.tags import tag_frequency, tag_structure
from secure_match.review.attacks.targets import global_clk
from secure_match.synthetic import CityConfig, generate_city

PEOPLE = 2_000
KEY = b"the departments' key, for everybody"


def seen_pass(texts: list[str], encodings: npt.NDArray[np.uint8]) -> SeenPass:
    column = PlainColumn(name="record", values=texts, insertions=20 * 30)
    return SeenPass(id="global", encodings=encodings, present=np.ones(len(encodings), dtype=np.bool_), columns=[column])


@pytest.fixture(scope="module")
def city() -> tuple[SeenPass, npt.NDArray[np.int64]]:
    """Record-level CLKs under one key, in another order than the roster."""
    texts = records(PEOPLE, seed=21)
    truth = np.random.default_rng(2).permutation(PEOPLE)
    return seen_pass(texts, global_clk([texts[row] for row in truth], KEY)), truth


@pytest.mark.parametrize("learner", LEARNERS)
def test_two_hundred_known_pairs_name_everybody_in_a_global_clk(city, learner: LearnerName) -> None:
    seen, truth = city
    result = known_plaintext(seen, truth=truth, known=draw_known(truth, 200, 1), learner=learner)
    # What one hidden layer learns from 200 pairs is less than what the form of the encoding gives away.
    assert result.rate >= (0.9 if learner in {"noisy_or", "ridge"} else 0.5)
    assert result.trials == PEOPLE - 200


@pytest.mark.parametrize("learner", LEARNERS)
def test_bits_of_chance_name_nobody(city, learner: LearnerName) -> None:
    seen, truth = city
    noise = np.random.default_rng(3).integers(256, size=seen.encodings.shape, dtype=np.uint8)
    known = draw_known(truth, 200, 1)
    assert known_plaintext(replace(seen, encodings=noise), truth=truth, known=known, learner=learner).rate <= 0.01


def test_truth_outside_the_known_pairs_changes_no_guess(city) -> None:
    seen, truth = city
    known = draw_known(truth, 200, 1)
    other = truth.copy()
    unknown = np.setdiff1d(np.arange(PEOPLE), known)
    other[unknown] = np.random.default_rng(4).permutation(truth[unknown])
    assert known_plaintext(seen, truth=other, known=known).rate <= 0.02


def names_alone(people: int, characters: int | None) -> tuple[SeenPass, npt.NDArray[np.int64]]:
    """Names alone, or their first characters, under one key: common ones have common encodings."""
    table = generate_city(CityConfig(people=people, seed=5)).exports["population"]
    texts = [(text or "")[:characters] for text in table["姓名"].to_pylist()]
    truth = np.random.default_rng(6).permutation(len(texts))
    column = PlainColumn(name="name", values=texts, insertions=60)
    encodings = global_clk([texts[row] for row in truth], KEY)
    present = np.array([bool(texts[row]) for row in truth])
    return SeenPass(id="names", encodings=encodings, present=present, columns=[column]), truth


@pytest.fixture(scope="module")
def names() -> tuple[SeenPass, npt.NDArray[np.int64]]:
    return names_alone(2_500, None)


def test_common_names_of_a_name_only_clk_are_found() -> None:
    # In a small city the commonest names are borne by a handful each, and ranks are ties.
    seen, truth = names_alone(60_000, None)
    result = pattern_mining(seen, truth=truth)
    # Half of the rows with the ten commonest names, or all, as the key would have it.
    assert result.settings["ten_commonest_named"] >= 0.45
    assert result.rate >= 10 * result.guessing


@pytest.mark.parametrize("attack", [frequency_alignment, pattern_mining])
def test_surnames_under_one_key_are_named(attack) -> None:
    seen, truth = names_alone(20_000, 1)
    result = attack(seen, truth=truth)
    assert result.settings["ten_commonest_named"] >= 0.9
    assert result.rate >= 0.8


@pytest.mark.parametrize("attack", [frequency_alignment, pattern_mining])
def test_frequency_tells_nothing_where_every_row_has_a_key(names, attack) -> None:
    seen, truth = names
    noise = np.random.default_rng(7).integers(256, size=seen.encodings.shape, dtype=np.uint8)
    result = attack(replace(seen, encodings=noise), truth=truth)
    assert result.rate <= result.guessing + 0.01


def test_membership_shows_in_a_global_clk_and_not_in_chance(city) -> None:
    seen, _ = city
    inside = np.random.default_rng(8).permutation(PEOPLE)[: PEOPLE // 2]
    texts = seen.columns[0].values
    half = seen_pass(list(texts), global_clk([texts[row] for row in inside], KEY))
    known = draw_known(inside, 200, 1)

    assert membership(half, truth=inside, known=known).rate >= 0.9
    noise = np.random.default_rng(9).integers(256, size=half.encodings.shape, dtype=np.uint8)
    assert abs(membership(replace(half, encodings=noise), truth=inside, known=known).rate - 0.5) <= 0.06


def blocked(city: tuple[SeenPass, npt.NDArray[np.int64]], size: int) -> SeenPass:
    """The same rows, in blocks of ``size`` people each, encodings without any use."""
    seen, truth = city
    block = np.arange(PEOPLE) // size
    tags = np.zeros((PEOPLE, 16), dtype=np.uint8)
    tags[:, :4] = (block[truth].astype("<u4") + 77).view(np.uint8).reshape(-1, 4)
    noise = np.random.default_rng(10).integers(256, size=seen.encodings.shape, dtype=np.uint8)
    return replace(seen, tags=tags, block_values=[f"block {number}" for number in block], encodings=noise)


def test_a_known_row_names_its_block_mate_and_nobody_where_blocks_hold_one(city) -> None:
    _, truth = city
    known = draw_known(truth, 400, 1)
    pairs, alone = blocked(city, 2), blocked(city, 1)

    found = tag_propagation([pairs], truth=truth, known=known)
    assert found.hits == found.settings["reached"] > 250
    assert tag_propagation([alone], truth=truth, known=known).hits == 0
    by_tag = known_plaintext_by_tag(pairs, truth=truth, known=known)
    assert by_tag.hits == found.hits


def test_blocks_of_sizes_of_their_own_are_named_by_rank_and_shape(city) -> None:
    seen, truth = city
    block = np.repeat(np.arange(70), np.arange(70))[:PEOPLE]
    tags = np.zeros((PEOPLE, 16), dtype=np.uint8)
    tags[:, :4] = (block[truth].astype("<u4") * 7919).view(np.uint8).reshape(-1, 4)
    values = [f"block {number}" for number in block]

    ranked = tag_frequency("shape", tags, seen.present, values, truth=truth)
    assert ranked.rate >= 0.9
    assert ranked.guessing <= 0.04
    flat = blocked(city, 2)
    assert flat.tags is not None
    assert flat.block_values is not None
    assert tag_frequency("flat", flat.tags, flat.present, flat.block_values, truth=truth).rate <= 0.005
    assert tag_structure([flat], truth=truth).hits == 0
