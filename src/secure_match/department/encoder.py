"""RAW: encodes a table under a clkhash linkage schema, to the same bytes as clkhash 0.18.3.

Invariants:

* work is done once per distinct value and once per distinct token of a chunk of rows, never once per row,
* rows keep their order; a row that sets no bits keeps an all-zero encoding,
* nothing of a value or key outlives the call; errors name row and column, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match import __version__
from secure_match.agreement import LinkageSchema
from secure_match.department._columns import Source, read_rows, read_table
from secure_match.department._feature_bits import FeatureEncoder
from secure_match.department._hashing import derive_feature_keys
from secure_match.department._row_handles import make_handles
from secure_match.department._tokenise import REASONS, MissingMode
from secure_match.department.keys import EncodingKey, derive_key_id
from secure_match.department.secret_access import reveal
from secure_match.encoded import (
    DatasetManifest,
    EncodedDataset,
    PassColumn,
    RowCounts,
    binary_from_matrix,
    dataset_schema,
)
from secure_match.errors import EncodingError, Place, UsageError
from secure_match.kernels.bloom import ByteMatrix, fold_xor

CHUNK_ROWS: Final = 1 << 16
CHUNK_BYTES: Final = 1 << 27
"""A chunk has at most this many rows, and fewer where its filters and hash values would take more bytes."""

PASS_ID: Final = "clk"  # noqa: S105  # The id of a pass, not a password.
_DATASET_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DEFINITION_IDS: Final = {"as_schema": "clkhash-v3", "no_bits": "clkhash-v3/missing-no-bits"}


@runtime_checkable
class ArrowStream(Protocol):
    """A table by the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


