"""ENCODED: how good links are against truth: pure measures on arrays, and a whole run judged as one value.

Undefined ratios (nothing found, nothing true) are None, or NaN inside an array; never 1.
"""

from secure_match.linkage.quality._calibration import (
    CalibrationCurve,
    EstimatedQuality,
    calibration_curve,
    estimated_quality,
)
from secure_match.linkage.quality._causes import CauseCount
from secure_match.linkage.quality._cluster_quality import (
    ClusterQuality,
    cluster_quality,
    connected_rows,
    true_pair_count,
)
from secure_match.linkage.quality._evaluation import DecisionCount, Evaluation, ScoreHistogram, evaluate
from secure_match.linkage.quality._implied import with_implied_pairs
from secure_match.linkage.quality._json import evaluation_json
from secure_match.linkage.quality._judging import PairEvidence, PairTruth, PersonTruth
from secure_match.linkage.quality._page import evaluation_html, report_page
from secure_match.linkage.quality._pair_quality import (
    CandidateQuality,
    PairQuality,
    candidate_quality,
    pair_quality,
    wilson_interval,
)
from secure_match.linkage.quality._plots import evaluation_plots
from secure_match.linkage.quality._sections import Section, evaluation_sections
from secure_match.linkage.quality._sweep import ThresholdSweep, threshold_sweep

__all__ = [
    "CalibrationCurve",
    "CandidateQuality",
    "CauseCount",
    "ClusterQuality",
    "DecisionCount",
    "EstimatedQuality",
    "Evaluation",
    "PairEvidence",
    "PairQuality",
    "PairTruth",
    "PersonTruth",
    "ScoreHistogram",
    "Section",
    "ThresholdSweep",
    "calibration_curve",
    "candidate_quality",
    "cluster_quality",
    "connected_rows",
    "estimated_quality",
    "evaluate",
    "evaluation_html",
    "evaluation_json",
    "evaluation_plots",
    "evaluation_sections",
    "pair_quality",
    "report_page",
    "threshold_sweep",
    "true_pair_count",
    "wilson_interval",
    "with_implied_pairs",
]
