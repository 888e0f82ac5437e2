"""ENCODED: the value that leaves a department: Arrow columns of handles, tokens, encodings and codes.

Columns, in this order:

* ``handle``: fixed_size_binary(16), never null, unique; a keyed PRF of the owner's own row key,
* ``id_token``: fixed_size_binary(16), null where the row has no usable ID number (only if ``manifest.id_tokens``),
* ``state.<field>``: uint8, see :class:`FieldState`,
* ``pass.<id>.block``: fixed_size_binary(16), null where a block value is missing (blocked passes only),
* ``pass.<id>.encoding``: fixed_size_binary(ceil(bits / 8)), null together with the block tag, or where
  nothing was encoded,
* ``code.<name>``: string (``code``) or int32 (``month`` as YYYYMM, ``integer``), null where empty.

Invariant: a dataset that exists agrees with its manifest; the constructor checks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.encoded.manifest import DatasetManifest
from secure_match.errors import LinkageError, PackageError

HANDLE_BYTES: Final = 16
TOKEN_BYTES: Final = 16
_CODED_TYPES: Final = {"code": pa.string(), "month": pa.int32(), "integer": pa.int32()}

ByteMatrix = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]


class FieldState(IntEnum):
    """What became of an identity field of a row."""

    VALID = 0
    REPAIRED = 1
    MISSING = 2
    INVALID = 3


def dataset_schema(manifest: DatasetManifest) -> pa.Schema:
    """The Arrow schema that a table under ``manifest`` must have."""
    fields = [pa.field("handle", pa.binary(HANDLE_BYTES), nullable=False)]
    if manifest.id_tokens:
        fields.append(pa.field("id_token", pa.binary(TOKEN_BYTES)))
    fields += [pa.field(f"state.{name}", pa.uint8(), nullable=False) for name in manifest.state_fields]
    for column in manifest.passes:
        if column.blocked:
            fields.append(pa.field(f"pass.{column.id}.block", pa.binary(TOKEN_BYTES)))
        fields.append(pa.field(f"pass.{column.id}.encoding", pa.binary(column.width_bytes)))
    fields += [pa.field(f"code.{coded.name}", _CODED_TYPES[coded.type]) for coded in manifest.coded]
    return pa.schema(fields)


def matrix_from_binary(column: pa.ChunkedArray | pa.Array) -> tuple[ByteMatrix, BoolArray]:
    """Fixed-size binary column as (uint8 matrix of shape (rows, width), bool validity of shape (rows,)).

    Rows that are null are all zero in the matrix.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # A chunked array of no chunks stays one.
        array = pa.array([], array.type)
    width = array.type.byte_width
    valid = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    data = array.buffers()[1]
    if data is None or len(array) == 0:
        return np.zeros((len(array), width), dtype=np.uint8), valid
    flat = np.frombuffer(data, dtype=np.uint8, count=len(array) * width, offset=array.offset * width)
    matrix = flat.reshape(len(array), width)
    if not valid.all():
        matrix = np.where(valid[:, None], matrix, np.uint8(0))
    return matrix, valid


def binary_from_matrix(matrix: ByteMatrix, valid: BoolArray | None = None) -> pa.Array:
    """The reverse of :func:`matrix_from_binary`: shape (rows, width) uint8, optional validity of shape (rows,)."""
    rows, width = matrix.shape
    if valid is not None:
        matrix = np.where(valid[:, None], matrix, np.uint8(0))
    contiguous = np.ascontiguousarray(matrix, dtype=np.uint8)
    bitmap = None
    if valid is not None and not valid.all():
        bitmap = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), rows, [bitmap, pa.py_buffer(contiguous)])


def is_rising(handles: pa.ChunkedArray) -> bool:
    """Whether fixed_size_binary(16) handles rise strictly, bytes compared unsigned; then no two are equal."""
    last = (-1, -1)
    for chunk in handles.chunks:
        words = matrix_from_binary(chunk)[0].view(">u8").astype(np.uint64)
        if len(words) == 0:
            continue
        high, low = words[:, 0], words[:, 1]
        if (int(high[0]), int(low[0])) <= last:
            return False
        if not ((high[1:] > high[:-1]) | ((high[1:] == high[:-1]) & (low[1:] > low[:-1]))).all():
            return False
        last = int(high[-1]), int(low[-1])
    return True


def _broken(message: str) -> PackageError:
    return PackageError(message, code="PACKAGE_CONTENT")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EncodedDataset:
    """Encodings of one dataset with the manifest that describes them.

    Attributes:
        manifest: what the columns are and what they were made under.
        table: the columns, in the order and with the types that the module docstring lists.

    Raises:
        PackageError: ``PACKAGE_CONTENT`` when table and manifest do not agree.
    """

    manifest: DatasetManifest
    table: pa.Table

    def __post_init__(self) -> None:
        schema = dataset_schema(self.manifest)
        if len(set(schema.names)) != len(schema):
            raise _broken("the manifest lists a column twice")
        if not self.table.schema.equals(schema):
            raise _broken("the columns are not those that the manifest lists")
        counts = self.manifest.counts
        if self.table.num_rows != counts.encoded or counts.read != counts.encoded + counts.quarantined:
            raise _broken("the number of rows is not the one that the manifest states")
        for field, column in zip(self.table.schema, self.table.columns, strict=True):
            if not field.nullable and column.null_count:
                raise _broken(f"column {field.name} has empty cells where none may be")
        handles = self.table["handle"]
        if not is_rising(handles) and pc.count_distinct(handles).as_py() != self.table.num_rows:
            raise _broken("a handle stands on two rows")
        for name in self.manifest.state_fields:
            column = self.table[f"state.{name}"]
            if self.table.num_rows and pc.max(column).as_py() > max(FieldState):
                raise _broken(f"column state.{name} has a state that does not exist")
        for item in self.manifest.passes:
            if item.blocked:
                tags, encodings = self.table[f"pass.{item.id}.block"], self.table[f"pass.{item.id}.encoding"]
                if not tags.is_null().equals(encodings.is_null()):
                    raise _broken(f"pass {item.id} has a block tag without an encoding, or the reverse")

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        passes = ", ".join(f"{item.id}:{item.bits}" for item in self.manifest.passes)
        return f"<EncodedDataset {self.manifest.dataset or 'unnamed'}: {len(self)} rows, passes [{passes}]>"

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return self.table.__arrow_c_stream__(requested_schema)

    def encodings(self, pass_id: str | None = None) -> ByteMatrix:
        """Packed encodings, uint8 of shape (rows, ceil(bits / 8)); bit 0 of an encoding is the top bit of byte 0.

        Rows without an encoding are all zero; :meth:`encoded_rows` tells them apart.

        Args:
            pass_id: which pass; may be left out where there is one only.

        Raises:
            LinkageError: ``PASS_UNKNOWN``.
        """
        return matrix_from_binary(self.table[f"pass.{self._pass(pass_id)}.encoding"])[0]

    def encoded_rows(self, pass_id: str | None = None) -> BoolArray:
        """Which rows have an encoding in the pass: bool of shape (rows,)."""
        return matrix_from_binary(self.table[f"pass.{self._pass(pass_id)}.encoding"])[1]

    def _pass(self, pass_id: str | None) -> str:
        known = [item.id for item in self.manifest.passes]
        if pass_id is None and len(known) == 1:
            return known[0]
        if pass_id not in known:
            raise LinkageError(f"name one of the passes: {', '.join(known)}", code="PASS_UNKNOWN")
        return str(pass_id)
