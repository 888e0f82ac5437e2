"""ENCODED: the client of RFC 9497: inputs are hashed to the group and blinded, evaluations unblinded and hashed.

Invariant: row i of every array belongs to input i, with whatever number of threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from secure_match.errors import PackageError
from secure_match.exchange.oprf import _sodium
from secure_match.exchange.oprf._group import (
    ELEMENT_BYTES,
    OUTPUT_BYTES,
    ByteMatrix,
    Progress,
    checked,
    empty,
    in_pieces,
    multiply_each,
)
from secure_match.exchange.oprf._hashing import HASH_BYTES, ORDER, TO_GROUP, OprfMode, framed, scalar_bytes

LONGEST_INPUT: Final = (1 << 16) - 1
"""Bytes (RFC 9497, section 1.2)."""


def scalars_from(random: bytes) -> ByteMatrix:
    """Blinding scalars, uint8 of shape (n, 32), of 64 random bytes each; modulo the order their bias is below 2**-250.

    Args:
        random: ``64 * n`` bytes, which nobody uses again.

    Raises:
        PackageError: ``ELEMENT_LENGTH``; ``SCALAR_INVALID`` for a scalar of zero, which random bytes do not give.
    """
    wide = checked(np.frombuffer(random, dtype=np.uint8).reshape(-1, 1), width=1)
    if len(wide) % HASH_BYTES:
        raise PackageError("a scalar takes 64 random bytes", code="ELEMENT_LENGTH")
    scalars = empty(len(wide) // HASH_BYTES)
    out, source = scalars.ctypes.data, wide.ctypes.data
    for row in range(len(scalars)):
        _sodium.reduce_scalar(out + row * ELEMENT_BYTES, source + row * HASH_BYTES)
    _integers(scalars)
    return scalars


def blind(
    inputs: Sequence[bytes],
    scalars: ByteMatrix,
    *,
    mode: OprfMode = OprfMode.VOPRF,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ByteMatrix:
    """Blinded elements, uint8 of shape (n, 32): what the key holder may see.

    Args:
        inputs: n inputs of up to 65,535 bytes.
        scalars: uint8 of shape (n, 32), each random and used once; see :func:`scalars_from`.
        workers: threads; None for one per core.

    Raises:
        PackageError: ``ELEMENT_LENGTH``; ``SCALAR_INVALID``; ``ELEMENT_INVALID`` for an input that is hashed to the
            identity, which nobody finds.
    """
    scalars = checked(scalars, rows=len(inputs))
    _integers(scalars)
    _verify_lengths(inputs)
    blinded = empty(len(inputs))
    out, scalar = blinded.ctypes.data, scalars.ctypes.data
    expand, from_hash, multiply = TO_GROUP[mode], _sodium.from_hash, _sodium.multiply

    def task(start: int, stop: int) -> int:
        wide = np.frombuffer(b"".join(map(expand, inputs[start:stop])), dtype=np.uint8)
        source = wide.ctypes.data
        for row in range(start, stop):
            place = row * ELEMENT_BYTES
            from_hash(out + place, source + (row - start) * HASH_BYTES)
            if multiply(out + place, scalar + place, out + place):
                return row
        return -1

    in_pieces(task, len(inputs), workers=workers, progress=progress)
    return blinded


def finalise(
    inputs: Sequence[bytes],
    scalars: ByteMatrix,
    evaluated: ByteMatrix,
    *,
    mode: OprfMode = OprfMode.VOPRF,
    info: bytes = b"",
    workers: int | None = None,
    progress: Progress | None = None,
) -> ByteMatrix:
    """Outputs, uint8 of shape (n, 64). Proofs are checked before; see ``verify_proof``.

    Args:
        inputs: the inputs that were blinded.
        scalars: uint8 of shape (n, 32), with which they were.
        evaluated: uint8 of shape (n, 32); of two key holders, the sums.
        info: the public input; POPRF only.

    Raises:
        PackageError: ``ELEMENT_LENGTH``, ``SCALAR_INVALID``, ``ELEMENT_INVALID``.
    """
    scalars = checked(scalars, rows=len(inputs))
    evaluated = checked(evaluated, rows=len(inputs))
    _verify_lengths(inputs)
    unblinded = multiply_each(_inverses(scalars), evaluated, workers=workers, progress=progress)
    cells = unblinded.tobytes()
    public = framed(info) if mode is OprfMode.POPRF else b""
    end = (ELEMENT_BYTES).to_bytes(2, "big")
    sha512 = hashlib.sha512
    outputs = [
        sha512(
            b"%b%b%b%b%bFinalize"
            % (len(item).to_bytes(2, "big"), item, public, end, cells[row * ELEMENT_BYTES : (row + 1) * ELEMENT_BYTES])
        ).digest()
        for row, item in enumerate(inputs)
    ]
    return np.frombuffer(b"".join(outputs), dtype=np.uint8).reshape(-1, OUTPUT_BYTES)


def _verify_lengths(inputs: Sequence[bytes]) -> None:
    if max(map(len, inputs), default=0) > LONGEST_INPUT:
        raise PackageError("an input has at most 65,535 bytes", code="ELEMENT_LENGTH")


def _integers(scalars: ByteMatrix) -> list[int]:
    """The scalars as numbers.

    Raises:
        PackageError: ``SCALAR_INVALID`` for zero, and for one that is not reduced.
    """
    cells = scalars.tobytes()
    numbers = [
        int.from_bytes(cells[place : place + ELEMENT_BYTES], "little") for place in range(0, len(cells), ELEMENT_BYTES)
    ]
    if numbers and not 0 < min(numbers) <= max(numbers) < ORDER:
        raise PackageError("a scalar is zero, or not below the group's order", code="SCALAR_INVALID")
    return numbers


def _inverses(scalars: ByteMatrix) -> ByteMatrix:
    """Inverses modulo the order, by one inversion for all (Montgomery): n numbers cost 3n products."""
    numbers = _integers(scalars)
    product, before = 1, []
    for number in numbers:
        before.append(product)
        product = product * number % ORDER
    inverse = pow(product, -1, ORDER)
    found = [b""] * len(numbers)
    for row in range(len(numbers) - 1, -1, -1):
        found[row] = scalar_bytes(inverse * before[row])
        inverse = inverse * numbers[row] % ORDER
    return np.frombuffer(b"".join(found), dtype=np.uint8).reshape(-1, ELEMENT_BYTES)
