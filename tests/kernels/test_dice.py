"""All pairs by Dice: compiled kernel and NumPy reference against the definition in plain Python."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from secure_match.kernels import _reference, _search, _tile, dice_pairs, pack_words
from secure_match.kernels._popcount import minimum_common, row_popcounts

Pairs = list[tuple[int, int, float]]

BYTES = st.sampled_from([0, 0, 1, 3, 0x55, 0x7F, 0xFF])
TIES = [2.0 * common / total for total in range(1, 12) for common in range(total // 2 + 1)]
THRESHOLDS = st.one_of(st.sampled_from([0.0, 1.0, 0.5, 0.75, 0.8, *TIES]), st.floats(0.0, 1.0))


@st.composite
def matrices(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    width = draw(st.integers(0, 18))
    rows = st.integers(0, 12)
    first, second = (draw(arrays(np.uint8, (draw(rows), width), elements=BYTES)) for _ in range(2))
    return first, second


def dice(one: np.ndarray, two: np.ndarray) -> float:
    x, y = int.from_bytes(one.tobytes()), int.from_bytes(two.tobytes())
    total = x.bit_count() + y.bit_count()
    return 2.0 * (x & y).bit_count() / total if total else 0.0


def as_list(pairs: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Pairs:
    assert [column.dtype for column in pairs] == [np.int64, np.int64, np.float64]
    return list(zip(*(column.tolist() for column in pairs), strict=True))


@settings(deadline=None)
@given(matrices(), THRESHOLDS)
def test_pairs_of_two_sets_are_those_of_the_definition(
    kernel: ModuleType, sides: tuple[np.ndarray, np.ndarray], threshold: float
) -> None:
    a, b = sides
    everything = [(i, j, dice(x, y)) for i, x in enumerate(a) for j, y in enumerate(b)]
    expected = [pair for pair in everything if pair[2] >= threshold]
    assert as_list(kernel.dice_pairs(pack_words(a), pack_words(b), threshold=threshold)) == expected


@settings(deadline=None)
@given(matrices(), THRESHOLDS)
def test_pairs_within_a_set_stand_once(
    kernel: ModuleType, sides: tuple[np.ndarray, np.ndarray], threshold: float
) -> None:
    a, _ = sides
    everything = [(i, j, dice(a[i], a[j])) for i in range(len(a)) for j in range(i + 1, len(a))]
    expected = [pair for pair in everything if pair[2] >= threshold]
    assert as_list(kernel.dice_pairs(pack_words(a), None, threshold=threshold)) == expected


@pytest.mark.parametrize("threshold", [0.0, 0.62, 1.0])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("within", [False, True])
def test_jobs_tiles_and_buffers_leave_no_seam(threshold: float, threads: int, within: bool) -> None:
    rng = np.random.default_rng(5)
    a = pack_words(np.packbits(rng.random((2 * _search.JOB_ROWS + 3, 136)) < 0.45, axis=1))
    b = None if within else np.concatenate([a[:40], a[: _tile.TILE_ROWS + 1][::-1]])
    compiled = dice_pairs(a, b, threshold=threshold, threads=threads)
    reference = _reference.dice_pairs(a, b, threshold=threshold)
    assert threshold > 0.0 or len(compiled[0]) > 2 * _search.BUFFER_PAIRS
    for one, other in zip(compiled, reference, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("threshold", [0.0, 1e-300, 0.1, 1 / 3, 0.5, 0.6, 2 / 3, 0.75, 0.8, 0.9, 1.0, *TIES])
def test_threshold_as_a_count_decides_as_the_float_does(threshold: float) -> None:
    needed = minimum_common(threshold, 300).tolist()
    for total, least in enumerate(needed):
        for common in range(total // 2 + 1):
            similarity = 2.0 * common / total if total else 0.0
            assert (common >= least) == (similarity >= threshold)


def test_every_exact_tie_of_the_length_bound_is_taken(kernel: ModuleType) -> None:
    # One set inside the other, at the threshold that is exactly their similarity.
    for small in range(1, 40):
        for added in range(25):
            bits = np.arange(64)[None, :] < np.array([[small], [small + added]])
            words = pack_words(np.packbits(bits, axis=1))
            threshold = 2.0 * small / (2 * small + added)
            assert as_list(kernel.dice_pairs(words[:1], words[1:], threshold=threshold)) == [(0, 0, threshold)]
            assert as_list(kernel.dice_pairs(words[1:], words[:1], threshold=threshold)) == [(0, 0, threshold)]


def test_padding_keeps_every_bit() -> None:
    for width in range(1, 18):
        encodings = np.full((3, width), 0xFF, dtype=np.uint8)
        assert row_popcounts(pack_words(encodings)).tolist() == [8 * width] * 3
