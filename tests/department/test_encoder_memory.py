"""What an encoder remembers and forgets: streams give what the whole gives, closing wipes, threads change nothing."""

from __future__ import annotations

import copy
import pickle
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import secure_match.department._feature_bits as feature_bits_module
import secure_match.department._row_encoder as row_encoder_module
from secure_match.agreement import LinkageSchema
from secure_match.department import Encoder, EncodingKey
from secure_match.encoded import EncodedDataset
from secure_match.errors import EncodingError, UsageError

KEY = EncodingKey.from_secret(b"shared", handle_secret=b"own")
ROWS = 5000
BATCH = 700
MARK = "Zq7CANARY"


def feature(identifier: str, rule: dict[str, Any], comparison: dict[str, Any], **hashing: Any) -> dict[str, Any]:
    base = {"comparison": comparison, "strategy": {"bitsPerFeature": 40}}
    return {"identifier": identifier, "format": rule, "hashing": {**base, **hashing}}


SCHEMA = LinkageSchema.parse(
    {
        "version": 3,
        "clkConfig": {"l": 256, "kdf": {"type": "HKDF"}, "xor_folds": 1},
        "features": [
            {"identifier": "row", "ignored": True},
            feature("name", {"type": "string"}, {"type": "ngram", "n": 2}),
            feature("name", {"type": "string"}, {"type": "ngram", "n": 1}, hash={"type": "doubleHash"}),
            feature("born", {"type": "date", "format": "%Y-%m-%d"}, {"type": "ngram", "n": 1, "positional": True}),
            feature("age", {"type": "integer"}, {"type": "numeric", "thresholdDistance": 3, "resolution": 2}),
            feature("town", {"type": "string"}, {"type": "exact"}, missingValue={"sentinel": ""}),
            feature("town", {"type": "string"}, {"type": "ngram", "n": 3}, strategy={"bitsPerToken": 4}),
        ],
    }
)


def people(rows: int = ROWS) -> pa.Table:
    generator = np.random.default_rng(5)
    names = ["".join(map(chr, row)) for row in generator.integers(0x4E00, 0x4E90, (rows, 3)).tolist()]
    days = np.datetime64("1930-01-01") + generator.integers(0, 20_000, rows)
    towns = np.array(["东门", "西门", "north", None], dtype=object)[generator.integers(0, 4, rows)]
    return pa.table(
        {
            "row": [str(number) for number in range(rows)],
            "name": names,
            "born": days.astype(str),
            "age": generator.integers(0, 100, rows),
            "town": pa.array(towns, pa.string()),
        }
    )


TABLE = people()


@pytest.fixture(scope="module")
def whole() -> EncodedDataset:
    with Encoder(SCHEMA, KEY, threads=1) as encoder:
        dataset = encoder.encode(TABLE)
    assert len({row.tobytes() for row in dataset.encodings()}) == ROWS
    return dataset


def joined(parts: Iterator[EncodedDataset]) -> pa.Table:
    return pa.concat_tables([part.table for part in parts]).combine_chunks()


STREAMS = {
    "reader": lambda: TABLE.to_reader(max_chunksize=BATCH),
    "batches": lambda: TABLE.to_batches(max_chunksize=BATCH),
    "generator of tables": lambda: (TABLE.slice(start, BATCH) for start in range(0, ROWS, BATCH)),
    "table": lambda: TABLE,
    "record batch": lambda: TABLE.combine_chunks().to_batches()[0],
    "empty batches too": lambda: [TABLE[:0], TABLE[:9], TABLE[:0], TABLE[9:]],
    "pandas": TABLE.to_pandas,
    "polars": lambda: pl.DataFrame(TABLE),
    "duckdb": lambda: duckdb.from_arrow(TABLE),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_gives_what_the_whole_gives(name: str, whole: EncodedDataset) -> None:
    with Encoder(SCHEMA, KEY) as encoder:
        parts = list(encoder.encode_batches(STREAMS[name]()))
    assert joined(iter(parts)).equals(whole.table.combine_chunks())
    if name == "empty batches too":
        assert [len(part) for part in parts] == [0, 9, 0, ROWS - 9]


def test_runs_of_rows_are_batches_too() -> None:
    plain = SCHEMA.features[1].identifier
    schema = LinkageSchema.parse(
        {
            "version": 3,
            "clkConfig": {"l": 64, "kdf": {"type": "HKDF"}},
            "features": [feature(plain, {"type": "string"}, {"type": "ngram", "n": 2})],
        }
    )
    rows = [[name] for name in TABLE["name"].to_pylist()[:100]]
    with Encoder(schema, KEY) as encoder:
        whole = encoder.encode(rows, row_key="name").table
        assert joined(encoder.encode_batches([rows[:30], rows[30:]], row_key="name")).equals(whole.combine_chunks())


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_change_no_byte(threads: int, whole: EncodedDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_encoder_module, "CHUNK_ROWS", 1000)
    monkeypatch.setattr(row_encoder_module, "MERGED_ROWS", 64)
    with Encoder(SCHEMA, KEY, threads=threads) as encoder:
        assert encoder.encode(TABLE).table.equals(whole.table)


def test_two_threads_may_share_an_encoder(whole: EncodedDataset) -> None:
    with Encoder(SCHEMA, KEY, threads=1) as encoder, ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: encoder.encode(TABLE), range(4)):
            assert found.table.equals(whole.table)


