"""ENCODED: public keys that protect nothing: of small order, off the curve, or no keys at all.

With a signing key of small order a signature that fits everything can be written down without any private key; a
transport key of small order gives everybody the same secret. Nobody gets such a key by drawing one. Invariant: what
passes here can be sealed to, and verifies only what its owner signed.
"""

from __future__ import annotations

import contextlib
from typing import Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from secure_match.errors import KeyFileError

_PRIME: Final = 2**255 - 19
_EDWARDS_D: Final = -121665 * pow(121666, -1, _PRIME) % _PRIME  # RFC 8032, section 5.1.
_COFACTOR_DOUBLINGS: Final = 3
_SCALAR: Final = bytes(32)
"""Any scalar does: X25519 makes it a multiple of 8, which takes exactly the points of small order to zero."""


def verify_signing_key(public: bytes) -> None:
    """Check an Ed25519 public key of 32 bytes.

    Raises:
        KeyFileError: ``KEY_WEAK`` where it is not written in its one form (RFC 8032), is no point of the curve, or is
            one of the eight points of small order.
    """
    y = int.from_bytes(public, "little") & ((1 << 255) - 1)
    if y >= _PRIME or not _on_curve(y) or _is_small(y):
        raise _weak("signing")


def verify_transport_key(mlkem: bytes, x25519: bytes) -> None:
    """Check both halves of a transport key.

    Args:
        mlkem: ML-KEM-768 encapsulation key, 1184 bytes.
        x25519: X25519 public key, 32 bytes.

    Raises:
        KeyFileError: ``KEY_WEAK`` where a coefficient is not below the modulus (FIPS 203, section 7.2), or the point is
            of small order (RFC 7748, section 6.1).
    """
    with contextlib.suppress(ValueError):
        MLKEM768PublicKey.from_public_bytes(mlkem)
        X25519PrivateKey.from_private_bytes(_SCALAR).exchange(X25519PublicKey.from_public_bytes(x25519))
        return
    raise _weak("transport")


def _weak(purpose: str) -> KeyFileError:
    return KeyFileError(
        f"this {purpose} key protects nothing: it was made so that everybody can use it, or was damaged; ask its owner "
        "for its public file",
        code="KEY_WEAK",
    )


def _x_squared(y: int) -> int:
    # The curve is -x^2 + y^2 = 1 + d x^2 y^2. As -1/d is no square, the denominator is never zero.
    return (y * y - 1) * pow(_EDWARDS_D * y * y + 1, -1, _PRIME) % _PRIME


def _on_curve(y: int) -> bool:
    return pow(_x_squared(y), (_PRIME - 1) // 2, _PRIME) in (0, 1)


def _is_small(y: int) -> bool:
    """Whether eight times the point is the neutral element (0, 1); doubling needs x only as its square."""
    for _ in range(_COFACTOR_DOUBLINGS):
        x_squared = _x_squared(y)
        y = (y * y + x_squared) * pow(1 - _EDWARDS_D * x_squared * y * y, -1, _PRIME) % _PRIME
    return y == 1
