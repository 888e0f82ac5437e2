"""ENCODED: the three plots of an evaluation: thresholds, calibration, and scores by truth."""

from __future__ import annotations

import math

import numpy as np

from secure_match.linkage.quality import _svg
from secure_match.linkage.quality._calibration import CalibrationCurve
from secure_match.linkage.quality._evaluation import Evaluation, ScoreHistogram
from secure_match.linkage.quality._json import FORMAT, sweep_places
from secure_match.linkage.quality._svg import MATCH_COLOUR, OTHER_COLOUR, THIRD_COLOUR, Axes
from secure_match.linkage.quality._texts import Language, say

_SHARES = [(share / 5, f"{share / 5:.1f}") for share in range(6)]


def evaluation_plots(evaluation: Evaluation, language: Language) -> dict[str, str]:
    """File name to SVG document; a plot of which there is nothing to show is left out.

    Same evaluation and language, same bytes. Order: ``sweep.svg``, ``calibration.svg``, ``histogram.svg``.
    """
    plots: dict[str, str] = {}
    if np.isfinite(evaluation.sweep.threshold).any():
        plots["sweep.svg"] = _sweep_plot(evaluation, language)
    if evaluation.calibration is not None and len(evaluation.calibration.pairs):
        plots["calibration.svg"] = _calibration_plot(evaluation.calibration, language)
    if len(evaluation.histogram.edges):
        plots["histogram.svg"] = _histogram_plot(evaluation.histogram, evaluation.score_name, language)
    return plots


def _sweep_plot(evaluation: Evaluation, language: Language) -> str:
    sweep = evaluation.sweep
    places = sweep_places(sweep)
    places = places[np.isfinite(sweep.threshold[places])]
    threshold = sweep.threshold[places]
    axes = Axes(x_range=_range(float(threshold.min()), float(threshold.max())), y_range=(0.0, 1.0))
    parts = axes.frame(_ticks(axes.x_range), _SHARES)
    legend = []
    measures = (
        ("precision", sweep.precision, MATCH_COLOUR),
        ("recall", sweep.recall, OTHER_COLOUR),
        ("f1", sweep.f1, THIRD_COLOUR),
    )
    for name, values, colour in measures:
        if np.isfinite(values).all():
            parts.append(axes.line(list(zip(threshold.tolist(), values[places].tolist(), strict=True)), colour))
            legend.append((say(name, language), colour))
    label = say("threshold", language, name=evaluation.score_name)
    return _svg.picture(say("plot.sweep", language), label, parts, legend, mark=FORMAT)


def _calibration_plot(curve: CalibrationCurve, language: Language) -> str:
    axes = Axes(x_range=(0.0, 1.0), y_range=(0.0, 1.0))
    parts = [*axes.frame(_SHARES, _SHARES), axes.line([(0, 0), (1, 1)], "#777", dashed=True)]
    said, share = curve.mean_probability.tolist(), curve.share.tolist()
    for x, low, high in zip(said, curve.share_low.tolist(), curve.share_high.tolist(), strict=True):
        parts.append(axes.line([(x, low), (x, high)], MATCH_COLOUR))
    parts += [axes.dot(x, y, MATCH_COLOUR) for x, y in zip(said, share, strict=True)]
    legend = [(say("share", language), MATCH_COLOUR)]
    return _svg.picture(say("plot.calibration", language), say("probability", language), parts, legend, mark=FORMAT)


def _histogram_plot(histogram: ScoreHistogram, name: str, language: Language) -> str:
    edges = histogram.edges.tolist()
    most = max(int(histogram.matches.max()), int(histogram.others.max()), 1)
    # Counts are drawn as log10(1 + count): an empty bin stands on the border.
    axes = Axes(x_range=(edges[0], edges[-1]), y_range=(0.0, math.log10(1 + most) * 1.05))
    powers = [(math.log10(1 + 10**power), f"{10**power:,}") for power in range(math.floor(math.log10(most)) + 1)]
    parts = axes.frame(_ticks(axes.x_range), powers)
    for counts, colour in ((histogram.matches, MATCH_COLOUR), (histogram.others, OTHER_COLOUR)):
        for low, high, count in zip(edges[:-1], edges[1:], counts.tolist(), strict=True):
            if count:
                parts.append(axes.bar(low, high, math.log10(1 + count), colour))
    legend = [(say("matches", language), MATCH_COLOUR), (say("others", language), OTHER_COLOUR)]
    return _svg.picture(say("plot.histogram", language, name=name), name, parts, legend, mark=FORMAT)


def _range(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _ticks(ends: tuple[float, float]) -> list[tuple[float, str]]:
    """Four to ten round numbers inside a range."""
    width = ends[1] - ends[0]
    step = 10.0 ** math.floor(math.log10(width))
    step *= next(factor for factor in (1.0, 0.5, 0.2) if width / (step * factor) >= 4)
    first, last = math.ceil(ends[0] / step), math.floor(ends[1] / step)
    return [(number * step, f"{number * step:.6g}") for number in range(first, last + 1)]
