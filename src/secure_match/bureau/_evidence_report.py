"""ENCODED: the evidence model of a run in words and numbers, for ``summary.json`` and ``model.json``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from secure_match.linkage import TOKENS, AskedKind, EvidenceModel, Expectation, LinkResult

_DIGITS = 6


def expectation_summary(item: Expectation) -> dict[str, Any]:
    """What is expected of the links, as it stands in ``summary.json``."""
    return {
        "calibrated": item.link_weight is not None,
        "link_weight": _rounded(item.link_weight),
        "review_weight": _rounded(item.review_weight),
        **{
            name: {side: _rounded(value) for side, value in asdict(estimate).items()}
            for name, estimate in (
                ("precision", item.precision),
                ("recall", item.recall),
                ("true_pairs", item.true_pairs),
            )
        },
        "review_pairs": item.review_pairs,
        "review_true": _rounded(item.review_true),
    }


def model_report(links: LinkResult) -> dict[str, Any]:
    """The content of ``model.json``: what each level of each comparison says, and what a pair begins with.

    ``m`` and ``u`` are the shares of a level among true and among false pairs where something was compared. A
    comparison that depends on others has a table for each of their levels; here stand its shares over all. Of a release
    in two phases ``id_token`` has ``levels_by_datasets`` too: what its levels, *missing* among them, say of pairs with
    the population and of pairs between registers.
    """
    model = links.evidence.model
    names = [dataset.manifest.dataset for dataset in links.rows.datasets]
    comparisons: list[dict[str, Any]] = []
    for place, item in enumerate(model.comparisons):
        m, u = model.margins[place]
        comparisons.append(
            {
                "comparison": item.name,
                "fields": sorted(item.fields),
                "depends_on": [model.comparisons[parent].name for parent in model.parents[place]],
                "levels": [
                    {"level": level, "m": float(one), "u": float(two), "bits": _rounded(float(np.log2(one / two)))}
                    for level, one, two in zip(item.levels[1:], m[1:], u[1:], strict=True)
                ],
            }
        )
    if model.token_kinds is not None:
        comparisons[TOKENS]["levels_by_datasets"] = _levels_by_datasets(model)
    groups = []
    for group in np.flatnonzero(_is_pair_of_datasets(len(names))).tolist():
        one, two = divmod(group, len(names))
        groups.append(
            {
                "datasets": [names[one], names[two]],
                "pairs": int(model.pairs[group]),
                "prior": float(model.prior[group]),
            }
        )
    return {
        "format": "secure_match/model",
        "format_version": 1,
        "rounds": model.rounds,
        "true_pairs": _rounded(model.true_pairs),
        "prior": groups,
        "comparisons": comparisons,
        "expectation": expectation_summary(links.expectation),
    }


def _levels_by_datasets(model: EvidenceModel) -> dict[str, list[dict[str, Any]]]:
    """What the levels of ID tokens say, by kind of pair in lower case."""
    levels = model.comparisons[TOKENS].levels
    return {
        kind.name.lower(): [
            {"level": level, "m": float(one), "u": float(two), "bits": _rounded(float(np.log2(one / two)))}
            for level, one, two in zip(levels, m, u, strict=True)
        ]
        for kind, m, u in zip(AskedKind, model.m[TOKENS], model.u[TOKENS], strict=False)
    }


def _is_pair_of_datasets(number: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which numbers ``one * number + two`` are pairs of datasets with ``one <= two``."""
    return np.triu(np.ones((number, number), dtype=np.bool_)).ravel()


def _rounded(value: float | None) -> float | None:
    if value is None or not np.isfinite(value):
        return None
    return round(value, _DIGITS)
