"""AUDIT: the data-flow manifest as Markdown, ready to be put into an impact assessment.

Invariant: a text of the agreement cannot end a table cell or begin markup of its own: it is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from secure_match.agreement import Agreement, Dataset
from secure_match.review._collusion import (
    COALITION_NAMES,
    COALITIONS,
    FORM_NAMES,
    REACH_NAMES,
    Language,
    verdict_of,
)
from secure_match.review._disclosure_texts import say
from secure_match.review.disclosure import DatasetFlow, Disclosure, Flow, Need

_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>#|~])")
_COMMA: Final[dict[Language, str]] = {"en": ", ", "zh": "、"}


def plain_text(text: str) -> str:
    """A text of somebody else's, with everything that Markdown would act on escaped."""
    return _MARKUP.sub(r"\\\1", text)


def disclosure_markdown(disclosure: Disclosure, language: Language) -> str:
    """The manifest as one Markdown document; the same agreement gives the same bytes."""
    agreement = disclosure.agreement
    lines = [
        f"# {say('title', language, title=plain_text(agreement.title))}",
        "",
        say("preface", language),
        "",
        *_facts(agreement, language),
        "",
        f"## {say('parties', language)}",
        "",
        *(
            f"- {plain_text(party.name)} ({plain_text(party.id)}): {say(f'role.{party.role}', language)}"
            for party in agreement.parties
        ),
        "",
        f"## {say('part.1', language)}",
        "",
        *_purpose(disclosure, language),
    ]
    for item in disclosure.datasets:
        lines += ["", *_dataset(disclosure, item, language)]
    lines += [
        "",
        f"### {say('returned', language)}",
        "",
        say("returned_text", language),
        "",
        _necessity(disclosure, language),
        "",
        f"## {say('part.2', language)}",
        "",
        say("effect", language),
        "",
        *_collusion(disclosure, language),
        "",
        f"## {say('part.3', language)}",
        "",
        *(f"- {line}" for line in _measures(disclosure, language)),
        "",
        say("law", language),
    ]
    return "\n".join(lines) + "\n"


def _facts(agreement: Agreement, language: Language) -> Iterable[str]:
    yield f"- {say('agreement', language)}: {plain_text(agreement.id)}"
    yield f"- {say('fingerprint', language)}: `{agreement.fingerprint}`"
    yield f"- {say('key_epoch', language)}: {plain_text(agreement.key_epoch)}"


def _purpose(disclosure: Disclosure, language: Language) -> Iterable[str]:
    agreement = disclosure.agreement
    months = agreement.valid_months
    names = [party.name for party in agreement.parties if party.id in disclosure.recipients]
    yield f"- {say('purpose', language)}: {plain_text(agreement.purpose)}"
    yield f"- {say('legal_basis', language)}: {plain_text(agreement.legal_basis)}"
    yield f"- {say('months', language)}: {months.first}..{months.last}"
    yield f"- {say('retention', language)}: {say('retention_text', language, months=agreement.retention_months)}"
    yield ""
    yield say("method", language, recipients=plain_text(_COMMA[language].join(names)))


def _dataset(disclosure: Disclosure, item: DatasetFlow, language: Language) -> Iterable[str]:
    dataset = item.dataset
    headers = _COMMA[language].join(plain_text(header) for _, header in item.kept)
    title = plain_text(dataset.title)
    yield f"### {say('dataset', language, id=plain_text(dataset.id), title=title, owner=plain_text(dataset.owner))}"
    yield ""
    yield say("never", language, headers=headers)
    yield ""
    names = ("column", "sources", "form", "detail", "to", "needs", "reverse")
    yield _row(say(name, language) for name in names)
    yield _row("---" for _ in names)
    for flow in item.flows:
        yield _row(
            (
                plain_text(flow.column),
                _sources(flow, language),
                FORM_NAMES[flow.form][language],
                plain_text(_detail(disclosure.agreement, dataset, flow, language)),
                plain_text(_COMMA[language].join(disclosure.recipients)),
                _COMMA[language].join(_need(need, language) for need in flow.needs) or say("need.none", language),
                _who(disclosure, flow, language),
            )
        )


