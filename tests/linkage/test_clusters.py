"""Clusters: connected components where nothing forbids, and never two rows of a constrained dataset."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.errors import LinkageError
from secure_match.linkage._clusters import cluster

Graph = tuple[int, np.ndarray, np.ndarray, np.ndarray]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    rows = draw(st.integers(1, 15))
    row = st.integers(0, rows - 1)
    links = draw(st.lists(st.tuples(row, row), max_size=25))
    masks = draw(st.lists(st.sampled_from([0, 0, 1, 2, 1 << 63]), min_size=rows, max_size=rows))
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    return rows, ends[:, 0].copy(), ends[:, 1].copy(), np.array(masks, dtype=np.uint64)


def by_definition(rows: int, left: np.ndarray, right: np.ndarray, masks: np.ndarray) -> tuple[list[int], list[bool]]:
    """Sets of rows that are joined link by link."""
    members = {row: {row} for row in range(rows)}
    refused = []
    for one, two in zip(left.tolist(), right.tolist(), strict=True):
        joined = members[one] | members[two]
        bits = [int(masks[row]) for row in joined if masks[row]]
        allowed = members[one] is members[two] or len(bits) == len(set(bits))
        refused.append(not allowed)
        if allowed:
            members |= dict.fromkeys(joined, joined)
    return [min(members[row]) for row in range(rows)], refused


@settings(deadline=None)
@given(graphs())
def test_clusters_are_those_of_the_definition(graph: Graph) -> None:
    rows, left, right, masks = graph
    result = cluster(rows, left, right, constraint_bit=masks)
    assert (result.labels.dtype, result.refused.dtype) == (np.int64, np.bool_)
    assert (result.labels.tolist(), result.refused.tolist()) == by_definition(rows, left, right, masks)


@settings(deadline=None)
@given(graphs())
def test_the_constraint_holds_and_refused_links_stay_apart(graph: Graph) -> None:
    rows, left, right, masks = graph
    result = cluster(rows, left, right, constraint_bit=masks)
    constrained = [(label, int(bit)) for label, bit in zip(result.labels, masks, strict=True) if bit]
    assert len(constrained) == len(set(constrained))
    np.testing.assert_array_equal(result.refused, result.labels[left] != result.labels[right])


@settings(deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_without_constraints_the_order_of_links_does_not_matter(graph: Graph, random: Random) -> None:
    rows, left, right, _ = graph
    free = np.zeros(rows, dtype=np.uint64)
    order = np.arange(len(left))
    random.shuffle(order)
    first = cluster(rows, left, right, constraint_bit=free)
    second = cluster(rows, right[order], left[order], constraint_bit=free)
    np.testing.assert_array_equal(first.labels, second.labels)
    assert not first.refused.any()


@settings(deadline=None)
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(graph: Graph, random: Random) -> None:
    rows, left, right, masks = graph
    moved = np.arange(rows)
    random.shuffle(moved)
    moved_masks = np.zeros(rows, dtype=np.uint64)
    moved_masks[moved] = masks
    first = cluster(rows, left, right, constraint_bit=masks)
    second = cluster(rows, moved[left], moved[right], constraint_bit=moved_masks)
    together = first.labels[:, None] == first.labels[None, :]
    labels = second.labels[moved]
    np.testing.assert_array_equal(labels[:, None] == labels[None, :], together)
    np.testing.assert_array_equal(first.refused, second.refused)


def test_the_stronger_link_wins() -> None:
    # Rows 0 and 1 are of one constrained dataset; row 2 is linked to both.
    masks = np.array([1, 1, 0], dtype=np.uint64)
    result = cluster(3, np.array([1, 0]), np.array([2, 2]), constraint_bit=masks)
    assert result.labels.tolist() == [0, 1, 1]
    assert result.refused.tolist() == [False, True]


def test_a_long_chain_is_one_cluster() -> None:
    rows = 100_000
    left = np.arange(rows - 1, 0, -1)
    result = cluster(rows, left, left - 1, constraint_bit=np.zeros(rows, dtype=np.uint64))
    assert not result.labels.any()


def test_errors() -> None:
    masks = np.zeros(2, dtype=np.uint64)
    nobody = np.zeros(0, dtype=np.int64)
    cases = [
        ("PAIR_RANGE", np.array([0]), np.array([2]), masks),
        ("PAIR_RANGE", np.array([-1]), np.array([0]), masks),
        ("PAIR_RANGE", np.array([0.0]), np.array([1.0]), masks),
        ("PAIR_RANGE", np.array([0]), nobody, masks),
        ("CONSTRAINT_SHAPE", nobody, nobody, masks[:1]),
        ("CONSTRAINT_SHAPE", nobody, nobody, masks.astype(np.int64)),
    ]
    for code, left, right, constraint_bit in cases:
        with pytest.raises(LinkageError) as caught:
            cluster(2, left, right, constraint_bit=constraint_bit)
        assert caught.value.code == code
