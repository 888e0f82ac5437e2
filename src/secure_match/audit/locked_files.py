"""AUDIT: opens a log under a lock that other processes respect.

Invariant: a log is a file of its owner alone, not a link; what is locked is the file that has the name now.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from secure_match.errors import AuditError, Place


@contextlib.contextmanager
def opened_to_read(path: Path) -> Iterator[IO[bytes]]:
    problem = ""
    stream: IO[bytes] | None = None
    try:
        stream = path.open("rb")
    except OSError as error:
        problem = error.strerror or "cannot be read"
    if stream is None:
        raise AuditError(problem, code="FILE_NOT_FOUND", place=Place(file=path))
    with stream:
        _lock(stream, exclusive=False)
        yield stream


@contextlib.contextmanager
def opened_to_append(path: Path) -> Iterator[IO[bytes]]:
    """The log, locked. It is opened anew where another file took its name while the lock was waited for."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    while True:
        with os.fdopen(os.open(path, flags, 0o600), "r+b") as stream:
            _lock(stream, exclusive=True)
            found = os.fstat(stream.fileno())
            try:
                same = os.path.samestat(found, path.stat())
            except FileNotFoundError:
                same = False
            if not same:
                continue
            if not stat.S_ISREG(found.st_mode) or (sys.platform != "win32" and found.st_mode & 0o077):
                raise AuditError(
                    "others can read or write this log, or it is no file; give it the mode 600",
                    code="AUDIT_PERMISSIONS",
                )
            yield stream
            return


def _lock(stream: IO[bytes], *, exclusive: bool) -> None:
    """Wait for a lock of the file; closing the file gives it up."""
    if sys.platform != "win32":
        fcntl = importlib.import_module("fcntl")
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)


def unlock(stream: IO[bytes]) -> None:
    if sys.platform != "win32":
        fcntl = importlib.import_module("fcntl")
        fcntl.flock(stream.fileno(), fcntl.LOCK_UN)


def sync_folder(path: Path) -> None:
    """Make the names in a log's folder survive a power failure."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
