"""ENCODED: what is done to finished encodings: fold, Rule 90, noise, balance.

Encodings are uint8 of shape (rows, bytes), the top bit of a byte first. Every function gives a new array.

Invariants: rows do not depend on each other; compiled functions have a NumPy reference of the same meaning beside them
(``*_reference``), those that are a line of NumPy are their own. Arrays are checked before compiled code runs on them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from secure_match.kernels._pass_bits import ByteMatrix, Int64Array
from secure_match.kernels._popcount import jit

ShortMatrix = npt.NDArray[np.uint16]


def xor_folded(encodings: ByteMatrix) -> ByteMatrix:
    """The first half XOR the second: uint8 of shape (rows, bytes / 2); ``bytes`` is even."""
    half = encodings.shape[1] // 2
    if 2 * half != encodings.shape[1]:
        raise ValueError("an encoding of an odd number of bytes cannot be folded")
    return encodings[:, :half] ^ encodings[:, half:]


def rule_90(encodings: ByteMatrix) -> ByteMatrix:
    """Bit ``j`` becomes bit ``j - 1`` XOR bit ``j + 1``, the last bit and the first being neighbours.

    Wolfram's elementary cellular automaton 90, one step (Schnell and Borgs, 2018). Shape and dtype stay.
    """
    before, after = np.roll(encodings, 1, axis=1), np.roll(encodings, -1, axis=1)
    one, seven = np.uint8(1), np.uint8(7)
    found: ByteMatrix = (encodings >> one) | (before << seven)
    found ^= (encodings << one) | (after >> seven)
    return found


def rule_90_reference(encodings: ByteMatrix) -> ByteMatrix:
    """Reference of :func:`rule_90`, on single bits."""
    bits = np.unpackbits(encodings, axis=1)
    return np.packbits(np.roll(bits, 1, axis=1) ^ np.roll(bits, -1, axis=1), axis=1)


def flipped(encodings: ByteMatrix, noise: ShortMatrix, threshold: int) -> ByteMatrix:
    """Bits are flipped where their word of noise is smaller than the threshold.

    Args:
        encodings: uint8 of shape (rows, bytes).
        noise: uint16 of shape (rows, 8 * bytes): one word for each bit, in the order of bits.
        threshold: 0 to 65,536.
    """
    _verify_noise(encodings, noise, threshold)
    out = encodings.copy()
    _flip(noise, np.uint32(threshold), out)
    return out


def flipped_reference(encodings: ByteMatrix, noise: ShortMatrix, threshold: int) -> ByteMatrix:
    """NumPy reference of :func:`flipped`."""
    _verify_noise(encodings, noise, threshold)
    return encodings ^ np.packbits(noise < threshold, axis=1)


def balanced(encodings: ByteMatrix, order: Int64Array) -> ByteMatrix:
    """An encoding and its complement, permuted: bit ``j`` is bit ``order[j]`` of the two one after the other.

    Args:
        encodings: uint8 of shape (rows, bytes).
        order: int64 of shape (16 * bytes,), a permutation.

    Returns:
        uint8 of shape (rows, 2 * bytes); half of the bits of every row are set.
    """
    _verify_order(encodings, order)
    out = np.zeros((len(encodings), 2 * encodings.shape[1]), dtype=np.uint8)
    _balance(encodings, order, out)
    return out


def balanced_reference(encodings: ByteMatrix, order: Int64Array) -> ByteMatrix:
    """NumPy reference of :func:`balanced`."""
    _verify_order(encodings, order)
    return np.packbits(np.unpackbits(np.hstack([encodings, ~encodings]), axis=1)[:, order], axis=1)


@jit
def _flip(noise: ShortMatrix, threshold: np.uint32, out: ByteMatrix) -> None:
    for row in range(out.shape[0]):
        for byte in range(out.shape[1]):
            mask = np.uint8(0)
            for bit in range(8):
                mask = np.uint8(mask << 1) | np.uint8(np.uint32(noise[row, 8 * byte + bit]) < threshold)
            out[row, byte] ^= mask


@jit
def _balance(encodings: ByteMatrix, order: Int64Array, out: ByteMatrix) -> None:
    width = encodings.shape[1]
    both = np.empty(2 * width, dtype=np.uint8)
    for row in range(out.shape[0]):
        both[:width] = encodings[row]
        both[width:] = ~encodings[row]
        for place in range(order.shape[0]):
            source = order[place]
            bit = (both[source >> 3] >> (7 - (source & 7))) & 1
            out[row, place >> 3] |= np.uint8(bit << (7 - (place & 7)))


def _verify_noise(encodings: ByteMatrix, noise: ShortMatrix, threshold: int) -> None:
    if noise.shape != (len(encodings), 8 * encodings.shape[1]) or not 0 <= threshold <= 1 << 16:
        raise ValueError("noise, threshold and encodings do not fit each other")


def _verify_order(encodings: ByteMatrix, order: Int64Array) -> None:
    places = 16 * encodings.shape[1]
    if order.shape != (places,) or (np.bincount(order.clip(0, places), minlength=places + 1)[:places] != 1).any():
        raise ValueError("the order is no permutation of the bits and their complements")
