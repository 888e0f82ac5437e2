"""ENCODED: folders for plain contents while a command works on them, and what killed commands left of them.

They lie in ``.opened`` beside a party's log, never beside what is sent. A folder's name tells the process; a lock on a
file in it lasts as long as the block or the process, whichever ends first.

Invariants:

* folders are their owner's alone (0700); the end of the block removes its folder, and ``.opened`` with the last one,
* whoever asks for a folder first removes those that nobody holds any more: what ``kill -9`` or a power failure left is
  gone with the next command,
* a folder that a living process holds is removed by nobody else.

On systems without ``flock`` (Windows) nothing tells which folders are held, so that only one's own is removed.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from secure_match.errors import PackageError, Place

ROOT_NAME: Final = ".opened"
_LOCK_NAME: Final = "lock"
_HELD_NAME: Final = "held"
_CONTENT_NAME: Final = "content"


@contextlib.contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """An empty folder for files that must not outlive the block.

    Args:
        parent: where ``.opened`` is, or is made: the folder of the party's log.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    problem, held = "", -1
    root = parent / ROOT_NAME
    try:
        with _locked(root, make=True):
            _sweep(root)
            folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))
            held = _hold(folder)
            content = folder / _CONTENT_NAME
            content.mkdir(mode=0o700)
    except OSError as error:
        problem = error.strerror or "cannot be made"
    if problem:
        raise PackageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=root))
    try:
        yield content
    finally:
        os.close(held)
        shutil.rmtree(folder, ignore_errors=True)
        _remove_if_empty(root)


def remove_leftovers(parent: Path) -> None:
    """Remove what killed commands left in the ``.opened`` of a folder; what cannot be removed stays."""
    root = parent / ROOT_NAME
    if root.is_dir():
        with contextlib.suppress(OSError), _locked(root, make=False):
            _sweep(root)
        _remove_if_empty(root)


@contextlib.contextmanager
def _locked(root: Path, *, make: bool) -> Iterator[None]:
    """The lock under which folders come and go. It is taken anew where another one took its name meanwhile.

    Raises:
        OSError: there is no such folder, it cannot be made, or it is not its owner's alone.
    """
    lock = root / _LOCK_NAME
    while True:
        if make:
            root.mkdir(mode=0o700, exist_ok=True)
        try:
            _verify_own(root)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except FileNotFoundError:
            if make:
                continue
            raise
        try:
            _flock(descriptor, wait=True)
            try:
                same = os.path.samestat(os.fstat(descriptor), lock.stat())
            except FileNotFoundError:
                same = False
            if same:
                yield
                return
        finally:
            os.close(descriptor)


def _verify_own(root: Path) -> None:
    found = root.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "this is no folder; remove it")
    if sys.platform != "win32" and (found.st_uid != os.geteuid() or found.st_mode & 0o077):
        raise PermissionError(errno.EPERM, "others can read this folder; remove it, or give it the mode 700")


def _sweep(root: Path) -> None:
    """Remove the folders that nobody holds; under the lock, so that none of them is just being made."""
    for folder in root.iterdir() if sys.platform != "win32" else ():
        if stat.S_ISDIR(folder.lstat().st_mode) and not _is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_held(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / _HELD_NAME, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        # Its maker was killed before it held it, or its owner is removing it.
        return False
    try:
        return not _flock(descriptor, wait=False)
    finally:
        os.close(descriptor)


def _hold(folder: Path) -> int:
    """A descriptor that holds a folder until it is closed."""
    descriptor = os.open(folder / _HELD_NAME, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    _flock(descriptor, wait=False)
    return descriptor


def _flock(descriptor: int, *, wait: bool) -> bool:
    """Lock a file until it is closed; whether that was possible. Without ``flock`` it always is."""
    if sys.platform != "win32":
        fcntl = importlib.import_module("fcntl")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _remove_if_empty(root: Path) -> None:
    with contextlib.suppress(OSError), _locked(root, make=False):
        if [item.name for item in root.iterdir()] == [_LOCK_NAME]:
            (root / _LOCK_NAME).unlink()
            root.rmdir()
