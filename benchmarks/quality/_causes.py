"""Why pairs are missed: which columns of their two rows differ, never what stands in them."""

from __future__ import annotations

from collections import Counter

from _measure import IntArray, ScoredPairs
from _sets import LinkageSet

Pair = tuple[int, int]


def true_pairs_of(problem: LinkageSet, pairs: ScoredPairs) -> set[Pair]:
    """The pairs of one person among ``pairs``."""
    right = problem.person[pairs.left] == problem.person[pairs.right]
    return set(zip(pairs.left[right].tolist(), pairs.right[right].tolist(), strict=True))


def true_pairs_of_clusters(problem: LinkageSet, labels: IntArray) -> set[Pair]:
    """The pairs that count of one person and one label."""
    members: dict[tuple[int, int], list[int]] = {}
    for row, (who, label) in enumerate(zip(problem.person.tolist(), labels.tolist(), strict=True)):
        if who >= 0:
            members.setdefault((who, label), []).append(row)
    file_of = problem.file_of
    return {
        (left, right)
        for rows in members.values()
        for place, left in enumerate(rows)
        for right in rows[place + 1 :]
        if problem.within or file_of[left] != file_of[right]
    }


def causes(problem: LinkageSet, missed: set[Pair]) -> dict[str, int]:
    """How many of ``missed`` differ in which columns, most frequent first, then by name.

    A column whose value is missing in one row is named with ``-``, one that is missing in both is not named: it says
    nothing. ``none`` stands for rows that are alike.
    """
    columns = {
        name: [cell for table in problem.files.values() for cell in table[name].to_pylist()] for name in problem.columns
    }
    counts: Counter[str] = Counter()
    for left, right in missed:
        differing = []
        for name, cells in columns.items():
            one, other = cells[left], cells[right]
            if one != other:
                differing.append(name if one and other else f"{name}-")
        counts[" ".join(differing) or "none"] += 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
