"""ENCODED: proofs that a batch was evaluated under the key that a public key names (RFC 9497, section 2.2).

They are of equality of discrete logarithms, one for up to 10,000 elements: element i gets the weight that hashing
gives it, and the proof is of the weighted sums. RFC 9497 counts elements in two bytes, so that there are chunks at all.
Nothing of a proof is secret, and it is made of a random scalar that must not be used twice.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

import numpy as np

from secure_match.errors import PackageError
from secure_match.exchange.oprf import _sodium
from secure_match.exchange.oprf._evaluation import OprfKey, base_product
from secure_match.exchange.oprf._group import (
    ELEMENT_BYTES,
    ByteMatrix,
    Progress,
    add_keys,
    checked,
    empty,
    multiply_each,
    row_of,
)
from secure_match.exchange.oprf._hashing import ORDER, TO_SCALAR, OprfMode, framed, scalar_bytes, scalar_of

PROOF_ELEMENTS: Final = 10_000
"""Elements that one proof covers, at most. RFC 9497 allows 65,535; fewer make chunks that can be done again cheaply."""
PROOF_BYTES: Final = 64
_GENERATOR: Final = base_product(scalar_bytes(1))
_SIZE: Final = ELEMENT_BYTES.to_bytes(2, "big")


def prove(
    key: OprfKey,
    blinded: ByteMatrix,
    evaluated: ByteMatrix,
    random: bytes,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> bytes:
    """A proof, 64 bytes, that all elements were evaluated under a key. Under POPRF ``key`` is the tweaked one.

    Args:
        blinded: uint8 of shape (n, 32), 1 <= n <= 10,000.
        evaluated: uint8 of shape (n, 32), as ``evaluate`` gave them.
        random: a random scalar, 32 bytes; see ``scalars_from``. Used twice it shows the key.
        progress: called with a number of further rows that are done.

    Raises:
        PackageError: ``ELEMENT_LENGTH``, ``ELEMENT_INVALID``, ``SCALAR_INVALID``.
    """
    first, second = _sides(key.mode, blinded, evaluated)
    weights = _weights(key.mode, key.public, first, second)
    left = _weighted_sum(weights, first, workers, progress)
    right = multiply_each(row_of(scalar_bytes(key.number())), row_of(left), workers=1).tobytes()
    nonce = int.from_bytes(random, "little")
    if not 0 < nonce < ORDER:
        raise PackageError("the random scalar is zero or not below the group's order", code="SCALAR_INVALID")
    base, product = base_product(random), multiply_each(row_of(random), row_of(left), workers=1).tobytes()
    challenge = _challenge(key.mode, framed(key.public, left, right, base, product))
    return scalar_bytes(challenge) + scalar_bytes(nonce - challenge * key.number())


def verify_proof(
    public_key: bytes,
    blinded: ByteMatrix,
    evaluated: ByteMatrix,
    proof: bytes,
    *,
    mode: OprfMode = OprfMode.VOPRF,
    info: bytes = b"",
    workers: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Check that a batch was evaluated under the key of a public key.

    Args:
        public_key: 32 bytes, from the agreement, never from the answer.
        blinded: uint8 of shape (n, 32), 1 <= n <= 10,000.
        evaluated: uint8 of shape (n, 32).
        proof: 64 bytes.
        info: the public input; POPRF only.
        progress: called with a number of further rows that are done; n in all.

    Raises:
        PackageError: ``PROOF_WRONG``; ``ELEMENT_LENGTH``; ``ELEMENT_INVALID``.
    """
    key = _tweaked_public(public_key, info) if mode is OprfMode.POPRF else public_key
    first, second = _sides(mode, blinded, evaluated)
    weights = _weights(mode, key, first, second)
    left = _weighted_sum(weights, first, workers, None)
    right = _weighted_sum(weights, second, workers, progress)
    challenge, response = scalar_number(proof[:ELEMENT_BYTES]), scalar_number(proof[ELEMENT_BYTES:])
    if len(proof) == PROOF_BYTES and challenge and response:
        base = _combined(response, _GENERATOR, challenge, key)
        product = _combined(response, left, challenge, right)
        expected = scalar_bytes(_challenge(mode, framed(key, left, right, base, product)))
        if hmac.compare_digest(expected, proof[:ELEMENT_BYTES]):
            return
    raise PackageError(
        "the proof does not fit the key that the agreement names: the key holder used another key, or the answer was "
        "changed; refuse it",
        code="PROOF_WRONG",
    )


