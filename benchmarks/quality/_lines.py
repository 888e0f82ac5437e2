"""A line of the table: what one method made of one set, as a value, as JSON and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from _causes import Pair
from _measure import Score

HEADERS = (
    "set",
    "method",
    "labels used",
    "precision",
    "recall",
    "F1",
    "best F1",
    "estimated precision",
    "estimated recall",
    "seconds",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One method on one set.

    Attributes:
        chosen: at the threshold that the method chose without labels; None for the peers, which choose none.
        best: at the best threshold of all, found with the labels.
        labels_used: what the method took from the truth to come to ``chosen``, or for peers to ``best``.
        estimated: precision and recall that the method itself expects, where it does.
        seconds: wall time of encoding, training and comparing.
        extra: further measures by name.
        found: true pairs that the line's own reading holds; for the causes, not part of the output.
    """

    set_name: str
    method: str
    chosen: Score | None
    best: Score
    labels_used: str
    estimated: tuple[float, float] | None
    seconds: float
    extra: dict[str, Any] = field(default_factory=dict)
    found: frozenset[Pair] = field(default_factory=frozenset, repr=False)

    @property
    def counted(self) -> Score:
        """The score that the line stands for."""
        return self.best if self.chosen is None else self.chosen


def markdown(lines: Sequence[Line]) -> str:
    """The table, figures in ten-thousandths."""
    rows = [HEADERS, tuple("---" if place < 3 else "---:" for place in range(len(HEADERS)))]
    rows += [_cells(line) for line in lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(line: Line) -> tuple[str, ...]:
    score = line.counted
    estimated = ("", "") if line.estimated is None else tuple(f"{share:.4f}" for share in line.estimated)
    shares = (f"{value:.4f}" for value in (score.precision, score.recall, score.f1, line.best.f1))
    return (line.set_name, line.method, line.labels_used, *shares, *estimated, f"{line.seconds:.1f}")


def document(line: Line) -> dict[str, Any]:
    """The line for machines."""
    return {
        "set": line.set_name,
        "method": line.method,
        "labels_used": line.labels_used,
        "chosen": None if line.chosen is None else _score(line.chosen),
        "best": _score(line.best),
        "estimated": None
        if line.estimated is None
        else dict(zip(("precision", "recall"), line.estimated, strict=True)),
        "seconds": round(line.seconds, 2),
        **line.extra,
    }


def _score(score: Score) -> dict[str, Any]:
    shares = {"precision": score.precision, "recall": score.recall, "f1": score.f1}
    return asdict(score) | {name: round(value, 6) for name, value in shares.items()}
