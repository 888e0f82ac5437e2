"""ENCODED: clusters of rows by signed evidence, component by component.

What is promised stands at :func:`signed_clusters`; the same by its definition is in ``_signed_reference``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.kernels._popcount import jit
from secure_match.kernels._signed_best import best_partition
from secure_match.kernels._signed_components import Components, contested, gather, join_positive
from secure_match.kernels._signed_graph import Graph, empty_graph, root
from secure_match.kernels._signed_greedy import (
    HOLDERS,
    compare_same_numbers,
    load,
    merge_greedily,
    merge_strongest_first,
    settle,
)
from secure_match.kernels._signed_moves import Nodes, move_nodes, nodes_of, split_unlinked, worth
from secure_match.kernels._signed_units import BoolArray, MaskArray, PlaceArray, Rules, WeightArray, units

BEST_OF: Final = 10
"""Nodes of which the best partition is looked for: there are 115,975 partitions of ten, and most are never reached."""
ROUNDS: Final = 8
"""Rounds of single moves after greedy merging. On noise nothing was gained after the fourth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLimits:
    """What holds where the pairs do not say.

    Attributes:
        conflict_bits: weight of two nodes that have different numbers and were not compared, 0 or less.
        absent_bits: weight of any two nodes that were not compared, 0 or less; both can hold at once.
        best_of: components of at most so many nodes get their best partition, others a greedy one.
        rounds: rounds of single moves after greedy merging.
    """

    conflict_bits: float = 0.0
    absent_bits: float = 0.0
    best_of: int = BEST_OF
    rounds: int = ROUNDS


def signed_clusters(
    left: PlaceArray,
    right: PlaceArray,
    weight: WeightArray,
    *,
    bits: MaskArray,
    codes: PlaceArray | None = None,
    limits: SignedLimits,
) -> tuple[PlaceArray, BoolArray]:
    """Partition rows by the weights of pairs.

    Args:
        left: one end of each pair, int32 of shape (pairs,).
        right: the other end. A pair may stand more than once, and then counts as often; (row, row) counts for nothing.
        weight: in bits, float64 of shape (pairs,), no NaN; see :func:`secure_match.linkage.cluster`.
        bits: constraint bits, uint64 of shape (rows,); they give the number of rows.
        codes: number of each row, -1 for none, int32 of shape (rows,).
        limits: what holds where pairs do not say.

    Returns:
        The smallest row of each row's cluster, int32 of shape (rows,), and whether a pair of positive weight has its
        ends in two clusters, bool of shape (pairs,).
    """
    labels = np.arange(len(bits), dtype=np.int32)
    join_positive(labels, left, right, weight)
    pairs = (left, right, weight)
    columns = (bits, np.zeros(0, dtype=np.int32) if codes is None else codes)
    rules = Rules(units(limits.conflict_bits), units(limits.absent_bits), limits.best_of, limits.rounds)
    marked = contested(labels, pairs, columns, rules)
    if marked.any():
        parts = gather(labels, pairs, marked)
        most_rows, most_pairs = (int(np.diff(starts).max()) for starts in (parts.row_starts, parts.pair_starts))
        room = empty_graph(most_rows, most_pairs + (HOLDERS * most_rows if codes is not None else 0))
        _solve(parts, room, columns, rules, labels)
    return labels, _cut(labels, left, right, weight)


@jit
def _solve(
    parts: Components, graph: Graph, columns: tuple[MaskArray, PlaceArray], rules: Rules, labels: PlaceArray
) -> None:
    """Write labels of all rows of components."""
    largest = len(graph.parents)
    node_of, roots = np.empty(largest, dtype=np.int32), np.empty(largest, dtype=np.int32)
    chosen, smallest = np.empty(largest, dtype=np.int32), np.empty(largest, dtype=np.int32)
    for part in range(len(parts.row_starts) - 1):
        rows = parts.rows[parts.row_starts[part] : parts.row_starts[part + 1]]
        nodes = _settled(parts, part, graph, columns, (node_of, roots))
        out = chosen[:nodes]
        if nodes <= rules.best_of:
            best_partition(graph, node_of, roots[:nodes], rules, out)
        else:
            # Two starts: neither is always the better one.
            neighbours = nodes_of(graph, node_of, roots[:nodes])
            merge_greedily(graph, rules)
            value = _improved(graph, neighbours, roots[:nodes], rules, out)
            _settled(parts, part, graph, columns, (node_of, roots))
            merge_strongest_first(graph)
            other = np.empty(nodes, dtype=np.int32)
            if _improved(graph, neighbours, roots[:nodes], rules, other) > value:
                out[:] = other
        smallest[:nodes] = -1
        for place in range(len(rows)):
            cluster = out[node_of[place]]
            if smallest[cluster] < 0:
                smallest[cluster] = rows[place]
            labels[rows[place]] = smallest[cluster]


@jit
def _settled(
    parts: Components,
    part: int,
    graph: Graph,
    columns: tuple[MaskArray, PlaceArray],
    out: tuple[PlaceArray, PlaceArray],
) -> int:
    """Make the graph of a component's nodes; how many there are. ``out`` takes node of each row, root of each node."""
    rows = parts.rows[parts.row_starts[part] : parts.row_starts[part + 1]]
    begin, end = parts.pair_starts[part], parts.pair_starts[part + 1]
    load(graph, rows, (parts.left[begin:end], parts.right[begin:end], parts.weight[begin:end]), columns)
    if len(columns[1]) > 0:
        compare_same_numbers(graph, rows, columns[1])
    return settle(graph, out[0], out[1])


@jit
def _improved(graph: Graph, nodes: Nodes, roots: PlaceArray, rules: Rules, out: PlaceArray) -> int:
    """Clusters of the graph after single moves, numbered by their first nodes; what they are worth."""
    first = np.full(len(graph.parents), -1, dtype=np.int32)
    for node in range(len(roots)):
        at = root(graph, roots[node])
        if first[at] < 0:
            first[at] = node
        out[node] = first[at]
    if move_nodes(nodes, out, rules) > 0:
        split_unlinked(nodes, out)
    return worth(nodes, out, rules)


@jit
def _cut(labels: PlaceArray, left: PlaceArray, right: PlaceArray, weight: WeightArray) -> npt.NDArray[np.bool_]:
    cut = np.empty(len(left), dtype=np.bool_)
    for pair in range(len(left)):
        cut[pair] = labels[left[pair]] != labels[right[pair]] and units(weight[pair]) > 0
    return cut
