"""Pair and cluster measures against their definitions, read out slowly on small partitions."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secure_match.errors import LinkageError
from secure_match.linkage.quality import (
    PairQuality,
    candidate_quality,
    cluster_quality,
    connected_rows,
    pair_quality,
    true_pair_count,
    wilson_interval,
)

Partitions = tuple[list[int], list[int]]


@st.composite
def partitions(draw: st.DrawFn) -> Partitions:
    rows = draw(st.integers(1, 12))
    names = st.lists(st.integers(-3, 5), min_size=rows, max_size=rows)
    return draw(names), draw(names)


def together(names: list[int]) -> set[tuple[int, int]]:
    return {(one, two) for one, two in combinations(range(len(names)), 2) if names[one] == names[two]}


def groups(names: list[int]) -> list[frozenset[int]]:
    return [frozenset(row for row, name in enumerate(names) if name == group) for group in sorted(set(names))]


@given(partitions())
def test_clusters_by_definition(both: Partitions) -> None:
    labels, person = both
    quality = cluster_quality(np.array(labels), np.array(person))
    found, true = together(labels), together(person)
    assert quality.pairs == PairQuality(
        true_positive=len(found & true), false_positive=len(found - true), false_negative=len(true - found)
    )
    rows = range(len(labels))
    mine = {row: {other for other in rows if labels[other] == labels[row]} for row in rows}
    own = {row: {other for other in rows if person[other] == person[row]} for row in rows}
    precision = sum(len(mine[row] & own[row]) / len(mine[row]) for row in rows) / len(labels)
    recall = sum(len(mine[row] & own[row]) / len(own[row]) for row in rows) / len(labels)
    assert quality.bcubed_precision == pytest.approx(precision, abs=1e-12)
    assert quality.bcubed_recall == pytest.approx(recall, abs=1e-12)
    assert quality.bcubed_f1 == pytest.approx(2 * precision * recall / (precision + recall), abs=1e-12)
    assert quality.exact == len({*groups(labels)} & {*groups(person)})
    assert (quality.clusters, quality.persons, quality.rows) == (len(set(labels)), len(set(person)), len(labels))
    # Rand's index, less what it is by chance with the same group sizes (Hubert and Arabie 1985).
    possible = math.comb(len(labels), 2)
    chance = len(found) * len(true) / possible if possible else 0.0
    most = (len(found) + len(true)) / 2
    if math.isclose(most, chance):
        assert quality.adjusted_rand is None
    else:
        assert quality.adjusted_rand == pytest.approx((len(found & true) - chance) / (most - chance), abs=1e-12)


@given(partitions())
def test_names_and_order_do_not_matter(both: Partitions) -> None:
    labels, person = (np.array(names) for names in both)
    order = np.random.default_rng(len(labels)).permutation(len(labels))
    assert cluster_quality(labels * -7, person + 100) == cluster_quality(labels, person)
    assert cluster_quality(labels[order], person[order]) == cluster_quality(labels, person)


def test_the_same_partition_is_perfect() -> None:
    names = np.array([4, 4, 1, 1, 1, 9], dtype=np.int32)
    quality = cluster_quality(names, names)
    assert (quality.bcubed_f1, quality.adjusted_rand, quality.exact_recall, quality.exact_precision) == (1, 1, 1, 1)
    assert (quality.pairs.precision, quality.pairs.recall, quality.pairs.f1) == (1, 1, 1)


def test_what_is_undefined_is_none() -> None:
    nobody = cluster_quality(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    assert (nobody.bcubed_precision, nobody.bcubed_f1, nobody.adjusted_rand, nobody.exact_recall) == (None,) * 4
    single = cluster_quality(np.arange(5), np.arange(5))
    assert (single.adjusted_rand, single.pairs.precision, single.pairs.recall, single.pairs.f1) == (None,) * 4
    assert cluster_quality(np.zeros(5, dtype=int), np.zeros(5, dtype=int)).adjusted_rand is None
    nothing = PairQuality(true_positive=0, false_positive=0, false_negative=3)
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.precision_interval) == (None, 0.0, 0.0, None)
    none = candidate_quality(np.zeros(0, dtype=bool), true_pairs=0, rows=1)
    assert (none.pairs_completeness, none.pairs_quality, none.reduction_ratio) == (None, None, None)


def test_large_cities_do_not_overflow() -> None:
    """Four million rows of one person are 8e12 pairs, whose products with each other leave 64 bits."""
    rows = 1 << 22
    one, halves = np.zeros(rows, dtype=np.int32), (np.arange(rows) % 2).astype(np.int32)
    quality = cluster_quality(halves, one)
    assert quality.pairs.true_positive == 2 * math.comb(rows // 2, 2)
    assert quality.pairs.false_negative == (rows // 2) ** 2
    assert quality.adjusted_rand == 0.0
    assert true_pair_count(one) == math.comb(rows, 2)


def test_shapes_are_verified() -> None:
    for labels in (np.zeros(2), np.zeros((2, 1), dtype=int), np.zeros(3, dtype=int)):
        with pytest.raises(LinkageError, match="QUALITY_SHAPE"):
            cluster_quality(labels, np.zeros(2, dtype=int))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=20), st.integers(0, 5))
def test_pairs_by_definition(pairs: list[tuple[bool, bool]], unseen: int) -> None:
    is_match, found = (np.array([pair[side] for pair in pairs], dtype=bool) for side in (0, 1))
    true = int(is_match.sum()) + unseen
    quality = pair_quality(is_match, found, true_pairs=true)
    hits = sum(one and two for one, two in pairs)
    assert quality.true_positive == hits
    assert quality.false_positive == sum(two and not one for one, two in pairs)
    assert quality.true_positive + quality.false_negative == true
    if quality.precision and quality.recall:
        mean = 2 / (1 / quality.precision + 1 / quality.recall)
        assert quality.f1 == pytest.approx(mean)
    blocks = candidate_quality(is_match, true_pairs=true, rows=30)
    assert blocks.reduction_ratio == 1 - len(pairs) / 435 or math.isclose(blocks.reduction_ratio, 1 - len(pairs) / 435)
    assert blocks.pairs_completeness == (is_match.sum() / true if true else None)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    rows = draw(st.integers(1, 25))
    row = st.integers(0, rows - 1)
    return rows, draw(st.lists(st.tuples(row, row)))


@given(graphs())
def test_connected_rows_by_flooding(graph: tuple[int, list[tuple[int, int]]]) -> None:
    rows, links = graph
    label = list(range(rows))
    for _ in range(rows):
        for one, two in links:
            label[one] = label[two] = min(label[one], label[two])
    ends = np.array(links, dtype=np.int32).reshape(-1, 2)
    assert connected_rows(rows, ends[:, 0], ends[:, 1]).tolist() == label


def test_long_chains_connect() -> None:
    rows = np.random.default_rng(3).permutation(100_000)
    assert not connected_rows(len(rows), rows[1:], rows[:-1]).any()


def test_wilson_against_its_equation() -> None:
    """The ends are the shares p for which |share - p| is just the quantile times the standard error at p."""
    for successes, trials in ((1, 10), (5, 10), (997, 1000), (3, 7)):
        for end in wilson_interval(successes, trials) or ():
            distance = abs(successes / trials - end)
            assert distance == pytest.approx(1.959963984540054 * math.sqrt(end * (1 - end) / trials), rel=1e-9)
    low, high = wilson_interval(0, 20) or (1, 0)
    assert low == 0.0
    assert high == pytest.approx(0.1611, abs=1e-4)
    assert (wilson_interval(20, 20) or (0, 0))[1] == 1.0
    assert wilson_interval(0, 0) is None
