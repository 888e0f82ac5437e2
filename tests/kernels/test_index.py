"""The index: compiled against its NumPy reference, only true pairs, and the recall that it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from secure_match.kernels import _index, _index_reference, _index_tables, dice_pairs, jit, pack_words
from secure_match.kernels._index_lanes import STRIDE, near_lanes
from secure_match.kernels._index_plan import IndexPlan, plan_index
from secure_match.kernels._popcount import WordMatrix

BYTES = st.sampled_from([0, 0, 1, 3, 0x55, 0x7F, 0xFF])
SHARES = st.one_of(st.sampled_from([0.2, 0.5, 0.75, 0.8, 1.0]), st.floats(0.05, 1.0))


@st.composite
def sides(draw: st.DrawFn) -> tuple[WordMatrix, WordMatrix | None]:
    width = draw(st.integers(0, 18))
    first, second = (
        pack_words(draw(arrays(np.uint8, (draw(st.integers(0, 14)), width), elements=BYTES))) for _ in range(2)
    )
    return first, draw(st.sampled_from([None, second]))


def noisy_twins(
    rng: np.random.Generator, rows: int, *, bits: int = 512, fill: float = 0.4, noise: float = 0.1
) -> tuple[WordMatrix, WordMatrix]:
    first = rng.random((rows, bits)) < fill
    second = np.where(rng.random((rows, bits)) < noise, rng.random((rows, bits)) < fill, first)
    return tuple(pack_words(np.packbits(side, axis=1)) for side in (first, second))  # type: ignore[return-value]


def planned(a: WordMatrix, b: WordMatrix | None, threshold: float, *, recall: float = 0.9, seed: int = 1) -> IndexPlan:
    plan = plan_index(a, b, threshold=threshold, recall=recall, rng=np.random.default_rng(seed))
    assert plan is not None
    return plan


@settings(deadline=None, max_examples=60)
@given(sides(), SHARES, st.integers(0, 5))
def test_compiled_is_the_reference_and_finds_only_true_pairs(
    pair: tuple[WordMatrix, WordMatrix | None], threshold: float, seed: int
) -> None:
    a, b = pair
    plan = plan_index(a, b, threshold=threshold, recall=0.7, rng=np.random.default_rng(seed))
    if plan is None:
        return
    ours, reference = _index.indexed_dice(a, b, plan, threads=2), _index_reference.indexed_dice(a, b, plan)
    assert ours is not None
    assert reference is not None
    for one, other in zip(ours.pairs, reference.pairs, strict=True):
        np.testing.assert_array_equal(one, other)
    assert (ours.compared, ours.candidates) == (reference.compared, reference.candidates)
    everything = dice_pairs(a, b, threshold=threshold)
    true = dict(zip(zip(*(side.tolist() for side in everything[:2]), strict=True), everything[2], strict=True))
    found = list(zip(*(side.tolist() for side in ours.pairs[:2]), strict=True))
    assert found == sorted(set(found))
    assert [true[item] for item in found] == ours.pairs[2].tolist()


@pytest.mark.parametrize("within", [False, True])
def test_threads_and_full_buffers_change_nothing(monkeypatch: pytest.MonkeyPatch, within: bool) -> None:
    a, b = noisy_twins(np.random.default_rng(3), 400)
    sets = (np.concatenate([a, b[:350]]), None) if within else (a, b[:350])
    plan = planned(*sets, 0.7)
    reference = _index_reference.indexed_dice(*sets, plan)
    assert reference is not None
    assert len(reference.pairs[0]) > 300
    for threads, room in ((1, 1 << 16), (3, STRIDE), (2, 50)):
        monkeypatch.setattr(_index, "CANDIDATES", room)
        ours = _index.indexed_dice(*sets, plan, threads=threads)
        assert ours is not None
        for one, other in zip(ours.pairs, reference.pairs, strict=True):
            np.testing.assert_array_equal(one, other)
        for name in ("compared", "candidates", "largest_bucket"):
            assert getattr(ours, name) == getattr(reference, name), name


def test_either_side_may_be_the_smaller() -> None:
    a, b = noisy_twins(np.random.default_rng(4), 300)
    one = _index.indexed_dice(a, b[:40], planned(a, b[:40], 0.8))
    other = _index.indexed_dice(b[:40], a, planned(b[:40], a, 0.8))
    assert one is not None
    assert other is not None
    assert set(zip(one.pairs[0], one.pairs[1], strict=True)) <= {(i, i) for i in range(40)}
    assert len(one.pairs[0]) >= 36
    assert len(other.pairs[0]) >= 36


def test_pairs_exactly_at_the_threshold_are_found_as_often_as_promised() -> None:
    """Twins of one popcount at exactly the threshold: the case in which the bound is an equality, or nearly."""
    rng = np.random.default_rng(8)
    rows, ones, common = 4000, 100, 75
    first, second = np.zeros((rows, 256), dtype=bool), np.zeros((rows, 256), dtype=bool)
    for row, bits in enumerate(rng.random((rows, 256)).argsort(axis=1)):
        first[row, bits[:ones]] = True
        second[row, bits[ones - common : 2 * ones - common]] = True
    a, b = (pack_words(np.packbits(side, axis=1)) for side in (first, second))
    for recall in (0.6, 0.95):
        shares = []
        for seed in range(4):
            plan = planned(a, b, common / ones, recall=recall, seed=seed)
            assert plan.recall_bound >= recall
            result = _index.indexed_dice(a, b, plan)
            assert result is not None
            shares.append(int((result.pairs[0] == result.pairs[1]).sum()) / rows)
        # Four draws of tables, 4,000 pairs each: the mean is the promise, give or take the draw.
        assert np.mean(shares) >= recall - 0.02
        assert recall > 0.9 or np.mean(shares) <= recall + 0.15


@pytest.mark.parametrize("within", [False, True])
def test_high_recall_on_a_small_set_finds_every_pair(within: bool) -> None:
    a, b = noisy_twins(np.random.default_rng(6), 500, noise=0.15)
    sets = (np.concatenate([a, b]), None) if within else (a, b)
    result = _index.indexed_dice(*sets, planned(*sets, 0.75, recall=1 - 1e-9))
    assert result is not None
    expected = dice_pairs(*sets, threshold=0.75)
    assert len(expected[0]) > 300
    for one, other in zip(result.pairs, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_pair_differs_in_more_bits_than_the_plan_allows_for() -> None:
    """A row takes part in as many tables as its worst pair at the threshold needs."""
    a, b = noisy_twins(np.random.default_rng(7), 200, noise=0.3)
    plan = planned(a, b, 0.6)
    assert (np.diff(plan.row_tables) >= 0).all()
    assert plan.row_tables[0] == 0
    assert plan.num_tables == plan.row_tables[-1]


def test_equal_rows_at_threshold_one() -> None:
    a, _ = noisy_twins(np.random.default_rng(9), 100)
    doubled = np.concatenate([a, a[::-1]])
    result = _index.indexed_dice(doubled, None, planned(doubled, None, 1.0, recall=0.999))
    assert result is not None
    assert result.pairs[0].tolist() == list(range(100))
    assert result.pairs[1].tolist() == list(range(199, 99, -1))


def test_low_thresholds_and_sets_without_pairs_have_no_plan() -> None:
    a, b = noisy_twins(np.random.default_rng(10), 3000)
    rng = np.random.default_rng(0)
    for threshold in (0.0, 0.01, 0.2):
        assert plan_index(a, b, threshold=threshold, recall=0.999, rng=rng) is None
    for empty in (a[:0], np.zeros_like(a)):
        assert plan_index(a, empty, threshold=0.8, recall=0.999, rng=rng) is None
        assert plan_index(empty, None, threshold=0.8, recall=0.999, rng=rng) is None


def test_crowded_buckets_stop_the_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = noisy_twins(np.random.default_rng(11), 300)
    plan = planned(a, b, 0.8)
    counted = _index.indexed_dice(a, b, plan)
    assert counted is not None
    monkeypatch.setattr(_index, "comparison_budget", lambda _: counted.compared)
    assert _index.indexed_dice(a, b, plan) is not None
    monkeypatch.setattr(_index, "comparison_budget", lambda _: counted.compared - 1)
    for threads in (1, 3):
        assert _index.indexed_dice(a, b, plan, threads=threads) is None


def test_the_same_seed_gives_the_same_plan() -> None:
    a, b = noisy_twins(np.random.default_rng(12), 300)
    one, same, other = (planned(a, b, 0.8, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.keys, same.keys)
    np.testing.assert_array_equal(one.bits, same.bits)
    assert one.keys.shape != other.keys.shape or (one.keys != other.keys).any()


def test_steps_are_those_of_the_reference() -> None:
    rng = np.random.default_rng(13)
    words = rng.integers(0, 1 << 64, (3000, 3), dtype=np.uint64)
    order, bits = rng.permutation(len(words)), rng.permutation(192)[:128]
    columns = np.empty((2, len(words)), dtype=np.uint64)
    _index_tables.bit_columns(words, order, bits, columns)
    np.testing.assert_array_equal(columns, _index_reference.bit_columns(words, order, bits))
    places = np.sort(rng.permutation(128)[:5])
    keys = np.empty(len(words), dtype=np.uint32)
    _index_tables.row_keys(columns, 0, places, keys)
    np.testing.assert_array_equal(keys, _index_reference.row_keys(columns, places))
    starts, rows = np.empty(33, dtype=np.int32), np.empty(len(words), dtype=np.int32)
    for first in (0, 7, len(words)):
        _index_tables.fill_buckets(keys, first, starts, rows)
        expected = _index_reference.fill_buckets(keys, first, 32)
        np.testing.assert_array_equal(starts, expected[0])
        np.testing.assert_array_equal(rows[: len(words) - first], expected[1])


def test_lanes_of_near_sketches() -> None:
    @jit
    def lanes(sketches: np.ndarray, place: int, sketch: np.uint64, most: int) -> int:
        return near_lanes(sketches, place, sketch, most)

    rng = np.random.default_rng(14)
    sketches = rng.integers(0, 1 << 64, 64, dtype=np.uint64)
    for place in (0, 3, 64 - STRIDE):
        sketch = sketches[place + 2] ^ np.uint64(5)
        for most in (0, 1, 2, 30, 64):
            window = sketches[place : place + STRIDE]
            assert lanes(sketches, place, sketch, most) == _index_reference.near_lanes(window, sketch, most)