def _detail(agreement: Agreement, dataset: Dataset, flow: Flow, language: Language) -> str:
    """What a cell holds; in English as the agreement's own list says it."""
    if flow.form != "code":
        bits = next((item.encoded_bits for item in agreement.passes if flow.column == f"pass.{item.id}.encoding"), 0)
        return say(f"detail.{flow.form}", language, detail=flow.detail, bits=bits)
    column = next(item for item in dataset.columns if f"code.{item.name}" == flow.column)
    months = agreement.valid_months
    if column.type == "month":
        return say("code.month", language, detail=flow.detail, first=months.first, last=months.last)
    if column.type == "code":
        return say("code.codes", language, detail=flow.detail, values="、".join(column.codes or ()))
    if column.bands is not None:
        return say("code.bands", language, detail=flow.detail, values="、".join(map(str, column.bands)))
    first, last = column.range or (0, 0)
    return say("code.integer", language, detail=flow.detail, first=first, last=last)


def _sources(flow: Flow, language: Language) -> str:
    texts = []
    for field, header in flow.sources:
        shown = plain_text(header) if header else say("derived", language)
        texts.append(f"{plain_text(field)} = {shown}" if field else shown)
    return _COMMA[language].join(texts)


def _need(need: Need, language: Language) -> str:
    return say(f"need.{need.kind}", language, id=plain_text(need.id), title=plain_text(need.title))


def _who(disclosure: Disclosure, flow: Flow, language: Language) -> str:
    """Coalitions that get at more than groups of equal values, the ones that get everything first."""
    found = []
    for reach in ("everything", "partly"):
        for coalition in COALITIONS:
            if verdict_of(flow.form, coalition, sealed=disclosure.sealed).reach == reach:
                found.append(f"{COALITION_NAMES[coalition][language]} ({REACH_NAMES[reach][language]})")
    return _COMMA[language].join(found) or REACH_NAMES["nothing"][language]


def _necessity(disclosure: Disclosure, language: Language) -> str:
    if not disclosure.unneeded:
        return say("all_needed", language)
    columns = _COMMA[language].join(plain_text(f"{dataset}: {column}") for dataset, column in disclosure.unneeded)
    return say("unneeded", language, columns=columns)


def _collusion(disclosure: Disclosure, language: Language) -> Iterable[str]:
    yield say("collusion", language)
    yield ""
    yield _row((say("form", language), *(COALITION_NAMES[coalition][language] for coalition in COALITIONS)))
    yield _row("---" for _ in range(len(COALITIONS) + 1))
    for form in disclosure.forms:
        cells = [FORM_NAMES[form][language]]
        for coalition in COALITIONS:
            verdict = verdict_of(form, coalition, sealed=disclosure.sealed)
            cells.append(f"**{REACH_NAMES[verdict.reach][language]}**: {verdict.text(language)}")
        yield _row(cells)
    if all(party.role != "keyholder" for party in disclosure.agreement.parties):
        yield ""
        yield say("no_keyholder", language)


def _measures(disclosure: Disclosure, language: Language) -> Iterable[str]:
    agreement = disclosure.agreement
    yield say("measure.local", language)
    yield say("measure.sealed" if disclosure.sealed else "measure.plain", language)
    blocked = sum(bool(item.block_on) for item in agreement.passes)
    yield say("measure.blocks", language, blocked=blocked, passes=len(agreement.passes))
    yield say("measure.fuzzy", language, share=f"{agreement.limits.max_fuzzy_share:.0%}")
    cells = [dataset for dataset in agreement.datasets if dataset.cells and agreement.release.smallest_cell > 1]
    for dataset in cells:
        columns = plain_text(_COMMA[language].join(dataset.cells))
        smallest = agreement.release.smallest_cell
        yield say("measure.cells", language, columns=columns, dataset=plain_text(dataset.id), smallest=smallest)
    if not cells:
        yield say("measure.no_cells", language)
    if agreement.release.two_phase:
        yield say("measure.two_phase", language, share=f"{agreement.limits.max_fuzzy_share:.0%}")
    if agreement.release.second_operator:
        yield say("measure.second", language)
    if disclosure.sealed and agreement.release.suite == "national":
        yield say("measure.national", language)
    if agreement.id_token.protocol == "hmac":
        yield say("measure.guessing", language)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
