"""The encoder: what it takes, what it refuses and where, handles, missing values. Bytes: see parity."""

from __future__ import annotations

import traceback
from hashlib import blake2b
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB

import secure_match.department._row_encoder as row_encoder_module
from secure_match.agreement import LinkageSchema
from secure_match.department import DepartmentKey, Encoder, EncodingKey
from secure_match.department._hashing import blake_blocks, blake_table
from secure_match.department.keys import derive_key
from secure_match.errors import EncodingError, SecureMatchError, UsageError

KEY = EncodingKey.from_secret(b"shared", handle_secret=b"own")
MARK = "Zq7CANARY"


def feature(identifier: str, rule: dict[str, Any], **hashing: Any) -> dict[str, Any]:
    base = {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerFeature": 50}}
    return {"identifier": identifier, "format": rule, "hashing": {**base, **hashing}}


def schema(*features: dict[str, Any], **config: Any) -> LinkageSchema:
    return LinkageSchema.parse(
        {"version": 3, "clkConfig": {"l": 256, "kdf": {"type": "HKDF"}, **config}, "features": list(features)}
    )


ROW = {"identifier": "row", "ignored": True}
NAME = feature("name", {"type": "string"})
AGE = feature("age", {"type": "integer", "minimum": 0, "maximum": 130})
SCHEMA = schema(ROW, NAME, AGE)
ROWS = [["r1", "Ann", "30"], ["r2", "李雷", "7"], ["r3", "Ann", "030"], ["r4", "", "1"]]
FRAME = pd.DataFrame(ROWS, columns=["row", "name", "age"])


def encodings(data: Any, **options: Any) -> list[bytes]:
    return [row.tobytes() for row in Encoder(SCHEMA, KEY, **options).encode(data).encodings()]


TABLES = {
    "pandas": lambda: FRAME,
    "pandas-category": lambda: FRAME.astype({"name": "category"}),
    "pandas-integer": lambda: FRAME.astype({"age": int}),
    "pyarrow": lambda: pa.Table.from_pandas(FRAME),
    "pyarrow-chunks": lambda: pa.concat_tables([pa.Table.from_pandas(FRAME[:1]), pa.Table.from_pandas(FRAME[1:])]),
    "record-batch": lambda: pa.RecordBatch.from_pandas(FRAME),
    "large-string": lambda: pa.table({"name": pa.array(FRAME["name"], pa.large_string()), "age": FRAME["age"]}),
    "polars": lambda: pl.from_pandas(FRAME),
    "polars-categorical": lambda: pl.from_pandas(FRAME).with_columns(pl.col("name").cast(pl.Categorical)),
    "duckdb": lambda: duckdb.from_arrow(pa.Table.from_pandas(FRAME)),
    "duckdb-integer": lambda: duckdb.from_arrow(pa.Table.from_pandas(FRAME.astype({"age": "uint16"}))),
    "other columns": lambda: FRAME.drop(columns="row").assign(more=[object(), 1.5, None, "x"])[["age", "more", "name"]],
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_encode_as_rows_do(name: str) -> None:
    expected = encodings(ROWS)
    assert len(set(expected)) == 3
    assert encodings(TABLES[name]()) == expected


def test_small_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = encodings(FRAME)
    monkeypatch.setattr(row_encoder_module, "CHUNK_ROWS", 3)
    assert encodings(FRAME) == expected
    assert encodings(ROWS) == expected


def test_manifest_and_empty_input() -> None:
    for data in (
        [],
        FRAME[:0],
        pa.table({"name": pa.array([], pa.string()), "age": pa.array([], pa.int64())}),
    ):
        assert len(Encoder(SCHEMA, KEY).encode(data)) == 0
    manifest = Encoder(SCHEMA, KEY).encode(ROWS, dataset="d").manifest
    assert (manifest.definition, manifest.definition_id) == ("linkage-schema", "clkhash-v3")
    assert (manifest.definition_fingerprint, manifest.dataset) == (SCHEMA.fingerprint, "d")
    assert [(item.id, item.bits, item.blocked) for item in manifest.passes] == [("clk", 256, False)]
    other = Encoder(SCHEMA, EncodingKey.from_secret(b"other", handle_secret=b"own")).encode(ROWS, dataset="d").manifest
    assert other.key_id != manifest.key_id
    assert other.handle_key_id == manifest.handle_key_id
    renamed = Encoder(SCHEMA, EncodingKey.from_secret(b"other", handle_secret=b"own")).encode(ROWS, dataset="b")
    assert renamed.manifest.handle_key_id != other.handle_key_id  # No lasting name of the owner.


@pytest.mark.parametrize(
    ("bad_name", "bad_age", "code", "column"),
    [
        ("A", f"{MARK}1", "VALUE_INTEGER", "age"),
        ("A", "131", "VALUE_RANGE", "age"),
        (f"{MARK}\ud800", "1", "VALUE_CHARSET", "name"),
    ],
)
def test_the_first_bad_row_is_named_without_its_value(bad_name: str, bad_age: str, code: str, column: str) -> None:
    rows = [ROWS[0], ["r", bad_name, bad_age], ["r", "x", MARK]]
    with pytest.raises(EncodingError) as caught:
        Encoder(SCHEMA, KEY).encode(rows)
    error = caught.value
    assert (error.code, error.place.row, error.place.column) == (code, 2, column)
    assert MARK not in "".join(traceback.format_exception(error))
    assert error.__context__ is None
    dataset = Encoder(SCHEMA, KEY, on_invalid="null").encode(rows)
    assert dataset.encoded_rows().tolist() == [True, False, False]
    assert dataset.manifest.counts.quarantined == 0


@pytest.mark.parametrize(
    ("item", "value", "code"),
    [
        (feature("v", {"type": "string", "pattern": r"\d+"}), "12a", "VALUE_PATTERN"),
        (feature("v", {"type": "string", "maxLength": 2}), "abc", "VALUE_LENGTH"),
        (feature("v", {"type": "string", "minLength": 2}), "", "VALUE_LENGTH"),
        (feature("v", {"type": "string", "case": "upper"}), "Ab", "VALUE_CASE"),
        (feature("v", {"type": "string", "encoding": "ascii"}), "é", "VALUE_CHARSET"),
        (feature("v", {"type": "date", "format": "%Y%m%d"}), "20230229", "VALUE_DATE"),
        (feature("v", {"type": "date", "format": "%Y%m%d"}), "", "VALUE_DATE"),
        (feature("v", {"type": "enum", "values": ["M"]}), "m", "VALUE_ENUM"),
        (
            feature(
                "v",
                {"type": "string"},
                comparison={"type": "numeric", "thresholdDistance": 1, "resolution": 1},
            ),
            "nan",
            "VALUE_NUMERIC",
        ),
    ],
)
def test_codes_of_invalid_values(item: dict[str, Any], value: str, code: str) -> None:
    with pytest.raises(EncodingError) as caught:
        Encoder(schema(item), KEY).encode([[value]])
    assert (caught.value.code, caught.value.place.row, caught.value.place.column) == (code, 1, "v")


@pytest.mark.parametrize(
    ("data", "code", "column", "row"),
    [
        (FRAME[["row", "name"]], "COLUMN_MISSING", "age", None),
        (pa.table([["a"], ["b"], ["1"]], names=["name", "name", "age"]), "COLUMN_DUPLICATE", "name", None),
        (FRAME.assign(age=[1.0, 2.0, 3.0, 4.0]), "COLUMN_TYPE", "age", None),
        (FRAME.assign(age=[True, False, True, True]), "COLUMN_TYPE", "age", None),
        (FRAME.assign(name=[MARK, 1, 2.5, None]), "COLUMN_TYPE", "name", None),
        (pl.DataFrame({"name": ["a"], "age": [1.5]}), "COLUMN_TYPE", "age", None),
        (pa.table({"name": [b"x"], "age": ["1"]}), "COLUMN_TYPE", "name", None),
        (pa.array([MARK]), "DATA_TYPE", None, None),
        ("text", "DATA_TYPE", None, None),
        (5, "DATA_TYPE", None, None),
        ([["r", "a", "1"], ["r", "a"]], "ROW_WIDTH", None, 2),
        (["abc"], "ROW_WIDTH", None, 1),
        ([["r", "a", 1]], "VALUE_TYPE", "age", 1),
    ],
)
def test_input_that_cannot_be_encoded(data: Any, code: str, column: str | None, row: int | None) -> None:
    with pytest.raises(EncodingError) as caught:
        Encoder(SCHEMA, KEY).encode(data)
    assert (caught.value.code, caught.value.place.column, caught.value.place.row) == (code, column, row)
    assert MARK not in "".join(traceback.format_exception(caught.value))


def test_bytes_that_are_not_utf8_are_an_invalid_value() -> None:
    offsets = pa.py_buffer(np.array([0, 1, 3], dtype=np.int32))
    names = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"a\xff\xfe"))
    with pytest.raises(EncodingError) as caught:
        Encoder(SCHEMA, KEY).encode(pa.table({"name": names, "age": ["1", "2"]}))
    assert (caught.value.code, caught.value.place.row) == ("VALUE_CHARSET", 2)


