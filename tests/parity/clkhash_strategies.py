"""Hypothesis strategies: linkage schemas of every documented feature, and values for them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import date
from typing import Any

from hypothesis import strategies as st

DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%y%m%d", "%d %b %Y")
PATTERNS = (r"[a-z]*", r"\d{2,5}", r"(?:\w+\s?)+", r".*", r"a|ab")
ENUMS = (("M", "F"), ("男", "女", ""), ("x",), ("1", "2", "30"))
SENTINELS = ("", "N/A", "0", "无")
FINITE = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)
WILD_TEXT = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="aA0é女𠮷😀e\u0301\x00\u200d _-+.", max_size=8),
    st.text(alphabet=st.characters(categories=("Cs", "Lu")), max_size=3),
    st.sampled_from(("1e400", "nan", "inf", "1_0", " 7 ", "٣", "-0", "+5", "1e3", "0x1", "9" * 30, "2.5", "3.5")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A schema document, in clkhash's own spelling of the folds, and rows for it."""

    document: dict[str, Any]
    rows: list[list[str]]


def formats() -> st.SearchStrategy[dict[str, Any]]:
    encodings = st.sampled_from(("ascii", "utf-8", "utf-16", "utf-32"))
    text = st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "encoding": encodings,
            "case": st.sampled_from(("upper", "lower", "mixed")),
            "minLength": st.sampled_from((0, 1, 2.0)),
            "maxLength": st.sampled_from((4, 9, 12.0)),
            "description": st.just("free text"),
        },
    )
    pattern = st.fixed_dictionaries(
        {"type": st.just("string"), "pattern": st.sampled_from(PATTERNS)}, optional={"encoding": encodings}
    )
    integer = st.fixed_dictionaries(
        {"type": st.just("integer")},
        optional={"minimum": st.sampled_from((-50, 0, 0.0)), "maximum": st.sampled_from((60, 10**20))},
    )
    days = st.fixed_dictionaries({"type": st.just("date"), "format": st.sampled_from(DATE_FORMATS)})
    enum = st.fixed_dictionaries({"type": st.just("enum"), "values": st.sampled_from(ENUMS).map(list)})
    return st.one_of(text, pattern, integer, days, enum)


def comparisons() -> st.SearchStrategy[dict[str, Any]]:
    ngram = st.fixed_dictionaries(
        {"type": st.just("ngram"), "n": st.integers(1, 4)}, optional={"positional": st.booleans()}
    )
    numeric = st.fixed_dictionaries(
        {
            "type": st.just("numeric"),
            "thresholdDistance": st.sampled_from((1, 5, 0.5, 7.25, 1000)),
            "resolution": st.integers(1, 4),
            "fractional_precision": st.integers(0, 4),
        }
    )
    return st.one_of(ngram, st.just({"type": "exact"}), numeric)


def missing_values() -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries(
        {"sentinel": st.sampled_from(SENTINELS)}, optional={"replaceWith": st.sampled_from(("", "0", "17"))}
    )


def hashes() -> st.SearchStrategy[dict[str, Any]]:
    double = st.fixed_dictionaries({"type": st.just("doubleHash")}, optional={"prevent_singularity": st.booleans()})
    return st.one_of(double, st.just({"type": "blakeHash"}))


def kdfs() -> st.SearchStrategy[dict[str, Any]]:
    encoded = st.binary(max_size=20).map(lambda data: base64.b64encode(data).decode())
    return st.fixed_dictionaries(
        {"type": st.just("HKDF")},
        optional={
            "hash": st.sampled_from(("SHA256", "SHA512")),
            "salt": encoded,
            "info": encoded,
            "keySize": st.integers(1, 64),
        },
    )


@st.composite
def features_v3(draw: st.DrawFn) -> dict[str, Any]:
    bits = st.one_of(st.integers(1, 80), st.just(20.0))
    hashing: dict[str, Any] = {
        "comparison": draw(comparisons()),
        "strategy": {draw(st.sampled_from(("bitsPerToken", "bitsPerFeature"))): draw(bits)},
    }
    _maybe(draw, hashing, "hash", hashes())
    _maybe(draw, hashing, "missingValue", missing_values())
    feature = {"identifier": draw(st.sampled_from("abc")), "format": draw(formats()), "hashing": hashing}
    _maybe(draw, feature, "ignored", st.booleans())
    return feature


