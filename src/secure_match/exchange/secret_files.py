"""ENCODED: files that hold secrets: made new and for their owner only, replaced whole, read only where nobody else may.

Invariants: a file is never visible half written, and never, not even for a moment, open to group or others.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
import tempfile
from pathlib import Path
from typing import Final

from secure_match.errors import KeyFileError, Place

MAX_SECRET_FILE_BYTES: Final = 1 << 20
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def write_new_secret(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, mode 0600, and force it to the disk.

    Raises:
        KeyFileError: ``FILE_EXISTS`` rather than overwriting a key, or ``FILE_NOT_WRITABLE``.
    """
    problem = ("", "")
    made = False
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        made = True
        _write_and_sync(descriptor, content)
    except FileExistsError:
        problem = ("FILE_EXISTS", "there is a file already; a lost key cannot be made again, so none is overwritten")
    except OSError as error:
        problem = ("FILE_NOT_WRITABLE", error.strerror or "cannot be written")
        if made:
            with contextlib.suppress(OSError):
                path.unlink()
    if problem[0]:
        raise KeyFileError(problem[1], code=problem[0], place=Place(file=path))


def replace_secret(path: Path, content: bytes) -> None:
    """Replace a file by another of mode 0600: after a crash the old content or the new one is there, whole.

    The old content is gone from the directory. Whether it is gone from the medium, from snapshots and from backups is
    beyond a program.

    Raises:
        KeyFileError: ``FILE_NOT_WRITABLE``.
    """
    problem = ""
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        temporary = Path(name)
        _write_and_sync(descriptor, content)
        temporary.replace(path)
        temporary = None
        _sync_directory(path.parent)
    except OSError as error:
        problem = error.strerror or "cannot be written"
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
    if problem:
        raise KeyFileError(problem, code="FILE_NOT_WRITABLE", place=Place(file=path))


def read_secret(path: Path) -> bytes:
    """The bytes of a file that nobody but its owner may open.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``; ``KEY_FORMAT`` for more than a mebibyte; ``KEY_PERMISSIONS`` where (on POSIX)
            its group or others may read or write it.
    """
    content, shared = read_secret_and_mode(path)
    if shared:
        raise shared_secret_error(path)
    return content


def read_secret_and_mode(path: Path) -> tuple[bytes, bool]:
    """The bytes of a file, and whether others than its owner may open it.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``, ``KEY_FORMAT``.
    """
    problem = ("", "")
    content = b""
    mode = 0
    try:
        with path.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            content = stream.read(MAX_SECRET_FILE_BYTES + 1)
    except OSError as error:
        problem = ("FILE_NOT_FOUND", error.strerror or "cannot be read")
    if len(content) > MAX_SECRET_FILE_BYTES:
        problem = ("KEY_FORMAT", "this is no key file: it is too long")
    if problem[0]:
        raise KeyFileError(problem[1], code=problem[0], place=Place(file=path))
    return content, os.name == "posix" and bool(mode & _OTHERS)


def shared_secret_error(path: Path) -> KeyFileError:
    """The error about a key file that others may open."""
    return KeyFileError(
        f"others may open this key file; run: chmod 600 {shlex.quote(str(path))}",
        code="KEY_PERMISSIONS",
        place=Place(file=path),
    )


def delete_secret(path: Path) -> None:
    """Remove a file.

    Raises:
        KeyFileError: ``FILE_NOT_WRITABLE``.
    """
    problem = ""
    try:
        path.unlink()
        _sync_directory(path.parent)
    except OSError as error:
        problem = error.strerror or "cannot be removed"
    if problem:
        raise KeyFileError(problem, code="FILE_NOT_WRITABLE", place=Place(file=path))


def _write_and_sync(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_directory(directory: Path) -> None:
    """So that a rename or removal outlives a power failure, where the system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
