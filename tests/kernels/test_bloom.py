"""The compiled Bloom filter kernels against their NumPy references, and against bits set by hand."""

from __future__ import annotations

import numpy as np
import pytest

from secure_match.kernels.bloom import (
    Entries,
    fold_xor,
    fold_xor_reference,
    merge_filters,
    merge_filters_reference,
    set_token_bits,
    set_token_bits_reference,
)

LENGTHS = [1, 5, 8, 13, 64, 1024, 70_000]
NUM_FILTERS, NUM_TOKENS, NUM_ENTRIES = 7, 20, 60


def random_entries(generator: np.random.Generator, most_hashes: int) -> Entries:
    return Entries(
        rows=generator.integers(0, NUM_FILTERS, NUM_ENTRIES),
        tokens=generator.integers(0, NUM_TOKENS, NUM_ENTRIES),
        num_hashes=generator.integers(0, most_hashes + 1, NUM_ENTRIES).astype(np.int32),
    )


def empty(length_bits: int) -> np.ndarray:
    return np.zeros((NUM_FILTERS, (length_bits + 7) // 8), dtype=np.uint8)


@pytest.mark.parametrize("length_bits", LENGTHS)
def test_token_bits_equal_the_reference(length_bits: int) -> None:
    generator = np.random.default_rng(length_bits)
    entries = random_entries(generator, 64)
    shorts = generator.integers(0, 1 << 16, (NUM_TOKENS, 64)).astype(np.uint16)
    compiled, reference = empty(length_bits), empty(length_bits)
    set_token_bits(entries, shorts, compiled, length_bits)
    set_token_bits_reference(entries, shorts, reference, length_bits)
    assert reference.any()
    assert (compiled == reference).all()


@pytest.mark.parametrize("length_bits", LENGTHS[:-1])
@pytest.mark.parametrize("folds", [0, 1, 3])
def test_folding_equals_the_reference(length_bits: int, folds: int) -> None:
    generator = np.random.default_rng(length_bits)
    bits = generator.integers(0, 2, (NUM_FILTERS, length_bits << folds)).astype(np.uint8)
    filters = np.packbits(bits, axis=1)
    folded = fold_xor(filters, length_bits, folds)
    assert (folded == fold_xor_reference(filters, length_bits, folds)).all()


def test_merging_equals_the_reference() -> None:
    generator = np.random.default_rng(3)
    filters = generator.integers(0, 1 << 63, (5, 3), dtype=np.uint64)
    codes = generator.integers(-1, 5, 30).astype(np.int32)
    compiled = generator.integers(0, 1 << 63, (30, 3), dtype=np.uint64)
    reference = compiled.copy()
    merge_filters(codes, filters, compiled)
    merge_filters_reference(codes, filters, reference)
    assert (compiled == reference).all()
    with pytest.raises(ValueError, match="do not fit"):
        merge_filters(codes, filters[:4], compiled)


def test_bit_order_by_hand() -> None:
    out = np.zeros((2, 2), dtype=np.uint8)
    shorts = np.array([[0, 9, 15], [7, 31, 1]], dtype=np.uint16)
    entries = Entries(rows=np.array([0, 1]), tokens=np.arange(2), num_hashes=np.array([3, 2], dtype=np.int32))
    set_token_bits(entries, shorts, out, 16)
    assert out.tolist() == [[0b1000_0000, 0b0100_0001], [0b0000_0001, 0b0000_0001]]


@pytest.mark.parametrize(
    ("rows", "num_hashes", "length_bits"), [([2], [1], 16), ([-1], [1], 16), ([0], [4], 16), ([0], [1], 17)]
)
def test_what_lies_outside_the_arrays_is_refused(rows: list[int], num_hashes: list[int], length_bits: int) -> None:
    out = np.zeros((2, 2), dtype=np.uint8)
    shorts = np.zeros((1, 3), dtype=np.uint16)
    entries = Entries(rows=np.array(rows), tokens=np.arange(1), num_hashes=np.array(num_hashes, dtype=np.int32))
    with pytest.raises(ValueError, match=r"range|length_bits"):
        set_token_bits(entries, shorts, out, length_bits)
    assert not out.any()
