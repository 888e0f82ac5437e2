"""Clusters: what the evidence on pairs speaks for most, and never what a constraint or a clerk keeps apart."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.errors import LinkageError
from secure_match.linkage._clusters import ClusterResult, cluster

Graph = tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
WEIGHTS = (20.0, 8.0, 5.0, 3.0, 1.5, 1.0, 0.0, -0.5, -2.0, -4.0, -12.0)
INFINITE = (np.inf, -np.inf)


@st.composite
def graphs(draw: st.DrawFn, weights: tuple[float, ...] = WEIGHTS + INFINITE) -> Graph:
    rows = draw(st.integers(1, 15))
    row = st.integers(0, rows - 1)
    pairs = draw(st.lists(st.tuples(row, row, st.sampled_from(weights)), max_size=30))
    masks = draw(st.lists(st.sampled_from([0, 0, 0, 1, 2, 1 << 63]), min_size=rows, max_size=rows))
    ends = np.array([pair[:2] for pair in pairs], dtype=np.int32).reshape(-1, 2)
    weight = np.array([pair[2] for pair in pairs], dtype=np.float64)
    return rows, ends[:, 0].copy(), ends[:, 1].copy(), weight, np.array(masks, dtype=np.uint64)


def together(result: ClusterResult, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return result.labels[left] == result.labels[right]


def worth(labels: np.ndarray, left: np.ndarray, right: np.ndarray, weight: np.ndarray) -> float:
    inside = (labels[left] == labels[right]) & (left != right)
    return float(weight[inside].sum())


def components(rows: int, left: np.ndarray, right: np.ndarray, weight: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Single linkage: links strongest first, refused where a constrained dataset would stand twice."""
    members = {row: {row} for row in range(rows)}
    for place in np.argsort(-weight, kind="stable"):
        one, two = int(left[place]), int(right[place])
        joined = members[one] | members[two]
        bits = [int(masks[row]) for row in joined if masks[row]]
        if weight[place] > 0 and len(bits) == len(set(bits)):
            members |= dict.fromkeys(joined, joined)
    return np.array([min(members[row]) for row in range(rows)])


limit_weights = st.sampled_from([0.0, -0.5, -3.0, -30.0])


@settings(deadline=None)
@given(graphs(), st.data())
def test_the_order_of_pairs_and_of_their_ends_does_not_matter(graph: Graph, data: st.DataObject) -> None:
    rows, left, right, weight, masks = graph
    codes = np.array(data.draw(st.lists(st.integers(-1, 4), min_size=rows, max_size=rows)), dtype=np.int32)
    order = np.array(data.draw(st.permutations(range(len(left)))), dtype=np.int64)
    turned = np.array(data.draw(st.lists(st.booleans(), min_size=len(left), max_size=len(left))), dtype=np.bool_)
    conflict, absent = data.draw(limit_weights), data.draw(limit_weights)
    limits = {"constraint_bit": masks, "conflict_code": codes, "conflict_weight": conflict, "absent_weight": absent}
    first = cluster(rows, left, right, weight, **limits)
    one, two = np.where(turned, right, left)[order], np.where(turned, left, right)[order]
    second = cluster(rows, one, two, weight[order], **limits)
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.refused[order], second.refused)


@settings(deadline=None)
@given(graphs(), limit_weights)
def test_what_must_stay_apart_is_never_together(graph: Graph, absent: float) -> None:
    rows, left, right, weight, masks = graph
    result = cluster(rows, left, right, weight, constraint_bit=masks, absent_weight=absent)
    assert (result.labels.dtype, result.refused.dtype) == (np.int64, np.bool_)
    constrained = [(label, int(bit)) for label, bit in zip(result.labels, masks, strict=True) if bit]
    assert len(constrained) == len(set(constrained))
    assert not (together(result, left, right) & (weight == -np.inf) & (left != right)).any()
    np.testing.assert_array_equal(result.refused, (weight > 0) & ~together(result, left, right))
    assert [int(np.flatnonzero(result.labels == label)[0]) for label in result.labels] == result.labels.tolist()


@settings(deadline=None)
@given(graphs(weights=(20.0, 3.0, 0.5, 0.0)))
def test_without_anything_against_these_are_the_connected_components(graph: Graph) -> None:
    rows, left, right, weight, _ = graph
    free = np.zeros(rows, dtype=np.uint64)
    result = cluster(rows, left, right, weight, constraint_bit=free)
    np.testing.assert_array_equal(result.labels, components(rows, left, right, weight, free))
    assert not result.refused.any()


@settings(deadline=None)
@given(graphs(weights=WEIGHTS))
def test_it_is_worth_as_much_as_the_connected_components(graph: Graph) -> None:
    rows, left, right, weight, _ = graph
    free = np.zeros(rows, dtype=np.uint64)
    result = cluster(rows, left, right, weight, constraint_bit=free)
    plain = components(rows, left, right, weight, free)
    assert worth(result.labels, left, right, weight) >= max(worth(plain, left, right, weight), 0.0)


