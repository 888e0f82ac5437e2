"""ENCODED: single moves of nodes between clusters, and what a partition is worth.

Invariants: a move is made only where it raises the sum, so that rounds of moves end; no cluster is left in two parts
that no positive sum holds together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from secure_match.kernels._popcount import IntArray, jit
from secure_match.kernels._signed_graph import Graph
from secure_match.kernels._signed_units import BoolArray, IntMatrix, MaskArray, PlaceArray, Rules, penalty


class Nodes(NamedTuple):
    """Nodes of a component, and what lists of the compared pairs say.

    Attributes:
        starts: where the neighbours of each node start, and the end, int64 of shape (nodes + 1,).
        others: the neighbour, int32 of shape (2 * pairs,).
        total: evidence of the pair in units, int64 of shape (2 * pairs,).
        apart: the pair must not be one, bool of shape (2 * pairs,).
        coded: 1 where a node has a number, else 0, int64 of shape (nodes,).
        bits: constraint bits, uint64 of shape (nodes,).
    """

    starts: IntArray
    others: PlaceArray
    total: IntArray
    apart: BoolArray
    coded: IntArray
    bits: MaskArray


class Clusters(NamedTuple):
    """What is in each cluster while nodes move.

    Attributes:
        sizes: nodes, int64 of shape (nodes,).
        coded: nodes that have a number, int64 of shape (nodes,).
        bits: constraint bits, uint64 of shape (nodes,).
        sums: room for what a node finds in its neighbours' clusters, zero between calls, int64 of shape (4, nodes).
    """

    sizes: IntArray
    coded: IntArray
    bits: MaskArray
    sums: IntMatrix


@jit
def nodes_of(graph: Graph, node_of: PlaceArray, roots: PlaceArray) -> Nodes:
    """Neighbours of each node of a settled graph."""
    nodes = len(roots)
    starts = np.zeros(nodes + 1, dtype=np.int64)
    for node in range(nodes):
        starts[node + 1] = starts[node] + graph.degrees[roots[node]]
    others, total = np.empty(starts[nodes], dtype=np.int32), np.empty(starts[nodes], dtype=np.int64)
    apart = np.empty(starts[nodes], dtype=np.bool_)
    filled = starts.copy()
    for edge in range(graph.counts[1]):
        for side in range(2):
            if graph.ends[2 * edge] >= 0:
                at = filled[node_of[graph.ends[2 * edge + side]]]
                filled[node_of[graph.ends[2 * edge + side]]] += 1
                others[at] = node_of[graph.ends[2 * edge + 1 - side]]
                total[at], apart[at] = graph.total[edge], graph.barred[edge]
    return Nodes(starts, others, total, apart, graph.coded[roots], graph.bits[roots])


@jit
def move_nodes(nodes: Nodes, out: PlaceArray, rules: Rules) -> int:
    """Move single nodes, in their order, to where they raise the sum most; how many moves were made.

    A node goes to a cluster of one of its neighbours, or is alone; of equal sums its own cluster stays, then alone is
    taken, then the cluster with the smallest of its neighbours. Rounds end when nothing moves, or after
    ``rules.rounds``.

    Args:
        nodes: the nodes.
        out: the cluster of each node, changed in place, int32 of shape (nodes,): the number of its first node.
        rules: for pairs of nodes that nobody compared, and for rounds.
    """
    count = len(out)
    clusters = Clusters(
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
        np.zeros(count, dtype=np.uint64),
        np.zeros((4, count), dtype=np.int64),
    )
    for node in range(count):
        _enter(clusters, nodes, node, out[node])
    free = np.flatnonzero(clusters.sizes == 0).astype(np.int32)
    spare, moved = len(free), 0
    free = np.append(free, np.empty(count - spare, dtype=np.int32))
    for _ in range(rules.rounds):
        moved_before = moved
        for node in range(count):
            home = out[node]
            target = _target(nodes, out, node, clusters, rules)
            if target == home:
                continue
            if target < 0:
                spare -= 1
                target = free[spare]
            clusters.sizes[home] -= 1
            clusters.coded[home] -= nodes.coded[node]
            clusters.bits[home] &= ~nodes.bits[node]
            _enter(clusters, nodes, node, target)
            out[node] = target
            moved += 1
            if clusters.sizes[home] == 0:
                free[spare] = home
                spare += 1
        if moved == moved_before:
            break
    return moved


@jit
def _enter(clusters: Clusters, nodes: Nodes, node: int, cluster: int) -> None:
    clusters.sizes[cluster] += 1
    clusters.coded[cluster] += nodes.coded[node]
    clusters.bits[cluster] |= nodes.bits[node]


@jit
def _target(nodes: Nodes, out: PlaceArray, node: int, clusters: Clusters, rules: Rules) -> int:
    """The best cluster of a node: its own, that of a neighbour, or -1 for none."""
    sizes, coded, sums = clusters.sizes, clusters.coded, clusters.sums
    total, listed, numbered, nearest = sums[0], sums[1], sums[2], sums[3]
    home = out[node]
    begin, end = nodes.starts[node], nodes.starts[node + 1]
    for at in range(begin, end):
        cluster = out[nodes.others[at]]
        total[cluster] += nodes.total[at]
        # One pair that must stay apart makes the count of compared pairs negative for good.
        listed[cluster] += -(1 << 40) if nodes.apart[at] else 1
        numbered[cluster] += nodes.coded[nodes.others[at]]
        nearest[cluster] = max(nearest[cluster], len(out) - nodes.others[at])
    others = coded[home] - nodes.coded[node] - numbered[home]
    stay = total[home] + penalty(nodes.coded[node] * others, sizes[home] - 1 - listed[home], rules)
    best, target = max(int(stay), 0), int(home) if stay >= 0 else -1
    for at in range(begin, end):
        cluster = int(out[nodes.others[at]])
        if cluster == home or listed[cluster] < 0 or clusters.bits[cluster] & nodes.bits[node] != 0:
            continue
        apart = nodes.coded[node] * (coded[cluster] - numbered[cluster])
        there = total[cluster] + penalty(apart, sizes[cluster] - listed[cluster], rules)
        if there > best or (there == best and target >= 0 and target != home and nearest[cluster] > nearest[target]):
            best, target = int(there), cluster
    for at in range(begin, end):
        cluster = out[nodes.others[at]]
        sums[:, cluster] = 0
    return target


@jit
def split_unlinked(nodes: Nodes, out: PlaceArray) -> None:
    """Part clusters into what positive pairs hold together; numbers are again those of first nodes."""
    parents = np.arange(len(out))
    for node in range(len(out)):
        for at in range(nodes.starts[node], nodes.starts[node + 1]):
            if nodes.total[at] > 0 and out[nodes.others[at]] == out[node]:
                one, two = node, int(nodes.others[at])
                while parents[one] != one:
                    parents[one] = parents[parents[one]]
                    one = parents[one]
                while parents[two] != two:
                    parents[two] = parents[parents[two]]
                    two = parents[two]
                parents[max(one, two)] = min(one, two)
    for node in range(len(out)):
        # The smallest node of a part is its root, and stands before all others.
        out[node] = node if parents[node] == node else out[parents[node]]


@jit
def worth(nodes: Nodes, out: PlaceArray, rules: Rules) -> int:
    """The evidence inside all clusters, in units."""
    count = len(out)
    sizes, coded = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    total, numbers, pairs = 0, 0, 0
    for node in range(count):
        numbers += nodes.coded[node] * coded[out[node]]
        pairs += sizes[out[node]]
        sizes[out[node]] += 1
        coded[out[node]] += nodes.coded[node]
        for at in range(nodes.starts[node], nodes.starts[node + 1]):
            other = nodes.others[at]
            if other < node and out[other] == out[node]:
                total += nodes.total[at]
                numbers -= nodes.coded[node] * nodes.coded[other]
                pairs -= 1
    return int(total + penalty(numbers, pairs, rules))
