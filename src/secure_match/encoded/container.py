"""ENCODED: the container every package uses: an ordinary ZIP that shows when a single byte was changed.

Layout: a stored (uncompressed) ZIP whose first entry is ``manifest.json`` and whose comment is
``secure-match:`` followed by the lower-case hex SHA-256 of every byte before those 64 characters. Any ZIP tool
opens it; no byte of it, headers included, can change without the digest telling.

Invariants:

* same manifest and parts, same bytes out (fixed times, order and attributes),
* nothing of a file is handed out before the digest over the whole file was checked,
* a digest is not a signature: it finds damage, not forgery. Signing belongs to ``exchange``.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final, cast

from secure_match.errors import PackageError

MANIFEST_NAME: Final = "manifest.json"
_COMMENT_LABEL: Final = b"secure-match:"
_HEX_LENGTH: Final = 64
_EOCD_SIGNATURE: Final = b"PK\x05\x06"
_EOCD_LENGTH: Final = 22
_FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)
_CHUNK_BYTES: Final = 1 << 20
_MAX_MANIFEST_BYTES: Final = 1 << 24
UNREADABLE: Final = (
    zipfile.BadZipFile,
    ValueError,
    TypeError,
    KeyError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
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


class ContainerWriter:
    """Writes one container to a binary stream. Use :func:`container_writer`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @contextmanager
    def part(self, name: str) -> Iterator[IO[bytes]]:
        """Open the part ``name`` for writing; parts are written one after the other."""
        entry = zipfile.ZipInfo(name, date_time=_FIXED_TIME)
        entry.external_attr = 0o600 << 16
        entry.create_system = 3
        with self._archive.open(entry, "w", force_zip64=True) as stream:
            yield stream


def canonical_json(value: object) -> bytes:
    """UTF-8 JSON with sorted keys and no white space: the one form that is hashed and compared."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


@contextmanager
def container_writer(target: IO[bytes], manifest: dict[str, Any]) -> Iterator[ContainerWriter]:
    """Write a container with ``manifest`` first; the caller adds the parts inside the ``with`` block."""
    digesting = _DigestingWriter(target)
    with zipfile.ZipFile(cast("IO[bytes]", digesting), "w", zipfile.ZIP_STORED) as archive:
        archive.comment = _COMMENT_LABEL + b"0" * _HEX_LENGTH
        writer = ContainerWriter(archive)
        with writer.part(MANIFEST_NAME) as stream:
            stream.write(json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False).encode())
        yield writer
    digesting.finish()


def _verify_digest(source: IO[bytes]) -> str:
    """Check the digest over the whole file; return it."""
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if size == 0:
        raise PackageError("the file is empty; ask the sender for it again", code="PACKAGE_EMPTY")
    if source.read(4) != b"PK\x03\x04":
        raise PackageError(
            "this is not a secure_match package; check which file you named",
            code="PACKAGE_FOREIGN",
        )
    tail_length = _EOCD_LENGTH + len(_COMMENT_LABEL) + _HEX_LENGTH
    source.seek(max(0, size - tail_length))
    tail = source.read(tail_length)
    if not tail.startswith(_EOCD_SIGNATURE) or tail[_EOCD_LENGTH:-_HEX_LENGTH] != _COMMENT_LABEL:
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
    """A container whose digest was verified.

    Attributes:
        manifest: the parsed ``manifest.json``.
        digest: lower-case hex SHA-256 of the file (without its last 64 bytes).
        names: the parts, in file order, without the manifest.
    """

    def __init__(self, archive: zipfile.ZipFile, manifest: dict[str, Any], digest: str) -> None:
        self._archive = archive
        self.manifest = manifest
        self.digest = digest
        self.names = tuple(name for name in archive.namelist() if name != MANIFEST_NAME)

    def open(self, name: str) -> IO[bytes]:
        """Open a part for reading."""
        return self._archive.open(name)


@contextmanager
def container_reader(source: IO[bytes]) -> Iterator[ContainerReader]:
    """Verify a container and open it.

    Raises:
        PackageError: ``PACKAGE_EMPTY``, ``PACKAGE_FOREIGN``, ``PACKAGE_TRUNCATED`` or ``PACKAGE_DAMAGED``.
    """
    digest = _verify_digest(source)
    opened: tuple[zipfile.ZipFile, dict[str, Any]] | None = None
    with contextlib.suppress(*UNREADABLE):
        opened = _open_archive(source)
    if opened is None:
        raise PackageError("the package has no readable manifest", code="PACKAGE_FOREIGN")
    archive, manifest = opened
    with archive:
        yield ContainerReader(archive, manifest, digest)


def _open_archive(source: IO[bytes]) -> tuple[zipfile.ZipFile, dict[str, Any]]:
    archive = zipfile.ZipFile(source)
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
    if names[:1] != [MANIFEST_NAME] or len(set(names)) != len(names) or not stored:
        raise ValueError
    if entries[0].file_size > _MAX_MANIFEST_BYTES:
        raise ValueError
    manifest = json.loads(archive.read(MANIFEST_NAME))
    if not isinstance(manifest, dict):
        raise TypeError
    return archive, manifest
