"""ENCODED: a stream in pieces, each in memory that is used again, and their digest, worked out beside the cipher.

Fresh memory for every piece would cost several times what AES does: the system hands it out page by page. Invariant:
a buffer is written to again only after the digest of what it held was taken.
"""

from __future__ import annotations

import io
import queue
import threading
import zlib
from collections.abc import Iterator
from typing import IO, Final, cast

from secure_match.errors import PackageError
from secure_match.exchange.suites import Digest

_BUFFERS: Final = 4
"""Enough to keep the thread that hashes busy, few enough to need little memory."""
_AT_ONCE_BYTES: Final = 4 << 20
"""Up to this size no thread is started: that would take longer than the digest."""


class Hashing:
    """Digest, CRC-32 and size of pieces, the digest in a thread of its own. Use it in a ``with`` block.

    Args:
        digest: a digest that was begun.
        size: bytes of all pieces together.
        piece_bytes: bytes of the largest piece.
    """

    def __init__(self, digest: Digest, size: int, piece_bytes: int) -> None:
        self._digest = digest
        self._free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._taken: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="digest", daemon=True)
        self._beside = size > _AT_ONCE_BYTES
        for _ in range(_BUFFERS if self._beside else 1):
            self._free.put(memoryview(bytearray(min(size, piece_bytes))))
        self.crc = 0
        self.size = 0

    def __enter__(self) -> Hashing:
        if self._beside:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._beside:
            self._taken.put(None)
            self._thread.join()

    def buffer(self) -> memoryview:
        """A buffer for the next piece; it may be read until the next call of this."""
        return self._free.get()

    def take(self, buffer: memoryview, length_bytes: int) -> None:
        """Take in what the first bytes of a buffer hold; they must not change any more."""
        piece = buffer[:length_bytes]
        self.crc = zlib.crc32(piece, self.crc)
        self.size += length_bytes
        if self._beside:
            self._taken.put(buffer)
            self._taken.put(piece)
        else:
            self._digest.update(piece)
            self._free.put(buffer)

    def _run(self) -> None:
        while (buffer := self._taken.get()) is not None:
            piece = self._taken.get()
            try:
                if piece is not None and self._failure is None:
                    self._digest.update(piece)
            except BaseException as error:
                # Kept for the end: a thread that died would leave the other waiting for a buffer.
                self._failure = error
            self._free.put(buffer)

    def hexdigest(self) -> str:
        """The digest of all pieces, after the block."""
        if self._failure is not None:
            raise self._failure
        return self._digest.hexdigest()


def nonce(number: int, *, last: bool) -> bytes:
    """11 bytes that count chunks from 0, big-endian, and one that says whether it is the last."""
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def pieces(size: int, piece_bytes: int) -> Iterator[tuple[int, bool, int]]:
    """Number, whether it is the last, and length of every piece of ``size`` bytes; of nothing, one empty piece."""
    count = max(1, -(-size // piece_bytes))
    for number in range(count):
        yield number, number == count - 1, min(piece_bytes, size - number * piece_bytes)


def read_into(stream: IO[bytes], buffer: memoryview) -> None:
    """Fill a buffer.

    Raises:
        PackageError: ``PACKAGE_CHANGED`` where the stream ends before.
    """
    source = cast("io.BufferedIOBase", stream)
    filled = 0
    while filled < len(buffer):
        count = source.readinto(buffer[filled:])
        if not count:
            raise PackageError("the file was cut short while it was read", code="PACKAGE_CHANGED")
        filled += count
