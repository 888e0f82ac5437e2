"""AUDIT: the privacy report: what attacks on a release reached, judged by the agreement, for those who sign it.

Invariants: it holds counts, shares, and names of fields, passes and columns; no value, no handle and no row. Same
release, roster and seed, same figures but for seconds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from secure_match import __version__
from secure_match.agreement import Agreement
from secure_match.review.attacks.dictionary import DictionaryCost, dictionary_costs, macs_per_second
from secure_match.review.attacks.release import AttackedRelease
from secure_match.review.attacks.result import AttackResult
from secure_match.review.attacks.suite import JUDGED_TRIALS, NAMING, judged_rate, known_pairs, naming_results

FORMAT: Final = "secure_match/privacy-report"
Verdict = Literal["within", "above", "no_limit", "too_few"]
Origin = Literal["rehearsal", "package"]
_OPRF_PER_SECOND: Final = 10_000.0
"""Evaluations of the whole token by one core with all keys at hand; see ``benchmarks/oprf.py``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActingOnFindings:
    """What an adversary names after it has learnt whose rows some findings are about.

    Attributes:
        findings: that were acted on in its sight: each makes one pair of row and person known.
        rate: share of the other people whom the best attack names then; ``low`` and ``high`` bound it (95 %).
    """

    findings: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyReport:
    """A whole report.

    Attributes:
        agreement: id.
        fingerprint: of the agreement.
        dataset: id.
        origin: of a rehearsal under throw-away keys, or of a package that was made.
        two_phase: whether passes leave on request only.
        rows: rows of the release.
        released: rows with an encoding in any pass.
        share: of the rows whose passes were asked for; None where that is not known.
        people: of the adversary's roster.
        limit: ``limits.max_attack_rate``; None where the agreement asks for nothing.
        limit_pairs: ``limits.attack_pairs``: known pairs of the adversary that the limit speaks of.
        judged: highest rate of such an adversary.
        results: of all attacks, in the order they ran.
        fields: identity field to the highest share of rows of which such an adversary learnt the value, or a part of
            it: by known plaintext, or by a block tag that a known row has too. And the share of its commonest value,
            which guessing reaches.
        acting: by number of findings.
        dictionary: cost of trying all ID numbers of a county, by who colludes; empty where there are no ID tokens.
        seed: of the draws.
        not_run: attacks that were left out, by their ids.
    """

    agreement: str
    fingerprint: str
    dataset: str
    origin: Origin
    two_phase: bool
    rows: int
    released: int
    share: float | None
    people: int
    limit: float | None
    limit_pairs: int
    judged: float
    results: tuple[AttackResult, ...]
    fields: dict[str, tuple[float, float]]
    acting: tuple[ActingOnFindings, ...]
    dictionary: tuple[DictionaryCost, ...]
    seed: int
    not_run: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether the release is within the agreement's limit; ``too_few`` where no attack had rows enough to judge."""
        if not naming_results(self.results):
            return "too_few"
        if self.limit is None:
            return "no_limit"
        return "above" if self.judged > self.limit else "within"


def privacy_report(
    agreement: Agreement,
    release: AttackedRelease,
    results: Sequence[AttackResult],
    *,
    origin: Origin,
    share: float | None,
    seed: int,
    not_run: tuple[str, ...] = (),
) -> PrivacyReport:
    """Put a report together from what the attacks reached."""
    limits = agreement.limits
    dictionary: tuple[DictionaryCost, ...] = ()
    if release.tokens is not None:
        speeds = {"mac": macs_per_second(), "oprf": _OPRF_PER_SECOND}
        dictionary = dictionary_costs(agreement.id_token.protocol, speeds)
    return PrivacyReport(
        agreement=agreement.id,
        fingerprint=agreement.fingerprint,
        dataset=release.name,
        origin=origin,
        two_phase=agreement.release.two_phase,
        rows=len(release.truth),
        released=int(release.present.sum()),
        share=share,
        people=release.people,
        limit=limits.max_attack_rate if limits.max_attack_rate < 1 else None,
        limit_pairs=limits.attack_pairs,
        judged=judged_rate(results, limits.attack_pairs),
        results=tuple(results),
        fields=_fields(release, results, limits.attack_pairs),
        acting=_acting(results),
        dictionary=dictionary,
        seed=seed,
        not_run=not_run,
    )


def _fields(release: AttackedRelease, results: Sequence[AttackResult], pairs: int) -> dict[str, tuple[float, float]]:
    """By field, without its view: what known plaintext names of it, and what guessing does."""
    named: dict[str, float] = {}
    for item in (item for item in results if item.trials >= JUDGED_TRIALS):
        if item.attack in {"known_plaintext", "tag_values"} and known_pairs(item) <= pairs:
            for name, rate in item.fields.items():
                field = name.split(".", maxsplit=1)[0]
                named[field] = max(named.get(field, 0.0), rate)
    guessed: dict[str, float] = dict.fromkeys(named, 0.0)
    for column in (column for item in release.passes for column in item.columns):
        field = column.name.split(".", maxsplit=1)[0]
        counts = Counter(value for value in column.values if value)
        share = max(counts.values(), default=0) / max(counts.total(), 1)
        guessed[field] = max(guessed.get(field, 0.0), share)
    return {field: (named.get(field, 0.0), guessed[field]) for field in guessed}


def _acting(results: Sequence[AttackResult]) -> tuple[ActingOnFindings, ...]:
    best: dict[int, AttackResult] = {}
    for item in naming_results(results):
        best.setdefault(known_pairs(item), item)
    return tuple(
        ActingOnFindings(findings=pairs, rate=item.rate, low=item.bounds[0], high=item.bounds[1])
        for pairs, item in sorted(best.items())
    )


def privacy_json(report: PrivacyReport) -> dict[str, Any]:
    """The report for machines; keys may be added later, none change their meaning."""
    return {
        "format": FORMAT,
        "format_version": 1,
        "tool": f"secure_match {__version__}",
        "agreement": report.agreement,
        "fingerprint": report.fingerprint,
        "dataset": report.dataset,
        "origin": report.origin,
        "two_phase": report.two_phase,
        "rows": report.rows,
        "released": report.released,
        "share_asked": report.share,
        "people": report.people,
        "seed": report.seed,
        "verdict": report.verdict,
        "judged_rate": report.judged,
        "limit": report.limit,
        "limit_pairs": report.limit_pairs,
        "attacks": [_result_json(item) for item in report.results],
        "fields": {name: {"named": named, "guessing": guessing} for name, (named, guessing) in report.fields.items()},
        "acting_on_findings": [
            {"findings": item.findings, "rate": item.rate, "low": item.low, "high": item.high} for item in report.acting
        ],
        "dictionary": [
            {
                "colluders": list(cost.colluders),
                "offline": cost.offline,
                "seconds": cost.seconds if math.isfinite(cost.seconds) else None,
                "why": cost.why,
            }
            for cost in report.dictionary
        ],
        "not_run": list(report.not_run),
    }


def _result_json(item: AttackResult) -> dict[str, Any]:
    low, high = item.bounds
    return {
        "attack": item.attack,
        "names_people": item.attack in NAMING,
        "settings": item.settings,
        "rate": item.rate,
        "low": low,
        "high": high,
        "hits": item.hits,
        "trials": item.trials,
        "guessing": item.guessing,
        "fields": item.fields,
        "source": item.source,
        "knowledge": item.knowledge,
        "metric": item.metric,
        "seconds": round(item.seconds, 3),
    }
