"""AUDIT: a party's log on disk: one entry a line, only ever appended to.

Invariants:

* entries are appended under an exclusive lock and are on the disk (file and folder) before the call returns; a write
  that fails is taken back, so an entry is wholly there or not at all,
* what a crash left of a line is moved to ``LOG.torn-N`` and logged as ``recovered``; nothing else is ever removed,
* the file is its owner's alone (0600), of one party, and keeps the name that it was begun under: a copy under another
  name is not continued by mistake.

On systems without ``flock`` (Windows) one process at a time may append.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import os
import platform
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from secure_match import __version__
from secure_match.audit._chain import EMPTY_HEAD, LogHead, checkpoint_bytes, verify_next
from secure_match.audit._entry import MAX_LINE_BYTES, Action, Artifact, Entry, parse_line
from secure_match.audit._event import Event, file_name, make_entry, time_text
from secure_match.audit._lines import line_start, whole_bytes
from secure_match.audit.locked_files import opened_to_append, opened_to_read, sync_folder, unlock
from secure_match.errors import AuditError, Place, located

Sign = Callable[[bytes], bytes]
"""Signs with the party's key under the label ``audit-checkpoint``: bytes to 64 bytes of Ed25519."""


def read_head(path: Path) -> LogHead:
    """How many whole entries a log has, and the hash of the last; no file has none.

    Raises:
        AuditError: ``FILE_NOT_FOUND`` for a file that cannot be read; ``AUDIT_FORMAT``, ``AUDIT_CHANGED`` for a last
            entry that is none.
    """
    if not path.exists():
        return EMPTY_HEAD
    with located(path), opened_to_read(path) as stream:
        last = _last_entry(stream, whole_bytes(stream))
        return LogHead(last.number, last.hash) if last else EMPTY_HEAD


def iter_log(path: Path) -> Iterator[Entry]:
    """The entries that a log has now, in order, one in memory at a time. Their chain is not checked here.

    Appending goes on meanwhile: the lock is held only to see how long the log is.

    Raises:
        AuditError: ``FILE_NOT_FOUND``; with the line ``AUDIT_FORMAT``, and ``AUDIT_TORN`` for a last line that a crash
            cut off.
    """
    with located(path), opened_to_read(path) as stream:
        left, number = os.fstat(stream.fileno()).st_size, 0
        unlock(stream)
        while left:
            line, number = stream.readline(min(left, MAX_LINE_BYTES)), number + 1
            left -= len(line)
            if not line.endswith(b"\n"):
                raise _torn(number) if not left else _too_long(number)
            yield parse_line(line[:-1], number)


def read_log(path: Path) -> tuple[Entry, ...]:
    """All entries of a log in order; as :func:`iter_log`, all in memory."""
    return tuple(iter_log(path))


def append_event(path: Path, event: Event, *, time: datetime, sign: Sign | None = None) -> LogHead:
    """Log an event; it is on the disk when this returns.

    Args:
        path: the log; it is made where it is not there.
        event: any but ``checkpoint`` and ``recovered``, which a log writes by itself.
        time: with its zone.
        sign: with it a signed checkpoint follows the entry, in the same write.

    Returns:
        The log's new head.

    Raises:
        AuditError: nothing is added then: ``AUDIT_ENTRY`` for what may not be logged; ``AUDIT_PARTY`` for a log of
            another party or begun under another name; ``AUDIT_PERMISSIONS``; ``AUDIT_FORMAT``, ``AUDIT_CHANGED`` for
            a last entry that is none; ``FILE_NOT_WRITABLE``.
    """
    if event.action in ("checkpoint", "recovered"):
        raise AuditError("a log writes this action by itself", code="AUDIT_ENTRY", place=Place(key="action"))
    return _append(path, event, time_text(time), sign)


def append_checkpoint(path: Path, *, party: str, operator: str, time: datetime, sign: Sign) -> LogHead:
    """Sign the log as it stands; as :func:`append_event`, without another entry."""
    return _append(path, Event(party=party, operator=operator, action="checkpoint"), time_text(time), sign)


