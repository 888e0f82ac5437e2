"""ENCODED: clusters by signed evidence once more, in plain Python and by the definition, to test the compiled ones.

Every sum is taken anew over all pairs, and every partition is looked at; for a dozen rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from secure_match.kernels._signed import SignedLimits
from secure_match.kernels._signed_units import (
    LARGEST_BITS,
    UNITS_PER_BIT,
    BoolArray,
    MaskArray,
    PlaceArray,
    WeightArray,
)

Pair = tuple[int, int]
Partition = list[list[int]]


def signed_clusters(
    left: PlaceArray,
    right: PlaceArray,
    weight: WeightArray,
    *,
    bits: MaskArray,
    codes: PlaceArray | None = None,
    limits: SignedLimits,
) -> tuple[PlaceArray, BoolArray]:
    """As the compiled ``signed_clusters``; of a number's rows all count as compared with each other."""
    problem = Problem(left, right, weight, bits=bits, codes=codes, limits=limits)
    labels = np.arange(len(bits), dtype=np.int32)
    for rows in problem.components():
        nodes = problem.nodes(rows)
        parts = problem.best(nodes) if len(nodes) <= limits.best_of else problem.improved(nodes)
        for part in parts:
            members = [row for node in part for row in nodes[node]]
            labels[members] = min(members)
    positive = np.array([_units(value) > 0 for value in weight.tolist()], dtype=np.bool_)
    return labels, positive & (labels[left] != labels[right])


def _units(bits: float) -> int:
    return round(min(max(bits, -LARGEST_BITS), LARGEST_BITS) * UNITS_PER_BIT)


