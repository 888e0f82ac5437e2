"""RAW: encodings of the rows of a source, chunk by chunk, feature by feature.

Invariants: work is done once per distinct value of a chunk and once per distinct gram, never once per row, but for
the last step, in which compiled code merges filters into rows. A feature's work is one thread's, so the number of
threads changes no byte. Rows keep their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from secure_match.agreement import LinkageSchema
from secure_match.department._columns import Source
from secure_match.department._feature_bits import WORD_BYTES, FeatureBits, FeatureEncoder, words
from secure_match.department._hashing import derive_feature_keys
from secure_match.department._tokenise import REASONS, MissingMode
from secure_match.department._wiped import WipedArray
from secure_match.errors import EncodingError, Place
from secure_match.kernels.bloom import ByteMatrix, fold_xor, merge_filters

CHUNK_ROWS: Final = 1 << 16
CHUNK_BYTES: Final = 1 << 27
"""A chunk has at most this many rows, and fewer where its filters and hash values would take more bytes."""

MERGED_ROWS: Final = 1 << 11
"""Rows that are merged at once: at 1024 bits they stay in the cache while all features come by."""

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class RowEncoder:
    """Encodes rows under a linkage schema; remembers grams between calls, and keys never."""

    __slots__ = ("_features", "_positions", "_schema")

    def __init__(self, schema: LinkageSchema, missing: MissingMode) -> None:
        self._schema = schema
        self._positions = [index for index, feature in enumerate(schema.features) if not feature.ignored]
        self._features = [
            FeatureEncoder(feature, schema.filter_bits, missing) for feature in schema.features if not feature.ignored
        ]

    @property
    def arrays(self) -> list[WipedArray[Any]]:
        """All that is remembered."""
        return [array for feature in self._features for array in feature.arrays]

    def wipe(self) -> None:
        """Forget all, and overwrite it with zeros."""
        for feature in self._features:
            feature.wipe()

    def encode(
        self, source: Source, secret: bytes, *, first_row: int, strict: bool, pool: Executor | None
    ) -> tuple[ByteMatrix, npt.NDArray[np.bool_]]:
        """Encodings of all rows, and which rows are valid.

        Args:
            source: one column for each feature that is not ignored, in order; more columns are passed over.
            secret: the secret that the features' keys are derived from.
            first_row: number of the first row, for messages.
            strict: raise at the first row with an invalid value; else it gets an all-zero encoding.
            pool: runs the work of features and of runs of rows; None for this thread.

        Raises:
            EncodingError: a ``VALUE_`` code, with row and column.
        """
        schema = self._schema
        keys = derive_feature_keys(schema, secret)
        encodings = np.zeros((source.num_rows, (schema.length_bits + 7) // 8), dtype=np.uint8)
        valid = np.ones(source.num_rows, dtype=np.bool_)
        for start, stop in self._chunks(source.num_rows):

            def encode_feature(number: int, start: int = start, stop: int = stop) -> FeatureBits:
                cells = source.columns[number].chunk(start, stop)
                return self._features[number].encode(cells, keys[self._positions[number]])

            found = _map(pool, encode_feature, range(len(self._features)))
            self._note_problems(found, valid[start:stop], first_row + start, strict=strict)
            self._merge(found, encodings[start:stop], pool)
        if not valid.all():
            encodings[~valid] = 0
        return encodings, valid

    def _note_problems(
        self, found: Sequence[FeatureBits], valid: npt.NDArray[np.bool_], first_row: int, *, strict: bool
    ) -> None:
        """Mark rows that are not valid, or raise for the first of them, by the first feature in it."""
        first: tuple[int, str, str] | None = None
        for feature, bits in zip(self._features, found, strict=True):
            rows, code = bits.bad_rows()
            valid[rows] = False
            if len(rows) and (first is None or rows[0] < first[0]):
                first = (int(rows[0]), code, feature.identifier)
        if first is not None and strict:
            row, code, identifier = first
            raise EncodingError(REASONS[code], code=code, place=Place(row=first_row + row, column=identifier))

    def _merge(self, found: Sequence[FeatureBits], encodings: ByteMatrix, pool: Executor | None) -> None:
        """OR the features' filters into the rows, and fold them."""
        schema = self._schema
        width = words(schema.filter_bits)
        # Filters that are whole words and not folded are the encodings themselves.
        direct = schema.xor_folds == 0 and encodings.shape[1] == width * WORD_BYTES

        def merge_rows(start: int) -> None:
            stop = min(start + MERGED_ROWS, len(encodings))
            filters = encodings[start:stop].view(np.uint64) if direct else np.zeros((stop - start, width), np.uint64)
            for bits in found:
                merge_filters(bits.codes[start:stop], bits.filters, filters)
            if not direct:
                used = np.ascontiguousarray(filters.view(np.uint8)[:, : (schema.filter_bits + 7) // 8])
                folds = schema.xor_folds
                encodings[start:stop] = fold_xor(used, schema.length_bits, folds) if folds else used

        _map(pool, merge_rows, range(0, len(encodings), MERGED_ROWS))

    def _chunks(self, num_rows: int) -> Iterator[tuple[int, int]]:
        per_row = self._schema.filter_bits // 8 + 1 + sum(feature.bytes_per_value for feature in self._features)
        step = max(1, min(CHUNK_ROWS, CHUNK_BYTES // per_row))
        for start in range(0, num_rows, step):
            yield start, min(start + step, num_rows)


def _map(pool: Executor | None, work: Callable[[ItemT], ResultT], items: Iterable[ItemT]) -> list[ResultT]:
    """Results in the order of the items. If one raises, what others have under way ends before the pool closes."""
    return [work(item) for item in items] if pool is None else list(pool.map(work, items))
