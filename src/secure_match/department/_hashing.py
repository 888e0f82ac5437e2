"""RAW: keyed hashing of tokens, and the per-feature keys of a clkhash linkage schema.

Invariant: the same token and key give the same bytes as clkhash 0.18.3 on every machine; nothing is cached
beyond the call. Sources: RFC 5869 (HKDF), RFC 7693 (BLAKE2b), RFC 2104 (HMAC); Schnell, Bachteler, Reiher
(2011) for double hashing, which exists here for old schemas only: Kroll and Steinmetzer (2015) broke it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from secure_match.agreement import LinkageSchema
from secure_match.kernels.bloom import SHORTS_PER_BLOCK

BLOCK_BYTES: Final = 64
POSITIONS_PER_BLOCK: Final = BLOCK_BYTES // 2
"""Size of one BLAKE2b digest."""

_KEYS_PER_FEATURE: Final = 2
_KDF_HASHES: Final = {"SHA256": SHA256, "SHA512": SHA512}


def blake_blocks(token: bytes, key: bytes, num_blocks: int) -> bytes:
    """Blocks of keyed BLAKE2b; block ``i`` is salted with the decimal text of ``i``.

    Read as little-endian unsigned 16-bit values they are the hash values of the token: independent of each
    other, so that no structure of a double hash shows in the filter.

    Args:
        token: the token's bytes.
        key: 1 to 64 bytes.
        num_blocks: how many blocks, at least 0.

    Returns:
        ``64 * num_blocks`` bytes.
    """
    if num_blocks == 1:  # The common case, without a generator's cost.
        return hashlib.blake2b(token, key=key, salt=b"0").digest()
    return b"".join(hashlib.blake2b(token, key=key, salt=str(index).encode()).digest() for index in range(num_blocks))


def blake_table(tokens: Sequence[bytes], num_hashes: Iterable[int], key: bytes) -> npt.NDArray[np.uint16]:
    """Hash values of tokens, each with as many blocks as its own number of hashes needs.

    Args:
        tokens: the tokens.
        num_hashes: per token, the largest number of hash values that is asked of it.
        key: 1 to 64 bytes.

    Returns:
        uint16 of shape (tokens, 32 * blocks); values beyond a token's own blocks are zero.
    """
    blocks = [-(-count // SHORTS_PER_BLOCK) for count in num_hashes]
    most = max(blocks, default=0)
    width = BLOCK_BYTES * most
    # A copy of a keyed hash costs about half of what making one does.
    keyed = [hashlib.blake2b(key=key, salt=str(index).encode()) for index in range(most)]
    if len(tokens) and min(blocks) == most == 1:  # The common case, without a loop's cost.
        data = b"".join(_one_digest(tokens, keyed[0]))
    else:
        data = b"".join(
            b"".join(block for start in keyed[:count] for block in _one_digest([token], start)).ljust(width, b"\0")
            for token, count in zip(tokens, blocks, strict=True)
        )
    return np.frombuffer(data, dtype="<u2").astype(np.uint16, copy=False).reshape(len(tokens), width // 2)


def _one_digest(tokens: Sequence[bytes], keyed: hashlib.blake2b) -> list[bytes]:
    """One block of each token, as :func:`blake_blocks` gives it, by copies of a hash that is keyed and salted."""
    digests = []
    for token in tokens:
        block = keyed.copy()
        block.update(token)
        digests.append(block.digest())
    return digests


def double_hash_table(
    tokens: Sequence[bytes], keys: Sequence[bytes], length_bits: int, *, prevent_singularity: bool
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First position and step of each token: HMAC-SHA1 and HMAC-MD5, both modulo ``length_bits``.

    Args:
        tokens: the tokens.
        keys: the SHA1 key and the MD5 key.
        length_bits: length of the filter; at least 2 with ``prevent_singularity``.
        prevent_singularity: hash again while the step is zero, which would set one bit only.

    Returns:
        Two int64 arrays of shape (tokens,).
    """
    first = [int.from_bytes(hmac.digest(keys[0], token, "sha1"), "big") % length_bits for token in tokens]
    step = [_step(token, keys[1], length_bits, prevent_singularity) for token in tokens]
    return np.array(first, dtype=np.int64), np.array(step, dtype=np.int64)


def _step(token: bytes, key: bytes, length_bits: int, prevent_singularity: bool) -> int:
    step = int.from_bytes(hmac.digest(key, token, "md5"), "big") % length_bits
    attempt = 0
    while prevent_singularity and step == 0:
        step = int.from_bytes(hmac.digest(key, token + chr(attempt).encode(), "md5"), "big") % length_bits
        attempt += 1
    return step


def derive_feature_keys(schema: LinkageSchema, secret: bytes) -> list[tuple[bytes, bytes]]:
    """Two keys for each feature, in schema order; ignored features consume theirs too, as in clkhash."""
    kdf = schema.kdf
    size = kdf.key_size
    total = HKDF(
        algorithm=_KDF_HASHES[kdf.hash](),
        length=_KEYS_PER_FEATURE * size * len(schema.features),
        salt=kdf.salt,
        info=kdf.info,
    ).derive(secret)
    starts = range(0, len(total), _KEYS_PER_FEATURE * size)
    return [(total[start : start + size], total[start + size : start + 2 * size]) for start in starts]