def test_nulls_set_no_bits_and_are_not_validated() -> None:
    table = pa.table({"name": ["Ann", None], "age": pa.array([None, None], pa.null())})
    assert encodings(table)[1] == bytes(32)
    assert encodings([["", "Ann", None], ["", None, None]]) == encodings(table)
    assert encodings(FRAME.assign(name=["Ann", float("nan"), "Ann", None]))[1] != bytes(32)


def test_missing_values() -> None:
    sentinel = feature("v", {"type": "integer"}, missingValue={"sentinel": "", "replaceWith": "9"})
    rows = [[""], [None], ["9"], ["12"]]
    hashed = Encoder(schema(sentinel), KEY).encode(rows)
    first, null, nine, _ = hashed.encodings()
    assert first.tobytes() == null.tobytes() == nine.tobytes() != bytes(32)
    bare = Encoder(schema(sentinel), KEY, missing="no_bits").encode(rows)
    assert [row.any() for row in bare.encodings()] == [False, False, True, True]
    assert bare.manifest.definition_id == "clkhash-v3/missing-no-bits"
    assert hashed.manifest.definition_id == "clkhash-v3"


def test_a_sentinel_that_is_no_number_fails_where_it_stands_or_sets_no_bits() -> None:
    numeric = {"type": "numeric", "thresholdDistance": 1, "resolution": 1}
    item = feature("v", {"type": "integer"}, comparison=numeric, missingValue={"sentinel": "N/A"})
    with pytest.raises(EncodingError) as caught:
        Encoder(schema(item), KEY).encode([["1"], ["N/A"]])
    assert (caught.value.code, caught.value.place.row) == ("VALUE_NUMERIC", 2)
    assert not Encoder(schema(item), KEY, missing="no_bits").encode([["N/A"]]).encodings().any()


