"""Candidate pairs of one pass: blocks by tag, refused blocks, and similarity of listed pairs."""

from __future__ import annotations

from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.errors import LinkageError
from secure_match.linkage._pairs import BlockedPairs, blocked_pairs, pair_similarity

NO_TOKENS = np.full(6, -1, dtype=np.int64)
ENCODINGS = np.array([[0xFF], [0xFF], [0x0F], [0xFF], [0xFF], [0]], dtype=np.uint8)
ALL = np.ones(6, dtype=np.bool_)


def tags(*numbers: int) -> np.ndarray:
    # The numbers differ in the last byte or in the first, so that both halves of a tag count.
    result = np.zeros((len(numbers), 16), dtype=np.uint8)
    result[:, 15] = [number % 2 for number in numbers]
    result[:, 0] = [number // 2 for number in numbers]
    return result


def as_list(pairs: BlockedPairs) -> list[tuple[int, int, float]]:
    return list(zip(pairs.row_i.tolist(), pairs.row_j.tolist(), pairs.similarity.tolist(), strict=True))


def run(valid: np.ndarray, block_tags: np.ndarray | None, codes: np.ndarray, **changes: float) -> BlockedPairs:
    options = {"base_threshold": 0.9, "different_threshold": 0.9, "max_block_rows": 100} | changes
    return blocked_pairs(ENCODINGS, valid, block_tags, codes, **options)  # type: ignore[arg-type]


def test_rows_meet_only_in_their_block() -> None:
    pairs = run(ALL, tags(2, 1, 1, 2, 0, 0), NO_TOKENS)
    assert as_list(pairs) == [(0, 3, 1.0)]
    assert (pairs.compared, pairs.skipped_blocks, pairs.skipped_rows) == (3, 0, 0)


def test_rows_without_an_encoding_meet_nobody() -> None:
    valid = np.array([True, False, True, True, False, True])
    pairs = run(valid, tags(*[1] * 6), NO_TOKENS, base_threshold=0.0)
    assert as_list(pairs) == [
        (0, 2, 8 / 12),
        (0, 3, 1.0),
        (0, 5, 0.0),
        (2, 3, 8 / 12),
        (2, 5, 0.0),
        (3, 5, 0.0),
    ]


def test_tokens_choose_the_threshold() -> None:
    codes = np.array([4, 4, 7, -1, -1, 7], dtype=np.int64)
    pairs = run(ALL, None, codes, base_threshold=1.0, different_threshold=0.5)
    # 0-1 is of one token, 0-2 and 1-2 of two; 0-3, 0-4, 1-3, 1-4, 3-4 lack one.
    expected = [
        (0, 2, 8 / 12),
        (0, 3, 1.0),
        (0, 4, 1.0),
        (1, 2, 8 / 12),
        (1, 3, 1.0),
        (1, 4, 1.0),
        (3, 4, 1.0),
    ]
    assert as_list(pairs) == expected
    assert pairs.compared == 15 - 2


def test_a_large_block_is_refused_and_counted() -> None:
    pairs = run(ALL, tags(1, 1, 1, 1, 2, 2), NO_TOKENS, base_threshold=0.0, max_block_rows=3)
    assert as_list(pairs) == [(4, 5, 0.0)]
    assert (pairs.compared, pairs.skipped_blocks, pairs.skipped_rows) == (1, 1, 4)
    assert repr(pairs) == "<BlockedPairs: 1 of 1 pairs, 1 blocks skipped>"
    assert len(run(ALL, tags(1, 1, 1, 1, 2, 2), NO_TOKENS, base_threshold=0.0, max_block_rows=4)) == 7


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_row_numbers_only(rows: list[tuple[int, bool]], random: Random) -> None:
    numbers = [number for number, _ in rows]
    valid = np.array([is_valid for _, is_valid in rows], dtype=np.bool_)
    encodings = np.arange(1, len(rows) + 1, dtype=np.uint8)[:, None]
    codes = np.full(len(rows), -1, dtype=np.int64)
    options = {"base_threshold": 0.0, "different_threshold": 0.0, "max_block_rows": 50}
    pairs = blocked_pairs(encodings, valid, tags(*numbers), codes, **options)  # type: ignore[arg-type]
    expected = [
        (i, j) for i, j in combinations(range(len(rows)), 2) if valid[i] and valid[j] and numbers[i] == numbers[j]
    ]
    assert [(i, j) for i, j, _ in as_list(pairs)] == expected
    back = np.arange(len(rows))
    random.shuffle(back)
    moved = blocked_pairs(encodings[back], valid[back], tags(*numbers)[back], codes, **options)  # type: ignore[arg-type]
    assert sorted((*sorted((back[i], back[j])), s) for i, j, s in as_list(moved)) == as_list(pairs)


def test_similarity_of_listed_pairs_is_nan_where_they_cannot_be_compared() -> None:
    valid = np.array([True, True, True, True, False, True])
    row_i, row_j = np.array([0, 0, 3, 0, 4, 5]), np.array([1, 2, 0, 4, 4, 5])
    answer = pair_similarity(ENCODINGS, valid, tags(1, 2, 1, 3, 1, 0), row_i, row_j)
    np.testing.assert_array_equal(answer, [np.nan, 8 / 12, np.nan, np.nan, np.nan, 0.0])
    unblocked = pair_similarity(ENCODINGS, valid, None, row_i, row_j)
    np.testing.assert_array_equal(unblocked, [1.0, 8 / 12, 1.0, np.nan, np.nan, 0.0])


def test_errors() -> None:
    cases = [
        ("THRESHOLD_RANGE", lambda: run(ALL, None, NO_TOKENS, base_threshold=1.5)),
        ("THRESHOLD_RANGE", lambda: run(ALL, None, NO_TOKENS, different_threshold=float("nan"))),
        ("PASS_SHAPE", lambda: run(ALL[:5], None, NO_TOKENS)),
        ("PASS_SHAPE", lambda: run(ALL, tags(1, 2), NO_TOKENS)),
        ("PASS_SHAPE", lambda: run(ALL, None, NO_TOKENS[:5])),
        ("PAIR_RANGE", lambda: pair_similarity(ENCODINGS, ALL, None, np.array([0]), np.array([6]))),
        ("PAIR_RANGE", lambda: pair_similarity(ENCODINGS, ALL, None, np.array([-1]), np.array([0]))),
        ("PAIR_RANGE", lambda: pair_similarity(ENCODINGS, ALL, None, np.array([0, 1]), np.array([0]))),
    ]
    for code, call in cases:
        with pytest.raises(LinkageError) as caught:
            call()
        assert caught.value.code == code
