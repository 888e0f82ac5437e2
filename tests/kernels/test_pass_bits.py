"""The kernels of the passes against their NumPy references; the block cipher is a stand-in."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.kernels import _pass_bits
from secure_match.kernels._pass_bits import (
    TokenRows,
    first_occurrences,
    first_occurrences_reference,
    set_pass_bits,
    set_pass_bits_reference,
)


def mixed(blocks: np.ndarray) -> np.ndarray:
    """A stand-in for a block cipher: every block to 16 other bytes, each by itself."""
    factors = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)
    mixed = (blocks ^ (blocks[:, ::-1] >> np.uint64(29))) * factors
    return (mixed ^ (mixed >> np.uint64(31))).astype("<u8").view(np.uint8).reshape(-1, 16)


def random_rows(generator: np.random.Generator, rows: int, columns: int, most: int) -> TokenRows:
    sizes = generator.integers(0, 6, 9)
    entries, num_tokens = int(sizes.sum()), 12
    return TokenRows(
        lists=generator.integers(-1, len(sizes), (rows, columns)),
        starts=np.concatenate([[0], np.cumsum(sizes)]),
        tokens=generator.integers(0, num_tokens, entries).astype(np.int32),
        counts=generator.integers(0, most + 1, entries).astype(np.int32),
        chains=generator.integers(0, 1 << 63, (rows, 2)).astype(np.uint64),
        token_words=generator.integers(0, 1 << 32, (num_tokens, 2)).astype(np.uint64),
    )


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 1 << 32),
    st.integers(0, 20),
    st.integers(1, 3),
    st.sampled_from([1, 7, 8, 9, 100]),
    st.sampled_from([1, 32, 128, 8192]),
    st.sampled_from([1, 30, 1 << 14]),
)
def test_bits_equal_the_reference(seed: int, rows: int, columns: int, most: int, width: int, group: int) -> None:
    generator = np.random.default_rng(seed)
    token_rows = random_rows(generator, rows, columns, most)
    targets = generator.permutation(rows + 3)[:rows].astype(np.int64)
    compiled, reference = (np.zeros((rows + 3, width), dtype=np.uint8) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pass_bits, "_GROUP_BLOCKS", group)
        set_pass_bits(token_rows, mixed, targets, compiled)
    set_pass_bits_reference(token_rows, mixed, targets, reference)
    assert (compiled == reference).all()


def test_one_token_by_hand() -> None:
    seen: list[np.ndarray] = []

    def cipher(blocks: np.ndarray) -> np.ndarray:
        seen.append(blocks.copy())
        return np.arange(8 * len(blocks), dtype="<u2").view(np.uint8).reshape(-1, 16)

    rows = TokenRows(
        lists=np.array([[0]]),
        starts=np.array([0, 1]),
        tokens=np.zeros(1, dtype=np.int32),
        counts=np.array([10], dtype=np.int32),
        chains=np.array([[5, 7]], dtype=np.uint64),
        token_words=np.array([[1, 2]], dtype=np.uint64),
    )
    out = np.zeros((1, 4), dtype=np.uint8)
    set_pass_bits(rows, cipher, np.zeros(1, dtype=np.int64), out)
    assert seen[0].tolist() == [[4, 5], [4, 5 ^ (1 << 32)]]
    assert out.tolist() == [[0xFF, 0xC0, 0, 0]]


@pytest.mark.parametrize(
    "change",
    [
        {"lists": np.full((4, 2), 9)},
        {"lists": np.full((4, 2), -2)},
        {"lists": np.zeros(4, dtype=np.int64)},
        {"starts": np.array([0, 3, 1])},
        {"starts": np.zeros(0, dtype=np.int64)},
        {"tokens": np.full(1000, 12, dtype=np.int32)},
        {"counts": np.full(3, 1, dtype=np.int32)},
        {"chains": np.zeros((3, 2), dtype=np.uint64)},
        {"token_words": np.zeros((3, 2), dtype=np.uint64)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_fit_is_refused(change: dict[str, np.ndarray]) -> None:
    good = random_rows(np.random.default_rng(1), 4, 2, 20)
    out, targets = np.zeros((4, 32), dtype=np.uint8), np.arange(4)
    set_pass_bits(good, mixed, targets, out)
    with pytest.raises(ValueError, match=r"fit|range"):
        set_pass_bits(dataclasses.replace(good, **change), mixed, targets, out)


def test_lengths_targets_and_ciphers_that_do_not_fit_are_refused() -> None:
    good = random_rows(np.random.default_rng(1), 4, 2, 20)
    for width in (0, 3, 16384):
        with pytest.raises(ValueError, match="power of two"):
            set_pass_bits(good, mixed, np.arange(4), np.zeros((4, width), dtype=np.uint8))
    for targets in (np.arange(3), np.arange(1, 5), np.arange(-1, 3)):
        with pytest.raises(ValueError, match="target"):
            set_pass_bits(good, mixed, targets, np.zeros((4, 32), dtype=np.uint8))
    with pytest.raises(ValueError, match="number of blocks"):
        set_pass_bits(good, lambda blocks: mixed(blocks[1:]), np.arange(4), np.zeros((4, 32), dtype=np.uint8))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 6)), max_size=60))
def test_first_occurrences_equal_the_reference(pairs: list[tuple[int, int]]) -> None:
    rows = np.sort(np.array([row for row, _ in pairs], dtype=np.int64))
    tokens = np.array([token for _, token in pairs], dtype=np.int32)
    assert (first_occurrences(rows, tokens, 7) == first_occurrences_reference(rows, tokens, 7)).all()


def test_first_occurrences_refuses_what_does_not_fit() -> None:
    one = np.array([0, 1], dtype=np.int64)
    for rows, tokens in ((one, [0]), (one, [0, 7]), (one[::-1].copy(), [0, 1]), (one - 1, [0, 1])):
        with pytest.raises(ValueError, match="fit"):
            first_occurrences(rows, np.array(tokens, dtype=np.int32), 7)