def test_one_identifier_twice_reads_one_column_twice() -> None:
    exact = feature("name", {"type": "string"}, comparison={"type": "exact"})
    twice = Encoder(schema(NAME, exact), KEY)
    by_name = twice.encode(pa.table({"name": ["Ann", "李雷"]})).encodings()
    assert (by_name == twice.encode([["Ann", "Ann"], ["李雷", "李雷"]]).encodings()).all()


def test_handles() -> None:
    encode = Encoder(SCHEMA, KEY).encode
    by_key = encode(ROWS, row_key="row", dataset="d").table["handle"]
    assert encode(FRAME, row_key="row", dataset="d").table["handle"] == by_key
    backwards = encode(FRAME[::-1], row_key="row", dataset="d").table["handle"]
    assert backwards.to_pylist() == by_key.to_pylist()[::-1]
    numbered = FRAME.assign(row=[1, 2, 3, 4])
    # A number that is a row key and one that is a row's place are two things, and so are their handles.
    assert encode(numbered, row_key="row").table["handle"] != encode(ROWS).table["handle"]
    assert encode(ROWS, row_key="row", dataset="e").table["handle"] != by_key
    other = Encoder(SCHEMA, EncodingKey.from_secret(b"shared", handle_secret=b"x"))
    assert other.encode(ROWS, row_key="row", dataset="d").table["handle"] != by_key


def test_handles_are_what_the_reference_says() -> None:
    cipher = Cipher(AES256(derive_key(b"own", "handle-row-number", "d")), ECB()).encryptor()
    expected = [cipher.update(number.to_bytes(16, "big")) for number in range(1, len(ROWS) + 1)]
    assert Encoder(SCHEMA, KEY).encode(ROWS, dataset="d").table["handle"].to_pylist() == expected
    key = derive_key(b"own", "handle", "d")
    expected = [blake2b(row[0].encode(), key=key, digest_size=16).digest() for row in ROWS]
    assert Encoder(SCHEMA, KEY).encode(ROWS, row_key="row", dataset="d").table["handle"].to_pylist() == expected


@pytest.mark.parametrize(
    ("keys", "code", "row"),
    [(["a", None, "c", "d"], "ROW_KEY_MISSING", 2), (["a", "b", MARK, MARK], "ROW_KEY_DUPLICATE", 4)],
)
def test_row_keys_are_there_and_unique(keys: list[str | None], code: str, row: int) -> None:
    with pytest.raises(EncodingError) as caught:
        Encoder(SCHEMA, KEY).encode(FRAME.assign(row=keys), row_key="row")
    assert (caught.value.code, caught.value.place.row, caught.value.place.column) == (code, row, "row")
    with pytest.raises(EncodingError) as caught:
        Encoder(SCHEMA, KEY).encode(FRAME, row_key="none")
    assert caught.value.code == "COLUMN_MISSING"


def test_unknown_options_are_refused() -> None:
    with pytest.raises(UsageError):
        Encoder(SCHEMA, KEY, missing="zero")  # type: ignore[arg-type]
    assert issubclass(UsageError, SecureMatchError)


def test_blake_blocks() -> None:
    two = blake_blocks(b"token", b"key", 2)
    assert len(two) == 128
    assert two[:64] == blake_blocks(b"token", b"key", 1)
    assert two[:8].hex() == "d7d2357de6838527"
    table = blake_table([b"token", b"other"], [33, 1], b"key")
    assert (table.shape, table.dtype) == ((2, 64), np.uint16)
    assert table[0].astype("<u2").tobytes() == two
    assert not table[1, 32:].any()


def test_only_an_encoding_key_and_a_plain_dataset_name_are_taken() -> None:
    secrets = {"encoding_secret": b"e" * 32, "handle_secret": b"h" * 32}
    department = DepartmentKey.create(party="p", agreement_id="a", key_epoch="1", **secrets)
    with pytest.raises(UsageError, match="OPTION_UNKNOWN"):
        Encoder(SCHEMA, department)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="OPTION_UNKNOWN"):
        Encoder(SCHEMA, KEY).encode(ROWS, dataset="Not A Name")
