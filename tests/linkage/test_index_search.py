"""Methods of ``similar_pairs``: the choice, the report, the audit and its interval, the errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from secure_match.errors import LinkageError
from secure_match.linkage import CandidatePairs, _index_audit, _index_search, similar_pairs
from secure_match.linkage._index_audit import binomial_interval


def twins(rows: int, *, seed: int = 1, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    first = rng.random((rows, 512)) < 0.4
    second = np.where(rng.random((rows, 512)) < noise, rng.random((rows, 512)) < 0.4, first)
    return np.packbits(first, axis=1), np.packbits(second[rng.permutation(rows)], axis=1)


def assert_same(one: CandidatePairs, other: CandidatePairs) -> None:
    assert one.to_arrow().equals(other.to_arrow())


@pytest.mark.parametrize("within", [False, True])
def test_index_gives_the_pairs_of_exhaustive_in_its_order(within: bool) -> None:
    a, b = twins(900)
    sets = (np.concatenate([a, b]), None) if within else (a, b)
    found = similar_pairs(*sets, threshold=0.8, method="index", recall=1 - 1e-9)
    everything = similar_pairs(*sets, threshold=0.8, method="exhaustive")
    assert len(found) > 800
    assert_same(found, everything)
    assert everything.report is not None
    assert (everything.report.method, everything.report.recall_bound) == ("exhaustive", 1.0)
    report = found.report
    assert report is not None
    assert (report.method, report.reason) == ("index", "requested")
    assert report.recall_bound >= 1 - 1e-9
    assert report.tables > 0
    assert report.largest_bucket > 0
    assert report.compared >= report.candidates >= len(found)
    assert report.audit is not None
    assert report.audit.pairs == report.audit.found > 400
    assert report.audit.low < report.audit.recall == report.audit.high == 1.0


def test_result_depends_on_the_seed_and_not_on_threads() -> None:
    a, b = twins(600, noise=0.3)
    one, same, other = (
        similar_pairs(a, b, threshold=0.7, method="index", recall=0.3, seed=seed, threads=threads)
        for seed, threads in ((1, 1), (1, 3), (2, 1))
    )
    assert_same(one, same)
    assert one.report == same.report
    assert not one.to_arrow().equals(other.to_arrow())


def test_the_audit_measures_what_is_missed() -> None:
    a, b = twins(3000, noise=0.28)
    everything = similar_pairs(a, b, threshold=0.8, method="exhaustive")
    found = similar_pairs(a, b, threshold=0.8, method="index", recall=0.5)
    assert found.report is not None
    audit = found.report.audit
    assert audit is not None
    assert audit.rows == _index_audit.AUDIT_ROWS
    assert 0 < audit.found < audit.pairs
    assert audit.low < audit.recall < audit.high
    assert audit.low <= len(found) / len(everything) <= audit.high


def test_auto_compares_everything_where_it_costs_little() -> None:
    a, b = twins(300)
    report = similar_pairs(a, b, threshold=0.8).report
    assert report is not None
    assert (report.method, report.reason, report.audit) == ("exhaustive", "few_pairs", None)


def test_auto_takes_the_index_where_it_is_cheaper(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = twins(2000)
    monkeypatch.setattr(_index_search, "AUTO_PAIRS", 10**6)
    report = similar_pairs(a, b, threshold=0.8).report
    assert report is not None
    assert (report.method, report.reason) == ("exhaustive", "no_gain")
    monkeypatch.setattr(_index_search, "EXHAUSTIVE_COST", 1e6)
    report = similar_pairs(a, b, threshold=0.8).report
    assert report is not None
    assert (report.method, report.reason) == ("index", "cheaper")


@pytest.mark.parametrize("threshold", [0.0, 0.1])
def test_a_low_threshold_falls_back(threshold: float) -> None:
    a, b = twins(1500)
    pairs = similar_pairs(a[:50], b, threshold=threshold, method="index")
    assert pairs.report is not None
    assert (pairs.report.method, pairs.report.reason) == ("exhaustive", "no_gain")
    assert len(pairs) == 50 * 1500


def test_crowded_rows_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = twins(300)
    monkeypatch.setattr(_index_search, "indexed_dice", lambda *_, **__: None)
    pairs = similar_pairs(a, b, threshold=0.8, method="index")
    assert pairs.report is not None
    assert (pairs.report.method, pairs.report.reason) == ("exhaustive", "crowded")
    assert_same(pairs, similar_pairs(a, b, threshold=0.8))


def test_no_rows_and_rows_without_a_bit() -> None:
    a, _ = twins(20)
    for empty in (a[:0], np.zeros_like(a)):
        for pair in ((empty, a), (a, empty), (empty, None)):
            assert len(similar_pairs(*pair, threshold=0.8, method="index")) == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"method": "lsh"}, "METHOD_UNKNOWN"),
        ({"recall": 0.0}, "RECALL_RANGE"),
        ({"recall": 1.0}, "RECALL_RANGE"),
        ({"recall": math.nan}, "RECALL_RANGE"),
        ({"seed": -1}, "SEED_RANGE"),
    ],
)
def test_what_cannot_be_asked_for(changes: dict[str, float | str], code: str) -> None:
    a, b = twins(10)
    with pytest.raises(LinkageError) as caught:
        similar_pairs(a, b, threshold=0.8, **changes)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_interval_is_clopper_and_pearsons() -> None:
    # The bounds that the beta distribution gives: scipy.stats.binomtest(...).proportion_ci("exact").
    assert binomial_interval(0, 0) == (0.0, 1.0)
    assert binomial_interval(10, 10) == pytest.approx((0.025 ** (1 / 10), 1.0), abs=1e-12)
    assert binomial_interval(0, 10) == pytest.approx((0.0, 1 - 0.025 ** (1 / 10)), abs=1e-12)
    assert binomial_interval(8, 10) == pytest.approx((0.4439045, 0.9747893), abs=1e-6)
    for found, pairs in ((1, 3), (5, 7), (995, 1000)):
        low, high = binomial_interval(found, pairs)

        def tail(share: float, numbers: range, pairs: int = pairs) -> float:
            return sum(math.comb(pairs, n) * share**n * (1 - share) ** (pairs - n) for n in numbers)

        assert tail(high, range(found + 1)) == pytest.approx(0.025, rel=1e-6)
        assert tail(low, range(found, pairs + 1)) == pytest.approx(0.025, rel=1e-6)
