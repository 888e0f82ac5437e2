"""Linkability, fingerprints and the dictionary's cost: exact on cases that one can count by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from secure_match.review.attacks.dictionary import COUNTY_NUMBERS, dictionary_costs, macs_per_second, quota_years
from secure_match.review.attacks.fingerprints import coarsened_months, fingerprints, unique_rows
from secure_match.review.attacks.linkability import Measure, area_under_curve, linkability

ROWS = 5_000


def _bytes(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(256, size=(ROWS, 16), dtype=np.uint8)


def test_area_counts_ties_half() -> None:
    assert area_under_curve(np.array([1.0, 2.0]), np.array([1.0, 0.0])) == (0.5 + 1 + 1 + 1) / 4
    assert area_under_curve(np.array([]), np.array([1.0])) == 0.5


@pytest.mark.parametrize("measure", ["similarity", "equality", "rank"])
def test_the_same_column_twice_is_told_and_a_new_one_is_not(measure: Measure) -> None:
    order = np.random.default_rng(3).permutation(ROWS)
    first = _bytes(1)
    same = np.argsort(order)

    assert linkability(first, first[order], same, measure=measure).rate >= 0.99
    assert linkability(first, _bytes(2), same, measure=measure).fields["auc"] == pytest.approx(0.5, abs=0.02)


def test_a_row_is_named_where_one_row_of_the_table_has_its_codes() -> None:
    released = {"month": np.array([202601, 202601, 202603, 202604]), "town": np.array([1, 1, 1, 2])}
    known = {"month": np.array([202601, 202601, 202603, 202605]), "town": np.array([1, 1, 1, 2])}

    result = fingerprints(released, known, np.array([0, 1, 2, 3]))

    # The first two share their codes; the fourth's are in no row of the table.
    assert (result.hits, result.trials) == (1, 4)
    assert result.fields["unique_rows"] == 0.5


def test_a_wrong_name_is_no_hit_and_columns_must_agree() -> None:
    column = {"month": np.array([202601])}
    assert fingerprints(column, column, np.array([-1])).hits == 0
    with pytest.raises(ValueError, match="same columns"):
        fingerprints(column, {"town": np.array([1])}, np.array([0]))


def test_months_become_the_first_of_their_span() -> None:
    months = np.array([202601, 202606, 202607, 202612, -1])
    assert coarsened_months(months, 1).tolist() == months.tolist()
    assert coarsened_months(months, 3).tolist() == [202601, 202604, 202607, 202610, -1]
    assert coarsened_months(months, 12).tolist() == [202601] * 4 + [-1]
    with pytest.raises(ValueError, match="span"):
        coarsened_months(months, 5)
    assert unique_rows({"month": coarsened_months(months, 6)}) == 0.2


def test_hmac_falls_to_bureau_and_department_oprf_to_all_three_only() -> None:
    speeds = {"mac": 1e6, "oprf": 1e4}

    offline = {
        protocol: [cost.colluders for cost in dictionary_costs(protocol, speeds) if cost.offline]
        for protocol in ("hmac", "oprf")
    }

    assert offline == {"hmac": [("bureau", "department")], "oprf": [("bureau", "department", "keyholder")]}
    assert dictionary_costs("hmac", speeds)[1].seconds == COUNTY_NUMBERS / 1e6
    assert all(math.isinf(cost.years) for cost in dictionary_costs("oprf", speeds)[:3])


def test_a_quota_makes_the_domain_a_matter_of_years() -> None:
    assert quota_years(COUNTY_NUMBERS // 120) == pytest.approx(10, abs=0.1)
    assert math.isinf(quota_years(0))
    assert macs_per_second(1_000) > 0
