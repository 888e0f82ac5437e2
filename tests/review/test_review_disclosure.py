"""What ``review disclose`` says of an agreement: all of what leaves, nothing else, and no claim of anonymity."""

from __future__ import annotations

import re

import pytest
from made_packages import agreement_of

from secure_match.agreement import leaving_columns, parse_agreement, template_text, trusted_template
from secure_match.review import COLLUSION, disclose, disclosure_json, disclosure_markdown, verdict_of
from secure_match.review._collusion import COALITION_NAMES, COALITIONS, FORM_NAMES, FORMS, REACH_NAMES
from secure_match.review._disclosure_texts import TEXTS

CITY = agreement_of(sealed=False)


@pytest.mark.parametrize("template", ["city", "generic"])
def test_exactly_the_leaving_columns_are_disclosed(template: str) -> None:
    agreement = parse_agreement(template_text(template))  # type: ignore[arg-type]
    found = disclose(agreement)
    assert [item.dataset.id for item in found.datasets] == [dataset.id for dataset in agreement.datasets]
    for item in found.datasets:
        expected = [(column.name, column.form) for column in leaving_columns(agreement, item.dataset)]
        assert [(flow.column, flow.detail) for flow in item.flows] == expected
        headers = {header for _, header in item.kept}
        assert headers == {item.dataset.row_key, *item.dataset.identity.values()}


def test_a_column_is_needed_by_the_rules_that_use_it() -> None:
    population, employee = disclose(CITY).datasets[:2]
    needs = {flow.column: [(need.kind, need.id) for need in flow.needs] for flow in population.flows}
    assert needs["code.status"] == [("coverage", "medical"), ("coverage", "pension")]
    assert needs["code.birth_band"] == [("coverage", "pension")]
    assert needs["pass.birth.block"] == [("pass", "birth")]
    needs = {flow.column: [(need.kind, need.id) for need in flow.needs] for flow in employee.flows}
    assert needs["code.first_month"] == needs["code.last_month"] == [("exclusion", "pension")]
    assert disclose(CITY).unneeded == ()


def test_a_column_that_no_rule_uses_is_told() -> None:
    text = trusted_template().replace(
        'eligible = { status = ["1"], birth_band = [1890] }', 'eligible = { status = ["1"] }'
    )
    found = disclose(parse_agreement(text))
    assert found.unneeded == (("population", "code.birth_band"),)
    assert "population: code.birth\\_band" in disclosure_markdown(found, "en")


def test_every_form_has_a_verdict_for_every_coalition_in_both_languages() -> None:
    assert tuple(COLLUSION) == FORMS
    for form in FORMS:
        assert set(COLLUSION[form]) == set(COALITIONS)
        assert all(verdict.en and verdict.zh for verdict in COLLUSION[form].values())
    names = [*FORM_NAMES.values(), *COALITION_NAMES.values(), *REACH_NAMES.values(), *TEXTS.values()]
    assert all(set(texts) == {"zh", "en"} and all(texts.values()) for texts in names)


def test_sealing_keeps_outsiders_out_and_nobody_else() -> None:
    for form in FORMS:
        for coalition in COALITIONS:
            plain, sealed = (verdict_of(form, coalition, sealed=flag) for flag in (False, True))
            assert (plain == sealed) is (coalition != "outsider" or form == "manifest")
    found = disclose(agreement_of(sealed=True))
    assert found.sealed
    assert "are sealed to their recipient" in disclosure_markdown(found, "en")
    assert "既未加密也未签名" in disclosure_markdown(disclose(CITY), "zh")


def test_the_document_has_the_sections_of_an_impact_assessment() -> None:
    text = disclosure_markdown(disclose(CITY), "zh")
    headings = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert headings == ["参与方", "一、处理目的、方式、必要性", "二、对个人权益的影响及安全风险", "三、保护措施"]
    assert "去标识化" in text
    english = disclosure_markdown(disclose(CITY), "en")
    for document in (text, english):
        tables = [line for line in document.splitlines() if line.startswith("|")]
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {8}
    assert re.findall(r"(?<!not )\banonymous\b", english) == []
    assert "complian" not in english


def test_a_text_of_the_agreement_is_no_markup() -> None:
    text = trusted_template().replace('title = "常住人口"', 'title = "a | **b** <script>"')
    document = disclosure_markdown(disclose(parse_agreement(text)), "en")
    assert "a \\| \\*\\*b\\*\\* \\<script\\>" in document


def test_json_has_the_same_content() -> None:
    content = disclosure_json(disclose(CITY))
    assert content["fingerprint"] == CITY.fingerprint
    assert content["recipients"] == ["bureau"]
    assert [item["id"] for item in content["datasets"]] == [dataset.id for dataset in CITY.datasets]
    assert len(content["collusion"]) == len(disclose(CITY).forms) * len(COALITIONS)
