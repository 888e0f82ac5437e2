"""ENCODED: what an evaluation says to people, as headings with lines and a table under them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from secure_match.linkage.quality._calibration import EstimatedQuality
from secure_match.linkage.quality._causes import CauseCount
from secure_match.linkage.quality._evaluation import Evaluation
from secure_match.linkage.quality._pair_quality import PairQuality
from secure_match.linkage.quality._texts import TEXTS, Language, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with lines and a table under it; a table without rows is none."""

    title: str
    lines: Sequence[str] = ()
    header: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def evaluation_sections(evaluation: Evaluation, language: Language) -> Iterator[Section]:
    """An evaluation for people, the most important first; undefined ratios are a dash."""
    yield Section(title=say("title", language), lines=_head(evaluation, language))
    yield _quality(evaluation, language)
    yield Section(
        title=say("decisions", language),
        header=[say(key, language) for key in ("decision", "pairs", "matches", "others")],
        rows=[
            [item.decision, f"{item.pairs:,}", f"{item.matches:,}", f"{item.pairs - item.matches:,}"]
            for item in evaluation.decisions
        ],
    )
    candidates = evaluation.candidates
    measures = [
        ("completeness", candidates.pairs_completeness),
        ("pairs_quality", candidates.pairs_quality),
        ("reduction", candidates.reduction_ratio),
    ]
    yield Section(title=say("candidates", language), header=_measure(language), rows=_values(measures, language))
    if evaluation.clusters is not None:
        yield _clusters(evaluation, language)
    if evaluation.calibration is not None:
        yield _calibration(evaluation, language)
    yield _causes("missed", evaluation.missed, language)
    yield _causes("wrong", evaluation.wrong, language)


def _head(evaluation: Evaluation, language: Language) -> list[str]:
    key = "judged_persons" if evaluation.clusters is not None else "judged_pairs"
    counts = {
        "judged": evaluation.pairs - evaluation.outside_truth,
        "pairs": evaluation.pairs,
        "rows": evaluation.rows,
        "persons": evaluation.persons,
        "true": evaluation.candidates.true_pairs,
    }
    lines = [say(key, language, **{name: f"{count:,}" for name, count in counts.items()})]
    if evaluation.implied:
        lines.append(say("implied", language, implied=f"{evaluation.implied:,}"))
    if evaluation.reviewed:
        lines.append(say("reviewed", language, reviewed=f"{evaluation.reviewed:,}"))
    return lines


def _quality(evaluation: Evaluation, language: Language) -> Section:
    sweep, links = evaluation.sweep, evaluation.links
    rows = [_quality_row("links", links, language), _quality_row("clustered", evaluation.clustered, language)]
    if sweep.best is not None:
        threshold = float(sweep.threshold[sweep.best])
        title = say("best", language, name=evaluation.score_name, threshold=f"{threshold:.6g}")
        rows.append([title, *_quality_row("links", sweep.at(threshold), language)[1:]])
    if evaluation.estimated is not None:
        rows.append(_quality_row("links_of_listed", evaluation.links_of_listed, language))
        rows.append(_quality_row("estimated", evaluation.estimated, language))
    names = ("true_positive", "false_positive", "false_negative", "precision", "recall", "f1")
    intervals = [_interval(item) for item in (links.precision_interval, links.recall_interval)]
    return Section(
        title=say("quality", language),
        lines=[say("interval", language, precision=intervals[0], recall=intervals[1])],
        header=["", *(say(name, language) for name in names)],
        rows=rows,
    )


def _quality_row(key: str, quality: PairQuality | EstimatedQuality, language: Language) -> list[str]:
    counts = (quality.true_positive, quality.false_positive, quality.false_negative)
    shares = (quality.precision, quality.recall, quality.f1)
    return [say(key, language), *(f"{count:,.0f}" for count in counts), *(_share(share) for share in shares)]


def _clusters(evaluation: Evaluation, language: Language) -> Section:
    quality = evaluation.clusters
    if quality is None:
        return Section(title=say("clusters", language))
    bcubed = (quality.bcubed_precision, quality.bcubed_recall, quality.bcubed_f1)
    counts = {name: f"{getattr(quality, name):,}" for name in ("clusters", "persons", "exact")}
    measures = [
        ("adjusted_rand", quality.adjusted_rand),
        ("exact_recall", quality.exact_recall),
        ("exact_precision", quality.exact_precision),
    ]
    return Section(
        title=say("clusters", language),
        lines=[say("cluster_counts", language, **counts)],
        header=_measure(language),
        rows=[[say("bcubed", language), ", ".join(_share(item) for item in bcubed)], *_values(measures, language)],
    )


def _calibration(evaluation: Evaluation, language: Language) -> Section:
    curve = evaluation.calibration
    if curve is None:
        return Section(title=say("calibration", language))
    columns = (
        curve.low,
        curve.high,
        curve.pairs,
        curve.mean_probability,
        curve.share,
        curve.share_low,
        curve.share_high,
    )
    return Section(
        title=say("calibration", language),
        lines=[say("ece", language, error=_share(curve.expected_calibration_error))],
        header=["", *(say(key, language) for key in ("pairs", "probability", "share", "share_interval"))],
        rows=[
            [f"{low:.2f}-{high:.2f}", f"{pairs:,}", _share(said), _share(share), _interval((share_low, share_high))]
            for low, high, pairs, said, share, share_low, share_high in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ],
    )


def _causes(which: str, causes: Sequence[CauseCount], language: Language) -> Section:
    """Only the causes that something went wrong by; the JSON form has all."""
    hits = [item for item in causes if item.count]
    return Section(
        title=say(f"{which}_title", language),
        lines=[say("overlap" if hits else "none", language)],
        header=[say(key, language) for key in ("by", "cause", which, "of")],
        rows=[
            [say(f"by.{item.by}", language), _cause(item.cause, language), f"{item.count:,}", f"{item.of:,}"]
            for item in hits
        ],
    )


def _cause(cause: str, language: Language) -> str:
    """Causes of our own in the reader's language; kinds of error, passes and states as they are called."""
    return say(cause, language) if " " in cause and cause in TEXTS else cause


def _measure(language: Language) -> list[str]:
    return [say("measure", language), say("value", language)]


def _values(measures: Sequence[tuple[str, float | None]], language: Language) -> list[list[str]]:
    return [[say(key, language), _share(value)] for key, value in measures]


def _share(value: float | None) -> str:
    """Five decimals: a precision of 0.999 and one of 0.9995 are not the same."""
    return f"{value:.5f}" if value is not None else "-"


def _interval(ends: tuple[float, float] | None) -> str:
    return f"{_share(ends[0])} .. {_share(ends[1])}" if ends is not None else "-"