@settings(deadline=None)
@given(graphs(weights=WEIGHTS))
def test_it_is_worth_as_much_as_the_strongest_links_first(graph: Graph) -> None:
    rows, left, right, weight, masks = graph
    result = cluster(rows, left, right, weight, constraint_bit=masks)
    plain = components(rows, left, right, weight, masks)
    assert worth(result.labels, left, right, weight) >= worth(plain, left, right, weight)


@settings(deadline=None)
@given(graphs(weights=WEIGHTS), st.randoms(use_true_random=False))
def test_row_numbers_do_not_matter_where_weights_differ(graph: Graph, random: Random) -> None:
    rows, left, right, weight, masks = graph
    weight = weight + np.random.default_rng(len(left)).normal(0.0, 0.25, len(left))
    moved = np.arange(rows, dtype=np.int32)
    random.shuffle(moved)
    moved_masks = np.zeros(rows, dtype=np.uint64)
    moved_masks[moved] = masks
    first = cluster(rows, left, right, weight, constraint_bit=masks)
    second = cluster(rows, moved[left], moved[right], weight, constraint_bit=moved_masks)
    labels = second.labels[moved]
    np.testing.assert_array_equal(labels[:, None] == labels, first.labels[:, None] == first.labels)


def grouped(rows: int, pairs: list[tuple[int, int, float]], **limits: object) -> list[int]:
    left, right, weight = (np.array(column) for column in zip(*pairs, strict=True))
    limits.setdefault("constraint_bit", np.zeros(rows, dtype=np.uint64))
    return cluster(rows, left, right, weight.astype(np.float64), **limits).labels.tolist()  # type: ignore[arg-type]


TRIANGLES = [(0, 1, 9.0), (0, 2, 9.0), (1, 2, 9.0), (3, 4, 9.0), (3, 5, 9.0), (4, 5, 9.0)]


def test_a_bridge_is_cut_where_the_others_contradict_it() -> None:
    assert grouped(6, [*TRIANGLES, (2, 3, 8.0)]) == [0] * 6
    assert grouped(6, [*TRIANGLES, (2, 3, 8.0), (0, 4, -9.0)]) == [0, 0, 0, 3, 3, 3]
    # The strongest link of all, and yet a bridge.
    assert grouped(6, [*TRIANGLES, (2, 3, 11.0), (0, 4, -9.0), (1, 5, -9.0)]) == [0, 0, 0, 3, 3, 3]


def test_a_bridge_is_cut_where_nobody_proposed_the_others() -> None:
    # Eight pairs of the two triangles were not proposed.
    assert grouped(6, [*TRIANGLES, (2, 3, 8.0)], absent_weight=-1.0) == [0, 0, 0, 3, 3, 3]
    assert grouped(6, [*TRIANGLES, (2, 3, 8.1)], absent_weight=-1.0) == [0] * 6
    # One row that only one of three links to is missed by two.
    assert grouped(4, [*TRIANGLES[:3], (2, 3, 8.0)], absent_weight=-1.0) == [0] * 4


def test_a_star_of_one_number_is_one_node() -> None:
    star = [(0, row, 30.0) for row in range(1, 6)]
    codes = np.zeros(7, dtype=np.int32)
    codes[6] = -1
    assert grouped(7, star, conflict_code=codes, absent_weight=-100.0) == [0] * 6 + [6]
    assert grouped(7, [*star, (3, 6, 5.0)], conflict_code=codes, absent_weight=-100.0) == [0] * 7
    # Without the number, each of the star's rows speaks against the others.
    assert grouped(7, star, absent_weight=-100.0) == [0, 0, 2, 3, 4, 5, 6]


def test_two_numbers_speak_against_a_merge_unless_they_were_compared() -> None:
    codes = np.array([0, -1, 1], dtype=np.int32)
    chain = [(0, 1, 7.0), (1, 2, 6.0)]
    limits = {"conflict_code": codes, "conflict_weight": -6.0}
    assert grouped(3, chain, conflict_code=codes) == [0, 0, 0]
    assert grouped(3, chain, **limits) == [0, 0, 2]
    assert grouped(3, [*chain, (0, 2, -5.0)], **limits) == [0, 0, 0]
    # The rows of a number are one holder of it: the conflict counts once, and one compared pair settles it.
    codes = np.array([0, 0, -1, 1, 1], dtype=np.int32)
    pairs = [(0, 1, 30.0), (3, 4, 30.0), (0, 2, 9.0), (2, 3, 9.0)]
    assert grouped(5, pairs, conflict_code=codes, conflict_weight=-8.0) == [0] * 5
    assert grouped(5, pairs, conflict_code=codes, conflict_weight=-9.5) == [0, 0, 0, 3, 3]
    assert grouped(5, [*pairs, (1, 4, -1.0)], conflict_code=codes, conflict_weight=-9.5) == [0] * 5


