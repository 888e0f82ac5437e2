"""EDGE: what ``bureau review`` prints for people: the queue, and the evidence on a pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import pyarrow as pa

from secure_match.bureau.review_decisions import ReviewDecision
from secure_match.bureau.review_evidence import NOT_COMPARABLE, PairEvidence, bars, evidence_of
from secure_match.bureau.review_looks import LookRecord

LIST_HEADERS: Final = ["pair", "value", "cause", "datasets", "ID tokens", "probability", "findings", "decided"]
BESIDE_HEADERS: Final = ["pair", "datasets", "ID tokens", "decision", "probability", "decided"]
_LIST_COLUMNS: Final = ("pair", "value", "cause", "datasets", "token_state", "probability", "findings", "decided")


def list_rows(queue: pa.Table, last: Mapping[str, ReviewDecision]) -> list[dict[str, Any]]:
    """A queue for machines: one object per pair, in its order.

    Args:
        last: pair id to its last decision.
    """
    more = zip(*(queue[name].to_pylist() for name in ("value", "cause", "findings")), strict=True)
    return [
        _list_row(item, value, cause, findings, last.get(item.pair))
        for item, (value, cause, findings) in zip(evidence_of(queue), more, strict=True)
    ]


def _list_row(
    item: PairEvidence, value: float, cause: str, findings: int | None, last: ReviewDecision | None
) -> dict[str, Any]:
    return {
        "pair": item.pair,
        "value": value,
        "cause": cause,
        "datasets": [dataset for dataset, _ in item.rows],
        "token_state": item.token_state,
        "passes": item.passes,
        "probability": item.probability,
        "weight": _finite(item.weight),
        "findings": findings,
        "decided": last.verdict if last is not None else None,
    }


def list_cells(row: Mapping[str, Any]) -> list[str]:
    """An object of ``list_rows`` as a row of a table under ``LIST_HEADERS``."""
    return [_list_cell(row, name) for name in _LIST_COLUMNS]


def _list_cell(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if name == "datasets":
        return " + ".join(value)
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def evidence_json(item: PairEvidence) -> dict[str, Any]:
    """The evidence on a pair for machines; JSON has no infinite number, so such a weight is null."""
    weights = {name: _finite(bits) for name, bits in item.weights.items()}
    return asdict(item) | {"weight": _finite(item.weight), "weights": weights}


def _finite(bits: float | None) -> float | None:
    return bits if bits is not None and math.isfinite(bits) else None


def evidence_lines(evidence: PairEvidence) -> list[str]:
    """The evidence on a pair, level by level, and its weights."""
    (dataset_a, handle_a), (dataset_b, handle_b) = evidence.rows
    refused = ", refused: two rows of a one-record-per-person dataset" if evidence.refused else ""
    reviewed = f", decided by a clerk as {evidence.reviewed}" if evidence.reviewed else ""
    return [
        f"pair {evidence.pair}: {dataset_a} {handle_a}… and {dataset_b} {handle_b}…",
        f"the run says {evidence.decision}{refused}{reviewed}",
        f"ID tokens: {evidence.token_state}",
        *(f"pass {name}: {_pass_text(band)}" for name, band in evidence.passes.items()),
        *(f"code {name}: {level}" for name, level in evidence.codes.items()),
        *_waterfall(evidence),
    ]


def answer_line(item: LookRecord) -> str:
    """What a department said of its row."""
    return (
        f"{item.party} looked at its row {item.dataset} {item.handle[:8]}… ({item.fields.replace(' ', ', ')}): "
        f"{item.verdict}, taken in {item.time} by {item.operator}"
    )


def decision_line(item: ReviewDecision) -> str:
    """What a clerk decided."""
    return f"decided {item.time} by {item.operator}: {item.verdict} ({item.reason})"


def _pass_text(band: str) -> str:
    return f"{band}: another block, or a field is missing" if band == NOT_COMPARABLE else f"same block, {band}"


def beside_row(item: PairEvidence, earlier: Sequence[ReviewDecision]) -> list[str]:
    """Another pair as a row of a table under ``BESIDE_HEADERS``."""
    probability = "" if item.probability is None else f"{item.probability:.4f}"
    datasets = " + ".join(dataset for dataset, _ in item.rows)
    return [item.pair, datasets, item.token_state, item.decision, probability, earlier[-1].verdict if earlier else ""]


def _waterfall(evidence: PairEvidence) -> list[str]:
    """The weights in bits as bars that add up to the match weight."""
    if evidence.weight is None or evidence.probability is None:
        return ["this run gives no match weights"]
    values = {**evidence.weights, "match weight": evidence.weight}
    width = max(map(len, values))
    lines = [
        f"  {name:<{width}} {bits:>+8.2f} {bar}"
        for (name, bits), bar in zip(values.items(), bars(list(values.values())), strict=True)
    ]
    return ["weights in bits:", *lines, f"match probability {evidence.probability:.4f}"]
