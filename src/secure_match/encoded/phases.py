"""ENCODED: packages of two phases: tokens and codes of all rows first, passes of asked rows later.

A package of phase 1 has no pass. One of phase 2 holds handles and passes of some rows of one package of phase 1, whose
digest it names (``completes``). Invariant: joined they are the dataset that one package would hold, but that rows which
were not asked for have no encoding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.agreement import Agreement, Dataset, dataset_passes
from secure_match.encoded._dataset import (
    BoolArray,
    ByteMatrix,
    EncodedDataset,
    binary_from_matrix,
    dataset_schema,
    matrix_from_binary,
)
from secure_match.encoded.manifest import PassColumn, RowCounts
from secure_match.errors import PackageError

Int64Array = npt.NDArray[np.int64]


def pass_columns(agreement: Agreement, dataset: Dataset) -> tuple[PassColumn, ...]:
    """The passes of a dataset as its packages describe them, in the order of the agreement."""
    return tuple(
        PassColumn(id=item.id, bits=item.encoded_bits, blocked=bool(item.block_on))
        for item in dataset_passes(agreement, dataset)
    )


def first_phase(dataset: EncodedDataset) -> EncodedDataset:
    """The columns of a dataset that leave at once: all but those of its passes."""
    manifest = dataset.manifest.model_copy(update={"passes": (), "phase": 1})
    return EncodedDataset(manifest=manifest, table=dataset.table.select(dataset_schema(manifest).names))


def second_phase(dataset: EncodedDataset, digest: str) -> EncodedDataset:
    """Handles and passes of all rows of a dataset, which stay with their owner until rows are asked for.

    Args:
        digest: of the package of phase 1, hex SHA-256.
    """
    return _of_second_phase(dataset, dataset.table, digest)


def some_rows(kept: EncodedDataset, places: Int64Array) -> EncodedDataset:
    """Some rows of a second phase, by their places in rising order."""
    return _of_second_phase(kept, kept.table.take(pa.array(places)), str(kept.manifest.completes))


def some_cells(kept: EncodedDataset, wanted: dict[str, BoolArray]) -> EncodedDataset:
    """Some cells of a second phase: rows without any of them are left out.

    Args:
        wanted: pass id to the rows whose tag and encoding are kept, bool of shape (rows,); no row in passes not named.
    """
    table = kept.table
    any_wanted = np.zeros(len(kept), dtype=np.bool_)
    for item in kept.manifest.passes:
        chosen = wanted.get(item.id, np.zeros(len(kept), dtype=np.bool_))
        for name in _names(item):
            place = table.schema.get_field_index(name)
            matrix, there = matrix_from_binary(table.column(place))
            table = table.set_column(place, table.schema.field(place), binary_from_matrix(matrix, there & chosen))
            any_wanted |= there & chosen
    places = pa.array(np.flatnonzero(any_wanted))
    return _of_second_phase(kept, table.take(places), str(kept.manifest.completes))


def verify_completes(base: EncodedDataset, digests: Sequence[str], part: EncodedDataset) -> None:
    """Check that a package of phase 2 completes a dataset: it names one of its packages, and was made with its keys.

    Args:
        digests: of the packages that ``base`` was joined of.

    Raises:
        PackageError: ``PHASE_BASE``.
    """
    one, two = base.manifest, part.manifest
    if two.completes not in digests:
        raise PackageError(
            "this holds passes of rows of another package than those named; name the package it was asked for with",
            code="PHASE_BASE",
        )
    made_by = ("definition", "definition_id", "definition_fingerprint", "dataset", "owner", "key_epoch", "key_id")
    if one.phase != 1 or any(getattr(one, name) != getattr(two, name) for name in (*made_by, "handle_key_id")):
        raise PackageError(
            "the two packages were made under different agreements or keys, or of different datasets",
            code="PHASE_BASE",
        )


def join_phases(
    base: EncodedDataset, digests: Sequence[str], parts: Sequence[EncodedDataset], passes: tuple[PassColumn, ...]
) -> EncodedDataset:
    """A dataset with the passes of those of its rows that were asked for; no other row has one.

    Memory: the pass columns of all rows.

    Args:
        base: a dataset of phase 1, with its supplements.
        digests: of the packages that it was joined of.
        parts: packages of phase 2 that complete them, in any order.
        passes: of the dataset under the agreement.

    Raises:
        PackageError: ``PHASE_BASE``; ``PHASE_ROWS`` where a part has a row that the dataset lacks, a cell that another
            part has, or other passes than the agreement's.
    """
    places: list[Int64Array] = []
    known = _words(base.table["handle"])
    for part in parts:
        verify_completes(base, digests, part)
        if part.manifest.passes != passes:
            raise PackageError("the passes are not those that the agreement lists", code="PHASE_ROWS")
        found = _places(known, _words(part.table["handle"]))
        if (found < 0).any():
            raise PackageError(
                "there are passes of rows that the first package does not hold; refuse the package", code="PHASE_ROWS"
            )
        places.append(found)
    manifest = base.manifest.model_copy(update={"passes": passes, "phase": None})
    columns = {name: base.table[name] for name in base.table.column_names}
    for item in passes:
        for name in _names(item):
            columns[name] = _joined([part.table[name] for part in parts], places, len(base), item, name)
    schema = dataset_schema(manifest)
    return EncodedDataset(manifest=manifest, table=pa.table([columns[name] for name in schema.names], schema=schema))


def _joined(
    cells: Sequence[pa.ChunkedArray], places: Sequence[Int64Array], rows: int, item: PassColumn, name: str
) -> pa.Array:
    width = item.width_bytes if name.endswith("encoding") else 16
    if not cells:
        return pa.nulls(rows, pa.binary(width))
    matrix: ByteMatrix = np.zeros((rows, width), dtype=np.uint8)
    filled = np.zeros(rows, dtype=np.bool_)
    for column, place in zip(cells, places, strict=True):
        values, there = matrix_from_binary(column)
        if filled[place[there]].any():
            raise PackageError(
                "two packages hold passes of one row; name the later one alone, which holds what the earlier one held",
                code="PHASE_ROWS",
            )
        matrix[place[there]] = values[there]
        filled[place[there]] = True
    return binary_from_matrix(matrix, filled)


def _of_second_phase(dataset: EncodedDataset, table: pa.Table, digest: str) -> EncodedDataset:
    counts = RowCounts(read=table.num_rows, encoded=table.num_rows, quarantined=0)
    nothing = {"id_tokens": False, "state_fields": (), "coded": (), "supplement_to": None}
    update = {"counts": counts, "phase": 2, "completes": digest, **nothing}
    manifest = dataset.manifest.model_copy(update=update)
    return EncodedDataset(manifest=manifest, table=table.select(dataset_schema(manifest).names).combine_chunks())


def _names(item: PassColumn) -> tuple[str, ...]:
    encoding = f"pass.{item.id}.encoding"
    return (f"pass.{item.id}.block", encoding) if item.blocked else (encoding,)


def _words(handles: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(matrix_from_binary(handles)[0]).view(">u8").astype(np.uint64)


def handle_places(table: pa.Table, handles: pa.ChunkedArray | pa.Array) -> Int64Array:
    """The row of each handle in a table whose handles rise; -1 for none: int64 of shape (handles,)."""
    chunked = handles if isinstance(handles, pa.ChunkedArray) else pa.chunked_array([handles], pa.binary(16))
    return _places(_words(table["handle"]), _words(chunked))


def _places(known: npt.NDArray[np.uint64], wanted: npt.NDArray[np.uint64]) -> Int64Array:
    """Rows of ``wanted`` in ``known``, words of shape (rows, 2) in rising order; -1 where there is none."""
    if not len(known):
        return np.full(len(wanted), -1, dtype=np.int64)
    pair = np.dtype([("high", np.uint64), ("low", np.uint64)])
    ordered = np.ascontiguousarray(known).view(pair).reshape(-1)
    asked = np.ascontiguousarray(wanted).view(pair).reshape(-1)
    # A search by the first eight bytes; of 2^32 handles two would share them.
    found = np.minimum(np.searchsorted(ordered["high"], asked["high"]), len(known) - 1)
    exact = np.flatnonzero(ordered[found] != asked)
    for place in exact.tolist():
        candidates = np.flatnonzero(ordered["high"] == asked["high"][place])
        same = candidates[ordered["low"][candidates] == asked["low"][place]]
        found[place] = same[0] if len(same) else -1
    return found.astype(np.int64)