class Problem:
    """Rows and what the pairs say about them."""

    def __init__(
        self,
        left: PlaceArray,
        right: PlaceArray,
        weight: WeightArray,
        *,
        bits: MaskArray,
        codes: PlaceArray | None,
        limits: SignedLimits,
    ) -> None:
        self.bits: list[int] = bits.tolist()
        self.codes: list[int] = [-1] * len(bits) if codes is None else codes.tolist()
        self.limits = limits
        self.pairs: defaultdict[Pair, list[float]] = defaultdict(list)
        for one, two, value in zip(left.tolist(), right.tolist(), weight.tolist(), strict=True):
            if one != two:
                self.pairs[min(one, two), max(one, two)].append(value)

    def components(self) -> list[list[int]]:
        member = {row: {row} for row in range(len(self.bits))}
        for (one, two), values in self.pairs.items():
            if any(_units(value) > 0 for value in values):
                joined = member[one] | member[two]
                member |= dict.fromkeys(joined, joined)
        return [sorted(rows) for row, rows in member.items() if row == min(rows)]

    def nodes(self, rows: list[int]) -> Partition:
        """Rows that must be one, by the strongest reason first."""
        reasons = []
        for (one, two), values in self.pairs.items():
            if one in rows and two in rows:
                same = self.codes[one] == self.codes[two] >= 0
                keys = [value if value == np.inf else _units(value) for value in values]
                reasons += [(-key, one, two) for key in keys if key == np.inf or (same and key > 0)]
        nodes = {row: [row] for row in rows}
        for _, one, two in sorted(reasons):
            if nodes[one] is not nodes[two] and not self.forbidden(nodes[one], nodes[two]):
                joined = sorted(nodes[one] + nodes[two])
                nodes |= dict.fromkeys(joined, joined)
        return [node for row, node in nodes.items() if row == node[0]]

    def listed(self, one: list[int], two: list[int]) -> dict[Pair, list[float]]:
        pairs = ((min(a, b), max(a, b)) for a in one for b in two)
        return {pair: self.pairs[pair] for pair in pairs if pair in self.pairs}

    def forbidden(self, one: list[int], two: list[int]) -> bool:
        barred = any(-np.inf in values for values in self.listed(one, two).values())
        return barred or any(self.bits[a] & self.bits[b] for a in one for b in two)

    def weight(self, one: list[int], two: list[int]) -> int:
        """Evidence between two nodes in units."""
        listed = self.listed(one, two)
        numbers, others = ({self.codes[row] for row in node} - {-1} for node in (one, two))
        if listed:
            return sum(_units(value) for values in listed.values() for value in values if np.isfinite(value))
        if numbers & others:
            return 0
        conflict = _units(self.limits.conflict_bits) if numbers and others else 0
        return conflict + _units(self.limits.absent_bits)

    def value(self, nodes: Partition, parts: Partition) -> int | None:
        """What a partition is worth, in units; None where it is forbidden."""
        total = 0
        for part in parts:
            for a, b in combinations(part, 2):
                if self.forbidden(nodes[a], nodes[b]):
                    return None
                total += self.weight(nodes[a], nodes[b])
        return total

    def best(self, nodes: Partition) -> Partition:
        """The partition of the largest value; of equal ones the finest, then the first."""
        chosen, best = [list(range(len(nodes)))], (-1, 0)
        for parts in partitions(len(nodes)):
            value = self.value(nodes, parts)
            if value is not None and (value, len(parts)) > best:
                chosen, best = parts, (value, len(parts))
        return chosen

    def improved(self, nodes: Partition) -> Partition:
        """The better of two ways to begin, after single moves."""
        ways = [self.greedy(nodes), self.strongest_first(nodes)]
        first, second = (self.split(nodes, self.moved(nodes, parts)) for parts in ways)
        one, two = self.value(nodes, first), self.value(nodes, second)
        return second if one is None or (two is not None and two > one) else first

    def greedy(self, nodes: Partition) -> Partition:
        """The two clusters with the largest sum are merged."""
        parts: Partition = [[node] for node in range(len(nodes))]
        while True:
            found = []
            for one, two in combinations(parts, 2):
                rows, others = ([row for node in part for row in nodes[node]] for part in (one, two))
                total = sum(self.weight(nodes[a], nodes[b]) for a in one for b in two)
                if total > 0 and not self.forbidden(rows, others):
                    found.append((-total, min(self.listed(rows, others)), one, two))
            if not found:
                return parts
            _, _, one, two = min(found)
            parts = [part for part in parts if part not in (one, two)] + [one + two]

    def strongest_first(self, nodes: Partition) -> Partition:
        """Links are taken one by one, the heaviest first, where they are not forbidden."""
        found = []
        for one, two in combinations(range(len(nodes)), 2):
            if self.listed(nodes[one], nodes[two]) and self.weight(nodes[one], nodes[two]) > 0:
                found.append((-self.weight(nodes[one], nodes[two]), min(self.listed(nodes[one], nodes[two])), one, two))
        parts: Partition = [[node] for node in range(len(nodes))]
        for _, _, one, two in sorted(found):
            home, other = (next(part for part in parts if node in part) for node in (one, two))
            rows, others = ([row for node in part for row in nodes[node]] for part in (home, other))
            if home is not other and not self.forbidden(rows, others):
                parts = [part for part in parts if part not in (home, other)] + [home + other]
        return parts

    def moved(self, nodes: Partition, parts: Partition) -> Partition:
        for _ in range(self.limits.rounds):
            before = [list(part) for part in parts]
            for node in range(len(nodes)):
                parts = [part for part in self._moved(nodes, node, parts) if part]
            if parts == before:
                break
        return parts

    def _moved(self, nodes: Partition, node: int, parts: Partition) -> Partition:
        home = next(part for part in parts if node in part)
        rest = [other for other in home if other != node]
        options = [(-sum(self.weight(nodes[node], nodes[other]) for other in rest), 0, 0, rest)]
        options.append((0, 1, 0, []))
        for part in parts:
            near = [other for other in part if self._compared(nodes[node], nodes[other])]
            if part is home or not near or any(self.forbidden(nodes[node], nodes[other]) for other in part):
                continue
            options.append((-sum(self.weight(nodes[node], nodes[other]) for other in part), 2, min(near), part))
        _, kind, _, target = min(options)
        if kind == 0:
            return parts
        return [part for part in parts if part not in (home, target)] + [rest, [*target, node]]

    def _compared(self, one: list[int], two: list[int]) -> bool:
        numbers, others = ({self.codes[row] for row in node} - {-1} for node in (one, two))
        return bool(self.listed(one, two)) or bool(numbers & others)

    def split(self, nodes: Partition, parts: Partition) -> Partition:
        """Parts of clusters that positive sums hold together."""
        member = {node: {node} for node in range(len(nodes))}
        for part in parts:
            for a, b in combinations(part, 2):
                if self._compared(nodes[a], nodes[b]) and self.weight(nodes[a], nodes[b]) > 0:
                    joined = member[a] | member[b]
                    member |= dict.fromkeys(joined, joined)
        return [sorted(group) for node, group in member.items() if node == min(group)]


def partitions(count: int) -> Iterator[Partition]:
    """All partitions, in the order of the numbers of clusters from the first node on."""
    if count == 0:
        yield []
        return
    for parts in partitions(count - 1):
        for at in range(len(parts)):
            yield [[*part, count - 1] if place == at else part for place, part in enumerate(parts)]
        yield [*parts, [count - 1]]
