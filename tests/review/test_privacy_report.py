"""A privacy report: what judges, what it says of broken encodings and of too few rows, and without the extra."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from review.synthetic_people import keyed_clk, records
from secure_match.agreement import Agreement, city_template, parse_agreement
from secure_match.cli._attack_extra import require_attacks
from secure_match.errors import UsageError
from secure_match.review._privacy_page import privacy_html, privacy_sections
from secure_match.review.attacks import AttackResult, PlainColumn, SeenPass, draw_known
from secure_match.review.attacks.release import AttackedRelease, text_numbers
from secure_match.review.attacks.suite import attack_release, attack_steps, judged_rate, tried_pairs
from secure_match.review.attacks.tags import tag_values
from secure_match.review.privacy import privacy_json, privacy_report

PEOPLE = 500


def broken_release(people: int = PEOPLE) -> AttackedRelease:
    """Record-level CLKs under one key for everybody, and a coded column that is alone in every row."""
    texts = records(people, seed=4)
    truth = np.random.default_rng(1).permutation(people).astype(np.int64)
    column = PlainColumn(name="name", values=texts, insertions=600)
    seen = SeenPass(
        id="whole",
        encodings=keyed_clk([texts[row] for row in truth], b"everybody's"),
        present=np.ones(people, dtype=np.bool_),
        columns=[column],
    )
    return AttackedRelease(
        name="population",
        passes=(seen,),
        truth=truth,
        people=people,
        tokens=None,
        numbers=[""] * people,
        coded={"code": truth},
        table={"code": np.arange(people)},
        raw={"code": np.arange(people)},
        table_truth=truth,
    )


def limited(rate: float, pairs: int = 200) -> Agreement:
    keys = f"max_attack_rate = {rate}\nattack_pairs = {pairs}\nmax_fuzzy_share"
    return parse_agreement(city_template().replace("max_fuzzy_share", keys, 1))


def result(attack: str, hits: int, trials: int, **settings: int | str) -> AttackResult:
    return AttackResult(
        attack=attack,
        source="a test",
        knowledge="none",
        metric="none",
        settings=dict(settings),
        hits=hits,
        trials=trials,
    )


def test_a_broken_release_is_above_any_limit() -> None:
    release = broken_release()
    steps: list[str] = []
    results = attack_release(release, pairs=(50, 200), step=steps.append)
    assert len(steps) == attack_steps(release, pairs=(50, 200))
    report = privacy_report(limited(0.5), release, results, origin="package", share=None, seed=0)
    assert report.verdict == "above"
    assert report.judged >= 0.9
    # The coded column names everybody as well.
    assert next(item for item in results if item.attack == "fingerprints").rate == 1
    page = privacy_html(report, "en")
    assert "ABOVE the agreement" in page
    assert "超过协议上限" in privacy_html(report, "zh")
    assert privacy_json(report)["verdict"] == "above"


def test_same_release_same_figures() -> None:
    release = broken_release(120)
    one, two = (attack_release(release, pairs=(50,), seed=9) for _ in range(2))
    assert [replace(item, seconds=0) for item in one] == [replace(item, seconds=0) for item in two]


def test_few_rows_judge_nothing() -> None:
    release = broken_release(100)
    empty: dict[str, np.ndarray] = {}
    release = replace(release, coded=empty, table=empty)
    results = attack_release(release, pairs=(50, 200))
    report = privacy_report(limited(0.01), release, results, origin="package", share=None, seed=0)
    assert (report.verdict, report.judged) == ("too_few", 0.0)
    assert any("Too few rows" in line for item in privacy_sections(report, "en") for line in item.lines)


@pytest.mark.parametrize(
    ("item", "rate"),
    [
        (result("known_plaintext", 90, 100, known=50), 0.0),  # Too few trials.
        (result("known_plaintext", 90, 200, known=50), 0.45),
        (result("known_plaintext", 90, 200, known=3_000), 0.0),  # An adversary that the limit does not speak of.
        (result("membership", 190, 200, known=200), 0.0),  # Names nobody.
        (result("fingerprints", 90, 200, known=0, form="as in the export"), 0.0),  # Does not leave.
        (result("fingerprints", 90, 200, known=0, form="as it leaves"), 0.45),
    ],
)
def test_what_judges(item: AttackResult, rate: float) -> None:
    assert judged_rate([item, result("tag_structure", 0, 500, known=0)], 1_000) == rate


def test_an_agreement_without_a_limit_keeps_its_fingerprint() -> None:
    plain = parse_agreement(city_template())
    unsaid = parse_agreement(city_template().replace("max_fuzzy_share", "max_attack_rate = 1.0\nmax_fuzzy_share", 1))
    assert plain.fingerprint == unsaid.fingerprint
    assert plain.fingerprint != limited(0.5).fingerprint


def test_pairs_leave_rows_to_try() -> None:
    assert tried_pairs(1_000) == (50, 200)
    assert tried_pairs(10) == ()


def test_a_known_row_gives_its_block_value_away() -> None:
    tags = np.repeat(np.arange(4, dtype=np.uint8), 3)[:, None].repeat(16, axis=1)
    values = [f"block {row // 3}" for row in range(12)]
    seen = SeenPass(
        id="p",
        encodings=np.zeros((12, 8), dtype=np.uint8),
        present=np.ones(12, dtype=np.bool_),
        columns=[PlainColumn(name="name", values=["x"] * 12)],
        tags=tags,
        block_values=values,
        block_on=("birth_date", "sex"),
    )
    found = tag_values(seen, truth=np.arange(12), known=np.array([0, 1, 6]))
    # Of nine others one shares the first tag and two the third.
    assert (found.hits, found.trials, found.fields) == (3, 9, {"birth_date": 3 / 9, "sex": 3 / 9})
    nothing = tag_values(seen, truth=np.arange(12), known=draw_known(np.full(12, -1), 3, 0))
    assert (nothing.hits, nothing.trials) == (0, 12)


def test_texts_have_the_same_number_on_both_sides() -> None:
    numbers: dict[str, int] = {}
    assert text_numbers(["b", "", None, "a"], numbers).tolist() == [0, -1, -1, 1]
    assert text_numbers(["a", "c", "b"], numbers).tolist() == [1, 2, 0]


def test_without_the_extra_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="secure_match\\[attack\\]") as caught:
        require_attacks()
    assert caught.value.code == "EXTRA_MISSING"
