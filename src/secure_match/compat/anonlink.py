"""ENCODED: lets a program that uses anonlink 0.15 run on our kernel, and speaks its candidate-pair format.

Neither anonlink nor bitarray is imported: records are anything that gives its bytes, results are
``array.array``. Where anonlink's two implementations differ, the documented one is followed: a pair exactly
at the threshold is taken. (Its accelerated one loses some of those pairs to rounding in its length bound.)
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final, Protocol, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from secure_match.errors import LinkageError, PackageError, Place
from secure_match.kernels import dice_pairs, iter_pairs, pack_words
from secure_match.linkage import CandidatePairs

_FORMAT_VERSION: Final = 1
_HEADER_BYTES: Final = 4
_FLOAT_CODES: Final = {2: "f", 4: "f", 8: "d"}
_UINT_CODES: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}

Floats: TypeAlias = npt.NDArray[np.floating]
Uints: TypeAlias = npt.NDArray[np.unsignedinteger]
AnonlinkTuple: TypeAlias = "tuple[array[float], tuple[array[int], array[int]], tuple[array[int], array[int]]]"
SimilarityTuple: TypeAlias = "tuple[array[float], tuple[array[int], array[int]]]"


class BitRecord(Protocol):
    """A record as ``bitarray.bitarray`` gives it: its bytes (the last padded with 0), its length in bits."""

    def tobytes(self) -> bytes: ...

    def __len__(self) -> int: ...


Record: TypeAlias = bytes | bytearray | memoryview | BitRecord


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnonlinkPairs:
    """Candidate pairs of several datasets, as anonlink's ``find_candidate_pairs`` returns them.

    Attributes:
        similarity: float of 2, 4 or 8 bytes, shape (pairs,); anonlink orders pairs by falling similarity.
        dataset_index: for each side, the number of its dataset; unsigned integers of shape (pairs,).
        record_index: for each side, the number of its record; unsigned integers of shape (pairs,).

    Raises:
        LinkageError: ``PAIRS_SHAPE`` when lengths or types are others.
    """

    similarity: Floats
    dataset_index: tuple[Uints, Uints]
    record_index: tuple[Uints, Uints]

    def __post_init__(self) -> None:
        indices = (*self.dataset_index, *self.record_index)
        right = len(indices) == 4 and self.similarity.dtype.kind == "f" and self.similarity.itemsize in _FLOAT_CODES
        if not right or any(item.dtype.kind != "u" for item in indices):
            raise LinkageError("similarities are floats, indices unsigned integers", code="PAIRS_SHAPE")
        if any(item.shape != (len(self.similarity),) for item in (self.similarity, *indices)):
            raise LinkageError("all arrays of the pairs have one length", code="PAIRS_SHAPE")

    def __len__(self) -> int:
        return len(self.similarity)

    def __repr__(self) -> str:
        return f"<AnonlinkPairs: {len(self)} pairs>"

    @classmethod
    def from_anonlink(cls, pairs: AnonlinkTuple) -> Self:
        """Take the tuple of arrays that anonlink's functions give; element sizes are kept."""
        similarity, (dataset_0, dataset_1), (record_0, record_1) = pairs
        return cls(
            similarity=np.array(similarity),
            dataset_index=(np.array(dataset_0), np.array(dataset_1)),
            record_index=(np.array(record_0), np.array(record_1)),
        )

    @classmethod
    def from_candidate_pairs(cls, pairs: CandidatePairs, *, dataset_a: int = 0, dataset_b: int = 1) -> Self:
        """Take pairs of :func:`secure_match.linkage.similar_pairs`, in anonlink's order and element sizes."""
        order = np.lexsort((pairs.index_b, pairs.index_a, -pairs.similarity))
        return cls(
            similarity=pairs.similarity[order],
            dataset_index=(
                np.full(len(pairs), dataset_a, dtype=np.uint32),
                np.full(len(pairs), dataset_b, dtype=np.uint32),
            ),
            record_index=(pairs.index_a[order].astype(np.uint32), pairs.index_b[order].astype(np.uint32)),
        )

    def to_anonlink(self) -> AnonlinkTuple:
        """The tuple of arrays that anonlink's solvers and ``dump_candidate_pairs`` take."""
        similarity: array[float] = array(_FLOAT_CODES[self.similarity.itemsize])
        similarity.frombytes(self.similarity.astype(similarity.typecode).tobytes())
        dataset_0, dataset_1, record_0, record_1 = map(_uint_array, (*self.dataset_index, *self.record_index))
        return similarity, (dataset_0, dataset_1), (record_0, record_1)


def _uint_array(values: Uints) -> array[int]:
    result: array[int] = array(_UINT_CODES[values.itemsize])
    result.frombytes(values.astype(values.dtype.newbyteorder("=")).tobytes())
    return result


