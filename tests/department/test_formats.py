"""Formats and tokens of many values at once are those of the values one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from secure_match.agreement import LinkageSchema
from secure_match.agreement._schema_models import Feature
from secure_match.department._feature_tokens import FeatureTokens
from secure_match.department._formats import PROBLEMS
from secure_match.department._plain_dates import PlainDates
from secure_match.department._texts import Texts
from secure_match.department._tokenise import MissingMode, Tokeniser

FORMATS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "ascii": {"type": "string", "encoding": "ascii", "minLength": 1, "maxLength": 3},
    "upper": {"type": "string", "case": "upper", "encoding": "utf-16"},
    "lower": {"type": "string", "case": "lower", "maxLength": 4},
    "pattern": {"type": "string", "pattern": "[0-9]{4}"},
    "integer": {"type": "integer"},
    "bounded": {"type": "integer", "minimum": -5, "maximum": 2024},
    "far": {"type": "integer", "minimum": 10**17, "maximum": 10**30},
    "none fits": {"type": "integer", "minimum": 10**30},
    "negative": {"type": "integer", "maximum": -1},
    "date": {"type": "date", "format": "%Y-%m-%d"},
    "date, narrow": {"type": "date", "format": "%d%m%Y"},
    "date, other": {"type": "date", "format": "%y/%m/%d"},
    "enum": {"type": "enum", "values": ["M", "男", ""]},
}
COMPARISONS: list[dict[str, Any]] = [
    {"type": "ngram", "n": 2},
    {"type": "ngram", "n": 1, "positional": True},
    {"type": "ngram", "n": 4, "positional": True},
    {"type": "exact"},
    {"type": "numeric", "thresholdDistance": 2, "resolution": 1},
]
MISSING: list[dict[str, str] | None] = [None, {"sentinel": ""}, {"sentinel": "N/A", "replaceWith": "7"}]
VALUES = [
    *(
        "",
        "0",
        "7",
        "07",
        "-1",
        "+5",
        " 7 ",
        "1_0",
        "٣",
        "2024",
        "2025",
        "N/A",
        "nan",
        "1" * 18,
        "9" * 19,
        "10" + "0" * 29,
    ),
    *("2024-02-29", "2023-02-29", "2024-2-9", "0999-01-01", "0000-01-01", "9999-12-31", "2024-13-01", "2024/01/01"),
    *("29022024", "31042024", "00012024", "1022024", "24/02/29", "１２３４", "2024-00-10", "2024-01-00"),
    *("a", "A", "ab", "aB", "é", "É", "ß", "ǅ", "ı", "M", "男", "𠮷😀", "e\u0301", "\x00", "\ud800", "\udcff", "abcde"),
]
TEXTS = st.lists(
    st.one_of(st.sampled_from(VALUES), st.text(max_size=5), st.dates().map(str), st.integers().map(str)),
    unique=True,
    max_size=12,
)


def feature(rule: dict[str, Any], comparison: dict[str, Any], missing: dict[str, str] | None) -> Feature:
    hashing = {"comparison": comparison, "strategy": {"bitsPerToken": 3}}
    if missing is not None:
        hashing["missingValue"] = missing
    document = {
        "version": 3,
        "clkConfig": {"l": 64, "kdf": {"type": "HKDF"}},
        "features": [{"identifier": "v", "format": rule, "hashing": hashing}],
    }
    found = LinkageSchema.parse(document).features[0]
    assert isinstance(found, Feature)
    return found


def assert_same(item: Feature, mode: MissingMode, values: list[str]) -> None:
    found = FeatureTokens(item, mode).tokenise(
        Texts.from_items([text.encode("utf-8", "surrogatepass") for text in values])
    )
    spelt = found.spell(np.arange(found.count))
    offsets = found.lists.offsets.tolist()
    numbers = found.lists.tokens.tolist()
    one_by_one = Tokeniser(item, mode)
    for index, text in enumerate(values):
        tokens, problem = one_by_one.tokenise(text)
        assert PROBLEMS[found.problems[index]] == problem, index
        expected = [token.encode(item.encoding) for token in tokens]
        assert [spelt[number] for number in numbers[offsets[index] : offsets[index + 1]]] == expected, index


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda rule: f"{rule['type']}{rule.get('n', '')}")
@pytest.mark.parametrize("name", FORMATS)
def test_known_values(name: str, comparison: dict[str, Any]) -> None:
    for missing in MISSING:
        for mode in ("as_schema", "no_bits"):
            assert_same(feature(FORMATS[name], comparison, missing), mode, VALUES)


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from(list(FORMATS)), st.sampled_from(COMPARISONS[:2]), st.sampled_from(MISSING), TEXTS)
def test_any_values(name: str, comparison: dict[str, Any], missing: dict[str, str] | None, values: list[str]) -> None:
    assert_same(feature(FORMATS[name], comparison, missing), "as_schema", values)


@pytest.mark.parametrize("text", ["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%m/%d/%Y"])
def test_formats_of_fixed_width_are_planned(text: str) -> None:
    assert PlainDates.of(text) is not None


@pytest.mark.parametrize("text", ["%y%m%d", "%Y %m %d", "%Y-%m", "%Y%Y%m%d", "%Y%%%m%d", "%Y年%m月%d", "%YT%m%d", "%"])
def test_other_formats_are_left_to_strptime(text: str) -> None:
    assert PlainDates.of(text) is None
