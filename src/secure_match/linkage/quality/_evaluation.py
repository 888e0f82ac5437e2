"""ENCODED: a run judged by truth, as one value that tables, JSON and plots are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from secure_match.linkage import Decision
from secure_match.linkage.quality._calibration import (
    CalibrationCurve,
    EstimatedQuality,
    calibration_curve,
    estimated_quality,
)
from secure_match.linkage.quality._causes import CauseCount, missed_by_cause, wrong_by_cause
from secure_match.linkage.quality._cluster_quality import ClusterQuality, cluster_quality, connected_rows
from secure_match.linkage.quality._judging import JudgedPairs, PairEvidence, PairTruth, PersonTruth, judge
from secure_match.linkage.quality._pair_quality import (
    BoolArray,
    CandidateQuality,
    IntArray,
    PairQuality,
    candidate_quality,
    pair_quality,
)
from secure_match.linkage.quality._sweep import FloatArray, ThresholdSweep, threshold_sweep

_HISTOGRAM_BINS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCount:
    """Judged pairs of one decision; refused links stand apart, as ``REFUSED``."""

    decision: str
    pairs: int
    matches: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreHistogram:
    """Judged pairs by score and truth, in bins of equal width between the smallest and the largest finite score.

    Attributes:
        edges: rising, float64 of shape (bins + 1,); of shape (0,) where no score is finite.
        matches: int64 of shape (bins,); infinite scores are in the outermost bins, NaN in none.
        others: the same for pairs that are no matches.
    """

    edges: FloatArray
    matches: IntArray
    others: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """A run judged by truth.

    Attributes:
        rows: rows whose person is known; 0 where the truth lists pairs.
        persons: persons of these rows.
        pairs: pairs of the run, implied ones included.
        implied: pairs that no list holds but equal ID tokens imply.
        outside_truth: pairs of which the truth says nothing; everything else here is about the others.
        reviewed: pairs of the run that a clerk has decided.
        candidates: the proposed pairs; ``possible_pairs`` is 0 where the truth lists pairs.
        decisions: judged pairs by decision: links, refused links, possible links, non-links.
        links: linked pairs against all matches.
        clustered: the pairs that clusters imply against all matches.
        clusters: clusters against persons; None where the truth lists pairs.
        score_name: what the thresholds are tried on.
        sweep: every threshold of it, against all matches.
        histogram: it by truth.
        calibration: said probability against true share; None where the run gives no probability.
        estimated: what the probabilities of the judged listed pairs let expect; its recall is among these pairs.
        links_of_listed: links among the judged listed pairs against the matches among them, to compare with
            ``estimated``; implied pairs are in neither.
        missed: matches that are not linked, by cause.
        wrong: links that are no matches, by cause.
    """

    rows: int
    persons: int
    pairs: int
    implied: int
    outside_truth: int
    reviewed: int
    candidates: CandidateQuality
    decisions: tuple[DecisionCount, ...]
    links: PairQuality
    clustered: PairQuality
    clusters: ClusterQuality | None
    score_name: str
    sweep: ThresholdSweep
    histogram: ScoreHistogram
    calibration: CalibrationCurve | None
    estimated: EstimatedQuality | None
    links_of_listed: PairQuality
    missed: tuple[CauseCount, ...]
    wrong: tuple[CauseCount, ...]


def evaluate(pairs: PairEvidence, truth: PersonTruth | PairTruth, *, labels: IntArray | None = None) -> Evaluation:
    """Judge a run by truth.

    Args:
        labels: the cluster of each row, int64 of shape (num_rows,); None for the connected components of the links.

    Raises:
        LinkageError: ``TRUTH_FOREIGN`` if the truth judges none of the pairs; ``PROBABILITY_RANGE`` for a probability
            outside 0 to 1.
    """
    judged = judge(pairs, truth)
    is_match, place = judged.is_match, judged.place
    linked = pairs.linked[place]
    labels = _components(pairs) if labels is None else labels
    by_person: PersonTruth | None = None
    clusters: ClusterQuality | None = None
    if isinstance(truth, PersonTruth):
        by_person, rows = truth, len(truth.person)
        clusters = cluster_quality(labels[:rows], truth.person)
        clustered = clusters.pairs
    else:
        rows = 0
        together = labels[truth.row_i] == labels[truth.row_j]
        clustered = pair_quality(truth.is_match, together, true_pairs=judged.true_pairs)
    score = pairs.score[place]
    listed = place < len(pairs.row_i) - pairs.implied
    probability = pairs.probability[place[listed]] if pairs.probability is not None else None
    return Evaluation(
        rows=rows,
        persons=clusters.persons if clusters is not None else 0,
        pairs=len(pairs.row_i),
        implied=pairs.implied,
        outside_truth=len(pairs.row_i) - len(place),
        reviewed=pairs.reviewed,
        candidates=candidate_quality(is_match, true_pairs=judged.true_pairs, rows=rows),
        decisions=_decision_counts(pairs, judged),
        links=pair_quality(is_match, linked, true_pairs=judged.true_pairs),
        clustered=clustered,
        clusters=clusters,
        score_name=pairs.score_name,
        sweep=threshold_sweep(score, is_match, true_pairs=judged.true_pairs),
        histogram=_histogram(score, is_match),
        calibration=calibration_curve(probability, is_match[listed]) if probability is not None else None,
        estimated=estimated_quality(probability, linked[listed]) if probability is not None else None,
        links_of_listed=pair_quality(is_match[listed], linked[listed], true_pairs=int(is_match[listed].sum())),
        missed=missed_by_cause(pairs, judged, by_person),
        wrong=wrong_by_cause(pairs, judged, by_person),
    )


def _components(pairs: PairEvidence) -> IntArray:
    linked = pairs.linked
    return connected_rows(pairs.num_rows, pairs.row_i[linked], pairs.row_j[linked])


def _decision_counts(pairs: PairEvidence, judged: JudgedPairs) -> tuple[DecisionCount, ...]:
    decision, refused = pairs.decision[judged.place], pairs.refused[judged.place]
    held = {
        Decision.LINK.name: (decision == Decision.LINK) & ~refused,
        "REFUSED": (decision == Decision.LINK) & refused,
        Decision.POSSIBLE_LINK.name: decision == Decision.POSSIBLE_LINK,
        Decision.NON_LINK.name: decision == Decision.NON_LINK,
    }
    return tuple(
        DecisionCount(decision=name, pairs=int(flags.sum()), matches=int((flags & judged.is_match).sum()))
        for name, flags in held.items()
    )


def _histogram(score: FloatArray, is_match: BoolArray) -> ScoreHistogram:
    finite = score[np.isfinite(score)]
    if not len(finite):
        nothing = np.zeros(0, dtype=np.int64)
        return ScoreHistogram(edges=np.zeros(0), matches=nothing, others=nothing)
    low, high = float(finite.min()), float(finite.max())
    edges = np.linspace(low, high if high > low else low + 1, _HISTOGRAM_BINS + 1)
    rated = ~np.isnan(score)
    clipped, truth = np.clip(score[rated], low, high), is_match[rated]
    matches, others = (np.histogram(clipped[flags], edges)[0].astype(np.int64) for flags in (truth, ~truth))
    return ScoreHistogram(edges=edges, matches=matches, others=others)