@st.composite
def features_v2(draw: st.DrawFn) -> dict[str, Any]:
    hashing: dict[str, Any] = {
        "ngram": draw(st.integers(1, 3)),
        "strategy": {draw(st.sampled_from(("k", "numBits"))): draw(st.sampled_from((1, 15, 40, 30.0)))},
    }
    _maybe(draw, hashing, "positional", st.booleans())
    _maybe(draw, hashing, "hash", hashes())
    _maybe(draw, hashing, "missingValue", missing_values())
    return {"identifier": "a", "format": draw(formats()), "hashing": hashing}


@st.composite
def features_v1(draw: st.DrawFn) -> dict[str, Any]:
    hashing: dict[str, Any] = {"ngram": draw(st.integers(1, 3))}
    _maybe(draw, hashing, "positional", st.booleans())
    _maybe(draw, hashing, "weight", st.sampled_from((0, 0.0, 0.5, 1, 1.25, 2.5)))
    _maybe(draw, hashing, "missingValue", missing_values())
    return {"identifier": "a", "format": draw(formats_v1()), "hashing": hashing}


def formats_v1() -> st.SearchStrategy[dict[str, Any]]:
    """JSON Schema draft 4, which version 1 uses, does not count 2.0 as an integer."""
    return formats().map(lambda rule: {key: _whole(value) for key, value in rule.items()})


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) else value


def _maybe(draw: st.DrawFn, target: dict[str, Any], key: str, values: st.SearchStrategy[Any]) -> None:
    if draw(st.booleans()):
        target[key] = draw(values)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    version = draw(st.sampled_from((1, 2, 3, 3, 3)))
    one = {1: features_v1, 2: features_v2, 3: features_v3}[version]()
    ignored = st.just({"identifier": "skipped", "ignored": True})
    features = draw(st.lists(st.one_of(one, one, one, ignored), min_size=1, max_size=4))
    config: dict[str, Any] = {"kdf": draw(kdfs())}
    used = [feature["hashing"].get("hash", {"type": "blakeHash"}) for feature in features if "hashing" in feature]
    if version == 1:
        config["hash"] = draw(hashes())
        config["k"] = draw(st.integers(2, 30))
        used = [config["hash"]]
    folds = draw(st.sampled_from((None, 0, 1, 2, 3)))
    if any(rule["type"] == "blakeHash" for rule in used):
        config["l"] = draw(st.sampled_from((2, 8, 64, 256, 1024)))
    else:
        config["l"] = draw(st.sampled_from((2, 7, 13, 64, 100, 1000)))
    if folds is not None:
        config["xor_folds"] = folds
    return {"version": version, "clkConfig": config, "features": features}


def valid_values(feature: dict[str, Any]) -> st.SearchStrategy[str]:
    """Values that the format takes, and that the comparison can usually take."""
    rule = feature.get("format", {"type": "string"})
    numeric = feature.get("hashing", {}).get("comparison", {}).get("type") == "numeric"
    if rule["type"] == "integer":
        return st.integers(0, 60).flatmap(lambda n: st.sampled_from((str(n), f"+{n}", f" 0{n} ")))
    if rule["type"] == "date":
        return st.dates(min_value=date(1970, 1, 1), max_value=date(2060, 1, 1)).map(
            lambda day: day.strftime(rule["format"])
        )
    if rule["type"] == "enum":
        return st.sampled_from(rule["values"])
    if numeric:
        return st.one_of(st.integers(-999, 9999).map(str), FINITE.map(lambda number: f"{number:.3f}"))
    return valid_texts(rule)


def valid_texts(rule: dict[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in rule:
        pools = {r"\d{2,5}": ("12", "99887"), r"a|ab": ("a", "ab")}
        return st.sampled_from(pools.get(rule["pattern"], ("", "abc", "z"))[-2:])
    alphabet: Any = "aB c9" if rule.get("encoding") == "ascii" else st.characters(exclude_categories=("Cs",))
    change = {"upper": str.upper, "lower": str.lower}.get(rule.get("case", "mixed"), str)
    return st.text(alphabet=alphabet, min_size=2, max_size=4).map(change)


@st.composite
def cases(draw: st.DrawFn, *, wild: bool) -> Case:
    document = draw(documents())
    columns = [
        st.one_of(valid_values(feature), valid_values(feature), st.sampled_from(SENTINELS), WILD_TEXT)
        if wild
        else valid_values(feature)
        for feature in document["features"]
    ]
    rows = draw(st.lists(st.tuples(*columns).map(list), min_size=1, max_size=4))
    return Case(document=document, rows=rows)
