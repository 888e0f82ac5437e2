"""Linkage schemas: what is read, what is refused and where, and what the fingerprint depends on."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from secure_match.agreement import LinkageSchema
from secure_match.agreement.schema_files import read_linkage_schema
from secure_match.errors import LinkageSchemaError

NAME: dict[str, Any] = {
    "identifier": "name",
    "format": {"type": "string"},
    "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerToken": 20}},
}
V3: dict[str, Any] = {
    "version": 3,
    "clkConfig": {"l": 1024, "kdf": {"type": "HKDF"}},
    "features": [{"identifier": "row", "ignored": True}, NAME],
}
V1: dict[str, Any] = {
    "version": 1,
    "clkConfig": {"l": 1024, "k": 20, "kdf": {"type": "HKDF"}, "hash": {"type": "blakeHash"}},
    "features": [
        {"identifier": "row", "ignored": True},
        {"identifier": "name", "format": {"type": "string"}, "hashing": {"ngram": 2}},
    ],
}
V2: dict[str, Any] = {
    "version": 2,
    "clkConfig": {"l": 1024, "kdf": {"type": "HKDF"}},
    "features": [
        {"identifier": "row", "ignored": True},
        {
            "identifier": "name",
            "format": {"type": "string"},
            "hashing": {"ngram": 2, "strategy": {"k": 20.0}},
        },
    ],
}
NUMERIC = {"type": "numeric", "thresholdDistance": 5, "resolution": 2}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one value set; the path is written with slashes."""
    copy = deepcopy(document)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    target: Any = copy
    for part in parents:
        target = target[part]
    target[last] = value
    return copy


def problem(document: Any) -> LinkageSchemaError:
    with pytest.raises(LinkageSchemaError) as caught:
        LinkageSchema.parse(document)
    assert caught.value.__context__ is None
    return caught.value


