"""The compiled loops over lists of tokens against their NumPy references, and against bits set by hand."""

from __future__ import annotations

import numpy as np
import pytest

from secure_match.kernels.token_lists import (
    TokenLists,
    most_hashes,
    most_hashes_reference,
    set_short_bits,
    set_short_bits_reference,
    set_step_bits,
    set_step_bits_reference,
)

NUM_LISTS, NUM_TOKENS, MOST_HASHES = 40, 12, 50
SHARES = [(0, 1), (0, 50), (7, 0), (50, 0)]


def random_lists(generator: np.random.Generator, per_token: int, per_list: int) -> TokenLists:
    counts = generator.integers(0, 9, NUM_LISTS)
    counts[:2] = 0, 1
    return TokenLists(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        tokens=generator.integers(0, NUM_TOKENS, int(counts.sum())).astype(np.int32),
        per_token=per_token,
        per_list=per_list,
    )


def empty(length_bits: int) -> np.ndarray:
    return np.zeros((NUM_LISTS, 8 * ((length_bits + 63) // 64)), dtype=np.uint8)


@pytest.mark.parametrize("shares", SHARES)
def test_most_hashes_equal_the_reference(shares: tuple[int, int]) -> None:
    lists = random_lists(np.random.default_rng(1), *shares)
    most = most_hashes(lists, NUM_TOKENS + 1)
    assert most.tolist() == most_hashes_reference(lists, NUM_TOKENS + 1).tolist()
    assert most.max() == max(shares)
    assert most[NUM_TOKENS] == 0


@pytest.mark.parametrize("shares", SHARES)
@pytest.mark.parametrize("length_bits", [1, 2, 8, 64, 1024, 1 << 17])
def test_short_bits_equal_the_reference(length_bits: int, shares: tuple[int, int]) -> None:
    generator = np.random.default_rng(length_bits)
    lists = random_lists(generator, *shares)
    shorts = generator.integers(0, 1 << 16, NUM_TOKENS * MOST_HASHES).astype(np.uint16)
    starts = generator.permutation(NUM_TOKENS) * MOST_HASHES
    compiled, reference = empty(length_bits), empty(length_bits)
    set_short_bits(lists, shorts, starts, compiled, length_bits)
    set_short_bits_reference(lists, shorts, starts, reference, length_bits)
    assert reference.any()
    assert (compiled == reference).all()


@pytest.mark.parametrize("shares", SHARES)
@pytest.mark.parametrize("length_bits", [1, 5, 13, 64, 1000, 70_000])
def test_step_bits_equal_the_reference(length_bits: int, shares: tuple[int, int]) -> None:
    generator = np.random.default_rng(length_bits)
    lists = random_lists(generator, *shares)
    first, step = generator.integers(0, length_bits, (2, NUM_TOKENS))
    compiled, reference = empty(length_bits), empty(length_bits)
    set_step_bits(lists, first, step, compiled, length_bits)
    set_step_bits_reference(lists, first, step, reference, length_bits)
    assert reference.any()
    assert (compiled == reference).all()


def by_hand(offsets: list[int], tokens: list[int], per_token: int, per_list: int) -> TokenLists:
    return TokenLists(
        offsets=np.array(offsets, dtype=np.int64),
        tokens=np.array(tokens, dtype=np.int32),
        per_token=per_token,
        per_list=per_list,
    )


def test_what_does_not_divide_goes_to_the_first_tokens() -> None:
    lists = by_hand([0, 0, 3], [1, 0, 1], 0, 5)
    assert lists.num_hashes().tolist() == [2, 2, 1]
    out = np.zeros((2, 2), dtype=np.uint8)
    set_short_bits(lists, np.array([0, 9, 15, 14], dtype=np.uint16), np.array([0, 2]), out, 16)
    assert out.tolist() == [[0, 0], [0b1000_0000, 0b0100_0011]]


@pytest.mark.parametrize(
    ("lists", "length_bits"),
    [
        (by_hand([0, 2], [0], 1, 0), 16),
        (by_hand([1, 1], [0], 1, 0), 16),
        (by_hand([0, 2, 1], [0], 1, 0), 16),
        (by_hand([0, 1], [1], 1, 0), 16),
        (by_hand([0, 1], [-1], 1, 0), 16),
        (by_hand([0, 1], [0], 4, 0), 16),
        (by_hand([0, 1], [0], -1, 0), 16),
        (by_hand([0, 1], [0], 1, 0), 32),
        (by_hand([0, 1, 1], [0], 1, 0), 16),
        (by_hand([0, 1], [0], 1, 0), 12),
    ],
)
def test_what_lies_outside_the_arrays_is_refused(lists: TokenLists, length_bits: int) -> None:
    out = np.zeros((1, 2), dtype=np.uint8)
    with pytest.raises(ValueError, match=r"range|length_bits|offsets|fewer"):
        set_short_bits(lists, np.zeros(3, dtype=np.uint16), np.array([0]), out, length_bits)
    assert not out.any()
    if length_bits == 16 and lists.per_token == 1:
        with pytest.raises(ValueError, match=r"range|length_bits|offsets"):
            set_step_bits(lists, np.array([0]), np.array([1]), out, length_bits)
    with pytest.raises(ValueError, match="position"):
        set_step_bits(by_hand([0, 1], [0], 1, 0), np.array([16]), np.array([1]), out, 16)
