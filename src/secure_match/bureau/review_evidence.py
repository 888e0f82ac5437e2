"""ENCODED: what a clerk sees of a pair: levels of evidence and their weights, never a value of a person.

Invariant: similarities are shown as bands and handles by their first eight digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa

BANDS: Final = ((0.95, "nearly equal"), (0.8, "high"), (0.6, "medium"), (0.0, "low"))
"""Lower bounds of similarity (Dice) and what is said of a pass at or above each."""
NOT_COMPARABLE: Final = "not comparable"
CodeLevel = Literal["agree", "differ", "not compared"]

_HANDLE_DIGITS: Final = 8
_BAR_CELLS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class PairEvidence:
    """Evidence on a pair.

    Attributes:
        pair: its id.
        rows: dataset and first digits of the handle of both rows.
        token_state: EQUAL, DIFFERENT or UNKNOWN.
        passes: pass id to band of similarity, or ``not comparable``: another block, or a field is missing.
        codes: coded column to whether it agrees, as the sign of its weight says.
        weights: comparison to weight in bits, in the order of the run; empty where the run gives none.
        weight: match weight in bits; None likewise.
        probability: match probability, 0 to 1; None likewise.
        decision: of the run: LINK, POSSIBLE_LINK or NON_LINK.
        refused: a one-record-per-person dataset forbade the link.
        reviewed: the clerk's verdict that the run took in, MATCH or NON_MATCH, or None.
    """

    pair: str
    rows: tuple[tuple[str, str], tuple[str, str]]
    token_state: str
    passes: dict[str, str]
    codes: dict[str, CodeLevel]
    weights: dict[str, float]
    weight: float | None
    probability: float | None
    decision: str
    refused: bool
    reviewed: str | None


def evidence_of(pairs: pa.Table) -> tuple[PairEvidence, ...]:
    """Evidence of pairs (``LINK_COLUMNS``, ``similarity.*``, ``weight.*`` and ``pair``), in their order."""
    return tuple(_evidence(row) for row in pairs.to_pylist())


def short_handle(handle: bytes) -> str:
    """The first digits of a handle: enough to tell rows apart by eye."""
    return handle.hex()[:_HANDLE_DIGITS]


def band_of(similarity: float | None) -> str:
    """What is said of a similarity, 0 to 1; None or NaN where a pass could not compare."""
    if similarity is None or math.isnan(similarity):
        return NOT_COMPARABLE
    return next(name for bound, name in BANDS if similarity >= bound)


def _evidence(row: dict[str, Any]) -> PairEvidence:
    weights = _part(row, "weight.")
    codes = {name.removeprefix("code."): bits for name, bits in weights.items() if name.startswith("code.")}
    return PairEvidence(
        pair=row["pair"],
        rows=(
            (row["dataset_a"], short_handle(row["handle_a"])),
            (row["dataset_b"], short_handle(row["handle_b"])),
        ),
        token_state=row["token_state"],
        passes={name: band_of(value) for name, value in _part(row, "similarity.").items()},
        codes={name: _code_level(bits) for name, bits in codes.items()},
        weights={name: float(bits) for name, bits in weights.items() if bits is not None and not math.isnan(bits)},
        weight=row["match_weight"],
        probability=row["match_probability"],
        decision=row["decision"],
        refused=bool(row["refused"]),
        reviewed=row["reviewed"],
    )


def _part(row: dict[str, Any], start: str) -> dict[str, Any]:
    return {name.removeprefix(start): value for name, value in row.items() if name.startswith(start)}


def _code_level(bits: float | None) -> CodeLevel:
    if bits is None or math.isnan(bits) or bits == 0:
        return "not compared"
    return "agree" if bits > 0 else "differ"


def bars(values: Sequence[float]) -> list[str]:
    """Values as text bars around a line in the middle, to one scale; an infinite one fills its side."""
    finite = [abs(value) for value in values if math.isfinite(value)]
    largest = max(finite, default=0.0) or 1.0
    lines = []
    for value in values:
        cells = min(_BAR_CELLS, round(abs(value) / largest * _BAR_CELLS)) if math.isfinite(value) else _BAR_CELLS
        left, right = ("█" * cells, "") if value < 0 else ("", "█" * cells)
        lines.append(f"{left:>{_BAR_CELLS}}│{right:<{_BAR_CELLS}}")
    return lines
