"""CLKs as JSON and binary, beside clkhash's own serialisation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from bitarray import bitarray
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from secure_match.encoded.clk_formats import (
    parse_clks_binary,
    parse_clks_json,
    serialise_clks_binary,
    serialise_clks_json,
)
from secure_match.encoded.files import read_clks_binary, read_clks_json, write_clks_binary, write_clks_json
from secure_match.errors import PackageError

serialization = pytest.importorskip("clkhash.serialization")
MATRICES = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20))


@given(MATRICES)
def test_both_forms_are_those_of_clkhash(matrix: np.ndarray) -> None:
    clks = []
    for row in matrix:
        clk = bitarray(endian="big")
        clk.frombytes(row.tobytes())
        clks.append(clk)
    texts = [serialization.serialize_bitarray(clk) for clk in clks]
    assert json.loads(serialise_clks_json(matrix)) == {"clks": texts}
    assert serialise_clks_binary(matrix) == b"".join(clk.tobytes() for clk in clks)
    read = parse_clks_json(json.dumps({"clks": texts}).encode())
    assert [serialization.deserialize_bitarray(text).tobytes() for text in texts] == [row.tobytes() for row in read]


@given(MATRICES, st.booleans())
def test_round_trips(matrix: np.ndarray, transposed: bool) -> None:
    matrix = np.asfortranarray(matrix) if transposed else matrix
    for read in (
        parse_clks_json(serialise_clks_json(matrix)),
        parse_clks_binary(serialise_clks_binary(matrix), length_bits=8 * matrix.shape[1]),
    ):
        assert read.dtype == np.uint8
        np.testing.assert_array_equal(read, matrix)


def test_no_clks() -> None:
    assert parse_clks_json(b'{"clks": []}').shape == (0, 0)
    assert parse_clks_binary(b"", length_bits=1024).shape == (0, 128)
    assert serialise_clks_json(np.zeros((0, 128), dtype=np.uint8)) == b'{"clks": []}'
    assert parse_clks_binary(b"ab", length_bits=3).tolist() == [[97], [98]]


@pytest.mark.parametrize(
    ("data", "code", "row"),
    [
        (b"", "CLKS_NOT_JSON", None),
        (b"[]", "CLKS_NOT_JSON", None),
        (b'{"clks": "QQ=="}', "CLKS_NOT_JSON", None),
        (b'{"clks": [1]}', "CLKS_NOT_JSON", None),
        (b'{"clks": [], "more": 1}', "CLKS_NOT_JSON", None),
        (b'{"clks": ["\xff"]}', "CLKS_NOT_JSON", None),
        (b"[" * 100_000, "CLKS_NOT_JSON", None),
        (b'{"clks": ["QQ==", "Q"]}', "CLKS_NOT_BASE64", 2),
        (b'{"clks": ["QQ==", "Q Q="]}', "CLKS_NOT_BASE64", 2),
        ('{"clks": ["张"]}'.encode(), "CLKS_NOT_BASE64", 1),
        (b'{"clks": ["QQ==", "QQ==", "QUE="]}', "CLKS_LENGTH", 3),
        (b'{"clks": ["", "QQ=="]}', "CLKS_LENGTH", 2),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_clk_file(data: bytes, code: str, row: int | None) -> None:
    with pytest.raises(PackageError) as caught:
        parse_clks_json(data, file="x.json")
    assert (caught.value.code, caught.value.place.row, caught.value.place.file) == (code, row, "x.json")


@pytest.mark.parametrize("length_bits", [16, 0, -8])
def test_a_binary_file_is_a_whole_number_of_clks(length_bits: int) -> None:
    with pytest.raises(PackageError) as caught:
        parse_clks_binary(b"abc", length_bits=length_bits)
    assert caught.value.code == "CLKS_LENGTH"


def test_files(tmp_path: Path) -> None:
    matrix = np.arange(24, dtype=np.uint8).reshape(3, 8)
    write_clks_json(matrix, tmp_path / "c.json")
    write_clks_binary(matrix, tmp_path / "c.bin")
    np.testing.assert_array_equal(read_clks_json(tmp_path / "c.json"), matrix)
    np.testing.assert_array_equal(read_clks_binary(tmp_path / "c.bin", length_bits=64), matrix)
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(PackageError) as caught:
            read_clks_json(path)
        assert caught.value.code == "FILE_NOT_FOUND"
