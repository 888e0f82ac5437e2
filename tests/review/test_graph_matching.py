"""Graph matching names people of a plain global CLK, and nobody where there is no graph."""

from __future__ import annotations

import numpy as np
import pytest

from review.synthetic_people import keyed_clk, records
from secure_match.review.attacks.block_graphs import block_graph_matching
from secure_match.review.attacks.graph_matching import graph_matching, match_graphs, own_encodings

PEOPLE = 500


@pytest.fixture(scope="module")
def people() -> list[str]:
    return records(PEOPLE, seed=11)


def test_a_plain_clk_falls_without_a_key_or_a_known_pair(people: list[str]) -> None:
    order = np.random.default_rng(1).permutation(PEOPLE)
    encodings = keyed_clk([people[row] for row in order], b"the departments' key")
    own = own_encodings(people, bits=1024, hashes=15, qgrams=2, seed=5)

    result = graph_matching(encodings, own, order, settings={"target": "clk"})

    assert result.trials == PEOPLE
    assert result.rate >= 0.9
    assert result.guessing == 1 / PEOPLE
    assert result.settings["target"] == "clk"


def test_encodings_that_share_nothing_name_nobody(people: list[str]) -> None:
    # A key for each record: what blocks of one person come to.
    encodings = np.concatenate([keyed_clk([text], f"key {row}".encode()) for row, text in enumerate(people)])
    own = own_encodings(people, bits=1024, hashes=15, qgrams=2, seed=5)

    result = graph_matching(encodings, own, np.arange(PEOPLE))

    # Sizes still tell, so this is above 1/500.
    assert result.rate <= 0.03


def test_people_who_are_not_among_the_plaintexts_are_no_trial(people: list[str]) -> None:
    encodings = keyed_clk(people[:60], b"key")
    own = own_encodings(people[30:90], bits=1024, hashes=15, qgrams=2, seed=5)
    truth = np.where(np.arange(60) >= 30, np.arange(60) - 30, -1)

    assert graph_matching(encodings, own, truth).trials == 30


def test_the_same_seed_gives_the_same_guesses(people: list[str]) -> None:
    encodings = keyed_clk(people[:80], b"key")
    own = own_encodings(people[:80], bits=1024, hashes=15, qgrams=2, seed=5)

    first, second = (match_graphs(encodings, own, seed=3, starts=2) for _ in range(2))

    assert np.array_equal(first.best, second.best)
    assert first.agreement == second.agreement


def test_a_block_of_a_size_of_its_own_gives_its_people_away_and_one_of_many_does_not(people: list[str]) -> None:
    tags = np.zeros((PEOPLE, 16), dtype=np.uint8)
    tags[:, :2] = np.arange(PEOPLE, dtype="<u2").view(np.uint8).reshape(-1, 2)
    tags[:3] = tags[0]
    encodings = np.concatenate([keyed_clk([text], bytes(tag) + b"!") for text, tag in zip(people, tags, strict=True)])
    own = np.concatenate([keyed_clk([text], bytes(tag) + b"?") for text, tag in zip(people, tags, strict=True)])

    result = block_graph_matching(encodings, tags, own, tags, np.arange(PEOPLE))
    of_three = block_graph_matching(encodings[:3], tags[:3], own, tags, np.arange(3))

    assert result.rate <= 0.03
    assert result.fields["alone_in_block"] == (PEOPLE - 3) / PEOPLE
    assert of_three.hits >= 1
