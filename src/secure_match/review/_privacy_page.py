"""AUDIT: a privacy report as sections for the terminal and as one HTML page with a plot, offline."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from secure_match import __version__
from secure_match.linkage.quality import Section, report_page
from secure_match.linkage.quality._svg import MATCH_COLOUR, OTHER_COLOUR, THIRD_COLOUR, Axes, picture
from secure_match.review._privacy_texts import Language, say
from secure_match.review.attacks.result import AttackResult
from secure_match.review.attacks.suite import AS_IN_SOURCE, JUDGED_TRIALS, known_pairs, naming_results
from secure_match.review.privacy import FORMAT, PrivacyReport

_BY_PAIRS: Final = ("known_plaintext", "tag_propagation")
_WITHOUT: Final = (
    "tag_structure",
    "tag_frequency",
    "frequency_alignment",
    "pattern_mining",
    "membership",
    "fingerprints",
)
_HEADROOM: Final = 1.15


def privacy_html(report: PrivacyReport, language: Language) -> str:
    """The report as one page."""
    plot = _plot(report, language)
    return report_page(
        list(privacy_sections(report, language)),
        [plot] if plot else [],
        title=say("title", language, dataset=report.dataset),
        footer=say("footer", language, version=__version__, seed=report.seed),
        mark=FORMAT,
        language=language,
    )


def privacy_sections(report: PrivacyReport, language: Language, *, short: bool = False) -> Iterator[Section]:
    """The report in reading order.

    Args:
        short: without the table of all attacks and the line to sign, for a terminal.
    """
    yield Section(title=say("title", language, dataset=report.dataset), lines=_head(report, language))
    yield Section(title=say("verdict", language), lines=_verdict(report, language))
    yield _by_pairs(report, language)
    yield _without(report, language)
    if report.fields:
        yield Section(
            title=say("fields", language),
            lines=[say("fields_line", language, pairs=f"{report.limit_pairs:,}")],
            header=[say(key, language) for key in ("field", "named", "commonest")],
            rows=[
                [name, _share(named), _share(guess) if guess else "-"] for name, (named, guess) in report.fields.items()
            ],
        )
    if report.dictionary:
        yield _tokens(report, language)
    yield Section(
        title=say("acting", language),
        lines=[say("acting_rows", language), say("acting_line", language)],
        header=[say(key, language) for key in ("findings", "rate", "interval")],
        rows=[[f"{item.findings:,}", _share(item.rate), _span(item.low, item.high)] for item in report.acting],
    )
    yield Section(title=say("limits", language), lines=_limits(report, language))
    if not short:
        yield _all(report, language)
        yield Section(title=say("sign", language), lines=[say("sign_line", language)])


def _head(report: PrivacyReport, language: Language) -> list[str]:
    lines = [
        say(
            "agreement",
            language,
            agreement=report.agreement,
            fingerprint=f"{report.fingerprint[:16]}…",
            rows=f"{report.rows:,}",
            people=f"{report.people:,}",
            released=f"{report.released:,}",
            part=f"{report.released / max(report.rows, 1):.1%}",
        ),
        say(report.origin, language),
        say("who", language),
    ]
    if report.origin == "rehearsal" and report.two_phase and report.share is not None:
        lines.append(say("drawn", language, share=f"{report.share:.1%}"))
    return lines


def _verdict(report: PrivacyReport, language: Language) -> list[str]:
    if report.verdict == "too_few":
        return [say("too_few", language, least=JUDGED_TRIALS)]
    limit = _share(report.limit) if report.limit is not None else ""
    values = {"pairs": f"{report.limit_pairs:,}", "rate": _share(report.judged), "limit": limit}
    count = f"{1000 * report.judged:.1f}"
    return [say(report.verdict, language, **values), say("in_words", language, count=count)]


def _by_pairs(report: PrivacyReport, language: Language) -> Section:
    pairs = [item.findings for item in report.acting if item.findings]
    rows: list[list[str]] = []
    for attack in _BY_PAIRS:
        cells = [_cell(_worst(report, attack, number)) for number in pairs]
        if any(cells):
            rows.append([say(attack, language), *cells])
    return Section(
        title=say("naming", language),
        lines=[say("naming_line", language, least=JUDGED_TRIALS)],
        header=[say("attack", language), *(say("pairs", language, pairs=f"{number:,}") for number in pairs)],
        rows=rows if pairs else [],
    )


def _worst(report: PrivacyReport, attack: str, pairs: int) -> AttackResult | None:
    """The worst result of an attack with so many known pairs."""
    found = (item for item in naming_results(report.results) if item.attack == attack and known_pairs(item) == pairs)
    return next(found, None)


def _cell(item: AttackResult | None) -> str:
    return "" if item is None else f"{_share(item.rate)} [{_span(*item.bounds)}]"


def _without(report: PrivacyReport, language: Language) -> Section:
    rows: list[list[str]] = []
    for attack in _WITHOUT:
        found = [item for item in report.results if item.attack == attack and item.trials]
        if attack != "fingerprints":
            large = [item for item in found if item.trials >= JUDGED_TRIALS] or found
            found = [max(large, key=lambda item: item.rate - item.guessing)] if large else []
        rows += [
            [
                say(attack, language),
                _where(item, language),
                _share(item.rate),
                _span(*item.bounds),
                _share(item.guessing),
                f"{item.trials:,}",
            ]
            for item in found
        ]
    return Section(
        title=say("without", language),
        lines=[say("without_line", language)],
        header=[say(key, language) for key in ("attack", "where", "rate", "interval", "guessing", "of")],
        rows=rows,
    )


def _where(item: AttackResult, language: Language) -> str:
    """The pass, or the columns and whether they are as they leave."""
    if "form" not in item.settings:
        return str(item.settings.get("pass", ""))
    form = say("as_in_source" if item.settings["form"] == AS_IN_SOURCE else "as_it_leaves", language)
    return f"{item.settings.get('columns', '')} ({form})"


def _tokens(report: PrivacyReport, language: Language) -> Section:
    def time(seconds: float) -> str:
        return say("seconds", language, seconds=f"{seconds:,.0f}") if math.isfinite(seconds) else say("never", language)

    return Section(
        title=say("tokens", language),
        lines=[say("tokens_line", language)],
        header=[say("colluders", language), say("offline", language)],
        rows=[
            [" + ".join(say(role, language) for role in cost.colluders), time(cost.seconds)]
            for cost in report.dictionary
        ],
    )


def _limits(report: PrivacyReport, language: Language) -> list[str]:
    keys = ["limit.others", "limit.drawn", "limit.collusion", "limit.roster", "limit.months"]
    if report.origin == "package":
        keys.remove("limit.roster")
    if not report.two_phase:
        keys.remove("limit.drawn")
    lines = [say(key, language) for key in keys]
    if report.not_run:
        lines.append(say("limit.not_run", language, names=", ".join(report.not_run)))
    return lines


def _all(report: PrivacyReport, language: Language) -> Section:
    def setting(item: AttackResult) -> str:
        return ", ".join(f"{name}={value}" for name, value in item.settings.items())

    header = [say(key, language) for key in ("attack", "settings", "rate", "interval", "guessing", "of", "source")]
    return Section(
        title=say("all", language),
        header=header,
        rows=[
            [
                item.attack,
                setting(item),
                _share(item.rate),
                _span(*item.bounds),
                _share(item.guessing),
                f"{item.trials:,}",
                item.source,
            ]
            for item in report.results
        ],
    )


def _plot(report: PrivacyReport, language: Language) -> str:
    """Rates with their intervals by number of known pairs; empty where nothing was tried with pairs."""
    pairs = [item.findings for item in report.acting if item.findings]
    lines = [
        (
            name,
            colour,
            [(place, found) for place, number in enumerate(pairs) if (found := _worst(report, attack, number))],
        )
        for attack, name, colour in (
            ("known_plaintext", say("plot_known", language), MATCH_COLOUR),
            ("tag_propagation", say("plot_propagation", language), OTHER_COLOUR),
        )
    ]
    if not any(points for _, _, points in lines):
        return ""
    tops = [found.bounds[1] for _, _, points in lines for _, found in points]
    top = _HEADROOM * max([*tops, report.limit or 0.0, 0.001])
    axes = Axes(x_range=(-0.5, len(pairs) - 0.5), y_range=(0.0, top))
    ticks = [(top * part / 4, f"{top * part / 4:.2%}") for part in range(5)]
    parts = axes.frame([(place, f"{number:,}") for place, number in enumerate(pairs)], ticks)
    if report.limit is not None:
        parts.append(axes.line([(-0.5, report.limit), (len(pairs) - 0.5, report.limit)], THIRD_COLOUR, dashed=True))
    legend = []
    for shift, (name, colour, points) in enumerate(lines):
        beside = 0.08 * (shift - 0.5)
        for place, found in points:
            low, high = found.bounds
            parts.append(axes.line([(place + beside, low), (place + beside, high)], colour))
            parts.append(axes.dot(place + beside, found.rate, colour))
        legend.append((name, colour))
    if report.limit is not None:
        legend.append((say("plot_limit", language), THIRD_COLOUR))
    return picture(say("plot", language), say("plot_x", language), parts, legend, mark=FORMAT)


def _share(value: float) -> str:
    return f"{value:.2%}"


def _span(low: float, high: float) -> str:
    return f"{low:.2%}–{high:.2%}"
