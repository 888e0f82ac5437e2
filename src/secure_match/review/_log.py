"""AUDIT: what a reviewer asks of a log besides its chain: is what was sent in it, and what it was known to be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from secure_match.audit import Entry, LogFacts, LogHead
from secure_match.errors import AuditError, Place, UsageError

_TOLD: Final = 1000
_HEAD: Final = re.compile(r"([0-9]{1,12}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPackage:
    """What a sealed package says of its sender's log.

    Attributes:
        name: of its file, for messages.
        id: package id, hex SHA-256.
        head: of the sender's log before this package.
    """

    name: str
    id: str
    sender: str
    head: LogHead


def parse_head(text: str) -> LogHead:
    """A head as ``review log verify`` prints it: ``ENTRIES:HASH``.

    Raises:
        UsageError: ``LOG_HEAD``.
    """
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise UsageError("write a head as it was printed: entries, colon, 64 hex digits", code="LOG_HEAD")
    return LogHead(int(found[1]), found[2])


def verify_sent(facts: LogFacts, packages: Iterable[SentPackage]) -> None:
    """Check that a log says of each package that it was sent, behind the head that the package names.

    The heads themselves are for ``audit.verify_log``.

    Raises:
        AuditError: ``AUDIT_PACKAGE`` with the package's file.
    """
    for item in packages:
        problem = ""
        if item.sender != facts.party:
            problem = f"this package is of {item.sender}, and the log of {facts.party or 'nobody'}"
        elif facts.sent.get(item.id, 0) <= item.head.entries:
            problem = f"the log of {facts.party} does not say that package {item.id[:16]}… was sent"
        if problem:
            raise AuditError(problem, code="AUDIT_PACKAGE", place=Place(file=item.name))


def counted(entries: Iterable[Entry], progress: Callable[[int], None]) -> Iterator[Entry]:
    """The same entries; ``progress`` is told of every thousand."""
    for number, entry in enumerate(entries, 1):
        yield entry
        if number % _TOLD == 0:
            progress(_TOLD)


def watched(entries: Iterable[Entry], keep: list[Entry]) -> Iterator[Entry]:
    """The same entries; those that name a package, and the last, are kept for a cross-check."""
    last: Entry | None = None
    for entry in entries:
        last = entry
        if any(item.package is not None for item in (*entry.inputs, *entry.outputs)):
            keep.append(entry)
        yield entry
    if last is not None and (not keep or keep[-1] is not last):
        keep.append(last)


def select_entries(entries: Sequence[Entry], *, action: str | None, last: int) -> tuple[Entry, ...]:
    """The last entries of an action, or of all, in the order of the log; 0 for any number."""
    found = [entry for entry in entries if action in (None, entry.action)]
    return tuple(found[-last:] if last else found)
