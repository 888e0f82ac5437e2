"""Batches of pairs: together they are the whole, in the documented order and size, for any number of threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.kernels import _dice, _reference, _search, _slabs, all_pairs, iter_pairs, pack_words
from secure_match.kernels._pair_arrays import PairArrays, joined

SLAB = 512


@pytest.fixture
def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many slabs and batches of few rows."""
    monkeypatch.setattr(_slabs, "SLAB_ROWS", SLAB)
    monkeypatch.setattr(_search, "SLAB_ROWS", SLAB)
    monkeypatch.setattr(_search, "JOB_ROWS", 100)
    monkeypatch.setattr(_dice, "BATCH_PAIRS", 30_000)


def words(rows: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return pack_words(np.packbits(rng.random((rows, 128)) < rng.random((rows, 1)), axis=1))


def assert_same(one: PairArrays, other: PairArrays) -> None:
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.usefixtures("small_slabs")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.9])
def test_batches_are_the_whole_in_the_documented_order(threshold: float, within: bool, threads: int) -> None:
    a, b = words(2 * SLAB + 70, 1), None if within else words(SLAB + 300, 2)
    batches = list(iter_pairs(a, b, threshold=threshold, threads=threads))
    reference = _reference.dice_pairs(a, b, threshold=threshold)
    num_b = len(a if b is None else b)
    last_stripe = 0
    for index_a, index_b, similarity in batches:
        assert 0 < len(similarity) <= 30_000 + 100 * SLAB
        key = index_a * num_b + index_b
        assert (np.diff(key) > 0).all()
        assert len(set((index_a // SLAB).tolist())) == 1
        assert index_a[0] // SLAB >= last_stripe
        last_stripe = int(index_a[0]) // SLAB
    assert threshold > 0.0 or len(batches) > 3
    everything = joined(batches)
    order = np.lexsort((everything[1], everything[0]))
    assert_same((everything[0][order], everything[1][order], everything[2][order]), reference)
    assert_same(all_pairs(a, b, threshold=threshold, threads=threads), reference)


@pytest.mark.usefixtures("small_slabs")
def test_batches_do_not_depend_on_threads() -> None:
    a, b = words(SLAB + 10, 3), words(SLAB + 20, 4)
    for one, other in zip(
        iter_pairs(a, b, threshold=0.3, threads=1), iter_pairs(a, b, threshold=0.3, threads=3), strict=True
    ):
        assert_same(one, other)


@pytest.mark.usefixtures("small_slabs")
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("threshold", [0.0, 0.6])
def test_best_per_record(number: int, threshold: float) -> None:
    a, b = words(SLAB + 60, 5), words(SLAB + 30, 6)
    b[100:140] = b[7]  # Ties go to the lowest row of b.
    batches = list(iter_pairs(a, b, threshold=threshold, best_per_record=number, threads=2))
    assert len(batches) == 2
    assert_same(joined(batches), _reference.best_pairs(_reference.dice_pairs(a, b, threshold=threshold), number))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 63), max_size=8), st.lists(st.integers(0, 63), max_size=8), st.integers(1, 4))
def test_best_per_record_of_tied_encodings(left: list[int], right: list[int], number: int) -> None:
    a, b = (pack_words(np.array(side, dtype=np.uint8).reshape(-1, 1)) for side in (left, right))
    found = joined(iter_pairs(a, b, threshold=0.0, best_per_record=number))
    assert_same(found, _reference.best_pairs(_reference.dice_pairs(a, b, threshold=0.0), number))


@pytest.mark.usefixtures("small_slabs")
def test_a_stream_that_is_closed_leaves_no_thread() -> None:
    before = threading.active_count()
    stream = iter_pairs(words(SLAB * 2, 7), None, threshold=0.0, threads=2)
    next(stream)
    assert threading.active_count() == before + 2
    stream.close()
    assert threading.active_count() == before


def test_nothing_to_compare() -> None:
    empty, some = np.zeros((0, 1), dtype=np.uint64), words(3, 8)[:, :1].copy()
    for a, b in ((empty, some), (some, empty), (empty, None), (some[:1], None)):
        assert list(iter_pairs(a, b, threshold=0.0)) == []
        assert len(all_pairs(a, b, threshold=0.0)[0]) == 0
