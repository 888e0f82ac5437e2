"""Fold, Rule 90, noise and balance against their references and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.kernels._hardened_bits import (
    balanced,
    balanced_reference,
    flipped,
    flipped_reference,
    rule_90,
    rule_90_reference,
    xor_folded,
)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 1 << 32), st.integers(0, 9), st.sampled_from([1, 2, 3, 32]), st.sampled_from([0, 1, 9000, 1 << 16])
)
def test_all_equal_their_references(seed: int, rows: int, width: int, threshold: int) -> None:
    generator = np.random.default_rng(seed)
    encodings = generator.integers(0, 256, (rows, width)).astype(np.uint8)
    noise = generator.integers(0, 1 << 16, (rows, 8 * width)).astype(np.uint16)
    order = generator.permutation(16 * width)
    before = encodings.copy()
    assert (rule_90(encodings) == rule_90_reference(encodings)).all()
    assert (flipped(encodings, noise, threshold) == flipped_reference(encodings, noise, threshold)).all()
    found = balanced(encodings, order)
    assert (found == balanced_reference(encodings, order)).all()
    assert (np.bitwise_count(found).sum(axis=1) == 8 * width).all()
    assert (encodings == before).all()


def test_by_hand() -> None:
    assert xor_folded(np.array([[0b11001100, 0b10101010]], dtype=np.uint8)).tolist() == [[0b01100110]]
    # Neighbours of each bit, the ends being neighbours of each other.
    assert rule_90(np.array([[0b10000000, 0b00000001]], dtype=np.uint8)).tolist() == [[0b11000000, 0b00000011]]
    assert rule_90(np.array([[0b00010000]], dtype=np.uint8)).tolist() == [[0b00101000]]
    assert flipped(
        np.array([[0b11110000]], dtype=np.uint8), np.array([[0, 4, 5, 6, 0, 4, 5, 65535]], dtype=np.uint16), 5
    ).tolist() == [[0b00111100]]
    everything = np.array([[0b11110000]], dtype=np.uint8)
    assert balanced(everything, np.arange(16)[::-1].copy()).tolist() == [[0b11110000, 0b00001111]]


def test_all_or_nothing_is_flipped_at_the_ends() -> None:
    encodings, noise = np.array([[0b10110010]], dtype=np.uint8), np.full((1, 8), 65535, dtype=np.uint16)
    assert flipped(encodings, noise, 65535).tolist() == encodings.tolist()
    assert flipped(encodings, noise, 65536).tolist() == (~encodings).tolist()


def test_what_does_not_fit_is_refused() -> None:
    encodings = np.zeros((2, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match="odd number"):
        xor_folded(encodings)
    for noise, threshold in ((np.zeros((2, 23)), 1), (np.zeros((1, 24)), 1), (np.zeros((2, 24)), 65537)):
        with pytest.raises(ValueError, match="fit each other"):
            flipped(encodings, noise.astype(np.uint16), threshold)
    for order in (np.arange(47), np.arange(1, 49), np.zeros(48, dtype=np.int64), np.arange(-1, 47)):
        with pytest.raises(ValueError, match="no permutation"):
            balanced(encodings, order)
