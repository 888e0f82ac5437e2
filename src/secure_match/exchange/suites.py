"""ENCODED: which algorithms seal the content of a package; the agreement names the suite.

Common to both: HPKE with ML-KEM-768 and X25519 for the content key, Ed25519 for signatures, SHA-256 for what names
packages. ``national`` uses SM4-GCM and SM3 (GB/T 32907, GB/T 32905) where ``cryptography`` offers them. It is no
GM/T suite: there is no SM2 signature or key exchange, and no certified module.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256, SM3, Hash, HashAlgorithm
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from secure_match.errors import PackageError

Octets = bytes | bytearray | memoryview
SuiteName = Literal["international", "national"]
TAG_BYTES: Final = 16


class Digest(Protocol):
    """A running digest."""

    def update(self, data: Octets, /) -> None:
        """Take bytes in."""

    def hexdigest(self) -> str:
        """The digest of all bytes so far, in lower-case hex."""


class ChunkCipher(Protocol):
    """Authenticated encryption under one key; a nonce of 12 bytes is used once.

    Both write into a buffer of exactly the bytes that come out: fresh memory for every chunk would cost several times
    what the cipher does.
    """

    def encrypt_into(self, nonce: bytes, data: Octets, associated_data: None, out: memoryview, /) -> int:
        """Ciphertext and the tag behind it: 16 bytes more than ``data``."""

    def decrypt_into(self, nonce: bytes, data: Octets, associated_data: None, out: memoryview, /) -> int:
        """The plaintext: 16 bytes less than ``data``; raises ``InvalidTag``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadSuite:
    """How chunks are enciphered and what digest covers them.

    Attributes:
        payload: name of the cipher, for people.
        digest: name of the digest.
        key_bytes: length of the payload key.
        hkdf: hash that the payload key is derived with.
        cipher: makes the cipher of a key.
        new_digest: begins a digest.
    """

    payload: str
    digest: str
    key_bytes: int
    hkdf: Callable[[], HashAlgorithm]
    cipher: Callable[[bytes], ChunkCipher]
    new_digest: Callable[[], Digest]

    def derive(self, content_key: bytes, info: bytes) -> bytes:
        """The payload key: HKDF (RFC 5869) of the content key, without salt."""
        return HKDF(algorithm=self.hkdf(), length=self.key_bytes, salt=None, info=info).derive(content_key)


class _Sm4Gcm:
    def __init__(self, key: bytes) -> None:
        self._algorithm = SM4(key)

    def encrypt_into(self, nonce: bytes, data: Octets, _: None, out: memoryview, /) -> int:
        context = Cipher(self._algorithm, GCM(nonce)).encryptor()
        out[: len(data)] = context.update(data) + context.finalize()
        out[len(data) :] = context.tag
        return len(out)

    def decrypt_into(self, nonce: bytes, data: Octets, _: None, out: memoryview, /) -> int:
        if len(data) < TAG_BYTES:
            raise InvalidTag
        context = Cipher(self._algorithm, GCM(nonce, bytes(data[-TAG_BYTES:]))).decryptor()
        # Nothing reaches the buffer before the tag was checked.
        out[:] = context.update(data[:-TAG_BYTES]) + context.finalize()
        return len(out)


class _Sm3:
    def __init__(self) -> None:
        self._hash = Hash(SM3())

    def update(self, data: Octets, /) -> None:
        self._hash.update(data)

    def hexdigest(self) -> str:
        return self._hash.copy().finalize().hex()


SUITES: Final[dict[SuiteName, PayloadSuite]] = {
    "international": PayloadSuite(
        payload="AES-256-GCM", digest="SHA-256", key_bytes=32, hkdf=SHA256, cipher=AESGCM, new_digest=hashlib.sha256
    ),
    "national": PayloadSuite(payload="SM4-GCM", digest="SM3", key_bytes=16, hkdf=SM3, cipher=_Sm4Gcm, new_digest=_Sm3),
}


def decrypt_chunk(cipher: ChunkCipher, nonce: bytes, data: memoryview, out: memoryview) -> memoryview:
    """Open one chunk into the beginning of a buffer; give the part of it that holds the plaintext.

    Raises:
        PackageError: ``PACKAGE_SEAL``.
    """
    plain = out[: max(0, len(data) - TAG_BYTES)]
    with contextlib.suppress(InvalidTag, ValueError):
        cipher.decrypt_into(nonce, data, None, plain)
        return plain
    raise PackageError(
        "the content does not open: a piece of it was changed, moved, cut off, or belongs to another package",
        code="PACKAGE_SEAL",
    )
