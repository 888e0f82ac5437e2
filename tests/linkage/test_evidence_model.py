"""The evidence model: what it learns without labels, what it counts once, and that its parts add up."""

from __future__ import annotations

import numpy as np
import pytest

from secure_match.agreement import Calibration
from secure_match.linkage._calibrate import chosen_thresholds
from secure_match.linkage._comparisons import SIMILARITY_EDGES, Comparison, ComparisonKind
from secure_match.linkage._evidence_model import EvidenceModel, Patterns, probability_of
from secure_match.linkage._fellegi_sunter import fit, refit
from secure_match.linkage._random_pairs import sample_pairs
from secure_match.linkage._rows import pair_keys

BANDS = ("below", *(f"from {edge}" for edge in SIMILARITY_EDGES))
TOKENS = Comparison(
    name="id_token",
    kind=ComparisonKind.TOKENS,
    fields=frozenset({"id"}),
    levels=("missing", "different", "equal"),
)
EQUAL, TOP = 2, len(BANDS) + 1
TRUE_PAIRS, FALSE_PAIRS = 3000, 2_000_000


def a_pass(name: str, *fields: str) -> Comparison:
    return Comparison(
        name=name, kind=ComparisonKind.ENCODINGS, fields=frozenset(fields), levels=("missing", "other block", *BANDS)
    )


