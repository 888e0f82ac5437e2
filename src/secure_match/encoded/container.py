"""ENCODED: the container every package uses: an ordinary ZIP that shows when a single byte was changed.

Layout: a stored (uncompressed) ZIP of ``manifest.json`` and one part, whose comment is ``secure-match:`` followed by
the lower-case hex SHA-256 of every byte before those 64 characters. Any ZIP tool opens it; no byte of it, headers
included, can change without the digest telling.

Invariants:

* same manifest and part, same bytes out (fixed times, order and attributes),
* what is read has the form that the writer makes, byte for byte: there is no room beside manifest and part,
* nothing of a file is handed out before the digest over the whole file was checked,
* a digest is not a signature: it finds damage, not forgery. Signing belongs to ``exchange``.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final, cast

from secure_match.encoded.zip_shape import (
    END_BYTES,
    END_SIGNATURE,
    LOCAL_SIGNATURE,
    Entry,
    data_descriptor,
    end_records,
    entry_bytes,
    local_header,
    read_entries,
)
from secure_match.errors import PackageError

MANIFEST_NAME: Final = "manifest.json"
COMMENT_LABEL: Final = b"secure-match:"
_HEX_LENGTH: Final = 64
_COMMENT_BYTES: Final = len(COMMENT_LABEL) + _HEX_LENGTH
_CHUNK_BYTES: Final = 1 << 20
_MAX_MANIFEST_BYTES: Final = 1 << 20
UNREADABLE: Final = (
    zipfile.BadZipFile,
    ValueError,
    TypeError,
    KeyError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
    struct.error,
)
"""Everything that the standard library raises over a ZIP that is not what it seems."""


class _DigestingWriter(io.RawIOBase):
    """Passes bytes on while hashing all but the last 64, which it replaces by the digest when it finishes."""

    def __init__(self, target: IO[bytes]) -> None:
        super().__init__()
        self._target = target
        self._hash = hashlib.sha256()
        self._held = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        block = self._held + bytes(data)
        keep_from = max(0, len(block) - _HEX_LENGTH)
        self._hash.update(block[:keep_from])
        self._target.write(block[:keep_from])
        self._held = block[keep_from:]
        return len(data)

    def finish(self) -> str:
        digest = self._hash.hexdigest()
        self._target.write(digest.encode("ascii"))
        self._held = b""
        return digest


class _PartWriter(io.RawIOBase):
    """Passes the content of one entry on and keeps its CRC and size."""

    def __init__(self, target: _DigestingWriter) -> None:
        super().__init__()
        self._target = target
        self.crc = 0
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        content = bytes(data)
        self.crc = zlib.crc32(content, self.crc)
        self.size += len(content)
        self._target.write(content)
        return len(content)


class ContainerWriter:
    """Writes one container to a binary stream. Use :func:`container_writer`."""

    def __init__(self, target: _DigestingWriter) -> None:
        self._target = target
        self._entries: list[Entry] = []

    @contextmanager
    def part(self, name: str) -> Iterator[IO[bytes]]:
        """Open the part ``name`` for writing; parts are written one after the other."""
        self._target.write(local_header(name))
        with _PartWriter(self._target) as stream:
            yield cast("IO[bytes]", stream)
        entry = Entry(name=name, crc=stream.crc, size=stream.size)
        self._target.write(data_descriptor(entry))
        self._entries.append(entry)

    def finish(self) -> None:
        """Write what stands behind the last part."""
        end = end_records(self._entries, _COMMENT_BYTES)
        self._target.write(end + COMMENT_LABEL + b"0" * _HEX_LENGTH)
        self._target.finish()


def canonical_json(value: object) -> bytes:
    """UTF-8 JSON with sorted keys and no white space: the one form that is hashed and compared."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


@contextmanager
def container_writer(target: IO[bytes], manifest: dict[str, Any]) -> Iterator[ContainerWriter]:
    """Write a container with ``manifest`` first; the caller adds the parts inside the ``with`` block."""
    writer = ContainerWriter(_DigestingWriter(target))
    with writer.part(MANIFEST_NAME) as stream:
        stream.write(json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False).encode())
    yield writer
    writer.finish()


