"""RAW: ID tokens: equal ID numbers, or equal identifiers, give equal tokens to all departments of an agreement.

Under ``oprf`` a token is what the key holders made of a blinded number, and the department looks it up. Under ``hmac``
it is a keyed hash, which does not protect against whoever holds the shared key: all numbers of one county can be tried
in seconds, and the agreement has to accept this. Missing and partial numbers have no token.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.agreement import Agreement, Dataset, id_token_field
from secure_match.department.blinding import BoolArray, ByteMatrix, KeptTokens, TokenInputs
from secure_match.department.keys import DepartmentKey, keyed_prf_16_each
from secure_match.department.normalise import NormalisedField
from secure_match.encoded import binary_from_matrix
from secure_match.errors import ReleaseError, UsageError
from secure_match.exchange.opaque import Guarded

TOKEN_BYTES = 16


class TokenMaker(Protocol):
    """Makes the ID token column of batch after batch."""

    def begin(self) -> None:
        """Forget what earlier exports lacked."""

    def make(self, numbers: NormalisedField) -> pa.Array:
        """Tokens, fixed_size_binary(16) of shape (rows,), of canonical numbers; null where there is none.

        Args:
            numbers: normalised ID numbers or identifiers; only valid and repaired ones have a value.
        """

    def verify_complete(self) -> None:
        """Check that every number since :meth:`begin` got its token.

        Raises:
            ReleaseError: ``TOKENS_MISSING``, with the number of rows.
        """


class HashedTokens(Guarded):
    """Tokens by a keyed hash.

    Args:
        key: 32 bytes, derived for this purpose and this kind of field alone.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def begin(self) -> None:
        """See :class:`TokenMaker`."""

    def make(self, numbers: NormalisedField) -> pa.Array:
        """See :class:`TokenMaker`."""
        return id_tokens(numbers, self._key)

    def verify_complete(self) -> None:
        """See :class:`TokenMaker`; a hash can always be made."""


class TokenSource(Protocol):
    """Knows tokens by the inputs of blinded evaluation."""

    def find(self, inputs: ByteMatrix) -> tuple[ByteMatrix, BoolArray]:
        """Tokens of inputs, as ``KeptTokens.find`` gives them."""


class StandInTokens(Guarded):
    """Tokens of a rehearsal: a keyed hash in the place of the key holders' answers, of the same form.

    Args:
        key: 32 random bytes that nobody else has.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def find(self, inputs: ByteMatrix) -> tuple[ByteMatrix, BoolArray]:
        """See :class:`TokenSource`; every input has a token."""
        return keyed_prf_16_each(self._key, [row.tobytes() for row in inputs]), np.ones(len(inputs), dtype=np.bool_)


class BlindTokens(Guarded):
    """Tokens that the key holders' answers gave."""

    __slots__ = ("_inputs", "_kept", "_missing")

    def __init__(self, inputs: TokenInputs, kept: TokenSource) -> None:
        self._inputs, self._kept, self._missing = inputs, kept, 0

    def begin(self) -> None:
        """See :class:`TokenMaker`."""
        self._missing = 0

    def make(self, numbers: NormalisedField) -> pa.Array:
        """See :class:`TokenMaker`; a number without an answer has no token and is counted."""
        valid = _valid(numbers)
        tokens, found = self._kept.find(self._inputs.of(numbers.values))
        self._missing += len(found) - int(found.sum())
        matrix = np.zeros((len(valid), TOKEN_BYTES), dtype=np.uint8)
        present = np.flatnonzero(valid)[found]
        matrix[present] = tokens[found]
        has_token = np.zeros(len(valid), dtype=np.bool_)
        has_token[present] = True
        return binary_from_matrix(matrix, has_token)

    def verify_complete(self) -> None:
        """See :class:`TokenMaker`."""
        if self._missing:
            raise ReleaseError(
                f"{self._missing:,} rows have a valid ID number without a token: run secure-match department blind on "
                "this export, have the request answered, finalise the answer, then encode",
                code="TOKENS_MISSING",
            )


def token_maker(
    agreement: Agreement, dataset: Dataset, key: DepartmentKey, hash_key: bytes, tokens: TokenSource | None
) -> TokenMaker:
    """What makes the tokens of a dataset under its agreement.

    Args:
        hash_key: for ``hmac``.
        tokens: the department's answers, for ``oprf``.

    Raises:
        UsageError: ``TOKENS_NEEDED`` under ``oprf`` without answers, ``TOKENS_UNUSED`` with answers under ``hmac``.
    """
    if agreement.id_token.protocol == "hmac":
        if tokens is not None:
            raise UsageError("under hmac tokens are made without a store; leave --tokens out", code="TOKENS_UNUSED")
        return HashedTokens(hash_key)
    if tokens is None and id_token_field(agreement, dataset) is not None:
        raise UsageError(
            "under this agreement ID tokens come from the key holder: name the department's store with --tokens",
            code="TOKENS_NEEDED",
        )
    kept: TokenSource = tokens if tokens is not None else KeptTokens(np.zeros((0, 2 * TOKEN_BYTES), dtype=np.uint8))
    return BlindTokens(TokenInputs(agreement, key), kept)


def id_tokens(numbers: NormalisedField, key: bytes) -> pa.Array:
    """Tokens by a keyed hash, fixed_size_binary(16) of shape (rows,); null where there is no number.

    Args:
        numbers: normalised ID numbers or identifiers; only valid and repaired ones have a value.
        key: 32 bytes, derived for this purpose and this kind of field alone.
    """
    valid = _valid(numbers)
    matrix = np.zeros((len(valid), TOKEN_BYTES), dtype=np.uint8)
    present = numbers.values.drop_null().cast(pa.binary()).to_pylist()
    matrix[valid] = keyed_prf_16_each(key, present)
    return binary_from_matrix(matrix, valid)


def _valid(numbers: NormalisedField) -> npt.NDArray[np.bool_]:
    return np.asarray(numbers.values.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