def draw(rng: np.random.Generator, true: int, false: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels in a blocked pass: true pairs share the block in 9 of 10, false ones in 1 of 1,000, with low bands."""
    sure = np.where(rng.random(true) < 0.9, rng.choice([TOP, TOP - 2, TOP - 5], true, p=[0.7, 0.2, 0.1]), 1)
    chance = np.where(rng.random(false) < 0.001, rng.choice([2, 3, 6, TOP - 5], false, p=[0.7, 0.2, 0.08, 0.02]), 1)
    return sure, chance


def patterns_of(levels: np.ndarray, known: np.ndarray | None = None) -> Patterns:
    """Every pair proposed that agrees in something; the others as they would be sampled."""
    truth = np.full(len(levels), np.nan) if known is None else known
    joint = np.column_stack([levels, np.where(np.isnan(truth), 2, truth)]).astype(np.int64)
    distinct, counts = np.unique(joint, axis=0, return_counts=True)
    weight = counts.astype(np.float64)
    proposed = np.where((distinct[:, 0] == EQUAL) | (distinct[:, 1:-1] > 5).any(axis=1), weight, 0.0)
    return Patterns(
        levels=distinct[:, :-1].astype(np.int8),
        group=np.zeros(len(distinct), dtype=np.int64),
        weight=weight,
        proposed=proposed,
        known=np.where(distinct[:, -1] == 2, np.nan, distinct[:, -1]),
        joined=np.zeros(len(distinct), dtype=np.bool_),
    )


def city(seed: int, token_share: float) -> tuple[np.ndarray, np.ndarray]:
    """Levels of true pairs, then of false ones, in tokens and two independent passes; and which are true."""
    rng = np.random.default_rng(seed)
    number = TRUE_PAIRS + FALSE_PAIRS
    tokens = np.full(number, 0)
    has = rng.random(number) < token_share
    tokens[has] = np.where(
        np.arange(number)[has] < TRUE_PAIRS, np.where(rng.random(int(has.sum())) < 0.99, EQUAL, 1), 1
    )
    columns = [np.concatenate(draw(rng, TRUE_PAIRS, FALSE_PAIRS)) for _ in range(2)]
    return np.column_stack([tokens, *columns]), np.arange(number) < TRUE_PAIRS


def posterior(model: EvidenceModel, levels: np.ndarray) -> np.ndarray:
    columns = [levels[:, place].astype(np.int8) for place in range(levels.shape[1])]
    return probability_of(model.weights(columns, np.zeros(len(levels), dtype=np.int64)))


@pytest.mark.parametrize("token_share", [0.9, 0.3, 0.0])
def test_m_u_and_the_number_of_true_pairs_are_found_without_labels(token_share: float) -> None:
    levels, truth = city(1, token_share)
    comparisons = (TOKENS, a_pass("one", "name"), a_pass("two", "phone"))
    model = fit(comparisons, patterns_of(levels), np.array([float(len(levels))]))
    assert model.true_pairs == pytest.approx(TRUE_PAIRS, rel=0.03)
    for m, u in model.margins[1:]:
        assert m[1] == pytest.approx(0.1, abs=0.03)
        assert m[TOP] == pytest.approx(0.63, abs=0.04)
        assert u[1] == pytest.approx(0.999, abs=0.0005)
    chance = posterior(model, levels)
    links = chance >= 0.5
    falling = truth[np.argsort(-chance, kind="stable")][: 2 * TRUE_PAIRS]
    best = (2 * np.cumsum(falling) / (np.arange(1, len(falling) + 1) + TRUE_PAIRS)).max()
    assert 2 * (links & truth).sum() / (links.sum() + TRUE_PAIRS) >= best - 0.008
    expected = chance[links].mean()
    assert expected == pytest.approx((links & truth).sum() / links.sum(), abs=0.015)


def test_a_pass_that_repeats_another_counts_once() -> None:
    levels, _ = city(2, 0.9)
    twice = np.column_stack([levels, levels[:, 1]])
    shared = (TOKENS, a_pass("one", "name"), a_pass("two", "phone"), a_pass("again", "name"))
    model = fit(shared, patterns_of(twice), np.array([float(len(levels))]))
    columns = [twice[:, place].astype(np.int8) for place in range(4)]
    parts = [model.part(place, columns, np.zeros(len(twice), dtype=np.int64)) for place in (1, 3)]
    assert set(model.parents[3]) | set(model.parents[1]) >= {1} or model.parents[1] == (3,)
    smaller = np.minimum(np.abs(parts[0]), np.abs(parts[1]))
    assert smaller[:TRUE_PAIRS].max() < 1.0
    once = fit(shared[:3], patterns_of(levels), np.array([float(len(levels))]))
    assert model.true_pairs == pytest.approx(once.true_pairs, rel=0.01)


def test_missing_says_nothing() -> None:
    levels, _ = city(3, 0.9)
    model = fit(
        (TOKENS, a_pass("one", "name"), a_pass("two", "phone")), patterns_of(levels), np.array([float(len(levels))])
    )
    nothing = [np.zeros(1, dtype=np.int8)] * 3
    assert [float(model.part(place, nothing, np.zeros(1, dtype=np.int64))[0]) for place in range(3)] == [0.0, 0.0, 0.0]
    assert model.weights(nothing, np.zeros(1, dtype=np.int64))[0] == pytest.approx(model.prior_bits()[0])


def test_weights_rise_with_similarity_where_pairs_are_plenty() -> None:
    levels, _ = city(4, 0.9)
    model = fit(
        (TOKENS, a_pass("one", "name"), a_pass("two", "phone")), patterns_of(levels), np.array([float(len(levels))])
    )
    table = model.tables[1][0]
    assert table[1] < 0.0 < table[TOP - 5] < table[TOP - 2] < table[TOP] + 1.0


def test_what_is_known_stays_known_and_trains() -> None:
    levels, truth = city(5, 0.0)
    known = np.where(np.arange(len(levels)) % 7 == 0, truth.astype(np.float64), np.nan)
    model = fit(
        (TOKENS, a_pass("one", "name"), a_pass("two", "phone")),
        patterns_of(levels, known),
        np.array([len(levels) * 1.0]),
    )
    assert model.true_pairs == pytest.approx(TRUE_PAIRS, rel=0.02)
    again = refit(model, patterns_of(levels, known), 5)
    assert again.true_pairs == pytest.approx(model.true_pairs, rel=0.002)
    assert again.parents == model.parents


def test_same_patterns_same_model() -> None:
    levels, _ = city(6, 0.5)
    comparisons = (TOKENS, a_pass("one", "name"), a_pass("two", "phone"))
    models = [fit(comparisons, patterns_of(levels), np.array([float(len(levels))])) for _ in range(2)]
    assert all((one == two).all() for one, two in zip(models[0].m, models[1].m, strict=True))


def test_thresholds_reach_the_precision_asked_for() -> None:
    rng = np.random.default_rng(7)
    weight = rng.normal(0.0, 6.0, 5000)
    probability = probability_of(weight)
    for precision in (0.5, 0.9, 0.99, 0.9999):
        link, review = chosen_thresholds(Calibration(precision=precision), weight, joined=False)
        assert link >= 0.0
        assert review < 0.0
        assert probability[weight >= link].mean() >= precision or link == weight.max()
        lower = np.sort(weight[(weight >= 0.0) & (weight < link)])
        if len(lower):
            assert probability[weight >= lower[-1]].mean() < precision
    assert chosen_thresholds(Calibration(precision=0.9), np.zeros(0), joined=False)[0] == 0.0


def test_random_pairs_stand_for_all_pairs_that_nothing_proposed() -> None:
    rng = np.random.default_rng(8)
    rows = 4000
    blocks = [rng.integers(-1, 60, rows).astype(np.int32), rng.integers(-1, 2000, rows).astype(np.int32)]
    tokens = np.where(rng.random(rows) < 0.5, rng.integers(0, 1500, rows), -1).astype(np.int32)
    left, right = np.sort(rng.choice(rows, (2, 500)), axis=0)
    candidates = np.unique(pair_keys(left[left < right], right[left < right]))
    sample = sample_pairs(blocks, tokens, candidates)
    assert (sample.row_i < sample.row_j).all()
    keys = pair_keys(sample.row_i.astype(np.int64), sample.row_j.astype(np.int64))
    assert not np.isin(keys, candidates).any()
    one, two = tokens[sample.row_i], tokens[sample.row_j]
    assert ((one != two) | (one < 0)).all()
    assert sample.weight.sum() == pytest.approx(rows * (rows - 1) / 2, rel=0.02)
    for block in blocks:
        together = (block[sample.row_i] == block[sample.row_j]) & (block[sample.row_i] >= 0)
        sizes = np.bincount(block[block >= 0])
        assert sample.weight[together].sum() == pytest.approx((sizes * (sizes - 1) // 2).sum(), rel=0.06)
    again = sample_pairs(blocks, tokens, candidates)
    assert (again.row_i == sample.row_i).all()
    assert (again.weight == sample.weight).all()


def test_no_rows_no_random_pairs() -> None:
    empty = np.zeros(0, dtype=np.int32)
    sample = sample_pairs([empty], empty, np.zeros(0, dtype=np.uint64))
    assert len(sample.weight) == 0


def test_in_two_phases_no_link_is_less_likely_than_95_percent() -> None:
    weight = np.array([30.0] * 10_000 + [4.0, 1.0])
    assert chosen_thresholds(Calibration(precision=0.999), weight, joined=False)[0] == 0.0
    floor, _ = chosen_thresholds(Calibration(precision=0.999), weight, joined=True)
    assert float(probability_of(np.array([floor]))[0]) == pytest.approx(0.95)
    low, _ = chosen_thresholds(Calibration(precision=0.9), weight, joined=True)
    assert float(probability_of(np.array([low]))[0]) == pytest.approx(0.9)


def test_in_two_phases_a_missing_token_speaks_by_kind_of_pair() -> None:
    """Asked rows without a number have partners in the population more often than asked rows with one."""
    rng = np.random.default_rng(8)
    levels, truth = city(8, 0.0)
    with_population = rng.random(len(levels)) < 0.5
    missing = rng.random(len(levels)) < np.where(truth & with_population, 0.9, 0.1)
    levels[:, 0] = np.where(missing, 0, np.where(truth & ~with_population, EQUAL, 1))
    one, two = (patterns_of(levels[mask]) for mask in (with_population, ~with_population))
    both = Patterns(
        **{
            name: np.concatenate([getattr(one, name), getattr(two, name)])
            for name in ("levels", "weight", "proposed", "known", "joined")
        },
        group=np.repeat([0, 1], [len(one.weight), len(two.weight)]),
    )
    comparisons = (TOKENS, a_pass("one", "name"), a_pass("two", "phone"))
    pairs = np.bincount(both.group, weights=both.weight)
    model = fit(comparisons, both, pairs, np.array([0, 1]))
    nothing = [np.zeros(2, dtype=np.int8)] * 3
    speaks = model.part(0, nothing, np.array([0, 1]))
    assert speaks[0] == pytest.approx(np.log2(0.9 / 0.1), abs=0.3)
    assert abs(speaks[1]) < 0.3
    assert refit(model, both, 2).m[0].shape == model.m[0].shape == (2, 3)
