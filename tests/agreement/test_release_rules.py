"""The table [release], small cells and rare codes: strict, and left out of the fingerprint where they say nothing."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from agreement.test_agreement import toml
from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.errors import AgreementError

TEMPLATE = tomllib.loads(trusted_template())
Change = Callable[[dict[str, Any]], None]


def parsed(*changes: Change) -> Agreement:
    content = copy.deepcopy(TEMPLATE)
    for change in changes:
        change(content)
    return parse_agreement(toml(content))


def cells(*names: str, dataset: int = 0) -> Change:
    return lambda content: content["datasets"][dataset].update(cells=list(names))


def column(place: int, **keys: Any) -> Change:
    return lambda content: content["datasets"][0]["columns"][place].update(keys)


def without(*keys: str) -> Change:
    return lambda content: [content.pop(key) for key in keys] and None


def test_an_agreement_that_says_nothing_of_releases_keeps_its_fingerprint() -> None:
    plain = parsed(without("release"))
    assert plain.fingerprint == parse_agreement(trusted_template()).fingerprint
    assert not any(word in plain.canonical_bytes for word in (b'"release"', b'"cells"', b'"rare"'))
    assert b'"release"' in parsed(lambda content: content["release"].update(smallest_cell=2)).canonical_bytes


def test_every_rule_is_in_the_fingerprint() -> None:
    free = without("coverage")
    made = [
        parsed(free),
        parsed(free, cells("status")),
        parsed(free, cells("status", "birth_band")),
        parsed(free, cells("birth_band", "status")),
        parsed(free, cells("status"), column(0, rare="1")),
        parsed(free, cells("birth_band"), column(1, rare="neighbour")),
    ]
    assert len({agreement.fingerprint for agreement in made}) == len(made)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ([cells("nothing")], "datasets[0].cells[0]"),
        ([cells("status", "status")], "datasets[0].cells"),
        ([cells("last_month", dataset=1)], "datasets[1].cells[0]"),
        ([column(0, rare="1")], "datasets[0].columns[0].rare"),
        ([cells("status"), column(0, rare="1")], "datasets[0].columns[0].rare"),
        ([without("coverage"), cells("status"), column(0, rare="4")], "datasets[0].columns[0].rare"),
        ([without("coverage"), cells("birth_band"), column(1, rare="1890")], "datasets[0].columns[1].rare"),
        ([lambda content: content["release"].update(smallest_cell=0)], "release.smallest_cell"),
        ([lambda content: content["release"].update(smallest_cell=1001)], "release.smallest_cell"),
        ([lambda content: content["release"].update(second_operator=1)], "release.second_operator"),
        ([lambda content: content["release"].update(suite="sm9")], "release.suite"),
    ],
)
def test_rules_that_cannot_hold_are_refused(changes: list[Change], key: str) -> None:
    with pytest.raises(AgreementError) as caught:
        parsed(*changes)
    assert (caught.value.code, caught.value.place.key) == ("AGREEMENT_INVALID", key)
