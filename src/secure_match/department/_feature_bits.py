"""RAW: the bits of one feature: distinct values to tokens, tokens to hash values, hash values to filters.

Invariants: each distinct value of a chunk of rows is validated and tokenised once. A q-gram of up to three
characters is hashed once for as long as the encoder remembers it: of a feature's grams the first
``KEPT_TOKENS``, until the encoder is closed. Nothing else is kept from one chunk to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from secure_match.agreement._schema_models import Feature, NumericComparison
from secure_match.department._columns import Chunk
from secure_match.department._feature_tokens import FeatureTokens
from secure_match.department._formats import PROBLEMS
from secure_match.department._texts import ByteArray
from secure_match.department._token_store import FeatureKeys, make_store
from secure_match.department._tokenise import MissingMode
from secure_match.department._wiped import WipedArray
from secure_match.kernels.bloom import Int32Array

KEPT_TOKENS: Final = 1 << 17
"""Grams that a feature remembers: about 15 MiB at up to 32 bits a gram. Those beyond are hashed anew in each chunk."""

WORD_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class FeatureBits:
    """The bits of one feature in a chunk of rows.

    Attributes:
        codes: int32 of shape (rows,): index of the row's filter, or -1 where there is none.
        filters: uint64 of shape (values, words): one filter for each distinct value, zero-padded to whole words.
        problems: uint8 of shape (values,): number in ``PROBLEMS`` of what is wrong with a value; its filter is empty.
    """

    codes: Int32Array
    filters: npt.NDArray[np.uint64]
    problems: ByteArray

    def bad_rows(self) -> tuple[npt.NDArray[np.int64], str]:
        """Rows with a problem, rising, and the code of the first one's."""
        if not self.problems.any():
            return np.zeros(0, dtype=np.int64), ""
        of_row = np.where(self.codes >= 0, self.problems[self.codes], 0)
        rows = np.flatnonzero(of_row)
        return rows, PROBLEMS[of_row[rows[0]]] if len(rows) else ""


class FeatureEncoder:
    """Makes the bits of one feature, and remembers the grams that it hashed."""

    __slots__ = ("_feature", "_filter_bits", "_store", "_tokens", "bytes_per_value", "identifier")

    def __init__(self, feature: Feature, filter_bits: int, missing: MissingMode) -> None:
        self._feature = feature
        self._filter_bits = filter_bits
        self._tokens = FeatureTokens(feature, missing)
        self._store = make_store(feature.hashing.hash, filter_bits)
        self.identifier = feature.identifier
        self.bytes_per_value = words(filter_bits) * WORD_BYTES + _work_bytes(feature)

    @property
    def arrays(self) -> list[WipedArray[Any]]:
        """All that is remembered."""
        table = self._tokens.table
        return [*self._store.arrays, *(table.arrays if table is not None else [])]

    def encode(self, chunk: Chunk, keys: FeatureKeys) -> FeatureBits:
        """The feature's bits for the cells of a chunk of rows."""
        codes, texts = chunk.codes, chunk.texts
        null_text = self._tokens.null_text
        if null_text is not None and (codes < 0).any():
            number = texts.find(null_text)
            if number < 0:
                number, texts = len(texts), texts.appended(null_text)
            codes = np.where(codes < 0, np.int32(number), codes)
        found = self._tokens.tokenise(texts)
        filters = np.zeros((len(texts), words(self._filter_bits)), dtype=np.uint64)
        self._store.set_bits(found.lists, found.count, found.spell, keys, filters.view(np.uint8))
        self._forget(KEPT_TOKENS if self._tokens.table is not None else 0)
        return FeatureBits(codes=codes, filters=filters, problems=found.problems)

    def wipe(self) -> None:
        """Forget all grams and hash values, and overwrite them with zeros."""
        if self._tokens.table is not None:
            self._tokens.table.wipe()
        self._store.forget(0)
        for array in self.arrays:
            array.wipe()

    def _forget(self, kept: int) -> None:
        table = self._tokens.table
        if table is None or table.count > kept:
            self._store.forget(kept)
        if table is not None:
            table.forget(kept)


def words(filter_bits: int) -> int:
    """Words of 64 bits that hold a filter."""
    return -(-filter_bits // (8 * WORD_BYTES))


def _work_bytes(feature: Feature) -> int:
    """A rough size of what one distinct value takes while it is hashed: its hash values and its tokens."""
    strategy, comparison = feature.hashing.strategy, feature.hashing.comparison
    tokens = 2 * comparison.resolution + 1 if isinstance(comparison, NumericComparison) else 1
    hashes = strategy.bits_per_feature or (strategy.bits_per_token or 0) * tokens
    return 2 * hashes + 64 * tokens
