"""AUDIT: encodings that are known to be broken, for tests and benchmarks: an attack that fails on them proves nothing.

No agreement can name them and no release holds them. All are record-level CLKs of one text under one key for
everybody: equal texts have equal encodings wherever they stand, which is what the attacks of the literature live on.

Invariants: an empty text has the encoding without a bit; rows keep their order; same input, same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

ByteMatrix = npt.NDArray[np.uint8]
Positions = Callable[[bytes], npt.NDArray[np.int64]]
"""From a q-gram in UTF-8 to the bits that it sets."""

_WORDS_PER_DIGEST: Final = 32
_RANDOM: Final = b"random"
_DOUBLE: Final = b"double"
_DIFFUSION: Final = b"diffusion"


def global_clk(names: Sequence[str], key: bytes, bits: int = 1024, hashes: int = 20, qgrams: int = 2) -> ByteMatrix:
    """Plain CLKs by random hashing under one key for all rows (Schnell, Bachteler, Reiher 2009, without their double
    hashing).

    Args:
        names: one text per row; padded by ``qgrams - 1`` blanks at both ends; a q-gram that repeats counts once.
        key: 1 to 64 bytes.
        bits: length of an encoding, a multiple of 8 up to 65,536 (a power of two has no bias).
        hashes: bits that a q-gram sets, counting repeats.
        qgrams: length of the q-grams, in code points.

    Returns:
        uint8 of shape (rows, bits / 8); bit ``i`` is bit ``7 - i % 8`` of byte ``i // 8``.
    """

    def positions(gram: bytes) -> npt.NDArray[np.int64]:
        digests = [_digest(key, _RANDOM, gram, counter) for counter in range(-(-hashes // _WORDS_PER_DIGEST))]
        return np.frombuffer(b"".join(digests), dtype="<u2")[:hashes].astype(np.int64) % bits

    return _clks(names, positions, bits, qgrams)


def double_hashing_clk(
    names: Sequence[str], key: bytes, bits: int = 1024, hashes: int = 20, qgrams: int = 2
) -> ByteMatrix:
    """CLKs by double hashing, position ``i`` of a q-gram being ``g + i h`` modulo ``bits`` (Schnell and others 2009).

    All positions of a q-gram follow from two numbers: only ``bits ** 2`` patterns exist (Niedermeyer and others 2014).
    Arguments and result are those of :func:`global_clk`.
    """

    def positions(gram: bytes) -> npt.NDArray[np.int64]:
        first, step = np.frombuffer(_digest(key, _DOUBLE, gram, 0), dtype="<u4")[:2].astype(np.int64)
        found: npt.NDArray[np.int64] = (first + np.arange(hashes) * step) % bits
        return found

    return _clks(names, positions, bits, qgrams)


def diffusion_clk(  # noqa: PLR0917  # The parameters of global_clk and one more, as benchmarks vary them.
    names: Sequence[str], key: bytes, bits: int = 1024, hashes: int = 20, qgrams: int = 2, inputs: int = 10
) -> ByteMatrix:
    """Encodings with a linear diffusion layer: each bit is the XOR of ``inputs`` distinct bits of :func:`global_clk`.

    Which bits they are, the key decides, once for all rows (Armknecht, Heng, Schnell, PoPETs 2023). The map is linear
    over GF(2), so known pairs solve it.

    Args:
        inputs: bits of the CLK behind one bit of the result.

    The other arguments and the result are those of :func:`global_clk`.
    """
    plain = np.unpackbits(global_clk(names, key, bits, hashes, qgrams), axis=1)
    out = np.zeros_like(plain)
    chosen = np.array([_distinct(key, bit, bits, inputs) for bit in range(bits)], dtype=np.int64)
    for column in chosen.T:
        out ^= plain[:, column]
    return np.packbits(out, axis=1)


def _distinct(key: bytes, bit: int, bits: int, inputs: int) -> list[int]:
    """The first ``inputs`` distinct places that the key names for a bit; there are at most ``bits``."""
    found: dict[int, None] = {}
    counter = 0
    while len(found) < min(inputs, bits):
        words = np.frombuffer(_digest(key, _DIFFUSION, bit.to_bytes(4, "little"), counter), dtype="<u2")
        found.update(dict.fromkeys((words % bits).tolist()))
        counter += 1
    return list(found)[:inputs]


def _digest(key: bytes, label: bytes, gram: bytes, counter: int) -> bytes:
    return hashlib.blake2b(counter.to_bytes(4, "little") + gram, key=key, person=label).digest()


def _clks(names: Sequence[str], positions: Positions, bits: int, qgrams: int) -> ByteMatrix:
    numbers: dict[str, int] = {}
    entries: list[int] = []
    sizes = np.zeros(len(names), dtype=np.int64)
    for row, name in enumerate(names):
        grams = _grams(name, qgrams)
        entries += [numbers.setdefault(gram, len(numbers)) for gram in grams]
        sizes[row] = len(grams)
    table = np.zeros((len(numbers), bits), dtype=np.uint8)
    for gram, number in numbers.items():
        table[number, positions(gram.encode())] = 1
    packed = np.packbits(table, axis=1)
    out = np.zeros((len(names), bits // 8), dtype=np.uint8)
    filled = np.flatnonzero(sizes)
    if len(filled):
        starts = np.cumsum(sizes[filled]) - sizes[filled]
        out[filled] = np.bitwise_or.reduceat(packed[np.array(entries, dtype=np.int64)], starts, axis=0)
    return out


def _grams(name: str, size: int) -> list[str]:
    """The distinct q-grams of a text, in order of place; none of an empty one."""
    if not name:
        return []
    padded = " " * (size - 1) + name + " " * (size - 1)
    return list(dict.fromkeys(padded[at : at + size] for at in range(len(padded) - size + 1)))
