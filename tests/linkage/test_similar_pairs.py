"""Candidate pairs from datasets, matrices and Arrow arrays; errors; rows without an encoding."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from secure_match.encoded import DatasetManifest, EncodedDataset, PassColumn, RowCounts, binary_from_matrix
from secure_match.errors import LinkageError
from secure_match.linkage import iter_similar_pairs
from secure_match.linkage._similar_pairs import CandidatePairs, similar_pairs

MATRIX = np.array([[0xFF, 0], [0xF0, 0], [0, 0], [0xFF, 0x0F]], dtype=np.uint8)
WITHIN = [(0, 1, 8 / 12), (0, 3, 16 / 20)]


def dataset(
    matrix: np.ndarray,
    valid: list[bool] | None = None,
    *,
    blocked: bool = False,
    passes: tuple[str, ...] = ("clk",),
    bits: int | None = None,
    **changes: str,
) -> EncodedDataset:
    rows, width = matrix.shape
    encodings = binary_from_matrix(matrix, None if valid is None else np.array(valid))
    handles = binary_from_matrix(np.arange(16 * rows).reshape(rows, 16).astype(np.uint8))
    columns = {"handle": handles}
    for name in passes:
        if blocked:
            columns[f"pass.{name}.block"] = handles
        columns[f"pass.{name}.encoding"] = encodings
    fields = [pa.field(name, column.type, nullable=name != "handle") for name, column in columns.items()]
    settings: dict[str, str] = {
        "definition_fingerprint": "0" * 64,
        "key_epoch": "2026",
        "key_id": "0" * 16,
    } | changes
    manifest = DatasetManifest(
        definition="linkage-schema",
        definition_id="test",
        dataset="test",
        owner="test",
        handle_key_id="1" * 16,
        counts=RowCounts(read=rows, encoded=rows, quarantined=0),
        id_tokens=False,
        passes=tuple(PassColumn(id=name, bits=bits or 8 * width, blocked=blocked) for name in passes),
        tool="test",
        **settings,
    )
    return EncodedDataset(manifest=manifest, table=pa.table(list(columns.values()), schema=pa.schema(fields)))


def as_list(pairs: CandidatePairs) -> list[tuple[int, int, float]]:
    return list(zip(pairs.index_a.tolist(), pairs.index_b.tolist(), pairs.similarity.tolist(), strict=True))


@pytest.mark.parametrize(
    "value",
    [
        MATRIX,
        np.asfortranarray(MATRIX),
        binary_from_matrix(MATRIX),
        pa.chunked_array([binary_from_matrix(MATRIX[:1]), binary_from_matrix(MATRIX[1:])]),
        dataset(MATRIX),
    ],
    ids=["matrix", "column order", "array", "chunked", "dataset"],
)
def test_every_form_of_encodings_gives_the_same_pairs(value: EncodedDataset | np.ndarray | pa.Array) -> None:
    assert as_list(similar_pairs(value, threshold=0.6)) == WITHIN
    # Against itself every row with a bit finds itself too, and every pair both ways.
    expected = sorted([*WITHIN, *((j, i, s) for i, j, s in WITHIN), *((i, i, 1.0) for i in (0, 1, 3))])
    assert as_list(similar_pairs(value, value, threshold=0.6)) == expected


def test_null_rows_stand_in_no_pair_and_empty_encodings_only_at_zero() -> None:
    data = dataset(MATRIX, [True, False, True, True])
    everything = [(0, 2, 0.0), (0, 3, 16 / 20), (2, 3, 0.0)]
    assert as_list(similar_pairs(data, threshold=0.0)) == everything
    assert as_list(similar_pairs(data.table["pass.clk.encoding"], threshold=0.0)) == everything
    assert as_list(similar_pairs(data, threshold=1e-9)) == [(0, 3, 16 / 20)]


def test_a_pair_exactly_at_the_threshold_is_taken() -> None:
    assert as_list(similar_pairs(MATRIX, threshold=0.8)) == [(0, 3, 0.8)]
    assert as_list(similar_pairs(MATRIX, threshold=np.nextafter(0.8, 1.0))) == []


def test_no_rows() -> None:
    empty = np.zeros((0, 2), dtype=np.uint8)
    for pairs in (similar_pairs(empty, threshold=0.0), similar_pairs(empty, MATRIX, threshold=0.0)):
        assert as_list(pairs) == []
        assert pairs.to_arrow().schema.types == [pa.int64(), pa.int64(), pa.float64()]


def test_result_is_an_arrow_table() -> None:
    pairs = similar_pairs(MATRIX, threshold=0.6, threads=2)
    assert len(pairs) == 2
    assert repr(pairs) == "<CandidatePairs: 2 pairs>"
    assert pairs.to_arrow().to_pydict() == {
        "index_a": [0, 0],
        "index_b": [1, 3],
        "similarity": [8 / 12, 0.8],
    }
    assert pa.table(pairs).equals(pairs.to_arrow())


def test_a_pass_is_named_where_there_are_several() -> None:
    data = dataset(MATRIX, passes=("one", "two"))
    assert as_list(similar_pairs(data, threshold=0.6, pass_id="two")) == WITHIN
    for name in (None, "three"):
        with pytest.raises(LinkageError) as caught:
            similar_pairs(data, threshold=0.6, pass_id=name)
        assert caught.value.code == "PASS_UNKNOWN"


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), float("inf")])
def test_threshold_outside_its_range(threshold: float) -> None:
    with pytest.raises(LinkageError) as caught:
        similar_pairs(MATRIX, threshold=threshold)
    assert caught.value.code == "THRESHOLD_RANGE"


@pytest.mark.parametrize(
    ("a", "b", "code"),
    [
        (MATRIX, MATRIX[:, :1], "ENCODING_LENGTH"),
        (dataset(MATRIX), dataset(MATRIX[:, :1]), "ENCODING_LENGTH"),
        (MATRIX.astype(np.uint16), None, "ENCODING_TYPE"),
        (MATRIX[0], None, "ENCODING_TYPE"),
        (pa.array([b"ab"]), None, "ENCODING_TYPE"),
        ("text", None, "ENCODING_TYPE"),
        (MATRIX, [b"ab"], "ENCODING_TYPE"),
        (dataset(MATRIX, blocked=True), None, "PASS_BLOCKED"),
        (dataset(MATRIX), dataset(MATRIX, key_id="1" * 16), "KEY_MISMATCH"),
        (dataset(MATRIX), dataset(MATRIX, key_id="1" * 16, key_epoch="2027"), "EPOCH_MISMATCH"),
        (
            dataset(MATRIX),
            dataset(MATRIX, key_id="1" * 16, definition_fingerprint="1" * 64),
            "DEFINITION_MISMATCH",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(a: np.ndarray, b: np.ndarray | None, code: str) -> None:
    with pytest.raises(LinkageError) as caught:
        similar_pairs(a, b, threshold=0.5)
    assert caught.value.code == code


def test_threads_outside_their_range() -> None:
    with pytest.raises(LinkageError) as caught:
        similar_pairs(MATRIX, threshold=0.5, threads=0)
    assert caught.value.code == "THREADS_RANGE"


def test_measures_by_name() -> None:
    found = {
        name: as_list(similar_pairs(MATRIX, threshold=0.7, measure=name))
        for name in ("dice", "jaccard", "cosine", "hamming")
    }
    assert found == {
        "dice": [(0, 3, 0.8)],
        "jaccard": [],
        "cosine": [(0, 1, 4 / np.sqrt(32)), (0, 3, 8 / np.sqrt(96))],
        "hamming": [(0, 1, 12 / 16), (0, 3, 12 / 16), (1, 2, 12 / 16)],
    }
    with pytest.raises(LinkageError) as caught:
        similar_pairs(MATRIX, threshold=0.5, measure="Dice")
    assert caught.value.code == "MEASURE_UNKNOWN"


def test_hamming_counts_the_bits_of_a_pass_and_not_those_that_pad_it() -> None:
    data = dataset(np.array([[0xF0, 0], [0, 0]], dtype=np.uint8), bits=12)
    assert as_list(similar_pairs(data, threshold=0.0, measure="hamming")) == [(0, 1, 8 / 12)]


@pytest.mark.parametrize("value", [MATRIX, dataset(MATRIX, [True, False, True, True])], ids=["matrix", "nulls"])
@pytest.mark.parametrize("measure", ["dice", "hamming"])
def test_batches_are_the_pairs(value: EncodedDataset | np.ndarray, measure: str) -> None:
    for other in (None, value):
        batches = list(iter_similar_pairs(value, other, threshold=0.2, measure=measure))
        assert len(batches) == 1
        assert as_list(batches[0]) == as_list(similar_pairs(value, other, threshold=0.2, measure=measure))


def test_the_best_pairs_of_each_record() -> None:
    data = dataset(MATRIX, [False, True, True, True])
    [batch] = iter_similar_pairs(MATRIX, data, threshold=0.1, best_per_record=1)
    # Row 0 of the second set, which equals that of the first, has no encoding.
    assert as_list(batch) == [(0, 3, 0.8), (1, 1, 1.0), (3, 3, 1.0)]


@pytest.mark.parametrize(("b", "number"), [(MATRIX, 0), (None, 1)])
def test_best_per_record_outside_its_range(b: np.ndarray | None, number: int) -> None:
    with pytest.raises(LinkageError) as caught:
        iter_similar_pairs(MATRIX, b, threshold=0.5, best_per_record=number)
    assert caught.value.code == "BEST_RANGE"


def test_arguments_of_a_stream_are_verified_at_once() -> None:
    with pytest.raises(LinkageError) as caught:
        iter_similar_pairs(MATRIX, threshold=2.0)
    assert caught.value.code == "THRESHOLD_RANGE"