def test_rows_of_one_number_that_were_parted_do_not_conflict() -> None:
    # The bureau stores a number's pairs with its first row only: 1 and 2 were never compared.
    codes = np.zeros(4, dtype=np.int32)
    codes[3] = -1
    pairs = [(0, 1, -5.0), (0, 2, -5.0), (1, 3, 4.0), (2, 3, 4.0)]
    assert grouped(4, pairs, conflict_code=codes, conflict_weight=-50.0, absent_weight=-50.0) == [0, 1, 1, 1]


def test_a_clerk_overrules_evidence_but_no_constraint() -> None:
    assert grouped(2, [(0, 1, 40.0), (0, 1, -np.inf)]) == [0, 1]
    assert grouped(2, [(0, 1, -40.0), (0, 1, np.inf)]) == [0, 0]
    assert grouped(2, [(0, 1, np.inf)], constraint_bit=np.array([4, 4], dtype=np.uint64)) == [0, 1]
    # The third decision contradicts the first two: "apart" wins, and of two "together" the pair of smaller rows.
    assert grouped(3, [(1, 2, np.inf), (0, 1, np.inf), (0, 2, -np.inf)]) == [0, 0, 2]
    # Equal numbers, and a clerk who looked at one of them.
    codes = np.zeros(3, dtype=np.int32)
    assert grouped(3, [(0, 1, 30.0), (0, 2, 30.0), (0, 2, -np.inf)], conflict_code=codes) == [0, 0, 2]


def test_the_constraint_takes_the_heavier_link() -> None:
    # Rows 0 and 1 are of one constrained dataset; row 2 is linked to both.
    masks = np.array([1, 1, 0], dtype=np.uint64)
    result = cluster(3, np.array([0, 1]), np.array([2, 2]), np.array([5.0, 6.0]), constraint_bit=masks)
    assert result.labels.tolist() == [0, 1, 1]
    assert result.refused.tolist() == [True, False]
    tied = cluster(3, np.array([1, 0]), np.array([2, 2]), np.array([5.0, 5.0]), constraint_bit=masks)
    assert tied.labels.tolist() == [0, 1, 0]


def test_a_long_chain_is_one_cluster() -> None:
    rows = 100_000
    left = np.arange(rows - 1, 0, -1)
    free = np.zeros(rows, dtype=np.uint64)
    weight = np.full(rows - 1, 2.0)
    assert not cluster(rows, left, left - 1, weight, constraint_bit=free).labels.any()
    # With one pair against it the whole chain is merged link by link.
    weight[777] = -1.0
    result = cluster(rows, left, left - 1, weight, constraint_bit=free)
    assert np.unique(result.labels).tolist() == [0, int(left[777])]


def test_a_large_star_with_limits_is_quick_enough_to_test() -> None:
    rows = 50_000
    left, right = np.zeros(rows - 1, dtype=np.int32), np.arange(1, rows, dtype=np.int32)
    free = np.zeros(rows, dtype=np.uint64)
    result = cluster(rows, left, right, np.full(rows - 1, 10.0), constraint_bit=free, absent_weight=-1.0)
    # The eleventh row has ten others against it.
    assert result.labels.tolist() == [0] * 11 + list(range(11, rows))


def test_errors() -> None:
    masks = np.zeros(2, dtype=np.uint64)
    nobody, nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
    one = np.array([1.0])
    cases = [
        ("PAIR_RANGE", (np.array([0]), np.array([2]), one), {}),
        ("PAIR_RANGE", (np.array([-1]), np.array([0]), one), {}),
        ("PAIR_RANGE", (np.array([0.0]), np.array([1.0]), one), {}),
        ("PAIR_RANGE", (np.array([0]), nobody, one), {}),
        ("CONSTRAINT_SHAPE", (nobody, nobody, nothing), {"constraint_bit": masks[:1]}),
        ("CONSTRAINT_SHAPE", (nobody, nobody, nothing), {"constraint_bit": masks.astype(np.int64)}),
        ("WEIGHT_SHAPE", (np.array([0]), np.array([1]), nothing), {}),
        ("WEIGHT_SHAPE", (np.array([0]), np.array([1]), np.array([1])), {}),
        ("WEIGHT_SHAPE", (np.array([0]), np.array([1]), np.array([np.nan])), {}),
        ("CONFLICT_SHAPE", (nobody, nobody, nothing), {"conflict_code": np.zeros(1, dtype=np.int32)}),
        ("CONFLICT_SHAPE", (nobody, nobody, nothing), {"conflict_code": np.zeros(2, dtype=np.int64)}),
        ("WEIGHT_RANGE", (nobody, nobody, nothing), {"conflict_weight": 0.5}),
        ("WEIGHT_RANGE", (nobody, nobody, nothing), {"absent_weight": float("nan")}),
    ]
    for code, columns, given_limits in cases:
        with pytest.raises(LinkageError) as caught:
            cluster(2, *columns, **({"constraint_bit": masks} | given_limits))
        assert caught.value.code == code
