"""RAW: the bits of one feature: distinct values to tokens, tokens to hash values, hash values to rows.

Invariant: each distinct value of a chunk is validated and tokenised once, each distinct token hashed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

from secure_match.agreement._schema_models import BlakeHash, Feature, NumericComparison, Strategy
from secure_match.department._columns import Chunk
from secure_match.department._hashing import blake_table, double_hash_table
from secure_match.department._tokenise import MissingMode, Tokeniser
from secure_match.kernels.bloom import ByteMatrix, Entries, or_patterns, set_double_hash_bits, set_token_bits


class FeatureEncoder:
    """Sets the bits of one feature in the filters of a chunk of rows."""

    __slots__ = ("_feature", "_filter_bits", "_keys", "_tokeniser", "bytes_per_value", "identifier")

    def __init__(self, feature: Feature, keys: tuple[bytes, bytes], filter_bits: int, missing: MissingMode) -> None:
        self._feature = feature
        self._keys = keys
        self._filter_bits = filter_bits
        self._tokeniser = Tokeniser(feature, missing)
        self.identifier = feature.identifier
        self.bytes_per_value = filter_bits // 8 + _work_bytes(feature)

    def encode(self, chunk: Chunk, filters: ByteMatrix) -> dict[int, str]:
        """OR the feature's bits into the filters.

        Args:
            chunk: the cells of the rows.
            filters: uint8 of shape (rows, ceil(filter_bits / 8)), changed in place.

        Returns:
            Code of what is wrong, by row of the chunk, for rows whose value is invalid; they get no bits.
        """
        codes, texts = chunk.codes, chunk.texts
        if self._tokeniser.null_text is not None:
            codes, texts = np.where(codes < 0, len(texts), codes), [*texts, self._tokeniser.null_text]
            if not (codes == len(texts) - 1).any():
                texts = texts[:-1]
        tokens: list[list[str]] = []
        problems: dict[int, str] = {}
        for number, text in enumerate(texts):
            found, problem = self._tokeniser.tokenise(text)
            tokens.append(found)
            if problem:
                problems[number] = problem
        bad: dict[int, str] = {}
        if problems:
            rows = np.flatnonzero(np.isin(codes, list(problems)))
            bad = {int(row): problems[int(codes[row])] for row in rows}
        or_patterns(codes, self._patterns(tokens), filters)
        return bad

    def _patterns(self, tokens: Sequence[list[str]]) -> ByteMatrix:
        """One filter for each distinct value: uint8 of shape (values, ceil(filter_bits / 8))."""
        patterns = np.zeros((len(tokens), (self._filter_bits + 7) // 8), dtype=np.uint8)
        numbers: dict[str, int] = {}
        found = np.fromiter(
            (numbers.setdefault(token, len(numbers)) for token in chain.from_iterable(tokens)), dtype=np.int64
        )
        if not len(found):
            return patterns
        counts = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
        entries = Entries(
            rows=np.repeat(np.arange(len(tokens), dtype=np.int64), counts),
            tokens=found,
            num_hashes=_num_hashes(counts, self._feature.hashing.strategy),
        )
        encoded = [token.encode(self._feature.encoding) for token in numbers]
        rule = self._feature.hashing.hash
        if isinstance(rule, BlakeHash):
            most = np.zeros(len(encoded), dtype=np.int64)
            np.maximum.at(most, found, entries.num_hashes)
            shorts = blake_table(encoded, most.tolist(), self._keys[0])
            set_token_bits(entries, shorts, patterns, self._filter_bits)
        else:
            first, step = double_hash_table(
                encoded, self._keys, self._filter_bits, prevent_singularity=rule.prevent_singularity
            )
            set_double_hash_bits(entries, first, step, patterns, self._filter_bits)
        return patterns


def _num_hashes(counts: npt.NDArray[np.int64], strategy: Strategy) -> npt.NDArray[np.int32]:
    """Bits of each token of each value, in order; what does not divide evenly goes to the first tokens."""
    total = int(counts.sum())
    if strategy.bits_per_token is not None:
        return np.full(total, strategy.bits_per_token, dtype=np.int32)
    assert strategy.bits_per_feature is not None  # noqa: S101  # The model allows exactly one of the two.
    share, rest = np.divmod(strategy.bits_per_feature, np.maximum(counts, 1))
    place = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    return (np.repeat(share, counts) + (place < np.repeat(rest, counts))).astype(np.int32)


def _work_bytes(feature: Feature) -> int:
    """A rough size of what one distinct value takes while it is hashed: its hash values and its tokens."""
    strategy, comparison = feature.hashing.strategy, feature.hashing.comparison
    tokens = 2 * comparison.resolution + 1 if isinstance(comparison, NumericComparison) else 1
    hashes = strategy.bits_per_feature or (strategy.bits_per_token or 0) * tokens
    return 2 * hashes + 64 * tokens
