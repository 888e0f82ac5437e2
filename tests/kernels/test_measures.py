"""All four measures: compiled kernel and NumPy reference against the definitions in plain Python."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from secure_match.kernels import Measure, _reference, _search, all_pairs, pack_words
from secure_match.kernels._measures import needed_common, similarity_of

BYTES = st.sampled_from([0, 0, 1, 3, 0x55, 0x7F, 0xFF])
FRACTIONS = sorted({one / two for two in range(1, 14) for one in range(two + 1)})
THRESHOLDS = st.one_of(st.sampled_from([0.0, 1.0, *FRACTIONS, math.sqrt(0.5), 2 / math.sqrt(6)]), st.floats(0.0, 1.0))


def by_definition(measure: Measure, one: np.ndarray, two: np.ndarray) -> float:
    x, y, bits = int.from_bytes(one.tobytes()), int.from_bytes(two.tobytes()), 8 * len(one)
    common, count_x, count_y = (x & y).bit_count(), x.bit_count(), y.bit_count()
    if measure is Measure.HAMMING:
        return (bits - (x ^ y).bit_count()) / bits if bits else 1.0
    if common == 0:
        return 0.0
    return {
        Measure.DICE: 2.0 * common / (count_x + count_y),
        Measure.JACCARD: common / (x | y).bit_count(),
        Measure.COSINE: common / math.sqrt(count_x * count_y),
    }[measure]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Measure, np.ndarray, np.ndarray, float]:
    width = draw(st.one_of(st.integers(0, 18), st.sampled_from([31, 32, 63, 128, 256, 512])))
    first, second = (draw(arrays(np.uint8, (draw(st.integers(0, 9)), width), elements=BYTES)) for _ in range(2))
    measure, threshold = draw(st.sampled_from(Measure)), draw(THRESHOLDS)
    if len(first) and len(second) and draw(st.booleans()):
        threshold = by_definition(measure, first[0], second[0])  # An exact tie.
    return measure, first, second, threshold


@settings(deadline=None)
@given(cases(), st.booleans(), st.sampled_from([1, 2]))
def test_pairs_are_those_of_the_definition(
    kernel: ModuleType, case: tuple[Measure, np.ndarray, np.ndarray, float], within: bool, threads: int
) -> None:
    measure, a, b, threshold = case
    other = a if within else b
    expected = [
        (i, j, similarity)
        for i, x in enumerate(a)
        for j, y in enumerate(other)
        if (not within or i < j) and (similarity := by_definition(measure, x, y)) >= threshold
    ]
    found = kernel.all_pairs(
        pack_words(a),
        None if within else pack_words(b),
        measure=measure,
        threshold=threshold,
        bits=8 * a.shape[1],
        threads=threads,
    )
    assert [column.dtype for column in found] == [np.int64, np.int64, np.float64]
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected


@pytest.mark.parametrize("measure", Measure)
@pytest.mark.parametrize("threshold", [0.0, 1e-300, 1 / 3, 0.5, 2 / 3, 0.8, 0.9, 1.0, math.sqrt(0.5)])
def test_threshold_as_a_count_decides_as_the_float_does(measure: Measure, threshold: float) -> None:
    counts = np.arange(65, dtype=np.int64)
    needed = needed_common(measure, threshold, counts, counts, bits=64)
    for common in range(65):
        most = np.minimum(counts[:, None], counts[None, :])
        taken = similarity_of(measure, np.minimum(common, most), counts[:, None], counts[None, :], bits=64) >= threshold
        np.testing.assert_array_equal((needed <= common)[common <= most], taken[common <= most])
    # What the kernel relies on: the more bits a partner has, the more it needs, inside the length bound.
    allowed = needed <= np.minimum(counts[:, None], counts[None, :])
    for row, inside in zip(needed, allowed, strict=True):
        assert (np.diff(row[inside]) >= 0).all()
        assert (np.diff(np.flatnonzero(inside)) == 1).all()


@pytest.mark.parametrize("measure", Measure)
@pytest.mark.parametrize(("width", "prefix"), [(16, 1), (16, 15), (128, 31), (128, 63), (128, 128), (509, 200)])
@pytest.mark.parametrize("fill", [0.05, 0.4, 0.9])
def test_bounds_lose_no_pair(
    measure: Measure, width: int, prefix: int, fill: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_search, "choose_prefix", lambda *_: (prefix, 0.0))
    assert_same_as_reference(measure, *families(620, width, fill))


def test_sums_wider_than_16_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    for prefix in (8_000, 9_000):
        monkeypatch.setattr(_search, "choose_prefix", lambda *_, chosen=prefix: (chosen, 0.0))
        assert_same_as_reference(Measure.DICE, *families(60, 9_000, 0.9))


def families(rows: int, width: int, fill: float) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of near copies of random encodings: some pairs are alike, most are far off."""
    rng = np.random.default_rng(9)
    bits = (rng.random((rows // 20, 8 * width)) < fill).repeat(20, axis=0)
    noise = rng.random(bits.shape) < rng.choice([0.0, 0.05, 0.2, 0.4], (rows, 1))
    matrix = np.packbits(np.where(noise, rng.random(bits.shape) < fill, bits), axis=1)
    matrix[3], matrix[4] = 0, 255
    return pack_words(matrix[::2].copy()), pack_words(matrix[1::2].copy())


def assert_same_as_reference(measure: Measure, a: np.ndarray, b: np.ndarray) -> None:
    for threshold in (0.8, 0.95):
        found = all_pairs(a, b, measure=measure, threshold=threshold)
        reference = _reference.all_pairs(a, b, measure=measure, threshold=threshold)
        assert len(reference[0]) > 0
        for one, other in zip(found, reference, strict=True):
            np.testing.assert_array_equal(one, other)
