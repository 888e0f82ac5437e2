"""Coded columns: months cut to the agreement's, bands, ranges, code lists."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.agreement import CodedColumn, ValidMonths
from secure_match.department.codes import encode_column
from secure_match.encoded.coded_values import month_after, month_before

MONTHS = ValidMonths(first=202601, last=202612)


def column(kind: str, **more: Any) -> CodedColumn:
    return CodedColumn.model_validate({"name": "c", "type": kind, "column": "c", **more})


def coded(declared: CodedColumn, *texts: str | None) -> list[tuple[Any, bool]]:
    result = encode_column(declared, pa.array(texts, pa.string()), MONTHS)
    return list(zip(result.values.to_pylist(), result.refused.tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("202605", 202605),
        ("2026-05", 202605),
        ("2026-5", 202605),
        ("2026/05", 202605),
        ("2026.5", 202605),
        ("2026年5月", 202605),
        ("20260501", 202605),
        ("2026-05-31", 202605),
        ("2026年5月3日", 202605),
        ("999912", 202701),  # "no end" as many systems write it
        ("２０２６０５", 202605),
        (" 202605 ", 202605),
        ("202601", 202601),
        ("202612", 202612),
        ("202512", 202512),
        ("202511", 202512),
        ("190001", 202512),
        ("202701", 202701),
        ("202702", 202701),
        ("299912", 202701),
    ],
)
def test_months_are_cut_to_one_beyond_the_valid_ones(text: str, month: int) -> None:
    assert coded(column("month"), text) == [(month, False)]


@pytest.mark.parametrize("text", ["202600", "202613", "2026", "26-05", "2026051", "May 2026", "x", "189912", "-202605"])
def test_what_is_no_month(text: str) -> None:
    assert coded(column("month"), text) == [(None, True)]
    assert encode_column(column("month"), pa.array([text]), MONTHS).code == "MONTH_INVALID"


@pytest.mark.parametrize("text", [None, "", " ", "0", "无", "NULL"])
def test_an_empty_month_is_refused_only_where_it_is_required(text: str | None) -> None:
    assert coded(column("month"), text) == [(None, False)]
    assert coded(column("month", required=True), text) == [(None, True)]


def test_the_months_beside_a_month() -> None:
    assert [month_before(month) for month in (202601, 202602, 202612)] == [202512, 202601, 202611]
    assert [month_after(month) for month in (202601, 202611, 202612)] == [202602, 202612, 202701]


def test_codes_are_those_of_the_list() -> None:
    declared = column("code", codes=("1", "2", "0", "无", "A"))
    texts = ["1", "１", " 2\u200b", "0", "无", "A", "a", "3", "11", "", None, "  ", "张三", "13912345678"]
    assert coded(declared, *texts) == [
        ("1", False),
        ("1", False),
        ("2", False),
        ("0", False),
        ("无", False),
        ("A", False),
        (None, True),
        (None, True),
        (None, True),
        (None, False),
        (None, False),
        (None, False),
        (None, True),
        (None, True),
    ]
    required = column("code", codes=("1",), required=True)
    assert coded(required, "1", "", None) == [("1", False), (None, True), (None, True)]
    assert encode_column(required, pa.array(["3"]), MONTHS).code == "CODE_UNKNOWN"


def test_integers_are_in_their_range() -> None:
    declared = column("integer", range=(-3, 120))
    assert coded(declared, "0", "-3", "+5", "120", "007", "１２", "-0") == [
        (0, False),
        (-3, False),
        (5, False),
        (120, False),
        (7, False),
        (12, False),
        (0, False),
    ]
    refused = ["-4", "121", "1.0", "1e2", "9999999999", "+-1", "++1", "x", "一", "٣"]
    assert coded(declared, *refused) == [(None, True)] * len(refused)
    assert coded(declared, "", None, "不详", "-", "+") == [(None, False)] * 4 + [(None, True)]
    required = column("integer", range=(0, 9), required=True)
    assert coded(required, "0", "", "不详") == [(0, False), (None, True), (None, True)]
    assert encode_column(required, pa.array(["x"]), MONTHS).code == "VALUE_RANGE"


def test_integers_leave_as_the_bound_of_their_band() -> None:
    declared = column("integer", range=(0, 120), bands=(0, 16, 60))
    texts = ["0", "15", "16", "59", "60", "120", "121", "-1", None]
    assert coded(declared, *texts) == [
        (0, False),
        (0, False),
        (16, False),
        (16, False),
        (60, False),
        (60, False),
        (None, True),
        (None, True),
        (None, False),
    ]


def test_no_rows() -> None:
    for declared in (column("code", codes=("1",)), column("month"), column("integer", range=(0, 1), bands=(0,))):
        assert coded(declared) == []


@settings(deadline=None)
@given(st.lists(st.none() | st.text(max_size=8) | st.text("0123456789+-年月 ", max_size=10), max_size=20))
def test_nothing_but_what_is_agreed_comes_out_of_any_text(rows: list[str | None]) -> None:
    allowed: list[tuple[CodedColumn, set[Any]]] = [
        (column("code", codes=("1", "2")), {"1", "2"}),
        (column("month"), {202512, 202701, *range(202601, 202613)}),
        (column("integer", range=(-9, 9)), set(range(-9, 10))),
        (column("integer", range=(-9, 9), bands=(-10, 5)), {-10, 5}),
    ]
    for declared, values in allowed:
        for value, refused in coded(declared, *rows):
            assert value is None or (value in values and not refused)
