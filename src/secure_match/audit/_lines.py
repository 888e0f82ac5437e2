"""AUDIT: finds whole lines at the end of a log without reading it from its beginning."""

from __future__ import annotations

import os
from typing import IO, Final

_BLOCK_BYTES: Final = 1 << 14


def whole_bytes(stream: IO[bytes]) -> int:
    """Bytes of the whole lines: the file without what a crash left of its last one.

    A line that was written only in part ends without a line feed, or, where the disk kept the end of it and not its
    middle, holds zero bytes.
    """
    end = os.fstat(stream.fileno()).st_size
    whole = line_start(stream, end)
    if whole == end and end:
        begin = line_start(stream, end - 1)
        stream.seek(begin)
        return begin if b"\0" in stream.read(end - begin) else end
    return whole


def line_start(stream: IO[bytes], end: int) -> int:
    """The place behind the last line feed before ``end``, or 0."""
    while end:
        begin = max(0, end - _BLOCK_BYTES)
        stream.seek(begin)
        found = stream.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0
