"""The layout of a set of encodings: another order of bits, slabs, tiles; and where the prefix bound is asked."""

from __future__ import annotations

import numpy as np
import pytest

from secure_match.kernels._bit_order import reorder_bits, telling_first
from secure_match.kernels._popcount import row_popcounts
from secure_match.kernels._prefix import _refused_after, choose_prefix
from secure_match.kernels._slabs import Slabs, as_tiled_counts, make_slabs, make_tiles, rest_popcounts
from secure_match.kernels._tile import CACHE_LINE, TILE_ROWS


def random_words(rows: int, num_words: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << 64, (rows, num_words), dtype=np.uint64)


def bits_of(words: np.ndarray) -> np.ndarray:
    numbers = np.arange(64, dtype=np.uint64)
    return (words[:, :, None] >> numbers & np.uint64(1)).reshape(len(words), 64 * words.shape[1]).astype(bool)


@pytest.mark.parametrize("rows", [0, 1, 63, 64, 65, 200])
@pytest.mark.parametrize("num_words", [1, 3])
def test_bits_in_another_order(rows: int, num_words: int) -> None:
    words = random_words(rows, num_words)
    rng = np.random.default_rng(2)
    chosen, order = rng.permutation(rows), rng.permutation(64 * num_words)
    moved = reorder_bits(words, chosen, order)
    np.testing.assert_array_equal(bits_of(moved), bits_of(words)[chosen][:, order])


def test_the_most_telling_bits_come_first() -> None:
    shares = np.linspace(0.0, 1.0, 64)
    bits = np.arange(400)[:, None] < 400 * shares[None, :]
    words = (bits.astype(np.uint64) << np.arange(64, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)[:, None]
    order = telling_first(words, words)
    assert sorted(order.tolist()) == list(range(64))
    distance = np.abs(bits.mean(axis=0)[order] - 0.5)
    assert (np.diff(distance) >= -1e-9).all()
    assert set(order[-2:].tolist()) == {0, 63}


@pytest.mark.parametrize("rows", [0, 1, 5, TILE_ROWS, TILE_ROWS + 9])
@pytest.mark.parametrize("num_words", [1, 3])
def test_tiles_are_the_transposed_rows(rows: int, num_words: int) -> None:
    words = random_words(rows, num_words)
    tiles = make_tiles(words)
    assert rows == 0 or tiles.ctypes.data % CACHE_LINE == 0
    lines = tiles.reshape(-1, 8 * num_words, TILE_ROWS)
    for row in range(len(lines) * TILE_ROWS):
        expected = words[row] if row < rows else np.zeros(num_words, dtype=np.uint64)
        number = [
            sum(int(lines[row // TILE_ROWS, 8 * word + byte, row % TILE_ROWS]) << 8 * byte for byte in range(8))
            for word in range(num_words)
        ]
        assert number == expected.tolist()


def test_slabs_stand_in_stable_order_of_popcount() -> None:
    words = random_words(500, 2)
    slabs = make_slabs(words, np.arange(128))
    np.testing.assert_array_equal(slabs.order, np.argsort(row_popcounts(words), kind="stable"))
    np.testing.assert_array_equal(slabs.words, words[slabs.order])
    rest = rest_popcounts(slabs.words, slabs.counts, 8)
    np.testing.assert_array_equal(rest, np.bitwise_count(slabs.words[:, 1]))


@pytest.mark.parametrize(("bits", "dtype"), [(65_535, np.uint16), (65_536, np.uint32)])
def test_counts_are_as_wide_as_the_encoding_is_long(bits: int, dtype: type) -> None:
    counts = as_tiled_counts(np.array([bits, 1]), bits)
    assert counts.dtype == dtype
    assert counts.tolist() == [bits, 1] + [0] * (TILE_ROWS - 2)


def test_the_prefix_is_short_where_it_refuses_and_the_whole_where_it_does_not() -> None:
    rng = np.random.default_rng(3)
    packed = (np.packbits(rng.random((128, 1024)) < 0.4, axis=1) for _ in range(2))
    one, two = (make_slabs(side.view(np.uint64), np.arange(1024)) for side in packed)
    total = one.counts[:, None] + two.counts[None, :]
    prefix, share = choose_prefix(one, two, np.ceil(0.45 * total).astype(np.int64))
    assert 20 < prefix < 110
    assert share == 0.0
    assert choose_prefix(one, two, np.zeros_like(total)) == (128, 1.0)
    assert choose_prefix(one, two, total) == (1, 0.0)  # The length bound refuses all.


def test_where_the_prefix_bound_refuses_is_counted_by_definition() -> None:
    words = random_words(40, 3) & random_words(40, 3, seed=2)
    side = Slabs(np.arange(40), row_popcounts(words), words)
    needed = np.random.default_rng(4).integers(0, 60, (40, 40))
    refused, expected = np.zeros(26, dtype=np.int64), np.zeros(26, dtype=np.int64)
    _refused_after(side, side, needed, refused)
    bits = bits_of(words)
    for one in range(40):
        for two in range(40):
            bounds = [
                (bits[one] & bits[two])[: 8 * head].sum()
                + min(bits[one, 8 * head :].sum(), bits[two, 8 * head :].sum())
                for head in range(25)
            ]
            expected[next((head for head, bound in enumerate(bounds) if bound < needed[one, two]), 25)] += 1
    np.testing.assert_array_equal(refused, expected)
