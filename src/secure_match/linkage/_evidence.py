"""ENCODED: the rows of all datasets in one canonical order, and the evidence on pairs of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Agreement, dataset_passes, leaving_columns
from secure_match.encoded import EncodedDataset, matrix_from_binary
from secure_match.encoded.cell_bytes import cells_with_hidden_bytes, is_rising
from secure_match.encoded.coded_values import cells_outside
from secure_match.errors import LinkageError, PackageError, Place

ByteMatrix = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


class TokenState(IntEnum):
    """What the ID tokens of a pair say."""

    EQUAL = 0
    DIFFERENT = 1
    UNKNOWN = 2


class Decision(IntEnum):
    """Decision on a pair (Fellegi and Sunter's three)."""

    LINK = 0
    POSSIBLE_LINK = 1
    NON_LINK = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PassArrays:
    """One pass over all rows; rows of datasets without the pass are not valid.

    Attributes:
        encodings: uint8 of shape (rows, bytes).
        valid: bool of shape (rows,).
        tags: uint8 of shape (rows, 16), or None for a pass that does not block.
    """

    encodings: ByteMatrix
    valid: BoolArray
    tags: ByteMatrix | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowTable:
    """All rows, ordered by the agreement's order of datasets, then by handle: the input's order does not matter.

    Attributes:
        datasets: the encoded datasets, in the agreement's order.
        dataset_of: index into ``datasets``, int64 of shape (rows,).
        handles: uint8 of shape (rows, 16).
        source_row: row in the dataset's own table, int64 of shape (rows,).
        token_codes: equal for equal ID tokens, -1 for none, int64 of shape (rows,).
        constraint_bits: one bit per one-record-per-person dataset, uint64 of shape (rows,); 0 without constraint.
    """

    datasets: tuple[EncodedDataset, ...]
    dataset_of: IntArray
    handles: ByteMatrix
    source_row: IntArray
    token_codes: IntArray
    constraint_bits: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.dataset_of)

    def pass_arrays(self, pass_id: str, width_bytes: int, *, blocked: bool) -> PassArrays:
        """The columns of one pass over all rows."""
        encodings = np.zeros((len(self), width_bytes), dtype=np.uint8)
        valid = np.zeros(len(self), dtype=np.bool_)
        tags = np.zeros((len(self), 16), dtype=np.uint8) if blocked else None
        for index, dataset in enumerate(self.datasets):
            if pass_id not in {item.id for item in dataset.manifest.passes}:
                continue
            rows = np.flatnonzero(self.dataset_of == index)
            source = self.source_row[rows]
            matrix, present = matrix_from_binary(dataset.table[f"pass.{pass_id}.encoding"])
            encodings[rows], valid[rows] = matrix[source], present[source]
            if tags is not None:
                tags[rows] = matrix_from_binary(dataset.table[f"pass.{pass_id}.block"])[0][source]
        return PassArrays(encodings=encodings, valid=valid, tags=tags)


def verify_linkable(
    agreement: Agreement, datasets: Sequence[EncodedDataset], *, beside: Sequence[EncodedDataset] = ()
) -> None:
    """Check that datasets were made under this agreement, by one shared key, each once, and hold only what it lets.

    Args:
        beside: datasets that were checked before; the others must fit to them.

    Raises:
        LinkageError: ``DEFINITION_MISMATCH``, ``EPOCH_MISMATCH``, ``DATASET_UNKNOWN``, ``DATASET_OWNER``,
            ``DATASET_COLUMNS``, ``DATASET_REPEATED`` or ``KEY_MISMATCH``; the message names the datasets.
        PackageError: ``PACKAGE_ORDER``, ``PACKAGE_VALUE`` or ``PACKAGE_HIDDEN_BYTES``, with dataset and column.
    """
    first = [*beside, *datasets][:1]
    seen = {dataset.manifest.dataset for dataset in beside}
    for dataset in datasets:
        _verify_definition(agreement, dataset)
        name = dataset.manifest.dataset
        if name in seen:
            raise LinkageError(f"there are two packages of dataset {name}; name one", code="DATASET_REPEATED")
        seen.add(name)
        if dataset.manifest.key_id != first[0].manifest.key_id:
            raise LinkageError(
                f"datasets {first[0].manifest.dataset} and {name} were encoded with different keys; "
                "the departments have to encode with one shared key",
                code="KEY_MISMATCH",
            )
        _verify_content(agreement, dataset)


def _verify_definition(agreement: Agreement, dataset: EncodedDataset) -> None:
    manifest = dataset.manifest
    name = manifest.dataset
    if manifest.definition != "agreement":
        raise LinkageError(
            f"dataset {name} was encoded under a linkage schema; encode it under the agreement",
            code="DEFINITION_MISMATCH",
        )
    if manifest.definition_id != agreement.id or manifest.definition_fingerprint != agreement.fingerprint:
        raise LinkageError(
            f"dataset {name} was encoded under another agreement ({manifest.definition_fingerprint[:16]}…, "
            f"here {agreement.fingerprint[:16]}…); encode it again under this one",
            code="DEFINITION_MISMATCH",
        )
    if manifest.key_epoch != agreement.key_epoch:
        raise LinkageError(f"dataset {name} is of another key epoch; encode it again", code="EPOCH_MISMATCH")
    declared = agreement.dataset(name)
    if declared is None:
        raise LinkageError(f"the agreement has no dataset {name}", code="DATASET_UNKNOWN")
    if declared.owner != manifest.owner:
        raise LinkageError(
            f"dataset {name} is owned by {declared.owner}, but was sent by {manifest.owner}", code="DATASET_OWNER"
        )
    passes = [(item.id, item.bits, bool(item.block_on)) for item in dataset_passes(agreement, declared)]
    coded = [(column.name, column.type) for column in declared.columns]
    if (
        dataset.table.column_names != [column.name for column in leaving_columns(agreement, declared)]
        or [(item.id, item.bits, item.blocked) for item in manifest.passes] != passes
        or [(item.name, item.type) for item in manifest.coded] != coded
    ):
        raise LinkageError(
            f"the columns of dataset {name} are not those that the agreement lists; refuse the package",
            code="DATASET_COLUMNS",
        )


