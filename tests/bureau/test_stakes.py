"""How many findings hang on a pair: what would appear or vanish if it were decided otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from bureau.hand_rows import AGREEMENT, Row, encode, person
from bureau.test_run import RUN
from secure_match.bureau import BureauRun, run_bureau
from secure_match.bureau.review_pairs import pair_id
from secure_match.linkage import Decision

OPEN = {"first_month": "202601", "last_month": None}


def stakes_by_datasets(run: BureauRun) -> dict[tuple[str, str, str], list[int]]:
    """Decision and datasets of a pair to the stakes of such pairs."""
    links = run.links
    known = dict(zip(run.stakes["pair"].to_pylist(), run.stakes["findings"].to_pylist(), strict=True))
    names = [dataset.manifest.dataset for dataset in links.rows.datasets]
    found: dict[tuple[str, str, str], list[int]] = {}
    for i, j, decision in zip(links.row_i.tolist(), links.row_j.tolist(), links.decision.tolist(), strict=True):
        one, two = names[links.rows.dataset_of[i]], names[links.rows.dataset_of[j]]
        pair = pair_id((one, links.rows.handles[i].tobytes()), (two, links.rows.handles[j].tobytes()))
        found.setdefault((Decision(decision).name, one, two), []).append(known.pop(pair, 0))
    assert known == {}
    return found


def test_a_duplicate_hangs_on_the_link_of_its_rows() -> None:
    """Of the two duplicates one is a link; the other's rows are one person through a row of the population."""
    assert RUN.summary["duplicates"][0]["found"] == 2
    found = stakes_by_datasets(RUN)
    assert found["LINK", "employee_medical", "resident_medical"] == [1]
    assert sum(map(sum, found.values())) == 1


def rows(name: str, key: str, *, known: bool, **more: str | None) -> Row:
    return person(1, name, row_key=key, known=known, **more)


@pytest.fixture(scope="module")
def doubtful() -> BureauRun:
    """One person of the population, and rows that may be hers: names that differ in a character, no ID numbers."""
    data = {
        "population": [rows("欧阳震华", "p1", known=True, status="1")],
        "employee_medical": [rows("欧阳震化", "e1", known=False, **OPEN)],
        "resident_medical": [rows("欧阳震花", "r1", known=False, **OPEN | {"last_month": "202606"})],
    }
    digests = {name: f"{place:064x}" for place, name in enumerate(data)}
    return run_bureau(AGREEMENT, [encode(name, items) for name, items in data.items()], digests)


def test_what_is_held_and_what_would_appear_hang_on_possible_links(doubtful: BureauRun) -> None:
    assert doubtful.summary["missing"][0]["held_for_review"] == 1
    assert doubtful.summary["duplicates"][0]["found"] == 0
    assert stakes_by_datasets(doubtful) == {
        ("POSSIBLE_LINK", "population", "employee_medical"): [1],
        ("POSSIBLE_LINK", "population", "resident_medical"): [1],
        ("POSSIBLE_LINK", "employee_medical", "resident_medical"): [1],
    }


def test_no_month_in_common_is_no_stake(tmp_path: Path) -> None:
    data = {
        "employee_medical": [rows("欧阳震化", "e1", known=False, first_month="202601", last_month="202603")],
        "resident_medical": [rows("欧阳震花", "r1", known=False, first_month="202604", last_month=None)],
    }
    digests = {name: f"{place:064x}" for place, name in enumerate(data)}
    run = run_bureau(AGREEMENT, [encode(name, items) for name, items in data.items()], digests)
    assert stakes_by_datasets(run) == {("POSSIBLE_LINK", "employee_medical", "resident_medical"): [0]}
