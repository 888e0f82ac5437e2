"""ENCODED: the hashes of RFC 9497: to a group element's 64 bytes, to a scalar, and how parts are framed.

All are ``expand_message_xmd`` of RFC 9380, section 5.3.1, with SHA-512 and 64 bytes of output, which is one block of
it: two hashes a call. Invariant: every call names the mode, so that no value of one mode is one of another.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum
from typing import Final

HASH_BYTES: Final = 64
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
"""Order of the group (RFC 9496, section 4.5)."""
_BLOCK_BYTES: Final = 128
_PADDED: Final = hashlib.sha512(bytes(_BLOCK_BYTES))
"""The state behind a block of zeros, with which every message begins."""
_LENGTH_AND_ZERO: Final = HASH_BYTES.to_bytes(2, "big") + b"\0"


class OprfMode(IntEnum):
    """Modes of RFC 9497, section 3.1: base, verifiable, and verifiable with public input."""

    OPRF = 0
    VOPRF = 1
    POPRF = 2

    @property
    def context(self) -> bytes:
        """The context string of this mode and suite."""
        return b"OPRFV1-" + bytes([self]) + b"-ristretto255-SHA512"


class Expander:
    """``expand_message_xmd`` to 64 bytes under one domain separation tag; ``__call__`` takes a message."""

    __slots__ = ("_first", "_second")

    def __init__(self, tag: bytes) -> None:
        suffix = tag + bytes([len(tag)])
        self._first = _LENGTH_AND_ZERO + suffix
        self._second = b"\1" + suffix

    def __call__(self, message: bytes) -> bytes:
        state = _PADDED.copy()
        state.update(message + self._first)
        return hashlib.sha512(state.digest() + self._second).digest()


TO_GROUP: Final = {mode: Expander(b"HashToGroup-" + mode.context) for mode in OprfMode}
TO_SCALAR: Final = {mode: Expander(b"HashToScalar-" + mode.context) for mode in OprfMode}


def scalar_of(wide: bytes) -> int:
    """The scalar of 64 bytes, little-endian, modulo the order."""
    return int.from_bytes(wide, "little") % ORDER


def scalar_bytes(scalar: int) -> bytes:
    """The 32 bytes, little-endian, of a scalar modulo the order."""
    return (scalar % ORDER).to_bytes(32, "little")


def framed(*parts: bytes) -> bytes:
    """Each part behind its length in two bytes, big-endian."""
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)
