"""ENCODED: rows that must be one become nodes, and nodes become clusters, the largest sum of evidence first.

Greedy additive edge contraction (Keuper et al., ICCV 2015). Invariants: the next merge is always the one with the
largest sum, of equal ones the one that holds the smallest listed pair; nothing merges at a sum of 0 or less; what is
forbidden never merges. Evidence of pairs that were not compared is never positive, so a sum that waits in the queue is
at least the sum of today: it is computed again when its turn comes, and goes back if it is smaller.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf, isfinite
from typing import Final

import numpy as np

from secure_match.kernels._popcount import jit
from secure_match.kernels._signed_graph import Graph, add_pair, clear, edge_between, evidence, forbidden, merge, root
from secure_match.kernels._signed_units import MaskArray, PlaceArray, Rules, WeightArray, packed, units

HOLDERS: Final = 8
"""Rows of one number that are no node together: so many next ones count as compared with each of them."""
_FIRST_OF_ALL: Final = 1 << 62
_LOWER: Final = (1 << 32) - 1


@jit
def load(
    graph: Graph,
    rows: PlaceArray,
    pairs: tuple[PlaceArray, PlaceArray, WeightArray],
    columns: tuple[MaskArray, PlaceArray],
) -> None:
    """Make the graph of a component, with rows that must be one already together: nodes.

    A clerk's +inf comes first, in the order of pairs, then pairs of one number, the strongest first. A pair that is
    forbidden by then is passed over.

    Args:
        graph: room for it.
        rows: row numbers in rising order, int32 of shape (rows,).
        pairs: two places among ``rows``, and the weight in bits, of each pair.
        columns: constraint bits, uint64 of shape (all rows,), and number of each row, -1 for none, int32 of the same
            shape, or nobody's, of shape (0,).
    """
    left, right, weight = pairs
    bits, codes = columns
    has_codes = len(codes) > 0
    clear(graph, len(rows), len(left) + (HOLDERS * len(rows) if has_codes else 0))
    for place in range(len(rows)):
        graph.bits[place] = bits[rows[place]]
        graph.sizes[place] = 1
        graph.coded[place] = 1 if has_codes and codes[rows[place]] >= 0 else 0
    queue = [(0, 0)]
    queue.clear()
    for pair in range(len(left)):
        one, two, bits_of_pair = int(left[pair]), int(right[pair]), float(weight[pair])
        if one == two:
            continue
        add_pair(graph, one, two, units(bits_of_pair) if isfinite(bits_of_pair) else 0, bits_of_pair == -inf)
        if bits_of_pair == inf:
            heappush(queue, (-_FIRST_OF_ALL, packed(one, two)))
        elif has_codes and codes[rows[one]] >= 0 and codes[rows[one]] == codes[rows[two]] and units(bits_of_pair) > 0:
            heappush(queue, (-units(bits_of_pair), packed(one, two)))
    _merge_in_turn(queue, graph)


@jit
def _merge_in_turn(queue: list[tuple[int, int]], graph: Graph) -> None:
    """Merge the clusters of pairs as they wait, where that is not forbidden by then."""
    while len(queue) > 0:
        _, pair = heappop(queue)
        one, two = root(graph, pair >> 32), root(graph, pair & _LOWER)
        if one != two and not forbidden(graph, edge_between(graph, one, two)):
            merge(graph, one, two)


@jit
def compare_same_numbers(graph: Graph, rows: PlaceArray, codes: PlaceArray) -> None:
    """Add evidence of nothing between nodes of one number that nobody compared: they do not contradict each other."""
    order = np.argsort(codes[rows], kind="mergesort")
    for at in range(len(order)):
        code = codes[rows[order[at]]]
        if code < 0:
            continue
        one = root(graph, order[at])
        for later in range(at + 1, min(at + 1 + HOLDERS, len(order))):
            if codes[rows[order[later]]] != code:
                break
            two = root(graph, order[later])
            if one != two and edge_between(graph, one, two) < 0:
                add_pair(graph, one, two, 0, False)
                # Nobody listed this pair, so it must not decide between equals.
                graph.first[graph.counts[1] - 1] = _FIRST_OF_ALL


@jit
def settle(graph: Graph, node_of: PlaceArray, roots: PlaceArray) -> int:
    """Count from here on in nodes: each cluster is one, and an edge is one compared pair.

    Args:
        graph: where rows that must be one are together.
        node_of: takes the node of each row, int32 of shape (rows,). Nodes are numbered by their smallest rows.
        roots: takes the cluster that is the node, int32 of shape (rows,).

    Returns:
        How many nodes there are.
    """
    rows = graph.counts[0]
    node_of[:rows] = -1
    nodes = 0
    for row in range(rows):
        at = root(graph, row)
        if node_of[at] < 0:
            node_of[at] = nodes
            roots[nodes] = at
            graph.sizes[at] = 1
            graph.coded[at] = min(graph.coded[at], 1)
            nodes += 1
    for row in range(rows):
        # A root that is passed later keeps its own entry, which is its node already.
        node_of[row] = node_of[root(graph, row)]
    for edge in range(graph.counts[1]):
        if graph.ends[2 * edge] >= 0:
            graph.listed[edge] = 1
            graph.numbered[edge] = graph.coded[graph.ends[2 * edge]] * graph.coded[graph.ends[2 * edge + 1]]
    return nodes


@jit
def merge_greedily(graph: Graph, rules: Rules) -> None:
    """Merge clusters until no two that are linked have a positive sum and may be one."""
    queue = [(0, 0, 0)]
    queue.clear()
    for edge in range(graph.counts[1]):
        if graph.ends[2 * edge] >= 0:
            _wait(queue, graph, edge, rules)
    while len(queue) > 0:
        key, first, edge = heappop(queue)
        if graph.ends[2 * edge] < 0 or forbidden(graph, edge):
            continue
        total = evidence(graph, edge, rules)
        if total != -key or graph.first[edge] != first:
            if total < -key:
                _wait(queue, graph, edge, rules)
            continue
        for changed in range(merge(graph, graph.ends[2 * edge], graph.ends[2 * edge + 1])):
            _wait(queue, graph, graph.changed[changed], rules)


@jit
def _wait(queue: list[tuple[int, int, int]], graph: Graph, edge: int, rules: Rules) -> None:
    total = evidence(graph, edge, rules)
    if total > 0:
        heappush(queue, (-total, int(graph.first[edge]), int(edge)))


@jit
def merge_strongest_first(graph: Graph) -> None:
    """Merge clusters link by link, the heaviest first, whatever the sum of their evidence; where allowed."""
    queue = [(0, 0)]
    queue.clear()
    for edge in range(graph.counts[1]):
        if graph.ends[2 * edge] >= 0 and graph.total[edge] > 0:
            heappush(queue, (-int(graph.total[edge]), int(graph.first[edge])))
    _merge_in_turn(queue, graph)
