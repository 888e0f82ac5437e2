"""ENCODED: the one way in which this package derives keys: HKDF-SHA256 (RFC 5869) under an unambiguous label.

Invariant: no two different purposes or contexts give the same label.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_LABEL: Final = b"secure_match/v1/"


def hkdf_sha256(secret: bytes, *, salt: bytes | None, info: bytes, length_bytes: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869), extract and expand; ``length_bytes`` is at most 8160.

    Args:
        salt: None for the one that RFC 5869 takes where none is given, 32 zero bytes.
    """
    return HKDF(algorithm=SHA256(), length=length_bytes, salt=salt, info=info).derive(secret)


def purpose_label(purpose: str, *context: str | bytes) -> bytes:
    """The ``info`` of a derived key: a fixed beginning, then each part behind its length in four bytes, big-endian."""
    info = _LABEL
    for part in (purpose, *context):
        data = part.encode() if isinstance(part, str) else part
        info += len(data).to_bytes(4, "big") + data
    return info
