"""A whole run judged by truth: against brute force over all pairs of a small city."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secure_match.errors import LinkageError
from secure_match.linkage import Decision
from secure_match.linkage.quality import (
    Evaluation,
    PairEvidence,
    PairTruth,
    PersonTruth,
    evaluate,
    evaluation_html,
    evaluation_json,
    evaluation_plots,
    evaluation_sections,
    with_implied_pairs,
)

KINDS = ("damage", "twin", "typo")
STATES = ("UNKNOWN", "EQUAL", "DIFFERENT")


@st.composite
def runs(draw: st.DrawFn) -> tuple[PairEvidence, PersonTruth]:
    rows = draw(st.integers(2, 9))
    known = draw(st.integers(2, rows))
    pairs = draw(st.lists(st.sampled_from(list(combinations(range(rows), 2))), unique=True))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    ends = rng.permuted(np.array(pairs, dtype=np.int64).reshape(-1, 2), axis=1)
    count = len(pairs)
    evidence = PairEvidence(
        row_i=ends[:, 0],
        row_j=ends[:, 1],
        num_rows=rows,
        decision=rng.integers(0, 3, count).astype(np.int8),
        refused=rng.random(count) < 0.2,
        token_state=rng.choice([0, 2], count).astype(np.int8),
        token_states=STATES,
        compared={name: rng.random(count) < 0.5 for name in ("birth", "phone")},
        score=rng.normal(size=count).round(1),
        score_name="match_weight",
        probability=rng.random(count),
    )
    person = rng.integers(0, 4, known)
    errors = rng.integers(0, 1 << len(KINDS), known).astype(np.uint64)
    # Twins are persons, so all rows of one have the bit.
    errors = np.where(person % 2 == 0, errors | np.uint64(2), errors & ~np.uint64(2))
    return evidence, PersonTruth(person=person, errors=errors, kinds=KINDS, has_errors=True)


def causes_of(
    pair: tuple[int, int], place: int | None, pairs: PairEvidence, truth: PersonTruth
) -> Iterator[tuple[str, str]]:
    one, two = (int(truth.errors[row]) for row in pair)
    for number, kind in enumerate(KINDS):
        if (one & two if kind == "twin" else one | two) >> number & 1:
            yield "error", kind
    if not (one | two) & ~2:
        yield "error", "no error"
    if place is not None:
        yield "token_state", STATES[pairs.token_state[place]]
        compared = [name for name, flags in pairs.compared.items() if flags[place]]
        yield from (("pass", name) for name in compared or ["no pass"])


@given(runs())
def test_counts_and_causes_by_brute_force(run: tuple[PairEvidence, PersonTruth]) -> None:
    pairs, truth = run
    known = len(truth.person)
    place_of = {
        (min(one, two), max(one, two)): place
        for place, (one, two) in enumerate(zip(pairs.row_i.tolist(), pairs.row_j.tolist(), strict=True))
        if max(one, two) < known
    }
    if len(pairs.row_i) and not place_of:
        with pytest.raises(LinkageError, match="TRUTH_FOREIGN"):
            evaluate(pairs, truth)
        return
    result = evaluate(pairs, truth)
    matches = {pair for pair in combinations(range(known), 2) if truth.person[pair[0]] == truth.person[pair[1]]}
    linked = {pair for pair, place in place_of.items() if pairs.decision[place] == 0 and not pairs.refused[place]}
    assert result.links.true_positive == len(linked & matches)
    assert result.links.false_positive == len(linked - matches)
    assert result.links.false_negative == len(matches - linked)
    assert result.candidates.matches == len(matches & set(place_of))
    assert result.outside_truth == len(pairs.row_i) - len(place_of)
    assert sum(item.pairs for item in result.decisions) == len(place_of)

    expected: dict[tuple[str, str], list[int]] = {}
    for pair in matches:
        place = place_of.get(pair)
        for cause in causes_of(pair, place, pairs, truth):
            counts = expected.setdefault(cause, [0, 0])
            counts[0] += pair not in linked
            counts[1] += 1
    if matches:
        expected["candidate", "not a candidate"] = [len(matches - set(place_of)), len(matches)]
    assert {(item.by, item.cause): [item.count, item.of] for item in result.missed} == expected

    expected = {}
    for pair in linked:
        for cause in causes_of(pair, place_of[pair], pairs, truth):
            counts = expected.setdefault(cause, [0, 0])
            counts[0] += pair not in matches
            counts[1] += 1
    assert {(item.by, item.cause): [item.count, item.of] for item in result.wrong} == expected


@given(runs())
def test_an_evaluation_is_json_and_pages_without_requests(run: tuple[PairEvidence, PersonTruth]) -> None:
    pairs, truth = run
    try:
        result = evaluate(pairs, truth)
    except LinkageError:
        return
    text = json.dumps(evaluation_json(result), allow_nan=False)
    assert json.loads(text)["format"] == "secure_match/evaluation"
    for language in ("zh", "en"):
        plots = evaluation_plots(result, language)
        page = evaluation_html(result, plots, language)
        require_offline(page)
        assert all(plot in page for plot in plots.values())


def require_offline(page: str) -> None:
    """No address but the name of SVG's namespace, no script, nothing that loads."""
    assert set(re.findall(r"https?:[^\"'\s<]*", page)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<script|<link|<img|@import|url\(|src=|href=", page)


def evidence(score: list[float], **changes: object) -> PairEvidence:
    count = len(score)
    plain = PairEvidence(
        row_i=np.zeros(count, dtype=np.int64),
        row_j=np.arange(1, count + 1, dtype=np.int64),
        num_rows=count + 1,
        decision=np.zeros(count, dtype=np.int8),
        refused=np.zeros(count, dtype=np.bool_),
        token_state=np.zeros(count, dtype=np.int8),
        token_states=("EQUAL",),
        compared={},
        score=np.array(score, dtype=np.float64),
        score_name="match_weight",
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def one_person(rows: int) -> PersonTruth:
    return PersonTruth(person=np.zeros(rows, dtype=np.int64), errors=np.zeros(rows, dtype=np.uint64))


def test_a_star_of_equal_tokens_implies_the_other_pairs() -> None:
    run = evidence(
        [3.0, 1.0, np.nan], decision=np.array([0, 0, 2], dtype=np.int8), refused=np.array([False, True, False])
    )
    whole = with_implied_pairs(dataclasses.replace(run, probability=np.array([0.9, 0.8, 0.1])))
    assert list(zip(whole.row_i.tolist(), whole.row_j.tolist(), strict=True))[3:] == [(1, 2), (2, 3), (1, 3)]
    assert whole.score[3] == 1.0
    assert np.isnan(whole.score[4:]).all()
    assert whole.decision.tolist()[3:] == [Decision.LINK, Decision.NON_LINK, Decision.NON_LINK]
    assert whole.refused.tolist()[3:] == [True, True, False]
    assert whole.implied == 3
    assert with_implied_pairs(whole).implied == 3
    result = evaluate(whole, one_person(4))
    assert (result.links.true_positive, result.links.false_negative) == (1, 5)
    assert result.calibration is not None
    assert result.calibration.pairs.sum() == 3
    assert result.links_of_listed.false_negative == 2


def test_pairs_of_other_states_imply_nothing() -> None:
    run = evidence([1.0, 2.0], token_states=("DIFFERENT",))
    assert with_implied_pairs(run) is run
    mixed = evidence([1.0, 2.0], token_states=("EQUAL", "UNKNOWN"), token_state=np.array([0, 1], dtype=np.int8))
    assert with_implied_pairs(mixed).implied == 0


def test_crowded_tokens_are_refused() -> None:
    run = evidence([1.0] * 20_000)
    with pytest.raises(LinkageError, match="PAIRS_CROWDED"):
        with_implied_pairs(run)


def test_listed_pairs_are_judged_and_no_others() -> None:
    run = evidence([5.0, 4.0, 3.0], decision=np.array([0, 1, 0], dtype=np.int8))
    listed = np.array([[1, 0], [0, 2], [3, 2]], dtype=np.int64)
    truth = PairTruth(row_i=listed[:, 0], row_j=listed[:, 1], is_match=np.array([True, True, True]))
    result = evaluate(run, truth)
    assert (result.outside_truth, result.candidates.true_pairs, result.candidates.possible_pairs) == (1, 3, 0)
    assert (result.links.true_positive, result.links.false_positive, result.links.false_negative) == (1, 0, 2)
    assert result.clusters is None
    assert result.clustered.true_positive == 1
    assert evaluation_json(result)["candidates"]["reduction_ratio"] is None
    assert "listed pairs" in " ".join(next(iter(evaluation_sections(result, "en"))).lines)


def test_clusters_given_overrule_the_links() -> None:
    run = evidence([5.0, 4.0])
    apart = evaluate(run, one_person(3), labels=np.arange(3))
    joined = evaluate(run, one_person(3))
    assert (apart.clustered.true_positive, joined.clustered.true_positive) == (0, 3)
    assert (apart.links.true_positive, joined.links.true_positive) == (2, 2)


def test_infinite_and_equal_scores_are_shown() -> None:
    for scores in ([np.inf, 1.0, -np.inf], [2.0, 2.0], [np.inf], [np.nan], []):
        result: Evaluation = evaluate(evidence(list(scores)), one_person(len(scores) + 1))
        json.dumps(evaluation_json(result), allow_nan=False)
        plots = evaluation_plots(result, "en")
        finite = bool(len(scores)) and bool(np.isfinite(scores).any())
        assert ("sweep.svg" in plots, "histogram.svg" in plots) == (finite, finite)
        assert "nan" not in "".join(plots.values())


def test_names_are_escaped() -> None:
    run = evidence(
        [2.0, 1.0], score_name="<b>&\u202e", compared={"<i>": np.ones(2, dtype=np.bool_)}, refused=np.ones(2, bool)
    )
    result = evaluate(run, one_person(3))
    page = evaluation_html(result, evaluation_plots(result, "en"), "en")
    assert "<b>" not in page
    assert "<i>" not in page
    assert "\u202e" not in page
    assert "&lt;b&gt;&amp;\\u202e" in page
