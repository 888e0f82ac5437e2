"""Labels overrule and train under fixed similarities and under calibration; and what a run says of its model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bureau.hand_rows import encode, person
from fixed_thresholds import fixed_agreement
from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.bureau.stations import link_packages
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import write_dataset
from secure_match.linkage import Decision, LinkResult, PairLabels, TokenState, link

NAMES = ("欧阳震华", "王小明", "张三丰", "李清照", "赵大海", "孙悟空")
OPEN = {"first_month": "202601", "last_month": None}
MODES = {"fixed": fixed_agreement(), "calibrated": parse_agreement(trusted_template())}


@pytest.fixture(params=MODES)
def agreement(request: pytest.FixtureRequest) -> Agreement:
    return MODES[request.param]


def datasets(agreement: Agreement) -> list[EncodedDataset]:
    """The same six people in two datasets; the second half has no ID number in the enrolment."""
    births = [f"19{50 + 7 * place}0{place + 1}1{place}" for place in range(6)]
    people = list(enumerate(zip(NAMES, births, strict=True)))
    citizens = [person(n + 1, name, birth, row_key=f"p{n}", status="1") for n, (name, birth) in people]
    enrolled = [person(n + 1, name, birth, row_key=f"e{n}", known=n < 3, **OPEN) for n, (name, birth) in people]
    return [encode("population", citizens, agreement), encode("employee_medical", enrolled, agreement)]


def labels(one: int, two: int, *, match: bool) -> PairLabels:
    return PairLabels(
        row_i=np.array([one], dtype=np.int32), row_j=np.array([two], dtype=np.int32), is_match=np.array([match])
    )


def place_of(result: LinkResult, one: int, two: int) -> int:
    (place,) = np.flatnonzero((result.row_i == one) & (result.row_j == two))
    return int(place)


def linked(result: LinkResult, *, by_token: bool) -> tuple[int, int]:
    """The first linked pair, by equal ID tokens or without one."""
    equal = (result.token_state == TokenState.EQUAL) == by_token
    place = np.flatnonzero((result.decision == Decision.LINK) & equal)[0]
    return int(result.row_i[place]), int(result.row_j[place])


@pytest.mark.parametrize("by_token", [True, False], ids=["equal numbers", "one number missing"])
def test_a_non_match_stays_apart(agreement: Agreement, *, by_token: bool) -> None:
    data = datasets(agreement)
    plain = link(agreement, data)
    assert len(set(plain.labels.tolist())) == len(NAMES)
    one, two = linked(plain, by_token=by_token)
    result = link(agreement, data, labels=labels(one, two, match=False))
    place = place_of(result, one, two)
    assert result.decision[place] == Decision.NON_LINK
    assert result.reviewed[place] == 0
    assert result.labels[one] != result.labels[two]
    # Every other link stands, or has become a question to a clerk; none is lost, and none is without a cluster.
    others = (result.reviewed < 0) & (result.decision == Decision.LINK)
    assert others.any()
    assert (result.labels[result.row_i[others]] == result.labels[result.row_j[others]]).all()
    assert (result.decision[result.reviewed < 0] != Decision.NON_LINK).all()
    assert result.weight[place] == -np.inf


def test_a_match_joins_what_no_step_proposed(agreement: Agreement) -> None:
    data = datasets(agreement)
    plain = link(agreement, data)
    one, mate = linked(plain, by_token=False)
    # Another citizen's row in place of the own one: the constraint on the population then keeps its owner out.
    other = next(row for row in range(len(NAMES)) if row != one)
    result = link(agreement, data, labels=labels(other, mate, match=True))
    place = place_of(result, other, mate)
    assert (result.decision[place], result.reviewed[place]) == (Decision.LINK, 1)
    assert result.probability[place] == 1.0
    assert result.labels[other] == result.labels[mate]
    assert result.labels[one] != result.labels[mate]


def test_labels_train_the_model(agreement: Agreement) -> None:
    """A non-match that agrees in everything makes agreement without a number worth less for every pair like it."""
    data = datasets(agreement)
    plain = link(agreement, data)
    one, two = linked(plain, by_token=False)
    result = link(agreement, data, labels=labels(one, two, match=False))
    unlabelled = (result.reviewed < 0) & (result.token_state != TokenState.EQUAL)
    assert unlabelled.any()
    before = plain.weight[[place_of(plain, *pair) for pair in pairs(result, unlabelled)]]
    assert (result.weight[unlabelled] < before).all()


def pairs(result: LinkResult, some: Any) -> list[tuple[int, int]]:
    return list(zip(result.row_i[some].tolist(), result.row_j[some].tolist(), strict=True))


def test_a_run_says_what_it_expects_and_what_its_model_is(agreement: Agreement, tmp_path: Path) -> None:
    paths = []
    for dataset in datasets(agreement):
        paths.append(tmp_path / f"{dataset.manifest.dataset}.smp")
        write_dataset(dataset, paths[-1])
    summary = link_packages(agreement, paths, tmp_path / "run", clock=lambda: 0.0)[2]
    evidence, calibrated = summary["evidence"], agreement.thresholds.calibrate is not None
    assert set(evidence) == {
        "calibrated",
        "link_weight",
        "review_weight",
        "precision",
        "recall",
        "true_pairs",
        "review_pairs",
        "review_true",
    }
    assert evidence["calibrated"] is calibrated
    assert (evidence["link_weight"] is not None) is (evidence["review_weight"] is not None) is calibrated
    for name in ("precision", "recall", "true_pairs"):
        assert evidence[name]["low"] <= evidence[name]["value"] <= evidence[name]["high"]
    assert evidence["review_pairs"] == summary["links"]["possible_link"]
    assert abs(evidence["true_pairs"]["value"] - len(NAMES)) < 0.1

    model = json.loads((tmp_path / "run" / "model.json").read_text(encoding="utf-8"))
    assert set(model) == {"format", "format_version", "rounds", "true_pairs", "prior", "comparisons", "expectation"}
    assert (model["format"], model["format_version"]) == ("secure_match/model", 1)
    assert model["expectation"] == evidence
    assert model["true_pairs"] == evidence["true_pairs"]["value"]
    sizes = {("population",) * 2: 15, ("population", "employee_medical"): 36, ("employee_medical",) * 2: 15}
    assert {tuple(item["datasets"]): item["pairs"] for item in model["prior"]} == sizes
    assert all(0.0 < item["prior"] < 1.0 for item in model["prior"])
    names = [item["comparison"] for item in model["comparisons"]]
    assert names == ["id_token", *(item.id for item in agreement.passes)]
    for place, item in enumerate(model["comparisons"]):
        assert set(item) == {"comparison", "fields", "depends_on", "levels"}
        assert set(item["fields"]) <= set(agreement.fields)
        assert set(item["depends_on"]) <= set(names[:place])
        for side in ("m", "u"):
            assert sum(level[side] for level in item["levels"]) == pytest.approx(1.0)
        for level in item["levels"]:
            assert level["bits"] == pytest.approx(np.log2(level["m"] / level["u"]), abs=1e-5)
    # Nothing of a row: the model has no handle.
    assert not {"handle_a", "handle_b"} & set(json.dumps(model).split('"'))