def _append(path: Path, event: Event, time: str, sign: Sign | None) -> LogHead:
    problem = ""
    try:
        with located(path), opened_to_append(path) as stream:
            size = whole_bytes(stream)
            stream.seek(size)
            torn = stream.read()
            aside = _free_name(path)
            events = _events(event, Artifact(name=file_name(aside), digest=_sha256(torn)) if torn else None, sign)
            first, last = _first_entry(stream, size), _last_entry(stream, size)
            _verify_own(first, event.party, file_name(path))
            lines, head = _lines_of(events, last, log=file_name(path), time=time, sign=sign)
            if torn:
                _write_aside(aside, torn)
            _write(stream, lines, size)
            if not size:
                sync_folder(path)
            return head
    except OSError as error:
        problem = error.strerror or "cannot be written"
    raise AuditError(f"{problem}; nothing was logged", code="FILE_NOT_WRITABLE", place=Place(file=path))


def _verify_own(first: Entry | None, party: str, log: str) -> None:
    if first is not None and (first.party, first.log) != (party, log):
        raise AuditError(
            f"this log is of {first.party} and was begun as {first.log}; give each party a log of its own, and keep "
            "its name",
            code="AUDIT_PARTY",
        )


def _events(event: Event, torn: Artifact | None, sign: Sign | None) -> list[Event]:
    """What is logged in one write: a repair, the event, a checkpoint."""

    def own(action: Action, *outputs: Artifact) -> Event:
        return Event(party=event.party, operator=event.operator, action=action, outputs=outputs)

    found = [own("recovered", torn)] if torn is not None else []
    found += [event] if event.action != "checkpoint" else []
    return [*found, own("checkpoint")] if sign is not None else found


def _lines_of(
    events: list[Event], last: Entry | None, *, log: str, time: str, sign: Sign | None
) -> tuple[bytes, LogHead]:
    """The lines of events behind the last entry, and the head behind them."""
    head = LogHead(last.number, last.hash) if last is not None else EMPTY_HEAD
    versions = {"python": platform.python_version(), "tool": f"secure_match {__version__}"}
    lines = b""
    for event in events:
        signature: str | None = None
        if event.action == "checkpoint" and sign is not None:
            signature = base64.b64encode(sign(checkpoint_bytes(head, party=event.party, log=log))).decode("ascii")
        number, previous = head.entries + 1, head.hash
        entry = make_entry(
            event, log=log, number=number, previous=previous, time=time, versions=versions, signature=signature
        )
        line = entry.canonical_bytes + b"\n"
        if len(line) > MAX_LINE_BYTES:
            raise AuditError("the entry is longer than 1 MiB; log fewer files at once", code="AUDIT_ENTRY")
        lines, head = lines + line, LogHead(entry.number, entry.hash)
    return lines, head


def _write(stream: IO[bytes], lines: bytes, size: int) -> None:
    """All lines behind the first ``size`` bytes, on the disk, or nothing of them; what stood there is cut off."""
    done = False
    descriptor = stream.fileno()
    if os.fstat(descriptor).st_size != size:
        os.ftruncate(descriptor, size)
    try:
        if os.write(descriptor, lines) != len(lines):
            raise OSError(errno.ENOSPC, "no space left")
        os.fsync(descriptor)
        done = True
    finally:
        if not done:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, size)


def _free_name(path: Path) -> Path:
    number = 1
    while (target := path.with_name(f"{path.name}.torn-{number}")).exists():
        number += 1
    return target


def _write_aside(target: Path, torn: bytes) -> None:
    """Keep what a crash left of a line; until the log is written it stands in both files."""
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(torn)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(target)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _last_entry(stream: IO[bytes], size: int) -> Entry | None:
    if not size:
        return None
    begin = line_start(stream, size - 1)
    stream.seek(begin)
    last = _entry_alone(stream.read(size - begin)[:-1], 0)
    verify_next(last, LogHead(last.number - 1, last.previous), None)
    return last


def _first_entry(stream: IO[bytes], size: int) -> Entry | None:
    stream.seek(0)
    return _entry_alone(stream.readline(MAX_LINE_BYTES)[:-1], 1) if size else None


def _entry_alone(line: bytes, number: int) -> Entry:
    """An entry of which the line's number may not be known: 0, and then the place names no row."""
    try:
        return parse_line(line, number)
    except AuditError as error:
        if not number:
            error.place = Place(key="last line")
        raise


def _torn(number: int) -> AuditError:
    return AuditError(
        "the last line is cut off: a write was interrupted. The next entry that its party logs sets it aside",
        code="AUDIT_TORN",
        place=Place(row=number),
    )


def _too_long(number: int) -> AuditError:
    return AuditError("the line is longer than any entry: it was changed", code="AUDIT_FORMAT", place=Place(row=number))
