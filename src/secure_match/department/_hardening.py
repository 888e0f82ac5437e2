"""RAW: what an agreement asks to be done to the finished encodings of a pass: fold, Rule 90, noise, balance, in turn.

Noise of a row: ``N`` is the MAC, under the seed key, of handle and encoding as it is before the noise; bit ``j`` is
flipped where word ``j`` of the MACs under the stream key of ``N || counter`` is smaller than the threshold. A row
that is encoded again has the same noise, so that repeating a release takes none of it away; a value that changed has
other noise, so that the difference of two releases shows none either.

Balance: bit ``j`` of what leaves is bit ``order[j]`` of the encoding and its complement one after the other, ``order``
being the places sorted by the MACs under the permutation key of their numbers.

Invariant: rows go through in groups, so that memory beyond the result is bounded; noise is overwritten before the call
ends.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.agreement import Hardening
from secure_match.department._cmac import CMAC_BYTES, cmac_each, encrypt_blocks, subkeys
from secure_match.department._pass_keys import PassKeys
from secure_match.kernels._hardened_bits import balanced, flipped, rule_90, xor_folded

ByteMatrix = npt.NDArray[np.uint8]

_ROWS_AT_A_TIME: Final = 512


def hardened(hardening: Hardening, encodings: ByteMatrix, handles: ByteMatrix | None, keys: PassKeys) -> ByteMatrix:
    """Harden encodings.

    Args:
        hardening: what is done.
        encodings: uint8 of shape (rows, bytes).
        handles: uint8 of shape (rows, 16); only noise needs them.
        keys: those of the pass.

    Returns:
        uint8 of shape (rows, as many bytes as the pass's encodings have when they leave).

    Raises:
        ValueError: noise without handles or keys for it, balance without a key.
    """
    if hardening.xor_fold:
        encodings = xor_folded(encodings)
    if hardening.rule90:
        encodings = rule_90(encodings)
    if hardening.blip is not None:
        if handles is None or keys.noise_keys is None:
            raise ValueError("noise is made of handles and a department's own keys")
        encodings = _noisy(encodings, handles, keys.noise_keys, hardening.blip.threshold)
    if hardening.balance:
        if keys.permutation_key is None:
            raise ValueError("balance needs a key for its permutation")
        encodings = balanced(encodings, permutation(keys.permutation_key, 16 * encodings.shape[1]))
    return encodings


def permutation(key: bytes, places: int) -> npt.NDArray[np.int64]:
    """The places sorted by MAC, of equal ones the smaller first: int64 of shape (places,)."""
    numbers = np.arange(places, dtype="<u4").view(np.uint8)
    macs = cmac_each(key, numbers, 4 * np.arange(places + 1)).view(">u8").astype(np.uint64)
    return np.lexsort((macs[:, 1], macs[:, 0]))


def _noisy(encodings: ByteMatrix, handles: ByteMatrix, keys: tuple[bytes, bytes], threshold: int) -> ByteMatrix:
    seed_key, stream_key = keys
    out = np.empty_like(encodings)
    for start in range(0, len(encodings), _ROWS_AT_A_TIME):
        part = slice(start, start + _ROWS_AT_A_TIME)
        messages = np.hstack([handles[part], encodings[part]])
        seeds = cmac_each(seed_key, messages.reshape(-1), messages.shape[1] * np.arange(len(messages) + 1))
        noise = _stream(stream_key, seeds, encodings.shape[1])
        out[part] = flipped(encodings[part], noise, threshold)
        for secret in (messages, seeds, noise):
            secret.fill(0)
    return out


def _stream(key: bytes, seeds: ByteMatrix, num_blocks: int) -> npt.NDArray[np.uint16]:
    """MACs of seed and counter, as words: uint16 of shape (rows, 8 * num_blocks). The counter has 16 bytes."""
    states = encrypt_blocks(key, seeds) ^ subkeys(key)[0]
    inputs = np.repeat(states[:, None], num_blocks, axis=1).view("<u8")
    inputs[:, :, 0] ^= np.arange(num_blocks, dtype=np.uint64)
    words = encrypt_blocks(key, inputs).view("<u2").astype(np.uint16, copy=False)
    states.fill(0)
    inputs.fill(0)
    return words.reshape(len(seeds), num_blocks * CMAC_BYTES // 2)
