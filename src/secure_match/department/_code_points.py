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
def _wide(data: ByteArray, at: int, end: int) -> tuple[int, int]:
    """Code point and length of the sequence at ``at``, whose first byte is no ASCII; length 0 where it is broken."""
    lead = np.int64(data[at])
    if lead < 0xC2 or lead > 0xF4:
        return 0, 0
    length = 2 if lead < 0xE0 else (3 if lead < 0xF0 else 4)
    if at + length > end:
        return 0, 0
    point = lead & (0x7F >> length)
    for index in range(at + 1, at + length):
        byte = np.int64(data[index])
        if byte & 0xC0 != 0x80:
            return 0, 0
        point = (point << 6) | (byte & 0x3F)
    if (length == 3 and (point < 0x800 or 0xD800 <= point <= 0xDFFF)) or (
        length == 4 and (point < 0x10000 or point > 0x10FFFF)
    ):
        return 0, 0
    return int(point), length


@jit
def _decode(
    data: ByteArray,
    spans: tuple[Int64Array, Int64Array],
    points: PointArray,
    out: tuple[Int64Array, Int64Array],
    kinds: ByteArray,
) -> None:
    used = 0
    for number in range(kinds.shape[0]):
        out[0][number] = used
        at, end = spans[0][number], spans[1][number]
        while at < end:
            if data[at] < 0x80:
                points[used] = data[at]
                at += 1
            else:
                point, length = _wide(data, at, end)
                kinds[number] = WIDE if length > 0 else BROKEN
                if length == 0:
                    used = out[0][number]
                    break
                points[used] = np.uint32(point)
                at += length
            used += 1
        out[1][number] = used


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
    for number, item in enumerate(texts.items(range(len(texts)))):
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
