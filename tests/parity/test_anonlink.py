"""anonlink beside ours: same pairs, same order, same k, same files."""

from __future__ import annotations

import io
import struct
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from anonlink.candidate_generation import find_candidate_pairs
from anonlink.serialization import dump_candidate_pairs, load_candidate_pairs
from anonlink.similarities import dice_coefficient_accelerated, dice_coefficient_python
from bitarray import bitarray
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.compat import (
    AnonlinkPairs,
    dice_similarity,
    parse_candidate_pairs,
    read_candidate_pairs,
    serialise_candidate_pairs,
    write_candidate_pairs,
)
from secure_match.errors import LinkageError, PackageError
from secure_match.linkage import similar_pairs

# At these thresholds the accelerated version loses no pair of 64-bit records; see the test of exact ties.
SAFE_THRESHOLDS = [0.0, 0.33, 0.51, 0.7001, 0.8001, 1.0]

Dataset = list[bitarray]


def records(matrix: np.ndarray) -> Dataset:
    result = []
    for row in matrix:
        record = bitarray(endian="big")
        record.frombytes(row.tobytes())
        result.append(record)
    return result


def random_datasets(density: float, *, rows: tuple[int, int] = (40, 55), seed: int = 3) -> tuple[Dataset, Dataset]:
    rng = np.random.default_rng(seed)
    first, second = (np.packbits(rng.random((number, 64)) < density, axis=1) for number in rows)
    second[:10] = first[:10]
    first[3] = second[5] = 0
    return records(first), records(second)


def tied_datasets() -> tuple[Dataset, Dataset]:
    # Few distinct records, so nearly every similarity stands on many pairs.
    rng = np.random.default_rng(4)
    pool = np.array([[0x0F] * 8, [0xF0] * 8, [0xFF] * 8, [0] * 8], dtype=np.uint8)
    return records(pool[rng.integers(0, 4, 30)]), records(pool[rng.integers(0, 4, 37)])


DATASETS = {
    "sparse": random_datasets(0.1),
    "random": random_datasets(0.4),
    "dense": random_datasets(0.95),
    "tied": tied_datasets(),
    "all zero": (records(np.zeros((4, 8), np.uint8)), records(np.zeros((5, 8), np.uint8))),
    "left empty": ([], random_datasets(0.4)[1]),
    "both empty": ([], []),
}


@pytest.mark.parametrize("peer", [dice_coefficient_accelerated, dice_coefficient_python])
@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("k", [None, 0, 1, 3, 1000])
def test_same_pairs_in_the_same_order(peer: Callable[..., object], name: str, k: int | None) -> None:
    for threshold in SAFE_THRESHOLDS:
        assert dice_similarity(DATASETS[name], threshold, k=k) == peer(DATASETS[name], threshold, k=k)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([0, 0, 1, 3, 7, 15, 31, 0xF0, 0xAA, 0xFFF]), max_size=8),
    st.lists(st.sampled_from([0, 0, 1, 3, 7, 15, 31, 0xF0, 0xAA, 0xFFF]), max_size=8),
    st.one_of(st.sampled_from([0.0, 0.5, 2 / 3, 0.75, 0.8, 1.0]), st.floats(-0.5, 1.5)),
    st.sampled_from([None, 1, 2]),
)
def test_same_pairs_as_the_python_version_at_every_threshold(
    left: list[int], right: list[int], threshold: float, k: int | None
) -> None:
    datasets = [[bitarray(f"{number:012b}") for number in side] for side in (left, right)]
    assert dice_similarity(datasets, threshold, k) == dice_coefficient_python(datasets, threshold, k)


def test_bytes_are_records_too() -> None:
    left, right = DATASETS["random"]
    expected = dice_coefficient_python((left, right), 0.5)
    as_bytes = [record.tobytes() for record in left], [bytearray(record.tobytes()) for record in right]
    views = (
        [memoryview(record) for record in as_bytes[0]],
        [np.frombuffer(item, np.uint8) for item in as_bytes[1]],
    )
    for datasets in (as_bytes, views, (left, as_bytes[1])):
        assert dice_similarity(datasets, 0.5) == expected


def test_exact_ties_that_the_accelerated_version_loses_are_taken() -> None:
    # 6 and 10 bits, 6 in common: exactly 0.75. Its length bound rounds 4.0 down to 3.
    datasets = [bitarray("1111110000000000")], [bitarray("1111111111000000")]
    expected = array("d", [0.75]), (array("I", [0]), array("I", [0]))
    assert dice_similarity(datasets, 0.75) == dice_coefficient_python(datasets, 0.75) == expected
    assert dice_coefficient_accelerated(datasets, 0.75) == (array("d"), (array("I"), array("I")))


@pytest.mark.parametrize("k", [None, 1, 4])
@pytest.mark.parametrize("blocked", [False, True])
def test_find_candidate_pairs_runs_on_ours(k: int | None, blocked: bool) -> None:
    def blocking(dataset: int, record_index: int, record: bitarray) -> Sequence[int]:
        return (record_index % 3, 3 + record_index % 2)

    datasets = [*DATASETS["random"], *DATASETS["tied"]]
    options = {"threshold": 0.51, "k": k, "blocking_f": blocking if blocked else None}
    ours = find_candidate_pairs(datasets, dice_similarity, **options)
    assert len(ours[0]) > 20
    assert ours == find_candidate_pairs(datasets, dice_coefficient_accelerated, **options)


