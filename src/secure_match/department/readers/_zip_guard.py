"""RAW: ZIP containers are measured before any library unpacks them: what a part declares and what it holds."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from secure_match.errors import InputError, Place, SecureMatchError

MAX_PARTS: Final = 10_000
MAX_DIRECTORY_BYTES: Final = 1 << 22
"""An entry has 46 bytes and its name; ``MAX_PARTS`` of them with ordinary names fit."""
MAX_PART_BYTES: Final = 1 << 30
"""A sheet of a million rows and twenty columns has about so many bytes of XML."""
MAX_TOTAL_BYTES: Final = 3 << 29
RATIO_FROM_BYTES: Final = 1 << 24
MAX_RATIO: Final = 200
"""Sheets of people pack 5 to 30 times smaller; above this ratio a part of ``RATIO_FROM_BYTES`` is a bomb."""
_CHUNK_BYTES: Final = 1 << 20
_END: Final = b"PK\x05\x06"
_LOCATOR: Final = b"PK\x06\x07"
_END64: Final = b"PK\x06\x06"
_IN_ZIP64: Final = (1 << 32) - 1
"""A size that stands in the ZIP64 record instead."""
_TAIL_BYTES: Final = (1 << 16) + 22 + 20
Result = TypeVar("Result")
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def verify_zip(path: Path) -> None:
    """Unpack every part once without keeping it, and compare its size and checksum with what is declared.

    Raises:
        InputError: ``ZIP_TOO_LARGE`` for a part or a whole above the limits, ``ZIP_DAMAGED``, ``FILE_ENCRYPTED``.
    """
    _guarded(path, lambda: _verify_parts(path))


def part_names(path: Path) -> tuple[str, ...]:
    """Names of the parts, of which none was unpacked.

    Raises:
        InputError: ``ZIP_TOO_LARGE``, ``ZIP_DAMAGED``.
    """
    return _guarded(path, lambda: _part_names(path))


def read_part(path: Path, name: str, limit: int) -> bytes:
    """The first bytes of a part.

    Raises:
        InputError: ``ZIP_DAMAGED``.
    """
    return _guarded(path, lambda: _read_part(path, name, limit))


def _verify_directory(path: Path) -> None:
    """Look at how long the directory is before the library reads it: it keeps an object for every entry.

    The library takes the size and not the count; a ZIP64 record, where there is one, wins over the plain one.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        start = max(0, size - _TAIL_BYTES)
        stream.seek(start)
        tail = stream.read()
        ends = [at for at in (len(tail) - 22, tail.rfind(_END)) if at >= 0 and tail[at : at + 4] == _END]
        found = [0]
        for at in ends:
            found.append(int.from_bytes(tail[at + 12 : at + 16], "little") % _IN_ZIP64)
            locator = tail[max(at - 20, 0) : at]
            if not locator.startswith(_LOCATOR):
                continue
            for place in (start + at - 20 - 56, int.from_bytes(locator[8:16], "little")):
                stream.seek(min(max(place, 0), size))
                record = stream.read(56)
                if record.startswith(_END64):
                    found.append(int.from_bytes(record[40:48], "little"))
    if max(found) > MAX_DIRECTORY_BYTES:
        raise _too_large(path)


def _part_names(path: Path) -> tuple[str, ...]:
    _verify_directory(path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if len(names) > MAX_PARTS:
        raise _too_large(path)
    return tuple(names)


def _verify_parts(path: Path) -> None:
    _verify_directory(path)
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        total = sum(part.file_size for part in parts)
        if len(parts) > MAX_PARTS or total > MAX_TOTAL_BYTES or len({part.filename for part in parts}) < len(parts):
            raise _too_large(path)
        for part in parts:
            _verify_part(path, archive, part)


def _read_part(path: Path, name: str, limit: int) -> bytes:
    _verify_directory(path)
    with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
        return stream.read(limit)


def _verify_part(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    if part.flag_bits & 0x1:
        raise InputError(
            "the file is protected with a password; save it without one", code="FILE_ENCRYPTED", place=Place(file=path)
        )
    declared = part.file_size
    packed = max(part.compress_size, 1)
    if declared > MAX_PART_BYTES or (declared > RATIO_FROM_BYTES and declared > MAX_RATIO * packed):
        raise _too_large(path)
    if part.compress_type not in _METHODS:
        raise InputError("the file is packed in an unknown way", code="ZIP_DAMAGED", place=Place(file=path))
    # The library stops at the declared size; other unpackers do not, so a part that holds more must be found here.
    part.file_size = declared + 1
    held = 0
    with archive.open(part) as stream:
        while block := stream.read(_CHUNK_BYTES):
            held += len(block)
    if held > declared:
        raise _too_large(path)
    if held < declared:
        raise InputError("a part of the file is cut off", code="ZIP_DAMAGED", place=Place(file=path))


def _too_large(path: Path) -> InputError:
    return InputError(
        "unpacked, the file is far larger than any export, or larger than it says; export it as CSV",
        code="ZIP_TOO_LARGE",
        place=Place(file=path),
    )


def _guarded(path: Path, action: Callable[[], Result]) -> Result:
    try:
        return action()
    except SecureMatchError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError, NotImplementedError, RuntimeError):
        pass
    raise InputError(
        "the file is damaged or cut off; copy or export it again", code="ZIP_DAMAGED", place=Place(file=path)
    )