def dice_similarity(datasets: Sequence[Sequence[Record]], threshold: float, k: int | None = None) -> SimilarityTuple:
    """Dice similarity as a ``similarity_f`` for ``anonlink.candidate_generation.find_candidate_pairs``.

    Args:
        datasets: two sequences of records of one length in bits: bitarrays or bytes-like objects.
        threshold: pairs of at least this similarity are taken, exact ties included; at 0 or below, all pairs.
        k: keep only the ``k`` most similar partners of each record of the first dataset, of equal ones those
            that come first in the second; None keeps all. (anonlink's parameter, hence its name.)

    Returns:
        Similarities (``array('d')``) and the record numbers in the two datasets (``array('I')`` each), by
        falling similarity, then by rising first and second record number. Memory grows with the pairs that
        are kept.

    Raises:
        LinkageError: ``DATASET_COUNT``, ``RECORD_TYPE``, ``ENCODING_LENGTH``, ``K_RANGE``,
            ``THRESHOLD_RANGE`` (NaN).
    """
    if len(datasets) != 2:
        raise LinkageError(f"expected 2 datasets, not {len(datasets)}", code="DATASET_COUNT")
    if k is not None and k < 0:
        raise LinkageError("k is a number of partners, from 0, or None", code="K_RANGE")
    if np.isnan(threshold):
        raise LinkageError("the threshold is not a number", code="THRESHOLD_RANGE")
    empty: SimilarityTuple = array("d"), (array("I"), array("I"))
    if not len(datasets[0]) or not len(datasets[1]) or threshold > 1.0:
        return empty
    parts = [_bytes_of(record) for records in datasets for record in records]
    if len({shape for _, shape in parts}) != 1:
        raise LinkageError("the records are not all of one length and bit order", code="ENCODING_LENGTH")
    width = len(parts[0][0])
    matrix = np.frombuffer(b"".join(data for data, _ in parts), dtype=np.uint8).reshape(len(parts), width)
    words, split = pack_words(matrix), len(datasets[0])
    limit = max(0.0, threshold)
    if k is None:
        first, second, similarity = dice_pairs(words[:split], words[split:], threshold=limit)
    elif k == 0:
        return empty
    else:
        batches = list(iter_pairs(words[:split], words[split:], threshold=limit, best_per_record=k))
        if not batches:
            return empty
        first, second, similarity = (np.concatenate(column) for column in zip(*batches, strict=True))
    order = np.lexsort((second, first, -similarity))
    empty[0].frombytes(similarity[order].tobytes())
    for target, values in zip(empty[1], (first, second), strict=True):
        target.frombytes(values[order].astype(target.typecode).tobytes())
    return empty


def _bytes_of(record: Record) -> tuple[bytes, tuple[int, str]]:
    """A record's bytes, its length in bits and its bit order."""
    if isinstance(record, (bytes, bytearray, memoryview)):
        return bytes(record), (8 * len(bytes(record)), "big")
    to_bytes = getattr(record, "tobytes", None)
    if to_bytes is None:
        raise LinkageError("records are bitarrays or bytes-like objects", code="RECORD_TYPE")
    data = bytes(to_bytes())
    order = getattr(record, "endian", None)
    if order is None:
        return data, (8 * len(data), "big")
    return data, (len(record), str(order() if callable(order) else order))


def _entry_type(sizes: Iterable[int]) -> np.dtype[np.void]:
    similarity, dataset, record = sizes
    return np.dtype(
        [
            ("similarity", f"<f{similarity}"),
            ("dataset_0", f"<u{dataset}"),
            ("dataset_1", f"<u{dataset}"),
            ("record_0", f"<u{record}"),
            ("record_1", f"<u{record}"),
        ]
    )


def serialise_candidate_pairs(pairs: AnonlinkPairs) -> bytes:
    """Pairs in anonlink's file format, byte for byte as its ``dump_candidate_pairs`` writes them.

    A header of four bytes (version 1, bytes per similarity, per dataset number, per record number), then one
    packed little-endian entry per pair.
    """
    sizes = (
        pairs.similarity.itemsize,
        max(side.itemsize for side in pairs.dataset_index),
        max(side.itemsize for side in pairs.record_index),
    )
    entries = np.empty(len(pairs), dtype=_entry_type(sizes))
    entries["similarity"] = pairs.similarity
    entries["dataset_0"], entries["dataset_1"] = pairs.dataset_index
    entries["record_0"], entries["record_1"] = pairs.record_index
    return bytes((_FORMAT_VERSION, *sizes)) + entries.tobytes()


def parse_candidate_pairs(data: bytes, *, file: str | PurePath | None = None) -> AnonlinkPairs:
    """The reverse of :func:`serialise_candidate_pairs`, for every element size that anonlink reads.

    Raises:
        PackageError: ``CANDIDATES_TRUNCATED`` or ``CANDIDATES_FOREIGN``.
    """
    if len(data) < _HEADER_BYTES:
        raise PackageError("the file ends before its header does", code="CANDIDATES_TRUNCATED", place=Place(file=file))
    version, *sizes = data[:_HEADER_BYTES]
    similarity, dataset, record = sizes
    known = similarity in _FLOAT_CODES and dataset in _UINT_CODES and record in _UINT_CODES
    if version != _FORMAT_VERSION or not known:
        raise PackageError(
            "this is not a candidate-pair file of anonlink, or of a version that is not known here",
            code="CANDIDATES_FOREIGN",
            place=Place(file=file),
        )
    entry = _entry_type(sizes)
    if (len(data) - _HEADER_BYTES) % entry.itemsize:
        raise PackageError("the last pair is incomplete", code="CANDIDATES_TRUNCATED", place=Place(file=file))
    entries = np.frombuffer(data, dtype=entry, offset=_HEADER_BYTES)
    columns = {name: entries[name].astype(entries[name].dtype.newbyteorder("=")) for name in entry.names or ()}
    return AnonlinkPairs(
        similarity=columns["similarity"],
        dataset_index=(columns["dataset_0"], columns["dataset_1"]),
        record_index=(columns["record_0"], columns["record_1"]),
    )
