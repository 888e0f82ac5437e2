"""Broken encodings are what their papers say, so that an attack on them means something."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from secure_match.review.attacks.targets import diffusion_clk, double_hashing_clk, global_clk

KEY = bytes(range(32))
NAMES = ["赵甲", "钱乙", "", "赵甲", "赵丙"]


def dice(one: np.ndarray, two: np.ndarray) -> float:
    common = int(np.bitwise_count(one & two).sum())
    return 2 * common / int(np.bitwise_count(one).sum() + np.bitwise_count(two).sum())


def test_a_global_clk_is_the_union_of_its_q_grams_positions() -> None:
    expected = np.zeros(1024, dtype=np.uint8)
    for gram in (" 赵", "赵甲", "甲 "):
        digest = hashlib.blake2b(bytes(4) + gram.encode(), key=KEY, person=b"random").digest()
        for word in range(20):
            expected[int.from_bytes(digest[2 * word : 2 * word + 2], "little") % 1024] = 1
    assert global_clk(["赵甲"], KEY)[0].tolist() == np.packbits(expected).tolist()


@pytest.mark.parametrize("target", [global_clk, double_hashing_clk, diffusion_clk])
def test_equal_texts_are_equal_everywhere_and_an_empty_one_has_no_bit(target) -> None:
    encodings = target(NAMES, KEY)
    assert encodings.shape == (5, 128)
    assert encodings.dtype == np.uint8
    assert (encodings[0] == encodings[3]).all()
    assert not encodings[2].any()
    assert (target(NAMES[::-1], KEY)[::-1] == encodings).all()
    assert (target(NAMES, b"other")[0] != encodings[0]).any()
    assert dice(encodings[0], encodings[4]) > dice(encodings[0], encodings[1])
    assert target([], KEY).shape == (0, 128)


def test_more_hashes_than_a_digest_has_words() -> None:
    few, many = (global_clk(["赵甲"], KEY, bits=4096, hashes=hashes) for hashes in (20, 70))
    assert (few & ~many).sum() == 0
    assert 3 * 70 - 15 <= int(np.bitwise_count(many).sum()) <= 3 * 70


def test_the_positions_of_double_hashing_are_a_line() -> None:
    places = np.flatnonzero(np.unpackbits(double_hashing_clk(["甲"], KEY, bits=1024, hashes=20, qgrams=1)))
    lines = [{(first + step * i) % 1024 for i in range(20)} for first in places.tolist() for step in range(1024)]
    assert set(places.tolist()) in lines


def test_diffusion_is_linear() -> None:
    texts = [f"{index:04d}" for index in range(600)]
    plain = np.unpackbits(global_clk(texts, KEY, bits=256), axis=1)
    spread = np.unpackbits(diffusion_clk(texts, KEY, bits=256), axis=1)
    # Any linear map keeps every dependency: rows of the CLKs that cancel out do so after it.
    assert _rank(np.hstack([plain, spread])) == _rank(plain)
    assert not (plain == spread).all()


def _rank(matrix: np.ndarray) -> int:
    """Rank over GF(2): each row is reduced by those that lead with another bit."""
    leading: dict[int, int] = {}
    for row in np.packbits(matrix, axis=1):
        value = int.from_bytes(row.tobytes(), "big")
        while value and value.bit_length() in leading:
            value ^= leading[value.bit_length()]
        if value:
            leading[value.bit_length()] = value
    return len(leading)