@runtime_checkable
class ArrowArray(Protocol):
    """A record batch by the Arrow PyCapsule interface."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> Any: ...


Table = ArrowStream | ArrowArray
Rows = Sequence[Sequence[str | None]]


class Encoder:
    """Encodes rows under a linkage schema and a key."""

    __slots__ = ("_key", "_missing", "_on_invalid", "_schema")

    def __init__(
        self,
        schema: LinkageSchema,
        key: EncodingKey,
        *,
        missing: MissingMode = "as_schema",
        on_invalid: Literal["raise", "null"] = "raise",
    ) -> None:
        """Bind a schema and a key.

        Args:
            schema: what to encode and how.
            key: the secret that all parties share.
            missing: ``as_schema`` hashes what stands for a missing value, as clkhash does, so that two
                missing values look alike; ``no_bits`` lets a missing value set no bits. CLKs made in one
                way cannot be compared with CLKs made in the other: the manifest's ``definition_id`` tells
                them apart.
            on_invalid: ``raise`` stops at the first invalid row; ``null`` gives invalid rows a null encoding
                and keeps them: ``counts.quarantined`` stays 0, ``encoded_rows()`` of the result tells them.

        Raises:
            UsageError: ``OPTION_UNKNOWN``.
        """
        if not isinstance(key, EncodingKey):
            # A department's key must not come under a schema: the schema chooses how keys are derived.
            raise UsageError("the key is an EncodingKey; make one with EncodingKey.from_secret", code="OPTION_UNKNOWN")
        if missing not in _DEFINITION_IDS or on_invalid not in {"raise", "null"}:
            raise UsageError("missing is as_schema or no_bits; on_invalid is raise or null", code="OPTION_UNKNOWN")
        self._schema, self._key, self._missing, self._on_invalid = schema, key, missing, on_invalid

    def __repr__(self) -> str:
        return f"<Encoder: {len(self._schema.features)} features, {self._schema.length_bits} bits>"

    def encode(self, data: Table | Rows, *, row_key: str | None = None, dataset: str = "") -> EncodedDataset:
        """Encode a table or rows.

        Columns of a table are found by the features' identifiers; an identifier that stands twice in the
        schema reads one column twice. Columns of ignored features may be absent; other columns are not
        touched. Rows are read by position, one cell for each feature, ignored ones included. Text and integer
        columns are taken.

        A null sets no bits, unless the feature's missing-value sentinel is the empty text: then it is read
        as that. The empty text itself is an ordinary value, as in clkhash.

        Args:
            data: an object with the Arrow PyCapsule interface (PyArrow, pandas, Polars, DuckDB), or a
                sequence of rows of text.
            row_key: the column whose text is the key that handles are made of; by default the row number is.
            dataset: name of the dataset, lower-case letters, digits and underscores; it takes part in the handles.

        Returns:
            The pass ``clk``: one encoding of ``length_bits`` bits for each row, in the order of the rows.

        Raises:
            EncodingError: ``COLUMN_MISSING``, ``COLUMN_DUPLICATE``, ``COLUMN_TYPE``, ``DATA_TYPE``,
                ``ROW_WIDTH``, ``VALUE_TYPE``, ``ROW_KEY_MISSING``, ``ROW_KEY_DUPLICATE``, or with
                ``on_invalid="raise"`` a ``VALUE_`` code of ``_tokenise.REASONS``. Rows count from 1 at the
                first row of data; the first bad row is named, and in it the first bad feature.
        """
        if dataset and not _DATASET_NAME.fullmatch(dataset):
            raise UsageError("a dataset's name has lower-case letters, digits and underscores", code="OPTION_UNKNOWN")
        source = self._read(data, row_key)
        handles = make_handles(self._key, dataset, source.num_rows, source.columns[-1] if row_key else None, row_key)
        encodings, valid = self._encode(source)
        manifest = self._manifest(dataset, source.num_rows)
        columns = [binary_from_matrix(handles), binary_from_matrix(encodings, valid)]
        return EncodedDataset(manifest=manifest, table=pa.Table.from_arrays(columns, schema=dataset_schema(manifest)))

    def _read(self, data: Table | Rows, row_key: str | None) -> Source:
        features = self._schema.features
        encoded = [index for index, feature in enumerate(features) if not feature.ignored]
        names = [feature.identifier for feature in features]
        if isinstance(data, ArrowStream | ArrowArray):
            return read_table(data, [names[index] for index in encoded] + ([row_key] if row_key else []))
        if isinstance(data, str | bytes) or not isinstance(data, Sequence):
            raise EncodingError(
                "give rows of text, or a table with the Arrow interface (PyArrow, pandas, Polars, DuckDB)",
                code="DATA_TYPE",
            )
        if row_key and names.count(row_key) != 1:
            raise EncodingError(
                "the row key of rows is the identifier of exactly one feature of the schema",
                code="COLUMN_MISSING",
                place=Place(column=row_key),
            )
        return read_rows(data, names, encoded + ([names.index(row_key)] if row_key else []))

    def _encode(self, source: Source) -> tuple[ByteMatrix, npt.NDArray[np.bool_]]:
        """Encodings of all rows, and which rows are valid."""
        schema = self._schema
        keys = derive_feature_keys(schema, reveal(self._key, "encoding"))
        encoders = [
            FeatureEncoder(feature, pair, schema.filter_bits, self._missing)
            for feature, pair in zip(schema.features, keys, strict=True)
            if not feature.ignored
        ]
        encodings = np.zeros((source.num_rows, (schema.length_bits + 7) // 8), dtype=np.uint8)
        valid = np.ones(source.num_rows, dtype=np.bool_)
        for start, stop in self._chunks(source.num_rows, encoders):
            filters = np.zeros((stop - start, (schema.filter_bits + 7) // 8), dtype=np.uint8)
            first_bad: tuple[int, str, str] | None = None
            for encoder, column in zip(encoders, source.columns, strict=False):
                bad = encoder.encode(column.chunk(start, stop), filters)
                for row, code in bad.items():
                    valid[start + row] = False
                    if first_bad is None or row < first_bad[0]:
                        first_bad = (row, code, encoder.identifier)
            if first_bad is not None and self._on_invalid == "raise":
                row, code, identifier = first_bad
                raise EncodingError(REASONS[code], code=code, place=Place(row=start + row + 1, column=identifier))
            encodings[start:stop] = fold_xor(filters, schema.length_bits, schema.xor_folds)
        encodings[~valid] = 0
        return encodings, valid

    def _chunks(self, num_rows: int, encoders: Sequence[FeatureEncoder]) -> Iterator[tuple[int, int]]:
        largest = max((encoder.bytes_per_value for encoder in encoders), default=0)
        step = max(1, min(CHUNK_ROWS, CHUNK_BYTES // (self._schema.filter_bits // 8 + largest + 1)))
        for start in range(0, num_rows, step):
            yield start, min(start + step, num_rows)

    def _manifest(self, dataset: str, num_rows: int) -> DatasetManifest:
        fingerprint = self._schema.fingerprint
        return DatasetManifest(
            definition="linkage-schema",
            definition_id=_DEFINITION_IDS[self._missing],
            definition_fingerprint=fingerprint,
            dataset=dataset,
            owner="",
            key_epoch="",
            key_id=derive_key_id(reveal(self._key, "encoding"), "encoding", fingerprint),
            handle_key_id=derive_key_id(reveal(self._key, "handle"), "handle", fingerprint, dataset),
            counts=RowCounts(read=num_rows, encoded=num_rows, quarantined=0),
            id_tokens=False,
            passes=(PassColumn(id=PASS_ID, bits=self._schema.length_bits, blocked=False),),
            tool=f"secure_match {__version__}",
        )
