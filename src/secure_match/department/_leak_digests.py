"""RAW: unkeyed digests of raw values, as they would stand in a package: raw bytes, or hexadecimal.

Looked for are the first 16 bytes of a digest, which is what fits into a 16-byte column; whoever writes a whole digest
writes those too. An unkeyed digest of an ID number is the number: a county's are tried out in seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cryptography.hazmat.primitives.hashes import SM3, Hash

from secure_match.department._leak_words import WordArray, distinct_words, is_member

PREFIX_BYTES: Final = 16
"""Of a digest; all of MD5's."""
DIGEST_FORMS: Final = ("", "-hex", "-hex")
_HEX: Final = tuple(np.frombuffer(digits, dtype=np.uint8) for digits in (b"0123456789abcdef", b"0123456789ABCDEF"))


def _sm3(data: bytes) -> bytes:
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


DIGESTS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    "sha-1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "sha-256": lambda data: hashlib.sha256(data).digest(),
    "sm3": _sm3,
}
"""Name to function: those that people reach for when they take a plain hash for protection."""


def digest_forms_of(value: str) -> list[tuple[str, bytes]]:
    """All digest patterns of one value with their names: the reference of :class:`DigestPatterns`."""
    found = []
    for name, digest in DIGESTS.items():
        prefix = digest(value.encode())[:PREFIX_BYTES]
        digits = prefix.hex()
        found += [(name, prefix), (f"{name}-hex", digits.encode()), (f"{name}-hex", digits.upper().encode())]
    return found


class DigestPatterns:
    """Digest patterns of some identifiers: 16 bytes for each value and algorithm are kept.

    Args:
        kinds: names of the kinds.
        values: of each kind, its distinct values.

    Attributes:
        words: the first eight bytes of every pattern, little-endian, uint64, rising.
    """

    __slots__ = ("_first", "_kinds", "_prefixes", "words")

    def __init__(self, kinds: Sequence[str], values: Sequence[pa.StringArray]) -> None:
        self._kinds = tuple(kinds)
        self._first = np.cumsum([len(DIGESTS) * len(part) for part in values], dtype=np.int64)
        found = [
            digest(data)[:PREFIX_BYTES]
            for part in values
            for data in part.cast(pa.binary()).to_pylist()
            for digest in DIGESTS.values()
        ]
        self._prefixes = np.frombuffer(b"".join(found), dtype=np.uint8).reshape(-1, PREFIX_BYTES)
        self.words = distinct_words(np.concatenate(self._words()))

    def patterns(self, words: WordArray) -> dict[int, dict[bytes, str]]:
        """The patterns that begin with one of some words: word to pattern to ``kind/form``.

        Args:
            words: uint64, rising.
        """
        found: dict[int, dict[bytes, str]] = {}
        for form, beginnings in enumerate(self._words()):
            for place in np.flatnonzero(is_member(beginnings, words)).tolist():
                pattern = self._prefixes[place].tobytes()
                if form:
                    text = pattern.hex()
                    pattern = (text if form == 1 else text.upper()).encode()
                kind = self._kinds[int(np.searchsorted(self._first, place, side="right"))]
                name = f"{kind}/{list(DIGESTS)[place % len(DIGESTS)]}{DIGEST_FORMS[form]}"
                found.setdefault(int(beginnings[place]), {}).setdefault(pattern, name)
        return found

    def _words(self) -> list[WordArray]:
        """How the patterns begin, in the order of ``DIGEST_FORMS``."""
        halves = [
            np.stack([digits[self._prefixes[:, :4] >> 4], digits[self._prefixes[:, :4] & 15]], axis=2).reshape(-1, 8)
            for digits in _HEX
        ]
        return [_first_word(matrix) for matrix in (self._prefixes[:, :8], *halves)]


def _first_word(matrix: npt.NDArray[np.uint8]) -> WordArray:
    return np.ascontiguousarray(matrix).view("<u8").astype(np.uint64).reshape(-1)
