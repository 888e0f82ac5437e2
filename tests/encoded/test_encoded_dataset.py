"""The value that leaves: what it refuses to be, and binary columns as matrices and back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoded.tiny import MANIFEST, TABLE, manifest_with
from secure_match.encoded import (
    CodedColumn,
    DatasetManifest,
    EncodedDataset,
    PassColumn,
    RowCounts,
    binary_from_matrix,
    dataset_schema,
    matrix_from_binary,
)
from secure_match.errors import LinkageError, PackageError


def column_set(name: str, values: list[Any]) -> pa.Table:
    place = TABLE.schema.get_field_index(name)
    field = TABLE.schema.field(place)
    return TABLE.set_column(place, field, pa.array(values, field.type))


def test_the_columns_of_a_manifest() -> None:
    assert dataset_schema(MANIFEST).names == [
        "handle",
        "id_token",
        "state.name",
        "pass.birth.block",
        "pass.birth.encoding",
        "pass.all.encoding",
        "code.status",
        "code.first",
        "code.year",
    ]
    assert TABLE.schema.field("pass.all.encoding").type == pa.binary(2)  # 12 bits in whole bytes
    without = manifest_with(id_tokens=False, state_fields=(), passes=(), coded=())
    assert dataset_schema(without).names == ["handle"]


BROKEN: dict[str, tuple[DatasetManifest, pa.Table]] = {
    "column left out": (MANIFEST, TABLE.drop_columns(["code.year"])),
    "column too many": (MANIFEST, TABLE.append_column("name", pa.array(["a", "b"]))),
    "other order": (MANIFEST, TABLE.select(TABLE.column_names[::-1])),
    "other type": (manifest_with(coded=(CodedColumn(name="status", type="month"), *MANIFEST.coded[1:])), TABLE),
    "other width": (manifest_with(passes=(MANIFEST.passes[0], PassColumn(id="all", bits=17, blocked=False))), TABLE),
    "rows": (manifest_with(counts=RowCounts(read=3, encoded=3, quarantined=0)), TABLE),
    "sum": (manifest_with(counts=RowCounts(read=4, encoded=2, quarantined=1)), TABLE),
    "handle twice": (MANIFEST, column_set("handle", [b"h" * 16, b"h" * 16])),
    "no handle": (MANIFEST, column_set("handle", [b"h" * 16, None])),
    "no state": (MANIFEST, column_set("state.name", [0, None])),
    "unknown state": (MANIFEST, column_set("state.name", [0, 4])),
    "tag without encoding": (MANIFEST, column_set("pass.birth.encoding", [None, None])),
    "encoding without tag": (MANIFEST, column_set("pass.birth.block", [None, None])),
    "pass listed twice": (manifest_with(passes=(MANIFEST.passes[0],) * 2), TABLE),
    "code listed twice": (manifest_with(coded=(MANIFEST.coded[0],) * 2), TABLE),
    "field listed twice": (manifest_with(state_fields=("name", "name")), TABLE),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_dataset_agrees_with_its_manifest(case: str) -> None:
    manifest, table = BROKEN[case]
    with pytest.raises(PackageError) as caught:
        EncodedDataset(manifest=manifest, table=table)
    assert caught.value.code == "PACKAGE_CONTENT"


def test_names_listed_twice_are_refused_with_their_columns_too() -> None:
    manifest = manifest_with(passes=(MANIFEST.passes[0],) * 2)
    arrays = [TABLE[name].combine_chunks() for name in dataset_schema(manifest).names]
    with pytest.raises(PackageError) as caught:
        EncodedDataset(manifest=manifest, table=pa.table(arrays, schema=dataset_schema(manifest)))
    assert caught.value.code == "PACKAGE_CONTENT"


def test_encodings_and_who_has_one() -> None:
    dataset = EncodedDataset(manifest=MANIFEST, table=TABLE)
    assert (len(dataset), repr(dataset)) == (2, "<EncodedDataset people: 2 rows, passes [birth:256, all:12]>")
    assert dataset.encodings("birth").tolist() == [[0x78] * 32, [0] * 32]
    assert dataset.encoded_rows("birth").tolist() == [True, False]
    assert dataset.encoded_rows("all").tolist() == [True, True]
    assert pa.table(dataset).equals(TABLE)
    for unknown in (None, "name"):
        with pytest.raises(LinkageError) as caught:
            dataset.encodings(unknown)
        assert caught.value.code == "PASS_UNKNOWN"


def test_an_empty_dataset_exists() -> None:
    manifest = manifest_with(counts=RowCounts(read=2, encoded=0, quarantined=2))
    dataset = EncodedDataset(manifest=manifest, table=dataset_schema(manifest).empty_table())
    assert dataset.encodings("birth").shape == (0, 32)


@st.composite
def cells(draw: st.DrawFn) -> tuple[int, list[bytes | None]]:
    width = draw(st.integers(1, 9))
    cell = st.none() | st.binary(min_size=width, max_size=width)
    return width, draw(st.lists(cell, max_size=20))


@given(cells(), st.data())
def test_binary_columns_become_matrices_however_they_are_cut(
    case: tuple[int, list[bytes | None]], data: st.DataObject
) -> None:
    width, values = case
    cuts = sorted(data.draw(st.lists(st.integers(0, len(values)), max_size=3)))
    edges = [0, *cuts, len(values)]
    whole = pa.array(values, pa.binary(width))
    padded = pa.array([None, b"\xff" * width, *values, b"\xff" * width], pa.binary(width)).slice(2, len(values))
    chunks = pa.chunked_array([whole[a:b] for a, b in pairwise(edges)], pa.binary(width))
    expected = [list(value) if value is not None else [0] * width for value in values]
    for column in (whole, padded, chunks):
        matrix, valid = matrix_from_binary(column)
        assert (matrix.dtype, matrix.shape, valid.dtype) == (np.uint8, (len(values), width), np.bool_)
        assert matrix.tolist() == expected
        assert valid.tolist() == [value is not None for value in values]
        back = binary_from_matrix(matrix, valid)
        back.validate(full=True)
        assert back.to_pylist() == values


def test_nothing_stands_under_an_empty_cell() -> None:
    matrix = np.full((3, 4), 0xAA, dtype=np.uint8)
    column = binary_from_matrix(matrix, np.array([True, False, True]))
    assert column.buffers()[1].to_pybytes() == b"\xaa" * 4 + b"\0" * 4 + b"\xaa" * 4
    assert (matrix == 0xAA).all()
    assert binary_from_matrix(matrix[:, ::2]).to_pylist() == [b"\xaa\xaa"] * 3
    assert matrix_from_binary(pa.chunked_array([], pa.binary(4)))[0].shape == (0, 4)