def scalar_number(data: bytes) -> int:
    """A scalar that a stranger sent as a number; 0 for one that is not reduced."""
    number = int.from_bytes(data, "little")
    return number if number < ORDER else 0


def _sides(mode: OprfMode, blinded: ByteMatrix, evaluated: ByteMatrix) -> tuple[ByteMatrix, ByteMatrix]:
    """The elements, and what the secret makes of them: POPRF divides, so that its sides are the other way round."""
    blinded = checked(blinded)
    evaluated = checked(evaluated, rows=len(blinded))
    if not 0 < len(blinded) <= PROOF_ELEMENTS:
        raise PackageError(f"a proof covers 1 to {PROOF_ELEMENTS:,} elements", code="ELEMENT_LENGTH")
    return (evaluated, blinded) if mode is OprfMode.POPRF else (blinded, evaluated)


def _weights(mode: OprfMode, public: bytes, first: ByteMatrix, second: ByteMatrix) -> ByteMatrix:
    """Weights (RFC 9497, ComputeComposites), uint8 of shape (n, 32)."""
    seed = hashlib.sha512(framed(public, b"Seed-" + mode.context)).digest()
    begin, expand = framed(seed), TO_SCALAR[mode]
    left, right = first.tobytes(), second.tobytes()
    wide = b"".join(
        expand(
            b"%b%b%b%b%b%bComposite"
            % (
                begin,
                row.to_bytes(2, "big"),
                _SIZE,
                left[row * ELEMENT_BYTES : (row + 1) * ELEMENT_BYTES],
                _SIZE,
                right[row * ELEMENT_BYTES : (row + 1) * ELEMENT_BYTES],
            )
        )
        for row in range(len(first))
    )
    numbers, weights = np.frombuffer(wide, dtype=np.uint8), empty(len(first))
    out, source = weights.ctypes.data, numbers.ctypes.data
    for row in range(len(first)):
        _sodium.reduce_scalar(out + ELEMENT_BYTES * row, source + 2 * ELEMENT_BYTES * row)
    return weights


def _weighted_sum(weights: ByteMatrix, elements: ByteMatrix, workers: int | None, progress: Progress | None) -> bytes:
    """The sum of weight times element over all rows, 32 bytes."""
    terms = multiply_each(weights, elements, workers=workers, progress=progress)
    total = terms[:1].copy()
    out, source = total.ctypes.data, terms.ctypes.data
    for row in range(1, len(terms)):
        _sodium.add(out, out, source + ELEMENT_BYTES * row)
    return total.tobytes()


def _combined(first: int, left: bytes, second: int, right: bytes) -> bytes:
    """``first * left + second * right``, 32 bytes."""
    scalars = np.concatenate([row_of(scalar_bytes(first)), row_of(scalar_bytes(second))])
    terms = multiply_each(scalars, np.concatenate([row_of(left), row_of(right)]), workers=1)
    total = empty(1)
    _sodium.add(total.ctypes.data, terms.ctypes.data, terms.ctypes.data + ELEMENT_BYTES)
    return total.tobytes()


def _challenge(mode: OprfMode, parts: bytes) -> int:
    return scalar_of(TO_SCALAR[mode](parts + b"Challenge"))


def _tweaked_public(public_key: bytes, info: bytes) -> bytes:
    tweak = scalar_of(TO_SCALAR[OprfMode.POPRF](b"Info" + framed(info)))
    return add_keys(base_product(scalar_bytes(tweak)), public_key)
