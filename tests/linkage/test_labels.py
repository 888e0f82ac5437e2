"""Labels of clerks: they are put into canonical order and overrule what the evidence says of their pairs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bureau.hand_rows import AGREEMENT, encode, person
from secure_match.bureau.review_decisions import ReviewDecision, serialise_decisions
from secure_match.bureau.review_labels import labels_of
from secure_match.bureau.review_pairs import pair_id
from secure_match.bureau.stations import LinkOptions, link_packages
from secure_match.encoded import EncodedDataset
from secure_match.encoded.files import write_dataset
from secure_match.errors import LinkageError
from secure_match.linkage import Decision, LinkResult, PairLabels, RowOrder, link, verified_datasets

OPEN = {"first_month": "202601", "last_month": None}


def datasets() -> list[EncodedDataset]:
    return [
        encode("resident_medical", [person(3, "王五", row_key=f"r{n}", known=False, **OPEN) for n in range(3)]),
        encode("population", [person(n, "张三", row_key=f"p{n}", status="1") for n in range(1, 5)]),
        encode("employee_medical", [person(1, "张三", row_key="e1", **OPEN), person(8, "郑九", row_key="e8", **OPEN)]),
    ]


def labels(*items: tuple[int, int, bool]) -> PairLabels:
    one, two, match = zip(*items, strict=True)
    return PairLabels(
        row_i=np.array(one, dtype=np.int32),
        row_j=np.array(two, dtype=np.int32),
        is_match=np.array(match, dtype=np.bool_),
    )


def decision_of(result: LinkResult, i: int, j: int) -> int | None:
    place = np.flatnonzero((result.row_i == i) & (result.row_j == j))
    return int(result.decision[place[0]]) if len(place) else None


def test_a_label_overrules_the_evidence() -> None:
    plain = link(AGREEMENT, datasets())
    linked = np.flatnonzero(plain.decision == Decision.LINK)
    i, j = int(plain.row_i[linked[0]]), int(plain.row_j[linked[0]])
    # Rows of two people that no step proposed.
    k, m = next((one, two) for one in range(4) for two in range(4, 9) if decision_of(plain, one, two) is None)
    result = link(AGREEMENT, datasets(), labels=labels(*sorted([(i, j, False), (k, m, True)])))
    assert decision_of(result, i, j) == Decision.NON_LINK
    assert decision_of(result, k, m) == Decision.LINK
    assert result.labels[k] == result.labels[m]
    assert len(result.row_i) == len(plain.row_i) + 1


def test_no_labels_change_nothing() -> None:
    one, two = link(AGREEMENT, datasets()), link(AGREEMENT, datasets(), labels=PairLabels.none())
    assert one.pairs_table() == two.pairs_table()


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([(2, 1, True)], "LABEL_ORDER"),
        ([(1, 1, True)], "LABEL_ORDER"),
        ([(-1, 1, True)], "LABEL_ORDER"),
        ([(1, 3, True), (1, 2, True)], "LABEL_ORDER"),
        ([(1, 2, True), (1, 2, False)], "LABEL_ORDER"),
        ([(1, 99, True)], "PAIR_RANGE"),
    ],
)
def test_bad_labels_are_refused(rows: list[tuple[int, int, bool]], code: str) -> None:
    with pytest.raises(LinkageError) as caught:
        link(AGREEMENT, datasets(), labels=labels(*rows))
    assert caught.value.code == code


def test_labels_of_wrong_types_are_refused() -> None:
    rows = np.array([1], dtype=np.int64)
    with pytest.raises(LinkageError):
        PairLabels(row_i=rows, row_j=rows + 1, is_match=np.ones(1, dtype=np.bool_))  # type: ignore[arg-type]


def decided(one: tuple[str, bytes], two: tuple[str, bytes], verdict: str) -> ReviewDecision:
    return ReviewDecision(
        pair=pair_id(one, two),
        dataset_a=one[0],
        handle_a=one[1].hex(),
        dataset_b=two[0],
        handle_b=two[1].hex(),
        verdict=verdict,  # type: ignore[arg-type]
        operator="Lin",
        reason="both agree",
        time="2026-11-23T09:30:00Z",
        match_probability=None,
        agreement_id=AGREEMENT.id,
        agreement_fingerprint=AGREEMENT.fingerprint,
    )


def some_decisions(result: LinkResult) -> list[ReviewDecision]:
    """Decisions on rows 0-5, 1-4 and 2-8, in any order of their sides; one taken back, one on a row that is gone."""
    names = [dataset.manifest.dataset for dataset in result.rows.datasets]

    def row(number: int) -> tuple[str, bytes]:
        return names[result.rows.dataset_of[number]], result.rows.handles[number].tobytes()

    return [
        decided(row(8), row(2), "match"),
        decided(row(0), row(5), "match"),
        decided(row(1), row(4), "non-match"),
        decided(row(0), row(5), "non-match"),
        decided(row(3), row(4), "match"),
        decided(row(3), row(4), "unsure"),
        decided(row(0), (names[1], b"gone" * 4), "match"),
        decided(row(0), ("students", b"gone" * 4), "match"),
    ]


def test_decisions_become_labels_by_handle() -> None:
    result = link(AGREEMENT, datasets())
    order = RowOrder.of(AGREEMENT, verified_datasets(AGREEMENT, datasets()))
    assert order.starts == result.rows.starts
    for rows in (order, result.rows):
        found = labels_of(rows, some_decisions(result))
        assert list(zip(found.row_i.tolist(), found.row_j.tolist(), found.is_match.tolist(), strict=True)) == [
            (0, 5, False),
            (1, 4, False),
            (2, 8, True),
        ]


def test_a_run_takes_decisions_in(tmp_path: Path) -> None:
    paths = []
    for dataset in datasets():
        paths.append(tmp_path / f"{dataset.manifest.dataset}.smp")
        write_dataset(dataset, paths[-1])
    file = tmp_path / "decisions.csv"
    file.write_bytes(serialise_decisions(some_decisions(link(AGREEMENT, datasets())), header=True))

    def run(name: str, **options: Any) -> dict[str, Any]:
        chosen = LinkOptions(**options)
        return link_packages(AGREEMENT, paths, tmp_path / name, clock=lambda: 0.0, options=chosen)[2]

    assert run("plain")["review"] == {"labels": 0, "match": 0, "non_match": 0, "gone": 0}
    summary = run("run", decisions=file)
    assert summary["review"] == {"labels": 3, "match": 1, "non_match": 2, "gone": 2}
    assert json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))["review"] == summary["review"]

    class Stopped(BaseException):
        pass

    def stop(step: str) -> None:
        if step == "clusters":
            raise Stopped

    options = LinkOptions(decisions=file)
    with pytest.raises(Stopped):
        link_packages(AGREEMENT, paths, tmp_path / "stopped", clock=lambda: 0.0, progress=stop, options=options)
    for other in (None, tmp_path / "other.csv"):
        if other is not None:
            other.write_bytes(serialise_decisions(some_decisions(link(AGREEMENT, datasets()))[:2], header=True))
        with pytest.raises(LinkageError) as caught:
            run("stopped", decisions=other, resume=True)
        assert caught.value.code == "RESUME_MISMATCH"
        assert "decisions" in caught.value.message
    assert run("stopped", decisions=file, resume=True)["resumed_steps"]
    for name in ("links.parquet", "stakes.parquet"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "run" / name).read_bytes()