@pytest.mark.parametrize(
    ("datasets", "threshold", "k", "code"),
    [
        ([[b"a"]], 0.5, None, "DATASET_COUNT"),
        ([[b"a"]] * 3, 0.5, None, "DATASET_COUNT"),
        ([[b"a"], [b"ab"]], 0.5, None, "ENCODING_LENGTH"),
        ([[bitarray(9)], [bitarray(10)]], 0.5, None, "ENCODING_LENGTH"),
        ([[bitarray(8, endian="little")], [bitarray(8, endian="big")]], 0.5, None, "ENCODING_LENGTH"),
        ([["a"], ["b"]], 0.5, None, "RECORD_TYPE"),
        ([[b"a"], [b"a"]], float("nan"), None, "THRESHOLD_RANGE"),
        ([[b"a"], [b"a"]], 0.5, -1, "K_RANGE"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    datasets: list[list[bytes]], threshold: float, k: int | None, code: str
) -> None:
    with pytest.raises(LinkageError) as caught:
        dice_similarity(datasets, threshold, k)
    assert caught.value.code == code


def test_files_are_byte_identical_and_read_each_way(tmp_path: Path) -> None:
    path = tmp_path / "pairs.bin"
    theirs = find_candidate_pairs(DATASETS["random"], dice_coefficient_accelerated, 0.51)
    stream = io.BytesIO()
    dump_candidate_pairs(theirs, stream)
    ours = AnonlinkPairs.from_anonlink(theirs)
    write_candidate_pairs(ours, path)
    assert path.read_bytes() == stream.getvalue()
    with path.open("rb") as file:
        assert load_candidate_pairs(file) == theirs
    assert read_candidate_pairs(path).to_anonlink() == theirs


def test_our_candidate_pairs_become_theirs() -> None:
    left, right = (np.array([list(record.tobytes()) for record in side], np.uint8) for side in DATASETS["tied"])
    ours = AnonlinkPairs.from_candidate_pairs(similar_pairs(left, right, threshold=0.51))
    assert ours.to_anonlink() == find_candidate_pairs(DATASETS["tied"], dice_coefficient_accelerated, 0.51)


@pytest.mark.parametrize("float_size", [4, 8])
@pytest.mark.parametrize("dataset_size", [1, 2, 4, 8])
@pytest.mark.parametrize("record_size", [1, 2, 4, 8])
def test_every_element_size_that_anonlink_reads(float_size: int, dataset_size: int, record_size: int) -> None:
    code = {1: "B", 2: "H", 4: "L", 8: "Q"}
    entry = struct.Struct(f"<{'f' if float_size == 4 else 'd'}2{code[dataset_size]}2{code[record_size]}")
    data = (
        bytes((1, float_size, dataset_size, record_size)) + entry.pack(1.0, 0, 1, 7, 9) + entry.pack(0.5, 0, 2, 1, 255)
    )
    pairs = parse_candidate_pairs(data)
    assert pairs.to_anonlink() == load_candidate_pairs(io.BytesIO(data))
    assert serialise_candidate_pairs(pairs) == data
    stream = io.BytesIO()
    dump_candidate_pairs(pairs.to_anonlink(), stream)
    assert stream.getvalue() == data


def test_half_precision_is_read_and_kept() -> None:
    data = bytes((1, 2, 4, 4)) + struct.pack("<e2L2L", 0.5, 0, 1, 2, 3)
    pairs = parse_candidate_pairs(data)
    assert pairs.to_anonlink()[0] == array("f", [0.5])
    assert serialise_candidate_pairs(pairs) == data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "CANDIDATES_TRUNCATED"),
        (b"\x01\x08\x04", "CANDIDATES_TRUNCATED"),
        (b"\x01\x08\x04\x04" + bytes(23), "CANDIDATES_TRUNCATED"),
        (b"\x02\x08\x04\x04", "CANDIDATES_FOREIGN"),
        (b"\x01\x03\x04\x04", "CANDIDATES_FOREIGN"),
        (b"\x01\x08\x03\x04", "CANDIDATES_FOREIGN"),
        (b"\x01\x08\x04\x10", "CANDIDATES_FOREIGN"),
    ],
)
def test_damaged_and_foreign_files_are_refused(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "pairs.bin"
    path.write_bytes(data)
    with pytest.raises(PackageError) as caught:
        read_candidate_pairs(path)
    assert (caught.value.code, caught.value.place.file) == (code, path)
    with pytest.raises(ValueError, match=r"."):
        load_candidate_pairs(io.BytesIO(data))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError) as caught:
        read_candidate_pairs(tmp_path / "nowhere")
    assert caught.value.code == "FILE_NOT_FOUND"


def test_arrays_that_do_not_belong_together_are_refused() -> None:
    numbers = np.zeros(2, dtype=np.uint32)
    for similarity, side in (
        (np.zeros(3), numbers),
        (np.zeros(2, np.int64), numbers),
        (np.zeros(2), np.zeros(2)),
    ):
        with pytest.raises(LinkageError) as caught:
            AnonlinkPairs(similarity=similarity, dataset_index=(side, numbers), record_index=(numbers, numbers))
        assert caught.value.code == "PAIRS_SHAPE"
