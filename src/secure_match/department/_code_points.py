"""RAW: UTF-8 to code points, for many texts at once, compiled.

Invariant: a text is decoded exactly where Python's strict ``utf-8`` codec decodes it (RFC 3629: no surrogates, no
overlong forms, nothing above U+10FFFF), to the same code points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.department._texts import ByteArray, Int64Array, Texts
from secure_match.kernels import jit

PointArray = npt.NDArray[np.uint32]

ASCII: Final = 0
WIDE: Final = 1
BROKEN: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class CodePoints:
    """Code points of texts.

    Attributes:
        points: uint32 of shape (points,).
        starts: int64 of shape (texts,): first code point of each text.
        ends: int64 of shape (texts,): the one after its last; equal to ``starts`` where it is not UTF-8.
        kinds: uint8 of shape (texts,): ``ASCII``, ``WIDE`` (other text) or ``BROKEN`` (not UTF-8).
    """

    points: PointArray
    starts: Int64Array
    ends: Int64Array
    kinds: ByteArray


@jit
def _lead(byte: int) -> tuple[int, int, int]:
    """Bytes that follow a first byte above ASCII, its share of the code point, and the least one it may begin."""
    if 0xC2 <= byte <= 0xDF:
        return 1, byte & 0x1F, 0x80
    if 0xE0 <= byte <= 0xEF:
        return 2, byte & 0x0F, 0x800
    if 0xF0 <= byte <= 0xF4:
        return 3, byte & 0x07, 0x10000
    return 0, 0, 0


@jit
def _decode(
    data: ByteArray,
    spans: tuple[Int64Array, Int64Array],
    points: PointArray,
    out: tuple[Int64Array, Int64Array],
    kinds: ByteArray,
) -> None:
    # Scalars only go to helpers: handing an array to one costs more than decoding a character.
    used = 0
    for number in range(kinds.shape[0]):
        first, kind, left, point, least = used, ASCII, 0, 0, 0
        for at in range(spans[0][number], spans[1][number]):
            byte = int(data[at])
            if left == 0 and byte < 0x80:
                point, least = byte, 0
            elif left == 0:
                left, point, least = _lead(byte)
                kind = WIDE if left > 0 else BROKEN
            else:
                left, point = left - 1, (point << 6) | (byte & 0x3F)
                if byte & 0xC0 != 0x80 or (
                    left == 0 and (point < least or point > 0x10FFFF or 0xD800 <= point <= 0xDFFF)
                ):
                    kind = BROKEN
            if kind == BROKEN:
                break
            if left == 0:
                points[used] = np.uint32(point)
                used += 1
        if left > 0 or kind == BROKEN:
            kind, used = BROKEN, first
        kinds[number], out[0][number], out[1][number] = kind, first, used


def decode(texts: Texts) -> CodePoints:
    """Code points of texts."""
    points = np.empty(int(texts.lengths.sum()), dtype=np.uint32)
    starts, ends = np.empty(len(texts), dtype=np.int64), np.empty(len(texts), dtype=np.int64)
    kinds = np.zeros(len(texts), dtype=np.uint8)
    _decode(texts.data, (texts.starts, texts.ends), points, (starts, ends), kinds)
    return CodePoints(points=points, starts=starts, ends=ends, kinds=kinds)


def decode_reference(texts: Texts) -> CodePoints:
    """Reference of :func:`decode`: Python's codec, text by text."""
    kinds = np.zeros(len(texts), dtype=np.uint8)
    parts: list[PointArray] = []
    for number, item in enumerate(texts.items()):
        try:
            text = item.decode("utf-8")
        except UnicodeDecodeError:
            kinds[number], text = BROKEN, ""
        else:
            kinds[number] = ASCII if text.isascii() else WIDE
        parts.append(np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.uint32))
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    points = np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint32)
    lengths = np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    return CodePoints(points=points, starts=ends - lengths, ends=ends, kinds=kinds)
