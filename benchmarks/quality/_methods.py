"""The three methods, each from a set to lines of the table. The libraries of a method are loaded when it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from _causes import true_pairs_of, true_pairs_of_clusters
from _lines import Line
from _measure import (
    Score,
    ScoredPairs,
    best_score,
    clusters_of,
    one_to_one,
    score_at,
    score_of_clusters,
    scored_pairs,
)
from _sets import LinkageSet

LABELS_OF_PEERS = "best threshold"
ROUND_THRESHOLDS = (0.75, 0.80, 0.85, 0.90)
"""What a user without labels might take; the F1 at each shows how much hangs on the choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``peer_python``: interpreter with Splink. ``largest_peer``: rows up to which all pairs are compared."""

    peer_python: Path | None
    largest_peer: int


def ours(problem: LinkageSet, _: Options) -> list[Line]:
    """Linked from encodings; see ``_ours.py``."""
    from _ours import run_ours  # noqa: PLC0415

    made = run_ours(problem)
    best, _taken = best_score(problem, scored_pairs(problem, made.left, made.right, made.score))
    return [
        Line(
            set_name=problem.name,
            method="ours",
            chosen=score_of_clusters(problem, made.labels),
            best=best,
            labels_used="none",
            estimated=made.estimated,
            seconds=made.seconds,
            extra=made.extra,
            found=frozenset(true_pairs_of_clusters(problem, made.labels)),
        )
    ]


def anonlink(problem: LinkageSet, options: Options) -> list[Line]:
    """clkhash + anonlink, a line per linkage schema."""
    from _anonlink import run_anonlink, schemas_of  # noqa: PLC0415

    lines = []
    for schema in schemas_of(problem):
        pairs, seconds, blocking = run_anonlink(problem, schema, largest=options.largest_peer)
        line = _peer_line(problem, f"anonlink, {schema}{blocking}", pairs, seconds)
        read = one_to_one(pairs) if problem.one_to_one else pairs
        at = {f"F1 at {limit:.2f}": round(score_at(problem, read, limit).f1, 4) for limit in ROUND_THRESHOLDS}
        lines.append(replace(line, extra=line.extra | at))
    return lines


def splink(problem: LinkageSet, options: Options) -> list[Line]:
    """Splink on the plaintext, a line per model."""
    from _splink import models_of, run_splink  # noqa: PLC0415

    assert options.peer_python is not None
    lines = []
    for label, model in models_of(problem).items():
        pairs, seconds = run_splink(problem, model, options.peer_python)
        lines.append(_peer_line(problem, f"Splink, {label}", pairs, seconds))
    return lines


METHODS: dict[str, Callable[[LinkageSet, Options], list[Line]]] = {"ours": ours, "anonlink": anonlink, "splink": splink}


def _peer_line(problem: LinkageSet, method: str, pairs: ScoredPairs, seconds: float) -> Line:
    best, taken = best_score(problem, pairs)
    return Line(
        set_name=problem.name,
        method=method,
        chosen=None,
        best=best,
        labels_used=LABELS_OF_PEERS,
        estimated=None,
        seconds=seconds,
        extra={"threshold": round(best.threshold, 4) if best.threshold is not None else None, "read as": best.reading},
        found=frozenset(_found(problem, best, taken)),
    )


def _found(problem: LinkageSet, best: Score, taken: ScoredPairs) -> set[tuple[int, int]]:
    if best.reading != "clusters":
        return true_pairs_of(problem, taken)
    return true_pairs_of_clusters(problem, clusters_of(problem, taken))