def _verify_content(agreement: Agreement, dataset: EncodedDataset) -> None:
    """What the release gate of an honest department saw to."""
    name = dataset.manifest.dataset
    declared = agreement.dataset(name)
    if not is_rising(dataset.table["handle"]):
        raise PackageError(
            f"the rows of dataset {name} are not in the order of their handles, so that their order could say "
            "something of the export; refuse the package",
            code="PACKAGE_ORDER",
            place=Place(column="handle"),
        )
    for column in declared.columns if declared is not None else ():
        outside = cells_outside(column, agreement.valid_months, dataset.table[f"code.{column.name}"])
        if outside:
            raise PackageError(
                f"{outside} cells of dataset {name} are outside the agreed list, bands, range or months; refuse the "
                "package",
                code="PACKAGE_VALUE",
                place=Place(column=f"code.{column.name}"),
            )
    for field, cells in zip(dataset.table.schema, dataset.table.columns, strict=True):
        hidden = cells_with_hidden_bytes(cells)
        if hidden:
            raise PackageError(
                f"{hidden} empty cells of dataset {name} have bytes under them; refuse the package",
                code="PACKAGE_HIDDEN_BYTES",
                place=Place(column=field.name),
            )


def build_rows(agreement: Agreement, datasets: Sequence[EncodedDataset]) -> RowTable:
    """Put the rows of all datasets into canonical order."""
    order = {dataset.id: place for place, dataset in enumerate(agreement.datasets)}
    arranged = tuple(sorted(datasets, key=lambda item: order[item.manifest.dataset]))
    dataset_of, handles, source_row, tokens, has_token, bits = [], [], [], [], [], []
    next_bit = 0
    for index, dataset in enumerate(arranged):
        matrix, _ = matrix_from_binary(dataset.table["handle"])
        by_handle = np.lexsort(tuple(_words(matrix).T[::-1]))
        handles.append(matrix[by_handle])
        source_row.append(by_handle)
        dataset_of.append(np.full(len(matrix), index, dtype=np.int64))
        token, present = _tokens(dataset)
        tokens.append(token[by_handle])
        has_token.append(present[by_handle])
        declared = agreement.dataset(dataset.manifest.dataset)
        constrained = declared is not None and declared.one_record_per_person
        bits.append(np.full(len(matrix), 1 << next_bit if constrained else 0, dtype=np.uint64))
        next_bit += constrained
    return RowTable(
        datasets=arranged,
        dataset_of=np.concatenate(dataset_of),
        handles=np.concatenate(handles),
        source_row=np.concatenate(source_row),
        token_codes=_codes(np.concatenate(tokens), np.concatenate(has_token)),
        constraint_bits=np.concatenate(bits),
    )


def token_states(codes: IntArray, row_i: IntArray, row_j: IntArray) -> npt.NDArray[np.int8]:
    """``TokenState`` of pairs, int8 of shape (pairs,)."""
    one, two = codes[row_i], codes[row_j]
    states = np.full(len(row_i), TokenState.UNKNOWN, dtype=np.int8)
    both = (one >= 0) & (two >= 0)
    states[both] = np.where(one[both] == two[both], TokenState.EQUAL, TokenState.DIFFERENT)
    return states


def token_links(codes: IntArray) -> tuple[IntArray, IntArray]:
    """Exact join on ID tokens: each later row of a token with the first, as (first, later) row numbers."""
    rows = np.flatnonzero(codes >= 0)
    ordered = rows[np.argsort(codes[rows], kind="stable")]
    values = codes[ordered]
    starts = np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1]))) if len(ordered) else ordered
    first = np.repeat(ordered[starts], np.diff(np.append(starts, len(ordered))))
    later = first != ordered
    return first[later], ordered[later]


def _tokens(dataset: EncodedDataset) -> tuple[ByteMatrix, BoolArray]:
    if not dataset.manifest.id_tokens:
        return np.zeros((len(dataset), 16), dtype=np.uint8), np.zeros(len(dataset), dtype=np.bool_)
    return matrix_from_binary(dataset.table["id_token"])


def _words(matrix: ByteMatrix) -> npt.NDArray[np.uint64]:
    return np.ascontiguousarray(matrix).view(">u8").astype(np.uint64).reshape(len(matrix), 2)


def _codes(tokens: ByteMatrix, present: BoolArray) -> IntArray:
    codes = np.full(len(tokens), -1, dtype=np.int64)
    rows = np.flatnonzero(present)
    if len(rows):
        words = _words(tokens[rows])
        order = np.lexsort((words[:, 1], words[:, 0]))
        ranked = words[order]
        changed = np.concatenate(([False], (ranked[1:] != ranked[:-1]).any(axis=1)))
        codes[rows[order]] = np.cumsum(changed)
    return codes
