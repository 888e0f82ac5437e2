"""ENCODED: the files of clerical review: the decisions beside a run.

Invariant: a file of decisions only grows: rows are added under a lock and written to the disk before the lock is given
up, or none of them is there.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from secure_match.bureau.review_decisions import ReviewDecision, parse_decisions, serialise_decisions
from secure_match.encoded.files import open_to_read
from secure_match.errors import PackageError, Place, located

DECISIONS_NAME: Final = "decisions.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """A file of decisions.

    Attributes:
        items: the decisions, the oldest first.
        digest: SHA-256 of the file, lower-case hex.
    """

    items: tuple[ReviewDecision, ...]
    digest: str


def default_decisions(run: Path) -> Path:
    """``decisions.csv`` beside the run directory, so that the next run finds it too."""
    return run.resolve().parent / DECISIONS_NAME


def read_decisions(path: Path) -> Decisions:
    """Read a file of decisions.

    Raises:
        PackageError: ``FILE_NOT_FOUND``.
        LinkageError: ``DECISIONS_FORMAT``.
    """
    with located(path), open_to_read(path) as stream, locked(stream, exclusive=False):
        data = stream.read()
        return Decisions(items=parse_decisions(data), digest=hashlib.sha256(data).hexdigest())


def read_decisions_if_any(path: Path) -> tuple[ReviewDecision, ...]:
    """As :func:`read_decisions`, and nothing where nobody decided yet."""
    return read_decisions(path).items if path.exists() else ()


def add_decisions(
    path: Path, choose: Callable[[Sequence[ReviewDecision]], Sequence[ReviewDecision]]
) -> Sequence[ReviewDecision]:
    """Add decisions to a file, which is made if it is not there.

    Args:
        choose: given what the file holds now, says what to add; it may raise. The file is locked meanwhile, so that
            nobody decides in between.

    Returns:
        What was added, which is on the disk.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
        LinkageError: ``DECISIONS_FORMAT``.
    """
    new: Sequence[ReviewDecision] = ()

    def more(before: bytes) -> bytes:
        nonlocal new
        with located(path):
            earlier = parse_decisions(before)
        new = choose(earlier)
        return serialise_decisions(new, header=not before) if new else b""

    append_locked(path, more)
    return new


def append_locked(path: Path, more: Callable[[bytes], bytes]) -> None:
    """Append to a file, which is made if it is not there and is then its owner's alone.

    Args:
        more: given the bytes of the file, says which to add; it may raise. The file is locked meanwhile.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``; nothing is added then.
    """
    problem = ""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "r+b", buffering=0) as stream, locked(stream, exclusive=True):
            before = stream.read()
            data = more(before)
            if data:
                _append(stream, data, len(before))
    except OSError as error:
        problem = error.strerror or "cannot be written"
    if problem:
        raise PackageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=path))


def _append(stream: IO[bytes], data: bytes, size: int) -> None:
    """All of ``data`` behind the first ``size`` bytes, on the disk, or nothing of it."""
    done = False
    try:
        if stream.write(data) == len(data):
            os.fsync(stream.fileno())
            done = True
        else:
            raise OSError(errno.ENOSPC, "no space left")
    finally:
        if not done:
            with contextlib.suppress(OSError):
                stream.truncate(size)


@contextlib.contextmanager
def locked(stream: IO[bytes], *, exclusive: bool) -> Iterator[None]:
    """Hold a lock of the file against other processes; where the system has none (Windows), nobody else may write."""
    if sys.platform == "win32":
        yield
        return
    fcntl = importlib.import_module("fcntl")
    fcntl.flock(stream.fileno(), fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
    # Closing the file gives the lock up.
    yield