@pytest.mark.parametrize("kept", [0, 1, 150])
def test_what_is_beyond_the_cap_is_hashed_again(
    kept: int, whole: EncodedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_bits_module, "KEPT_TOKENS", kept)
    monkeypatch.setattr(row_encoder_module, "CHUNK_ROWS", 600)
    with Encoder(SCHEMA, KEY, threads=1) as encoder:
        assert encoder.encode(TABLE).table.equals(whole.table)
        assert encoder.encode(TABLE).table.equals(whole.table)
        assert encoder._rows is not None
        for item in encoder._rows._features:
            table = item._tokens.table
            assert table is None or table.count <= kept


def buffers(encoder: Encoder) -> list[np.ndarray]:
    assert encoder._rows is not None
    return [array.data for array in encoder._rows.arrays]


def test_closing_overwrites_with_zeros() -> None:
    encoder = Encoder(SCHEMA, KEY)
    encoder.encode(TABLE)
    kept = buffers(encoder)
    assert sum(bool(array.any()) for array in kept) > 10
    encoder.close()
    encoder.close()
    assert not any(array.any() for array in kept)
    for use in (lambda: encoder.encode(TABLE), lambda: next(encoder.encode_batches([TABLE]))):
        with pytest.raises(UsageError) as caught:
            use()
        assert caught.value.code == "ENCODER_CLOSED"


def test_leaving_the_block_or_letting_go_of_the_encoder_closes_it() -> None:
    with Encoder(SCHEMA, KEY) as encoder:
        encoder.encode(TABLE[:5])
        kept = buffers(encoder)
    assert kept
    assert not any(array.any() for array in kept)

    encoder = Encoder(SCHEMA, KEY)
    encoder.encode(TABLE[:5])
    kept = buffers(encoder)
    assert any(array.any() for array in kept)
    del encoder
    assert not any(array.any() for array in kept)


def test_a_stream_ends_where_the_encoder_is_closed() -> None:
    encoder = Encoder(SCHEMA, KEY)
    stream = encoder.encode_batches(TABLE.to_batches(max_chunksize=BATCH))
    next(stream)
    encoder.close()
    with pytest.raises(UsageError, match="ENCODER_CLOSED"):
        next(stream)


def test_rows_count_through_a_stream_and_a_failure_leaves_the_encoder_usable(whole: EncodedDataset) -> None:
    names = TABLE["name"].to_pylist()
    bad = TABLE.set_column(3, "age", [["7"] * 1500 + [MARK] + ["7"] * (ROWS - 1501)])
    with Encoder(SCHEMA, KEY, threads=2) as encoder:
        stream = encoder.encode_batches(bad.to_batches(max_chunksize=BATCH))
        assert [len(next(stream)), len(next(stream))] == [BATCH, BATCH]
        with pytest.raises(EncodingError) as caught:
            next(stream)
        assert (caught.value.code, caught.value.place.row, caught.value.place.column) == ("VALUE_INTEGER", 1501, "age")
        shown = "".join(traceback.format_exception(caught.value))
        assert MARK not in shown
        assert not any(name in shown for name in names[1490:1510])
        assert encoder.encode(TABLE).table.equals(whole.table)


def test_a_row_key_stands_once_in_a_stream() -> None:
    with Encoder(SCHEMA, KEY) as encoder:
        parts = encoder.encode_batches(TABLE.to_batches(max_chunksize=BATCH), row_key="row", dataset="d")
        keyed = joined(parts)
        assert keyed.equals(encoder.encode(TABLE, row_key="row", dataset="d").table.combine_chunks())
        again = encoder.encode_batches([TABLE[:50], TABLE[60:70], TABLE[40:80]], row_key="row")
        assert [len(next(again)), len(next(again))] == [50, 10]
        with pytest.raises(EncodingError) as caught:
            next(again)
        assert (caught.value.code, caught.value.place.row) == ("ROW_KEY_DUPLICATE", 61)
        without = TABLE[9:12].set_column(0, "row", [["x", None, "y"]])
        missing = encoder.encode_batches([TABLE[:9], without], row_key="row")
        next(missing)
        with pytest.raises(EncodingError) as caught:
            next(missing)
        assert (caught.value.code, caught.value.place.row) == ("ROW_KEY_MISSING", 11)


@pytest.mark.parametrize("data", [5, "text", b"text", pa.chunked_array([["text"]])])
def test_what_is_no_stream_is_refused(data: Any) -> None:
    with Encoder(SCHEMA, KEY) as encoder, pytest.raises(EncodingError) as caught:
        next(encoder.encode_batches(data))
    assert caught.value.code == "DATA_TYPE"


def test_options_are_checked_before_the_first_batch() -> None:
    with pytest.raises(UsageError, match="OPTION_UNKNOWN"):
        Encoder(SCHEMA, KEY, threads=0)
    with Encoder(SCHEMA, KEY) as encoder, pytest.raises(UsageError, match="OPTION_UNKNOWN"):
        encoder.encode_batches([TABLE], dataset="Not A Name")


def test_an_encoder_is_neither_copied_nor_pickled() -> None:
    with Encoder(SCHEMA, KEY) as encoder:
        for action in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot be pickled or copied"):
                action(encoder)
        assert repr(encoder) == "<Encoder: 7 features, 256 bits>"


def test_invalid_rows_of_a_long_table_are_null_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_encoder_module, "CHUNK_ROWS", 1000)
    frame = pd.DataFrame({"name": "Ann", "born": ["2000-01-01", "x"] * 1200, "age": 7, "town": "t"})
    with Encoder(SCHEMA, KEY, on_invalid="null") as encoder:
        dataset = encoder.encode(frame)
    assert dataset.encoded_rows().tolist() == [True, False] * 1200
    assert dataset.encodings()[0].any()
    assert not dataset.encodings()[1::2].any()
