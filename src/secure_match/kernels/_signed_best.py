"""ENCODED: the best partition of a few nodes, by branch and bound over restricted growth strings.

Invariant: no partition of all nodes is worth more than the one that is given.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from secure_match.kernels._popcount import jit
from secure_match.kernels._signed_graph import Graph, evidence, forbidden
from secure_match.kernels._signed_units import PlaceArray, Rules, penalty

BoolMatrix = npt.NDArray[np.bool_]


@jit
def best_partition(graph: Graph, node_of: PlaceArray, roots: PlaceArray, rules: Rules, out: PlaceArray) -> None:
    """The partition of all nodes with the largest sum; of equal ones that of most clusters, then the first.

    Args:
        graph: settled.
        node_of: node of each row, int32 of shape (rows,).
        roots: the cluster that is each node, int32 of shape (nodes,).
        rules: for pairs of nodes that nobody compared.
        out: takes the cluster of each node, int32 of shape (nodes,). Clusters are numbered as their first nodes come,
            and the first of equal partitions is the one whose numbers are smallest from the first node on.
    """
    nodes = len(roots)
    weight = np.empty((nodes, nodes), dtype=np.int64)
    apart = np.zeros((nodes, nodes), dtype=np.bool_)
    for one in range(nodes):
        for two in range(one):
            numbers = graph.coded[roots[one]] * graph.coded[roots[two]]
            weight[one, two] = penalty(numbers, 1, rules)
            apart[one, two] = graph.bits[roots[one]] & graph.bits[roots[two]] != 0
    for edge in range(graph.counts[1]):
        if graph.ends[2 * edge] >= 0:
            one, two = node_of[graph.ends[2 * edge]], node_of[graph.ends[2 * edge + 1]]
            weight[max(one, two), min(one, two)] = evidence(graph, edge, rules)
            apart[max(one, two), min(one, two)] = forbidden(graph, edge)
    _search(weight, apart, out)


@jit
def _search(weight: npt.NDArray[np.int64], apart: BoolMatrix, out: PlaceArray) -> None:
    nodes = len(weight)
    hoped, before = np.zeros(nodes + 1, dtype=np.int64), np.zeros(nodes, dtype=np.int64)
    clusters = np.zeros(nodes + 1, dtype=np.int64)
    choice = np.full(nodes, -1, dtype=np.int64)
    for node in range(nodes - 1, -1, -1):
        hoped[node] = hoped[node + 1]
        for other in range(node):
            hoped[node] += max(weight[node, other], 0) if not apart[node, other] else 0
    best, most, node = np.int64(0), np.int64(0), 0
    while node >= 0:
        choice[node] += 1
        chosen = choice[node]
        if chosen > clusters[node]:
            node -= 1
            continue
        total, allowed = before[node], True
        for other in range(node):
            if choice[other] == chosen:
                total += weight[node, other]
                allowed = allowed and not apart[node, other]
        if not allowed or total + hoped[node + 1] < best:
            continue
        clusters[node + 1] = max(clusters[node], chosen + 1)
        if node + 1 < nodes:
            node += 1
            before[node] = total
            choice[node] = -1
        elif total > best or clusters[nodes] > most:
            best, most = total, clusters[nodes]
            for other in range(nodes):
                out[other] = choice[other]
