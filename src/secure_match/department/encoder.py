"""RAW: encodes a table under a clkhash linkage schema, to the same bytes as clkhash 0.18.3.

Invariants:

* work is done once per distinct value of a chunk of rows and once per distinct token, never once per row,
* rows keep their order; a row that sets no bits keeps an all-zero encoding; a stream gives what the whole gives,
* between calls the encoder remembers grams of up to three characters and their hash values, in arrays that
  :meth:`Encoder.close` overwrites with zeros; no whole value and no derived key outlives a call,
* errors name row and column, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Lock
from types import TracebackType
from typing import Final, Literal, Self

import pyarrow as pa

from secure_match import __version__
from secure_match.agreement import LinkageSchema
from secure_match.department._columns import Source, read_rows, read_table
from secure_match.department._row_encoder import RowEncoder
from secure_match.department._row_handles import KeyedHandles, numbered_handles
from secure_match.department._sources import ArrowArray, ArrowStream, Rows, Table, iterate_batches, wrong_data
from secure_match.department._tokenise import MissingMode
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
from secure_match.exchange.opaque import Guarded
from secure_match.kernels import active

PASS_ID: Final = "clk"  # noqa: S105  # The id of a pass, not a password.
_DATASET_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DEFINITION_IDS: Final = {"as_schema": "clkhash-v3", "no_bits": "clkhash-v3/missing-no-bits"}


class Encoder(Guarded):
    """Encodes rows under a linkage schema and a key. Close it, or use it in a ``with`` block."""

    __slots__ = ("_key", "_lock", "_missing", "_on_invalid", "_rows", "_schema", "_threads")

    def __init__(
        self,
        schema: LinkageSchema,
        key: EncodingKey,
        *,
        missing: MissingMode = "as_schema",
        on_invalid: Literal["raise", "null"] = "raise",
        threads: int | None = None,
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
            threads: how many threads, at least 1; None for all cores that the process may use. The bytes are
                the same for any number.

        Raises:
            UsageError: ``OPTION_UNKNOWN``.
        """
        self._rows: RowEncoder | None = None
        if not isinstance(key, EncodingKey):
            # A department's key must not come under a schema: the schema chooses how keys are derived.
            raise UsageError("the key is an EncodingKey; make one with EncodingKey.from_secret", code="OPTION_UNKNOWN")
        if missing not in _DEFINITION_IDS or on_invalid not in {"raise", "null"}:
            raise UsageError("missing is as_schema or no_bits; on_invalid is raise or null", code="OPTION_UNKNOWN")
        if threads is not None and threads < 1:
            raise UsageError("threads is at least 1, or None for all cores", code="OPTION_UNKNOWN")
        self._schema, self._key, self._missing, self._on_invalid = schema, key, missing, on_invalid
        self._threads = threads if threads is not None else active().threads
        self._lock = Lock()
        self._rows = RowEncoder(schema, missing)

    def __repr__(self) -> str:
        return f"<Encoder: {len(self._schema.features)} features, {self._schema.length_bits} bits>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        rows = getattr(self, "_rows", None)
        if rows is not None:
            rows.wipe()

    def close(self) -> None:
        """Forget the grams and hash values of all calls, and overwrite them with zeros; again does nothing.

        A call that another thread has under way ends first. Afterwards the encoder encodes no more
        (``ENCODER_CLOSED``).
        """
        with self._lock:
            if self._rows is not None:
                self._rows.wipe()
            self._rows = None

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
            UsageError: ``OPTION_UNKNOWN`` for the dataset's name; ``ENCODER_CLOSED``.
        """
        return self._encode(data, self._keyed_handles(row_key, dataset), row_key, dataset, first_row=1)

    def encode_batches(
        self, batches: Table | Iterable[Table | Rows], *, row_key: str | None = None, dataset: str = ""
    ) -> Iterator[EncodedDataset]:
        """Encode a stream, holding one batch at a time.

        The encodings and handles are those that :meth:`encode` gives for all rows at once. Memory does not grow
        with the stream, but for 16 to 64 bytes a row where there is a ``row_key``, which must not stand twice.
        Batches of some ten thousand rows are fast; each has its own distinct values to look at.

        Args:
            batches: a table or stream with the Arrow PyCapsule interface (``pyarrow.RecordBatchReader``, DuckDB,
                Polars), taken in its own batches; or an iterable of tables, record batches or runs of rows.
            row_key: as in :meth:`encode`.
            dataset: as in :meth:`encode`.

        Yields:
            One dataset for each batch, in order, empty ones included.

        Raises:
            EncodingError: as :meth:`encode`, when the bad batch's turn comes; rows count through the stream.
            UsageError: as :meth:`encode`.
        """
        handles = self._keyed_handles(row_key, dataset)
        return self._encode_each(iterate_batches(batches), handles, row_key, dataset)

    def _encode_each(
        self, batches: Iterable[Table | Rows], handles: KeyedHandles | None, row_key: str | None, dataset: str
    ) -> Iterator[EncodedDataset]:
        first_row = 1
        for batch in batches:
            encoded = self._encode(batch, handles, row_key, dataset, first_row=first_row)
            first_row += len(encoded)
            yield encoded

    def _keyed_handles(self, row_key: str | None, dataset: str) -> KeyedHandles | None:
        if dataset and not _DATASET_NAME.fullmatch(dataset):
            raise UsageError("a dataset's name has lower-case letters, digits and underscores", code="OPTION_UNKNOWN")
        return KeyedHandles(self._key, dataset, row_key) if row_key else None

    def _encode(
        self, data: Table | Rows, keyed: KeyedHandles | None, row_key: str | None, dataset: str, *, first_row: int
    ) -> EncodedDataset:
        with ExitStack() as stack:
            stack.enter_context(self._lock)
            if self._rows is None:
                raise UsageError("the encoder is closed; make another one", code="ENCODER_CLOSED")
            source = self._read(data, row_key)
            if keyed is None:
                handles = numbered_handles(self._key, dataset, first_row, source.num_rows)
            else:
                handles = keyed.make(source.columns[-1], first_row, source.num_rows)
            pool = stack.enter_context(ThreadPoolExecutor(self._threads)) if self._threads > 1 else None
            encodings, valid = self._rows.encode(
                source,
                reveal(self._key, "encoding"),
                first_row=first_row,
                strict=self._on_invalid == "raise",
                pool=pool,
            )
        manifest = self._manifest(dataset, source.num_rows)
        columns = [binary_from_matrix(handles), binary_from_matrix(encodings, None if valid.all() else valid)]
        return EncodedDataset(manifest=manifest, table=pa.Table.from_arrays(columns, schema=dataset_schema(manifest)))

    def _read(self, data: Table | Rows, row_key: str | None) -> Source:
        features = self._schema.features
        encoded = [index for index, feature in enumerate(features) if not feature.ignored]
        names = [feature.identifier for feature in features]
        if isinstance(data, ArrowStream | ArrowArray):
            return read_table(data, [names[index] for index in encoded] + ([row_key] if row_key else []))
        if isinstance(data, str | bytes) or not isinstance(data, Sequence):
            raise wrong_data()
        if row_key and names.count(row_key) != 1:
            raise EncodingError(
                "the row key of rows is the identifier of exactly one feature of the schema",
                code="COLUMN_MISSING",
                place=Place(column=row_key),
            )
        return read_rows(data, names, encoded + ([names.index(row_key)] if row_key else []))

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