def _verify_digest(source: IO[bytes]) -> str:
    """Check the digest over the whole file; return it."""
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if size == 0:
        raise PackageError("the file is empty; ask the sender for it again", code="PACKAGE_EMPTY")
    if source.read(4) != LOCAL_SIGNATURE:
        raise PackageError(
            "this is not a secure_match package; check which file you named",
            code="PACKAGE_FOREIGN",
        )
    tail_length = END_BYTES + _COMMENT_BYTES
    source.seek(max(0, size - tail_length))
    tail = source.read(tail_length)
    if not tail.startswith(END_SIGNATURE) or tail[END_BYTES:-_HEX_LENGTH] != COMMENT_LABEL:
        raise PackageError(
            "the end of the package is missing: it was truncated, or another program wrote it; ask for it again",
            code="PACKAGE_TRUNCATED",
        )
    source.seek(0)
    digest = hashlib.sha256()
    remaining = size - _HEX_LENGTH
    while remaining:
        block = source.read(min(_CHUNK_BYTES, remaining))
        if not block:
            break
        digest.update(block)
        remaining -= len(block)
    if digest.hexdigest().encode("ascii") != tail[-_HEX_LENGTH:]:
        raise PackageError(
            "the package was changed or damaged on the way; ask the sender for it again",
            code="PACKAGE_DAMAGED",
        )
    return digest.hexdigest()


class ContainerReader:
    """A container whose digest and form were verified.

    Attributes:
        manifest: the parsed ``manifest.json``.
        digest: lower-case hex SHA-256 of the file (without its last 64 bytes).
        part: name of the one part.
        part_bytes: its size.
        part_place: offset in the file of its first byte.
        part_crc: its CRC-32, as the file states it; nobody has looked whether it is right.
    """

    def __init__(self, archive: zipfile.ZipFile, entries: Sequence[Entry], manifest: dict[str, Any], digest: str):
        first, part = entries
        self._archive = archive
        self.manifest = manifest
        self.digest = digest
        self.part = part.name
        self.part_bytes = part.size
        self.part_place = entry_bytes(first) + len(local_header(part.name))
        self.part_crc = part.crc

    def open(self) -> IO[bytes]:
        """Open the part for reading; its CRC is checked when its last byte is read."""
        return self._archive.open(self.part)


@contextmanager
def container_reader(source: IO[bytes]) -> Iterator[ContainerReader]:
    """Verify a container and open it.

    Raises:
        PackageError: ``PACKAGE_EMPTY``, ``PACKAGE_FOREIGN``, ``PACKAGE_TRUNCATED``, ``PACKAGE_DAMAGED``, or
            ``PACKAGE_MANIFEST`` for a manifest in which a key stands twice.
    """
    digest = _verify_digest(source)
    entries: tuple[Entry, ...] = ()
    with contextlib.suppress(*UNREADABLE):
        entries = read_entries(source, _COMMENT_BYTES)
    if [entry.name for entry in entries[:1]] != [MANIFEST_NAME] or len(entries) != 2:
        raise PackageError(
            "the file is not a manifest and one part in the form that secure_match writes; refuse it",
            code="PACKAGE_FOREIGN",
        )
    if entries[0].size > _MAX_MANIFEST_BYTES:
        raise PackageError("the manifest is larger than 1 MiB; refuse the package", code="PACKAGE_FOREIGN")
    with zipfile.ZipFile(source) as archive:
        yield ContainerReader(archive, entries, _read_manifest(archive), digest)


def stated_manifest(source: IO[bytes]) -> tuple[dict[str, Any], str]:
    """The manifest of a container, and the digest that it states; nobody has looked whether the digest is right.

    Raises:
        PackageError: ``PACKAGE_FOREIGN``, ``PACKAGE_MANIFEST``.
    """
    manifest: dict[str, Any] | None = None
    digest = ""
    with contextlib.suppress(*UNREADABLE):
        source.seek(-_HEX_LENGTH, io.SEEK_END)
        digest = source.read().decode("ascii")
        with zipfile.ZipFile(source) as archive:
            if archive.getinfo(MANIFEST_NAME).file_size <= _MAX_MANIFEST_BYTES:
                manifest = _read_manifest(archive)
    if manifest is None:
        raise PackageError("the content is not a secure_match package; refuse it", code="PACKAGE_FOREIGN")
    return manifest, digest


def _read_manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    repeated = False

    def take_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        taken = dict(pairs)
        repeated = repeated or len(taken) != len(pairs)
        return taken

    manifest: object = None
    with contextlib.suppress(*UNREADABLE):
        manifest = json.loads(archive.read(MANIFEST_NAME).decode("utf-8"), object_pairs_hook=take_once)
    if not isinstance(manifest, dict):
        raise PackageError("the package has no readable manifest", code="PACKAGE_FOREIGN")
    if repeated:
        raise PackageError(
            "a key stands twice in the manifest, so that two readers could take it differently; refuse the package",
            code="PACKAGE_MANIFEST",
        )
    return manifest
