"""RAW: AES-256-CMAC of many byte strings at once: the keyed function that our own passes are made of.

AES is ``cryptography``'s: its ECB call is the bare permutation over a whole array, which CMAC then chains. Per message
nothing runs in Python. Every result is the CMAC that ``cryptography`` computes for that message alone
(:func:`cmac_each_reference`).

Sources: NIST SP 800-38B (2005) for CMAC; Iwata and Kurosawa, *OMAC: One-Key CBC MAC* (FSE 2003) for the proof that it
is a pseudo-random function of messages of any length.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from secure_match.kernels import jit

CMAC_BYTES: Final = 16
KEY_BYTES: Final = 32
_FEEDBACK: Final = 0x87
"""The low byte of x^128 + x^7 + x^2 + x + 1, by which SP 800-38B doubles."""
_PADDING: Final = 0x80

ByteArray = npt.NDArray[np.uint8]
Int64Array = npt.NDArray[np.int64]


def encrypt_blocks(key: bytes, blocks: npt.NDArray[Any]) -> ByteArray:
    """AES-256 of every 16-byte block by itself.

    Args:
        key: 32 bytes.
        blocks: contiguous array of 16 * n bytes.

    Returns:
        uint8 of shape (n, 16).
    """
    # The bare permutation is what CMAC is defined on; nothing is encrypted with it.
    permutation = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305
    # ``update_into`` asks for room for one more block.
    out = np.empty(blocks.nbytes + CMAC_BYTES - 1, dtype=np.uint8)
    size = permutation.update_into(blocks.reshape(-1).view(np.uint8).data, out.data)
    return out[:size].reshape(-1, CMAC_BYTES)


def subkeys(key: bytes) -> tuple[ByteArray, ByteArray]:
    """SP 800-38B's K1, added to a last block that is whole, and K2, added to one that was padded."""
    first = _double(encrypt_blocks(key, np.zeros(CMAC_BYTES, dtype=np.uint8)).tobytes())
    return np.frombuffer(first, dtype=np.uint8), np.frombuffer(_double(first), dtype=np.uint8)


def cmac_each(key: bytes, data: ByteArray, offsets: Int64Array) -> ByteArray:
    """CMAC of every message; message ``i`` is ``data[offsets[i]:offsets[i + 1]]`` and may be empty.

    Args:
        key: 32 bytes.
        data: uint8 of shape (bytes,).
        offsets: int64 of shape (messages + 1,), never falling, from 0 to ``len(data)``.

    Returns:
        uint8 of shape (messages, 16), in the order of the messages.

    Raises:
        ValueError: the offsets do not fit the data.
    """
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != len(data) or (np.diff(offsets) < 0).any():
        raise ValueError("the offsets do not cut the data into messages")
    whole, padded = subkeys(key)
    num_blocks = np.maximum(1, -(-np.diff(offsets) // CMAC_BYTES))
    # The longest first, so that the messages that still have a block stand at the beginning.
    order = np.argsort(-num_blocks, kind="stable")
    starts, stops = offsets[:-1][order], offsets[1:][order]
    lasting = len(order) - np.cumsum(np.bincount(num_blocks))
    state = np.zeros((len(order), CMAC_BYTES), dtype=np.uint8)
    for step in range(int(num_blocks.max(initial=0))):
        active = int(lasting[step])
        _absorb(data, starts[:active], stops[:active], step, whole, padded, state)
        state[:active] = encrypt_blocks(key, state[:active])
    result = np.empty_like(state)
    result[order] = state
    state.fill(0)
    return result


def cmac_each_reference(key: bytes, data: ByteArray, offsets: Int64Array) -> ByteArray:
    """Reference of :func:`cmac_each`: one message after the other through ``cryptography``'s own CMAC."""
    digests = np.zeros((len(offsets) - 1, CMAC_BYTES), dtype=np.uint8)
    for row, (start, stop) in enumerate(pairwise(offsets.tolist())):
        mac = CMAC(algorithms.AES256(key))
        mac.update(data[start:stop].tobytes())
        digests[row] = np.frombuffer(mac.finalize(), dtype=np.uint8)
    return digests


def _double(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    if number >> (8 * CMAC_BYTES):
        number ^= (1 << (8 * CMAC_BYTES)) | _FEEDBACK
    return number.to_bytes(CMAC_BYTES, "big")


@jit
def _absorb(  # noqa: PLR0917  # Numba functions take their arrays by position.
    data: ByteArray,
    starts: Int64Array,
    stops: Int64Array,
    step: int,
    whole: ByteArray,
    padded: ByteArray,
    state: ByteArray,
) -> None:
    """XOR block number ``step`` of each message into its state: the last one padded and with its subkey."""
    for row in range(starts.shape[0]):
        begin = starts[row] + CMAC_BYTES * step
        left = stops[row] - begin
        for index in range(min(left, CMAC_BYTES)):
            state[row, index] ^= data[begin + index]
        if left < CMAC_BYTES:
            state[row, left] ^= np.uint8(_PADDING)
        if left <= CMAC_BYTES:
            last = whole if left == CMAC_BYTES else padded
            for index in range(CMAC_BYTES):
                state[row, index] ^= last[index]
