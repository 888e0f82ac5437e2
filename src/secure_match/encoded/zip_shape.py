"""ENCODED: the bytes of a ZIP around the content of its entries, in the one form that packages have.

Every entry is stored, has a Zip64 field in its local header, and its CRC and sizes in a descriptor behind its content;
entries lie back to back from the first byte to the central directory. The writer makes these bytes and the reader asks
for the same ones, so that a file has no room for anything between, before or behind the entries (APPNOTE 6.3).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final

END_BYTES: Final = 22
END_SIGNATURE: Final = b"PK\x05\x06"
LOCAL_SIGNATURE: Final = b"PK\x03\x04"
_VERSION: Final = 45  # Zip64 (APPNOTE 4.4.3.2).
_UNIX: Final = 3
_DESCRIPTOR_FOLLOWS: Final = 8
_FIRST_DAY: Final = 0x21  # 1980-01-01 as an MS-DOS date.
_ATTRIBUTES: Final = 0o600 << 16
_ZIP64_FIELD: Final = 1
_IN_ZIP64: Final = 0xFFFFFFFF
_ZIP64_ABOVE: Final = (1 << 31) - 1  # Where Python's zipfile begins to use Zip64.
_CENTRAL: Final = struct.Struct("<4s4B4HL2L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_MAX_DIRECTORY_BYTES: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stored entry: its name (ASCII), the CRC-32 and the number of bytes of its content."""

    name: str
    crc: int
    size: int


def local_header(name: str) -> bytes:
    """What stands before an entry's content."""
    fixed = (LOCAL_SIGNATURE, _VERSION, _DESCRIPTOR_FOLLOWS, 0, 0, _FIRST_DAY, 0, _IN_ZIP64, _IN_ZIP64)
    sizes = struct.pack("<2H2Q", _ZIP64_FIELD, 16, 0, 0)
    return struct.pack("<4s5H3L2H", *fixed, len(name), len(sizes)) + name.encode("ascii") + sizes


def data_descriptor(entry: Entry) -> bytes:
    """What stands behind an entry's content."""
    return struct.pack("<4sL2Q", b"PK\x07\x08", entry.crc, entry.size, entry.size)


def entry_bytes(entry: Entry) -> int:
    """Bytes of an entry from its local header to the end of its descriptor."""
    return len(local_header(entry.name)) + entry.size + len(data_descriptor(entry))


def end_records(entries: Sequence[Entry], comment_bytes: int) -> bytes:
    """Everything behind the last entry, less the comment: central directory, Zip64 records if needed, end record."""
    directory = b""
    place = 0
    for entry in entries:
        directory += _central_header(entry, place)
        place += entry_bytes(entry)
    count, length = len(entries), len(directory)
    if place > _ZIP64_ABOVE:
        directory += _END64.pack(b"PK\x06\x06", 44, _VERSION, _VERSION, 0, 0, count, count, length, place)
        directory += _LOCATOR.pack(b"PK\x06\x07", 0, place + length, 1)
    end = _END.pack(END_SIGNATURE, 0, 0, count, count, length, min(place, _IN_ZIP64), comment_bytes)
    return directory + end


def _central_header(entry: Entry, place: int) -> bytes:
    large = [entry.size, entry.size] if entry.size > _ZIP64_ABOVE else []
    size = _IN_ZIP64 if large else entry.size
    if place > _ZIP64_ABOVE:
        large.append(place)
        place = _IN_ZIP64
    extra = struct.pack(f"<2H{len(large)}Q", _ZIP64_FIELD, 8 * len(large), *large) if large else b""
    version = (_VERSION, _UNIX, _VERSION, 0)
    form = (_DESCRIPTOR_FOLLOWS, 0, 0, _FIRST_DAY)
    lengths = (len(entry.name), len(extra), 0, 0, 0)
    head = _CENTRAL.pack(b"PK\x01\x02", *version, *form, entry.crc, size, size, *lengths, _ATTRIBUTES, place)
    return head + entry.name.encode("ascii") + extra


def read_entries(source: IO[bytes], comment_bytes: int) -> tuple[Entry, ...]:
    """The entries of a ZIP that has this form and no other.

    Raises:
        ValueError: it has another form.
        struct.error: it ends too early.
    """
    end_at = source.seek(0, io.SEEK_END) - comment_bytes - END_BYTES
    begin = _directory_place(source, end_at)
    if not 0 < end_at - begin <= _MAX_DIRECTORY_BYTES:
        raise ValueError("no room for a central directory")
    source.seek(begin)
    found = source.read(end_at - begin + END_BYTES)
    entries = _parse_directory(found)
    if found != end_records(entries, comment_bytes):
        raise ValueError("another central directory")
    place = 0
    for entry in entries:
        header = local_header(entry.name)
        source.seek(place)
        if source.read(len(header)) != header:
            raise ValueError("another local header")
        descriptor = data_descriptor(entry)
        source.seek(place + len(header) + entry.size)
        if source.read(len(descriptor)) != descriptor:
            raise ValueError("another descriptor")
        place += entry_bytes(entry)
    if place != begin:
        raise ValueError("bytes between the entries and the central directory")
    return entries


def _directory_place(source: IO[bytes], end_at: int) -> int:
    source.seek(end_at)
    place = int(_END.unpack(source.read(END_BYTES))[6])
    if place <= _ZIP64_ABOVE:
        return place
    source.seek(max(0, end_at - _LOCATOR.size - _END64.size))
    return int(_END64.unpack(source.read(_END64.size))[-1])


def _parse_directory(data: bytes) -> tuple[Entry, ...]:
    """What the headers say; :func:`read_entries` then asks whether they say it in the one form."""
    entries: list[Entry] = []
    place = 0
    while data[place : place + 4] == b"PK\x01\x02":
        head = _CENTRAL.unpack_from(data, place)
        crc, size, name_bytes, extra_bytes = head[9], head[11], head[12], head[13]
        place += _CENTRAL.size
        name = data[place : place + name_bytes].decode("ascii")
        place += name_bytes
        if size == _IN_ZIP64:
            size = struct.unpack_from("<Q", data, place + 4)[0]
        place += extra_bytes
        entries.append(Entry(name=name, crc=crc, size=size))
    return tuple(entries)
