"""AUDIT: holds the logs of several parties against each other: what one says it sent, another has to have taken in.

Invariants:

* every package of every log becomes exactly one transfer, with what both sides say of it,
* nothing is concluded from a log that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from secure_match.audit._chain import SENDING
from secure_match.audit._entry import Action, Entry, PackageRef
from secure_match.errors import AuditError

Status = Literal["taken_in", "not_yet", "superseded", "never", "refused", "not_sent", "differs", "unchecked"]
"""What became of a package:

* ``taken_in``: both sides say the same,
* ``not_yet``: sent, and the recipient's log has no entry after that,
* ``superseded``: sent and not taken in, but a later one of its kind, dataset and period was,
* ``never``: sent, and the recipient's log goes on without it,
* ``refused``: sent, and the recipient logged that it refused it,
* ``not_sent``: taken in, and its sender's log does not say that it was sent,
* ``differs``: both sides name it, with another digest, period, sequence, kind or dataset,
* ``unchecked``: the other side's log is not among those given.
"""
PROBLEMS: Final[tuple[Status, ...]] = ("never", "not_sent", "differs")
TAKING: Final[tuple[Action, ...]] = ("intake", "receive", "resolve", "look", "look_answer", "answers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A package on its way.

    Attributes:
        package: as its sender logged it; where that is not known, as its recipient did.
        digest: likewise.
        name: likewise, of its file.
        sent: number of the sender's entry, if there is one; likewise ``taken`` of the recipient's.
    """

    status: Status
    package: PackageRef
    digest: str
    name: str
    sent: int | None
    taken: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossCheck:
    """All packages that the logs name, by sender, sequence, recipient and digest.

    Attributes:
        parties: whose logs were given, each once, in the order of the logs.
    """

    parties: tuple[str, ...]
    transfers: tuple[Transfer, ...]

    @property
    def problems(self) -> tuple[Transfer, ...]:
        """Packages of which the two sides do not say the same."""
        return tuple(item for item in self.transfers if item.status in PROBLEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A package as one log names it."""

    package: PackageRef
    digest: str
    name: str
    number: int
    time: str


_Key = tuple[str, str, str]
"""Sender, recipient and digest of a package."""
_Series = tuple[str, str, str, str, str]
"""What a later package takes the place of: sender, recipient, kind, dataset and period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What all logs together say: party to the time of its last entry, what was refused, and the last taken in."""

    ends: dict[str, str]
    refused: set[_Key]
    last: dict[_Series, int]


def _series(package: PackageRef) -> _Series:
    return package.sender, package.recipient, package.kind, package.dataset, package.period


def cross_check(logs: Sequence[Iterable[Entry]]) -> CrossCheck:
    """Hold logs against each other.

    Args:
        logs: verified ones, in any order; a party may have several, such as one for each signing key. A log without
            entries says nothing.

    Raises:
        AuditError: ``AUDIT_TWO_LOGS`` where two are of one party and of one name.
    """
    sent: dict[_Key, _Named] = {}
    taken: dict[_Key, _Named] = {}
    refused: set[_Key] = set()
    ends: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    for log in logs:
        first: Entry | None = None
        for entry in log:
            if first is None and (entry.party, entry.log) in seen:
                raise AuditError(
                    f"two of the logs are of {entry.party} and were begun as {entry.log}; give the longer one",
                    code="AUDIT_TWO_LOGS",
                )
            first = first or entry
            ends[entry.party] = max(entry.time, ends.get(entry.party, ""))
            _note(entry, sent, taken, refused)
        if first is not None:
            seen.add((first.party, first.log))
    last: dict[_Series, int] = {}
    for item in taken.values():
        last[_series(item.package)] = max(last.get(_series(item.package), 0), item.package.sequence)
    transfers = [
        _transfer(shown, left, right, _Known(ends=ends, refused=refused, last=last))
        for left, right in _pairs(sent, taken)
        if (shown := left or right) is not None
    ]
    transfers.sort(key=_order)
    return CrossCheck(parties=tuple(ends), transfers=tuple(transfers))


def _order(item: Transfer) -> tuple[str, int, str, str]:
    return item.package.sender, item.package.sequence, item.package.recipient, item.digest


def _note(entry: Entry, sent: dict[_Key, _Named], taken: dict[_Key, _Named], refused: set[_Key]) -> None:
    """Note what an entry says of packages that its own party sent or was to get; the first entry counts."""
    for items, place in ((entry.outputs, sent), (entry.inputs, taken)):
        for item in items:
            ref = item.package
            if ref is None or entry.party != (ref.sender if place is sent else ref.recipient):
                continue
            key = (ref.sender, ref.recipient, item.digest)
            if entry.action in (SENDING if place is sent else TAKING):
                named = _Named(package=ref, digest=item.digest, name=item.name, number=entry.number, time=entry.time)
                place.setdefault(key, named)
            elif entry.action == "refused" and place is taken:
                refused.add(key)


def _pairs(sent: dict[_Key, _Named], taken: dict[_Key, _Named]) -> list[tuple[_Named | None, _Named | None]]:
    """Both sides of each package: those with one digest first, then those that say the same of another content."""
    alone: dict[PackageRef, list[_Named]] = {}
    for key, item in taken.items():
        if key not in sent:
            alone.setdefault(item.package, []).append(item)
    pairs: list[tuple[_Named | None, _Named | None]] = []
    for key, item in sent.items():
        others = alone.get(item.package, [])
        pairs.append((item, taken[key] if key in taken else others.pop(0) if others else None))
    return pairs + [(None, item) for items in alone.values() for item in items]


def _transfer(shown: _Named, left: _Named | None, right: _Named | None, known: _Known) -> Transfer:
    ref = shown.package
    status: Status = "taken_in"
    if left is not None and right is not None:
        status = "taken_in" if (left.package, left.digest) == (right.package, right.digest) else "differs"
    elif left is None:
        status = "not_sent" if ref.sender in known.ends else "unchecked"
    elif ref.recipient not in known.ends:
        status = "unchecked"
    elif (ref.sender, ref.recipient, shown.digest) in known.refused:
        status = "refused"
    elif known.last.get(_series(ref), 0) > ref.sequence:
        status = "superseded"
    else:
        # Within one second nobody can tell which was first: the recipient is given the benefit of the doubt.
        status = "not_yet" if left.time >= known.ends[ref.recipient] else "never"
    return Transfer(
        status=status,
        package=ref,
        digest=shown.digest,
        name=shown.name,
        sent=left.number if left else None,
        taken=right.number if right else None,
    )
