"""Gathered rows, and listed pairs of rows in blocks: compiled kernel and NumPy reference against plain Python."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from secure_match.kernels import _listed as compiled
from secure_match.kernels import _reference, listed_in_blocks, pack_words


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(1, 20), st.data())
def test_rows_go_to_their_places(kernel: ModuleType, rows: int, width: int, data: st.DataObject) -> None:
    source = data.draw(arrays(np.uint8, (rows, width)))
    target = data.draw(st.permutations(range(rows + 2)))[:rows]
    wanted = data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
    places = np.array([place if use else -1 for place, use in zip(target, wanted, strict=True)], dtype=np.int32)
    out = np.zeros((rows + 2, -(-width // 8)), dtype=np.uint64)
    kernel.gather_rows(source, places, out)
    expected = np.zeros((rows + 2, out.shape[1] * 8), dtype=np.uint8)
    for row, place in enumerate(places.tolist()):
        if place >= 0:
            expected[place, :width] = source[row]
    np.testing.assert_array_equal(out.view(np.uint8), expected)


def test_rows_may_lie_at_any_address(kernel: ModuleType) -> None:
    memory = np.frombuffer(bytes(range(1, 34)), dtype=np.uint8)
    out = np.zeros((2, 2), dtype=np.uint64)
    kernel.gather_rows(memory[1:].reshape(2, 16), np.array([1, 0], dtype=np.int32), out)
    assert out.tobytes() == bytes(range(18, 34)) + bytes(range(2, 18))


def dice(one: np.ndarray, two: np.ndarray) -> float:
    x, y = int.from_bytes(one.tobytes()), int.from_bytes(two.tobytes())
    total = x.bit_count() + y.bit_count()
    return 2.0 * (x & y).bit_count() / total if total else 0.0


@settings(deadline=None)
@given(st.integers(1, 10), st.data())
def test_listed_pairs_compare_inside_one_block_only(kernel: ModuleType, rows: int, data: st.DataObject) -> None:
    encodings = data.draw(arrays(np.uint8, (rows, 9), elements=st.sampled_from([0, 1, 0x55, 0xFF])))
    blocks = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=rows, max_size=rows)), dtype=np.int32)
    places = np.array(data.draw(st.permutations(range(rows))), dtype=np.int32)
    row = st.integers(0, rows - 1)
    pairs = np.array(data.draw(st.lists(st.tuples(row, row), max_size=12)), dtype=np.int32).reshape(-1, 2)
    words = np.zeros((rows, 2), dtype=np.uint64)
    kernel.gather_rows(encodings, places, words)
    row_i, row_j = pairs[:, 0].copy(), pairs[:, 1].copy()
    expected = [dice(encodings[i], encodings[j]) if blocks[i] == blocks[j] >= 0 else np.nan for i, j in pairs.tolist()]
    answer = kernel.listed_in_blocks(words, places, blocks, row_i, row_j)
    assert answer.dtype == np.float64
    np.testing.assert_array_equal(answer, expected)


@pytest.mark.parametrize("threads", [1, 3])
def test_many_pairs_leave_no_seam(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_PAIRS_PER_JOB", 64)
    rng = np.random.default_rng(5)
    words = pack_words(np.packbits(rng.random((300, 64)) < 0.4, axis=1))
    places = rng.permutation(300).astype(np.int32)
    blocks = rng.integers(-1, 4, 300).astype(np.int32)
    row_i, row_j = rng.integers(0, 300, (2, 1000)).astype(np.int32)
    answer = listed_in_blocks(words, places, blocks, row_i, row_j, threads=threads)
    np.testing.assert_array_equal(answer, _reference.listed_in_blocks(words, places, blocks, row_i, row_j))
    assert 0 < np.isnan(answer).sum() < 1000
