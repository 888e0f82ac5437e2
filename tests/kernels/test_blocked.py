"""Pairs inside blocks, and listed pairs: compiled kernel and NumPy reference against plain Python."""

from __future__ import annotations

from itertools import combinations
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from secure_match.kernels import _reference, blocked_dice, pack_words
from secure_match.kernels._blocked import BUFFER_PAIRS

BYTES = st.sampled_from([0, 0, 1, 3, 0x55, 0x7F, 0xFF])
THRESHOLDS = st.one_of(st.sampled_from([0.0, 0.5, 2 / 3, 0.8, 1.0]), st.floats(0.0, 1.0))


def dice(one: np.ndarray, two: np.ndarray) -> float:
    x, y = int.from_bytes(one.tobytes()), int.from_bytes(two.tobytes())
    total = x.bit_count() + y.bit_count()
    return 2.0 * (x & y).bit_count() / total if total else 0.0


@st.composite
def blocked_rows(draw: st.DrawFn) -> tuple[np.ndarray, list[list[int]], np.ndarray]:
    rows = draw(st.integers(0, 14))
    encodings = draw(arrays(np.uint8, (rows, draw(st.integers(1, 9))), elements=BYTES))
    block_of = draw(st.lists(st.integers(-1, 2), min_size=rows, max_size=rows))
    shuffled = draw(st.permutations(range(rows)))
    blocks = [[row for row in shuffled if block_of[row] == block] for block in range(3)]
    codes = np.array(draw(st.lists(st.integers(-1, 2), min_size=rows, max_size=rows)), dtype=np.int64)
    return encodings, blocks, codes


@settings(deadline=None)
@given(blocked_rows(), THRESHOLDS, THRESHOLDS)
def test_blocked_pairs_are_those_of_the_definition(
    kernel: ModuleType, data: tuple[np.ndarray, list[list[int]], np.ndarray], base: float, different: float
) -> None:
    encodings, blocks, codes = data
    judged = sorted(
        pair
        for block in blocks
        for pair in combinations(sorted(block), 2)
        if codes[pair[0]] < 0 or codes[pair[0]] != codes[pair[1]]
    )
    expected = []
    for i, j in judged:
        similarity = dice(encodings[i], encodings[j])
        if similarity >= (different if codes[i] >= 0 and codes[j] >= 0 else base):
            expected.append((i, j, similarity))
    result = kernel.blocked_dice(
        pack_words(encodings),
        np.array([row for block in blocks for row in block], dtype=np.int64),
        np.cumsum([0, *map(len, blocks)]).astype(np.int64),
        codes,
        base_threshold=base,
        different_threshold=different,
    )
    columns = (result.row_i, result.row_j, result.similarity)
    assert [column.dtype for column in columns] == [np.int64, np.int64, np.float64]
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected
    assert result.compared == len(judged)


@pytest.mark.parametrize("threads", [1, 3])
def test_many_blocks_and_full_buffers_leave_no_seam(threads: int) -> None:
    rng = np.random.default_rng(9)
    words = pack_words(np.packbits(rng.random((900, 64)) < 0.4, axis=1))
    order = rng.permutation(900).astype(np.int64)
    starts = np.array([0, 0, 1, 3, 450, 460, 860, 900], dtype=np.int64)
    codes = np.where(rng.random(900) < 0.1, rng.integers(0, 30, 900), -1)
    options = {"base_threshold": 0.0, "different_threshold": 0.45}
    compiled = blocked_dice(words, order, starts, codes, **options, threads=threads)
    reference = _reference.blocked_dice(words, order, starts, codes, **options)
    in_largest = np.isin(compiled.row_i, order[3:450])
    assert in_largest.sum() > BUFFER_PAIRS  # One block alone fills a buffer.
    assert compiled.compared == reference.compared
    for name in ("row_i", "row_j", "similarity"):
        np.testing.assert_array_equal(getattr(compiled, name), getattr(reference, name))


def test_no_block_gives_no_pair(kernel: ModuleType) -> None:
    result = kernel.blocked_dice(
        np.zeros((3, 1), np.uint64),
        np.zeros(0, np.int64),
        np.zeros(1, np.int64),
        np.zeros(3, np.int64),
        base_threshold=0.0,
        different_threshold=0.0,
    )
    assert (len(result.row_i), result.compared) == (0, 0)


def test_listed_pairs(kernel: ModuleType) -> None:
    words = pack_words(np.array([[0xF0, 0], [0xFF, 0], [0, 0], [0, 0]], dtype=np.uint8))
    row_i = np.array([0, 1, 2, 0, 1], dtype=np.int64)
    row_j = np.array([1, 0, 3, 2, 1], dtype=np.int64)
    assert kernel.listed_dice(words, row_i, row_j).tolist() == [8 / 12, 8 / 12, 0.0, 0.0, 1.0]
    assert kernel.listed_dice(words, row_i[:0], row_j[:0]).tolist() == []