F = "features/1"
REFUSED = [
    ("extra", 1, "SCHEMA_UNKNOWN_KEY", "extra"),
    ("clkConfig/xor_fold", 1, "SCHEMA_UNKNOWN_KEY", "clkConfig.xor_fold"),
    ("clkConfig/kdf/keysize", 1, "SCHEMA_UNKNOWN_KEY", "clkConfig.kdf.keysize"),
    ("features/0/format", {}, "SCHEMA_INVALID", "features[0].format"),
    ("features/0/note", "x", "SCHEMA_UNKNOWN_KEY", "features[0].note"),
    (f"{F}/format/minlength", 1, "SCHEMA_UNKNOWN_KEY", "features[1].format.minlength"),
    (f"{F}/hashing/weight", 1, "SCHEMA_UNKNOWN_KEY", "features[1].hashing.weight"),
    (f"{F}/hashing/comparison/m", 1, "SCHEMA_UNKNOWN_KEY", "features[1].hashing.comparison.m"),
    (f"{F}/hashing/strategy/k", 1, "SCHEMA_UNKNOWN_KEY", "features[1].hashing.strategy.k"),
    (
        f"{F}/hashing/hash",
        {"type": "blakeHash", "prevent_singularity": True},
        "SCHEMA_UNKNOWN_KEY",
        "features[1].hashing.hash.prevent_singularity",
    ),
    (f"{F}/hashing/missingValue", {"sentinel": "", "replace": ""}, "SCHEMA_UNKNOWN_KEY", None),
    ("version", 4, "SCHEMA_VERSION", "version"),
    ("version", True, "SCHEMA_VERSION", "version"),
    ("version", "3", "SCHEMA_VERSION", "version"),
    ("clkConfig/l", 1000, "SCHEMA_INVALID", "clkConfig.l"),
    ("clkConfig/l", 1024.0, "SCHEMA_INVALID", "clkConfig.l"),
    ("clkConfig/l", 0, "SCHEMA_INVALID", "clkConfig.l"),
    ("clkConfig/l", "1024", "SCHEMA_INVALID", "clkConfig.l"),
    ("clkConfig/l", 1 << 25, "SCHEMA_INVALID", "clkConfig.l"),
    ("clkConfig/xorFolds", 15, "SCHEMA_INVALID", "clkConfig.l"),
    ("clkConfig/xorFolds", -1, "SCHEMA_INVALID", "clkConfig.xorFolds"),
    ("clkConfig/kdf/type", "legacy", "SCHEMA_INVALID", "clkConfig.kdf.type"),
    ("clkConfig/kdf/salt", "not base64", "SCHEMA_INVALID", "clkConfig.kdf.salt"),
    ("clkConfig/kdf/info", "AAA", "SCHEMA_INVALID", "clkConfig.kdf.info"),
    ("clkConfig/kdf/keySize", 65, "SCHEMA_INVALID", "clkConfig.kdf.keySize"),
    ("clkConfig/kdf/keySize", 0, "SCHEMA_INVALID", "clkConfig.kdf.keySize"),
    ("features", [NAME] * 64, "SCHEMA_INVALID", "clkConfig.kdf.keySize"),
    ("features", [], "SCHEMA_INVALID", "features"),
    (f"{F}/ignored", None, "SCHEMA_INVALID", "features[1].ignored"),
    (f"{F}/format/type", "text", "SCHEMA_INVALID", "features[1].format"),
    (f"{F}/format/encoding", "latin-1", "SCHEMA_INVALID", "features[1].format.encoding"),
    (f"{F}/format", {"type": "string", "pattern": "("}, "SCHEMA_INVALID", "features[1].format.pattern"),
    (
        f"{F}/format",
        {"type": "string", "pattern": "a", "case": "lower"},
        "SCHEMA_INVALID",
        "features[1].format",
    ),
    (
        f"{F}/format",
        {"type": "string", "minLength": 5, "maxLength": 4},
        "SCHEMA_INVALID",
        "features[1].format",
    ),
    (f"{F}/format", {"type": "date", "format": "%Y-%Q"}, "SCHEMA_INVALID", "features[1].format.format"),
    (f"{F}/format", {"type": "date", "format": "%d%d"}, "SCHEMA_INVALID", "features[1].format.format"),
    (f"{F}/format", {"type": "date", "format": "%G-%V"}, "SCHEMA_INVALID", "features[1].format.format"),
    (f"{F}/format", {"type": "enum", "values": []}, "SCHEMA_INVALID", "features[1].format.values"),
    (f"{F}/hashing/comparison/n", 0, "SCHEMA_INVALID", "features[1].hashing.comparison.n"),
    (f"{F}/hashing/comparison/n", 2.0, "SCHEMA_INVALID", "features[1].hashing.comparison.n"),
    (f"{F}/hashing/strategy", {}, "SCHEMA_INVALID", "features[1].hashing.strategy"),
    (f"{F}/hashing/strategy/bitsPerToken", 0, "SCHEMA_INVALID", "features[1].hashing.strategy.bitsPerToken"),
    (
        f"{F}/hashing/strategy/bitsPerToken",
        2.5,
        "SCHEMA_INVALID",
        "features[1].hashing.strategy.bitsPerToken",
    ),
    (f"{F}/hashing/strategy/bitsPerFeature", 9, "SCHEMA_INVALID", "features[1].hashing.strategy"),
    (
        f"{F}/hashing/comparison",
        {**NUMERIC, "thresholdDistance": 0.4},
        "SCHEMA_INVALID",
        "features[1].hashing.comparison",
    ),
    (
        f"{F}/hashing",
        {
            "comparison": NUMERIC,
            "strategy": {"bitsPerToken": 1},
            "missingValue": {"sentinel": "", "replaceWith": "none"},
        },
        "SCHEMA_INVALID",
        "features[1].hashing.missingValue.replaceWith",
    ),
]


@pytest.mark.parametrize(("path", "value", "code", "key"), REFUSED)
def test_refused_with_the_path(path: str, value: Any, code: str, key: str | None) -> None:
    error = problem(changed(V3, path, value))
    assert error.code == code
    if key is not None:
        assert error.place.key == key


@pytest.mark.parametrize("text", [b"\xff", "[]", "", '{"version": NaN}', '{"a": 1} x', '{"version": "\\ud800"}'])
def test_what_is_not_a_json_object_is_refused(text: str | bytes) -> None:
    assert problem(text).code == "SCHEMA_NOT_JSON"


def test_a_doubled_key_is_refused_by_name() -> None:
    error = problem(json.dumps(V3).replace('"l": 1024', '"l": 1024, "l": 512'))
    assert (error.code, error.place.key) == ("SCHEMA_DUPLICATE_KEY", "l")


