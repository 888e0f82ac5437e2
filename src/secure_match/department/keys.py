"""RAW: keys as opaque handles.

Invariants: a key does not print, compare, copy, pickle or serialise itself; only ``secret_access.reveal`` opens it.
Python cannot wipe memory: a process that held a key may leave it in freed pages until it ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from secure_match.errors import KeyFileError
from secure_match.exchange.derivation import hkdf_sha256, purpose_label
from secure_match.exchange.opaque import Guarded

SECRET_BYTES: Final = 32
"""Length of the secrets that this package makes itself, in bytes."""
PRF_BYTES: Final = 16


class OpaqueKey(Guarded):
    """Holds secrets by name and gives them to nobody who asks politely."""

    __slots__ = ("_secrets",)

    def __init__(self, secrets: dict[str, bytes]) -> None:
        self._secrets = secrets


class EncodingKey(OpaqueKey):
    """The secret that all departments of an agreement share and the bureau never holds.

    It keys the encodings. The handle secret stays in one department: with it, and only with it, a handle can be
    recomputed from a row key.
    """

    __slots__ = ()

    @classmethod
    def from_secret(cls, secret: bytes | str, *, handle_secret: bytes | None = None) -> Self:
        """Wrap an agreed secret.

        Args:
            secret: the shared secret; text is taken as UTF-8, as clkhash does. 32 random bytes are right; shorter
                secrets work, because clkhash's do, and are as strong as they are long.
            handle_secret: the department's own secret for handles. Without it handles are keyed by ``secret``, so
                whoever holds ``secret`` can recompute them.

        Raises:
            KeyFileError: ``KEY_EMPTY``. (clkhash accepts an empty secret; we refuse it.)
        """
        data = secret.encode() if isinstance(secret, str) else bytes(secret)
        if not data or handle_secret == b"":
            raise KeyFileError("an empty secret protects nothing; use 32 random bytes", code="KEY_EMPTY")
        handle = handle_secret if handle_secret is not None else derive_key(data, "handle-fallback")
        return cls({"encoding": data, "handle": bytes(handle)})


class DepartmentKey(OpaqueKey):
    """A department's key for one agreement: the shared encoding secret and its own handle secret.

    It is no ``EncodingKey``: a linkage schema chooses how keys are derived, and must not choose it for these secrets.

    Attributes:
        party: id of the department in the agreement.
        agreement_id: id of the agreement it was made for.
        key_epoch: epoch of the agreement it was made for.
        agreement_fingerprint: fingerprint of the agreement whose ceremony gave it; "" for a key of a trial agreement.
    """

    __slots__ = ("agreement_fingerprint", "agreement_id", "key_epoch", "party")

    party: str
    agreement_id: str
    key_epoch: str
    agreement_fingerprint: str

    @classmethod
    def create(
        cls,
        *,
        party: str,
        agreement_id: str,
        key_epoch: str,
        encoding_secret: bytes,
        handle_secret: bytes,
        agreement_fingerprint: str = "",
    ) -> Self:
        """Put a key together from its parts; both secrets have ``SECRET_BYTES`` bytes.

        Raises:
            KeyFileError: ``KEY_LENGTH``.
        """
        if len(encoding_secret) != SECRET_BYTES or len(handle_secret) != SECRET_BYTES:
            raise KeyFileError(f"a secret has {SECRET_BYTES} bytes", code="KEY_LENGTH")
        key = cls({"encoding": encoding_secret, "handle": handle_secret})
        key.party, key.agreement_id, key.key_epoch = party, agreement_id, key_epoch
        key.agreement_fingerprint = agreement_fingerprint
        return key


def derive_key(secret: bytes, purpose: str, *context: str | bytes, length_bytes: int = SECRET_BYTES) -> bytes:
    """HKDF-SHA256 (RFC 5869) with an unambiguous label: every purpose and context gives its own key.

    Each label part is preceded by its length, so that no two different contexts give the same label.
    """
    return hkdf_sha256(secret, salt=None, info=purpose_label(purpose, *context), length_bytes=length_bytes)


def derive_key_id(secret: bytes, purpose: str, *context: str | bytes) -> str:
    """A public name for a key: 16 hex digits that tell keys apart.

    Of a random secret they reveal nothing; a guessed one can be tested by them, as by any encoding.
    """
    return derive_key(secret, f"key-id/{purpose}", *context, length_bytes=8).hex()


def keyed_prf_16(key: bytes, data: bytes) -> bytes:
    """16 bytes of keyed BLAKE2b (RFC 7693); ``key`` has 16 to 64 bytes."""
    return hashlib.blake2b(data, key=key, digest_size=PRF_BYTES).digest()


def keyed_prf_16_each(key: bytes, items: Iterable[bytes]) -> npt.NDArray[np.uint8]:
    """:func:`keyed_prf_16` of every item, uint8 of shape (items, 16)."""
    # A copy of the keyed hash is cheaper than a new one, and nothing else runs per item.
    copy = hashlib.blake2b(key=key, digest_size=PRF_BYTES).copy
    digests: list[bytes] = []
    for item in items:
        state = copy()
        state.update(item)
        digests.append(state.digest())
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, PRF_BYTES)
