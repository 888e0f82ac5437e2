"""ENCODED: the server of RFC 9497: its key, and the evaluation of blinded elements under it.

Invariant: the secret scalar stays in its handle, which is not printed, copied or compared.
"""

from __future__ import annotations

from typing import Final, Self

import numpy as np

from secure_match.errors import KeyFileError, PackageError
from secure_match.exchange.derivation import purpose_label
from secure_match.exchange.opaque import Guarded
from secure_match.exchange.oprf import _sodium
from secure_match.exchange.oprf._group import ELEMENT_BYTES, ByteMatrix, Progress, empty, multiply_each, row_of
from secure_match.exchange.oprf._hashing import (
    ORDER,
    TO_SCALAR,
    Expander,
    OprfMode,
    framed,
    scalar_bytes,
    scalar_of,
)

SEED_BYTES: Final = 32
_LONGEST_INFO: Final = (1 << 16) - 1
_KEY_PURPOSE: Final = "oprf-key"


def key_info(agreement_id: str, key_epoch: str) -> bytes:
    """What a key holder's key is derived for, so that every agreement and epoch has another one."""
    return purpose_label(_KEY_PURPOSE, agreement_id, key_epoch)


class OprfKey(Guarded):
    """A key holder's secret key.

    Attributes:
        public: its public key, 32 bytes.
        mode: the mode that it belongs to.
    """

    __slots__ = ("_scalar", "mode", "public")

    def __init__(self, scalar: int, mode: OprfMode) -> None:
        if not 0 < scalar < ORDER:
            raise KeyFileError("a secret key is a number from 1 to the group's order", code="KEY_FORMAT")
        self._scalar = scalar_bytes(scalar)
        self.mode = mode
        self.public = base_product(self._scalar)

    @classmethod
    def derive(cls, seed: bytes, info: bytes, *, mode: OprfMode = OprfMode.VOPRF) -> Self:
        """The key of a seed (RFC 9497, section 3.2.1, DeriveKeyPair).

        Args:
            seed: 32 random bytes.
            info: what it is for; see :func:`key_info`.

        Raises:
            KeyFileError: ``KEY_LENGTH``; ``KEY_FORMAT`` for a seed that gives zero 256 times, which none does.
        """
        if len(seed) != SEED_BYTES or len(info) > _LONGEST_INFO:
            raise KeyFileError(f"a seed has {SEED_BYTES} bytes", code="KEY_LENGTH")
        expand = Expander(b"DeriveKeyPair" + mode.context)
        message = seed + framed(info)
        found = (scalar_of(expand(message + bytes([counter]))) for counter in range(256))
        return cls(next((scalar for scalar in found if scalar), 0), mode)

    def tweaked(self, info: bytes) -> OprfKey:
        """The key that a public input makes of it (POPRF, RFC 9497, section 3.3.3); evaluation divides by it.

        Raises:
            PackageError: ``SCALAR_INVALID`` for an input that gives zero, which shows the secret key to whoever found
                it.
        """
        tweak = scalar_of(TO_SCALAR[self.mode](b"Info" + framed(info)))
        scalar = (self.number() + tweak) % ORDER
        if not scalar:
            raise PackageError("this public input is the negative of the key", code="SCALAR_INVALID")
        return OprfKey(scalar, self.mode)

    def number(self) -> int:
        """The secret scalar, for this package's arithmetic."""
        return int.from_bytes(self._scalar, "little")


def evaluate(
    key: OprfKey, blinded: ByteMatrix, *, workers: int | None = None, progress: Progress | None = None
) -> ByteMatrix:
    """Evaluated elements, uint8 of shape (n, 32). Under POPRF ``key`` is the tweaked one.

    Args:
        blinded: uint8 of shape (n, 32).
        workers: threads; None for one per core.
        progress: called with a number of further rows that are done.

    Raises:
        PackageError: ``ELEMENT_LENGTH``; ``ELEMENT_INVALID`` with the first row that is no element, or the identity.
    """
    scalar = pow(key.number(), -1, ORDER) if key.mode is OprfMode.POPRF else key.number()
    return multiply_each(row_of(scalar_bytes(scalar)), blinded, workers=workers, progress=progress)


def base_product(scalar: bytes) -> bytes:
    """The generator times a scalar that is not zero, 32 bytes."""
    number, product = np.frombuffer(scalar, dtype=np.uint8), empty(1)
    if len(scalar) != ELEMENT_BYTES or _sodium.multiply_base(product.ctypes.data, number.ctypes.data):
        raise PackageError("a scalar is zero or has another length", code="SCALAR_INVALID")
    return product.tobytes()