def test_a_filter_of_one_bit_cannot_prevent_singularity() -> None:
    document = changed(V3, f"{F}/hashing/hash", {"type": "doubleHash", "prevent_singularity": True})
    assert problem(changed(document, "clkConfig/l", 1)).place.key == "clkConfig.l"
    assert LinkageSchema.parse(changed(document, "clkConfig/l", 2)).length_bits == 2


def test_version_1_weights() -> None:
    assert problem(changed(V1, f"{F}/hashing/weight", 0.01)).place.key == "features[1].hashing.weight"
    assert problem(changed(V1, f"{F}/hashing/ngram", 0)).place.key == "features[1].hashing.ngram"
    ignored = LinkageSchema.parse(changed(V1, f"{F}/hashing/weight", 0))
    assert [feature.ignored for feature in ignored.features] == [True, True]
    lighter = LinkageSchema.parse(changed(V1, f"{F}/hashing/weight", 0.5))
    expected = changed(V3, f"{F}/hashing/strategy/bitsPerToken", 10)
    assert lighter.fingerprint == LinkageSchema.parse(expected).fingerprint


@pytest.mark.parametrize("document", [V1, V2, json.dumps(V3), "\ufeff".encode() + json.dumps(V3).encode()])
def test_all_versions_have_one_form(document: Any) -> None:
    assert LinkageSchema.parse(document).fingerprint == LinkageSchema.parse(V3).fingerprint


def test_the_fingerprint_does_not_depend_on_spelling() -> None:
    spelled = changed(V3, f"{F}/description", "free text")
    spelled = changed(spelled, f"{F}/hashing/hash", {"type": "blakeHash"})
    spelled = changed(spelled, "clkConfig/kdf", {"type": "HKDF", "hash": "SHA256", "keySize": 64, "salt": ""})
    spelled = changed(spelled, "clkConfig/xorFolds", 0)
    ignored = changed(NAME, "ignored", True)
    ignored["identifier"] = "row"
    spelled = changed(spelled, "features/0", ignored)
    assert LinkageSchema.parse(spelled).fingerprint == LinkageSchema.parse(V3).fingerprint


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("clkConfig/l", 512),
        ("clkConfig/xorFolds", 1),
        ("clkConfig/kdf/salt", "AAAA"),
        ("features/0/identifier", "other"),
        (f"{F}/format/case", "upper"),
        (f"{F}/hashing/comparison/positional", True),
        (f"{F}/hashing/missingValue", {"sentinel": ""}),
    ],
)
def test_the_fingerprint_depends_on_what_is_encoded(path: str, value: Any) -> None:
    assert LinkageSchema.parse(changed(V3, path, value)).fingerprint != LinkageSchema.parse(V3).fingerprint


def test_both_spellings_of_the_folds() -> None:
    documented = changed(V3, "clkConfig/xorFolds", 2)
    assert LinkageSchema.parse(documented).xor_folds == 2
    assert LinkageSchema.parse(documented).filter_bits == 4096
    assert LinkageSchema.parse(documented, ignore_xor_folds=True).xor_folds == 0
    both = changed(documented, "clkConfig/xor_folds", 1)
    assert problem(both).place.key == "clkConfig.xorFolds"
    assert LinkageSchema.parse(both, ignore_xor_folds=True).xor_folds == 1


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(V3), encoding="utf-8")
    assert read_linkage_schema(path) == LinkageSchema.parse(V3)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(LinkageSchemaError) as caught:
        read_linkage_schema(path)
    assert (caught.value.code, caught.value.place.file) == ("SCHEMA_VERSION", path)
    with pytest.raises(LinkageSchemaError) as caught:
        read_linkage_schema(tmp_path / "none.json")
    assert caught.value.code == "FILE_NOT_FOUND"


def test_an_ignored_feature_is_not_interpreted() -> None:
    unreadable = {
        "identifier": "row",
        "ignored": True,
        "format": {"type": "string", "pattern": "("},
        "hashing": {"comparison": {**NUMERIC, "thresholdDistance": 0.4}, "strategy": {"bitsPerToken": 1}},
    }
    document = changed(V3, "features/0", unreadable)
    assert LinkageSchema.parse(document).fingerprint == LinkageSchema.parse(V3).fingerprint
    assert problem(changed(document, "features/0/format", {"type": "text"})).place.key == "features[0].format"
