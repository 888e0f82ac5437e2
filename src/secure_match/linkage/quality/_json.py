"""ENCODED: an evaluation as JSON for machines; keys may be added later, none change their meaning.

Invariants: an undefined ratio is null, and so is an infinite threshold, which JSON cannot write; of the sweep some
hundreds of thresholds stand in it, all of them are in :class:`ThresholdSweep`.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from secure_match.linkage.quality._calibration import CalibrationCurve, EstimatedQuality
from secure_match.linkage.quality._cluster_quality import ClusterQuality
from secure_match.linkage.quality._evaluation import Evaluation
from secure_match.linkage.quality._pair_quality import IntArray, PairQuality
from secure_match.linkage.quality._sweep import ThresholdSweep

FORMAT: Final = "secure_match/evaluation"
"""Also what tells the files of an evaluation from all others."""
_POINTS: Final = 200


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """All of an evaluation, with the format's name first."""
    candidates = evaluation.candidates
    return {
        "format": FORMAT,
        "format_version": 1,
        "truth": "persons" if evaluation.clusters is not None else "pairs",
        "rows": evaluation.rows,
        "persons": evaluation.persons,
        "pairs": evaluation.pairs,
        "implied": evaluation.implied,
        "outside_truth": evaluation.outside_truth,
        "reviewed": evaluation.reviewed,
        "true_pairs": candidates.true_pairs,
        "candidates": {
            "pairs": candidates.candidates,
            "matches": candidates.matches,
            "possible_pairs": candidates.possible_pairs or None,
            "pairs_completeness": candidates.pairs_completeness,
            "pairs_quality": candidates.pairs_quality,
            "reduction_ratio": candidates.reduction_ratio,
        },
        "decisions": [asdict(item) for item in evaluation.decisions],
        "links": _pairs(evaluation.links),
        "clustered": _pairs(evaluation.clustered),
        "clusters": _clusters(evaluation.clusters) if evaluation.clusters is not None else None,
        "sweep": _sweep(evaluation.score_name, evaluation.sweep),
        "calibration": _calibration(evaluation.calibration) if evaluation.calibration is not None else None,
        "estimated": _estimated(evaluation.estimated) if evaluation.estimated is not None else None,
        "links_of_listed": _pairs(evaluation.links_of_listed),
        "missed": [asdict(item) for item in evaluation.missed],
        "wrong": [asdict(item) for item in evaluation.wrong],
    }


def sweep_places(sweep: ThresholdSweep) -> IntArray:
    """Places of some thresholds that show the whole sweep: the first, the last, the best, and even steps of the score
    and of the count of found pairs; rising, int64."""
    if not len(sweep):
        return np.zeros(0, dtype=np.int64)
    finite = sweep.threshold[np.isfinite(sweep.threshold)]
    grid = np.linspace(finite[0], finite[-1], _POINTS) if len(finite) else np.zeros(0)
    by_score = np.searchsorted(-sweep.threshold, -grid, side="right") - 1
    found = sweep.true_positive + sweep.false_positive
    by_count = np.searchsorted(found, np.linspace(found[0], found[-1], _POINTS))
    ends = [0, len(sweep) - 1, sweep.best or 0]
    return np.unique(np.concatenate([by_score, by_count, ends]).clip(0, len(sweep) - 1)).astype(np.int64)


def _pairs(quality: PairQuality) -> dict[str, Any]:
    return {
        **asdict(quality),
        "precision": quality.precision,
        "recall": quality.recall,
        "f1": quality.f1,
        "precision_interval": quality.precision_interval,
        "recall_interval": quality.recall_interval,
    }


def _clusters(quality: ClusterQuality) -> dict[str, Any]:
    return {
        "clusters": quality.clusters,
        "persons": quality.persons,
        "exact": quality.exact,
        "exact_precision": quality.exact_precision,
        "exact_recall": quality.exact_recall,
        "bcubed_precision": quality.bcubed_precision,
        "bcubed_recall": quality.bcubed_recall,
        "bcubed_f1": quality.bcubed_f1,
        "adjusted_rand": quality.adjusted_rand,
    }


def _sweep(name: str, sweep: ThresholdSweep) -> dict[str, Any]:
    precision, recall, f1 = sweep.precision, sweep.recall, sweep.f1

    def point(place: int) -> dict[str, Any]:
        return {
            "threshold": _finite(sweep.threshold[place]),
            "true_positive": int(sweep.true_positive[place]),
            "false_positive": int(sweep.false_positive[place]),
            "precision": _finite(precision[place]),
            "recall": _finite(recall[place]),
            "f1": _finite(f1[place]),
        }

    best = sweep.best
    return {
        "column": name,
        "thresholds": len(sweep),
        "best": point(best) if best is not None else None,
        "points": [point(place) for place in sweep_places(sweep).tolist()],
    }


def _calibration(curve: CalibrationCurve) -> dict[str, Any]:
    columns = {
        "low": curve.low,
        "high": curve.high,
        "pairs": curve.pairs,
        "matches": curve.matches,
        "mean_probability": curve.mean_probability,
        "share": curve.share,
        "share_low": curve.share_low,
        "share_high": curve.share_high,
    }
    bins = [
        dict(zip(columns, row, strict=True)) for row in zip(*(item.tolist() for item in columns.values()), strict=True)
    ]
    return {"expected_calibration_error": curve.expected_calibration_error, "bins": bins}


def _estimated(quality: EstimatedQuality) -> dict[str, Any]:
    return {
        **asdict(quality),
        "precision": quality.precision,
        "recall": quality.recall,
        "f1": quality.f1,
    }


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
