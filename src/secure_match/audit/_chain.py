"""AUDIT: the chain of a log: what the next entry is, and whether all entries are those that were written.

Invariants:

* an entry's hash covers its whole content and the hash of the entry before, so that the hash of the last one, the
  *head*, stands for the whole log,
* verification reads the entries once, in order, and holds no more of them than digests of what was sent.

What the chain alone cannot show: it has no key, so whoever may write the file can write all of it anew, or cut its end
off. That is found by a signed checkpoint and by heads that are kept elsewhere.
"""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from secure_match.audit._entry import FIRST_PREVIOUS, Entry
from secure_match.errors import AuditError, Place

CHECKPOINT_LABEL: Final = "audit-checkpoint"
"""The purpose that a checkpoint's signature is made for."""
SENDING: Final = ("release", "return", "look_request", "look_answer", "pass_request", "blind")
"""Actions whose outputs with a package left the party."""
_SIGNED_BEFORE: Final = b"secure_match/v1/" + CHECKPOINT_LABEL.encode() + b"\n"


@dataclass(frozen=True, slots=True)
class LogHead:
    """How many entries a log has, and the hash of the last; 64 zeros where it has none."""

    entries: int
    hash: str


EMPTY_HEAD: Final = LogHead(0, FIRST_PREVIOUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFacts:
    """What a verified log says of itself.

    Attributes:
        party: whose log it is; empty for a log without entries, as ``log`` and the times are.
        log: name of its file.
        first_time: of the first entry; likewise ``last_time``.
        checkpoints: how many entries are checkpoints.
        signed_entries: entries before the last checkpoint, if signatures were verified; else 0.
        steps_back: entries whose time is before that of the entry before them: a clock was set, or two differ.
        sent: digest of every package that left, to the number of the entry that says so.
    """

    party: str
    log: str
    head: LogHead
    first_time: str
    last_time: str
    checkpoints: int
    signed_entries: int
    steps_back: int
    sent: Mapping[str, int] = field(repr=False)


def checkpoint_bytes(head: LogHead, *, party: str, log: str) -> bytes:
    """What a checkpoint signs, under the label ``audit-checkpoint``: the head before it, as canonical JSON."""
    content = {"entries": head.entries, "hash": head.hash, "log": log, "party": party}
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def verify_next(entry: Entry, head: LogHead, before: Entry | None) -> None:
    """Check that an entry is whole and that it is the one that follows a head.

    Args:
        before: any entry of the same log, or None where this is the first.

    Raises:
        AuditError: with the line: ``AUDIT_CHANGED``, ``AUDIT_ORDER``, ``AUDIT_CHAIN``, ``AUDIT_PARTY``.
    """
    expected = head.entries + 1
    problem, code = "", ""
    if entry.computed_hash != entry.hash:
        problem, code = f"entry {expected} was changed: its content is not what its hash says", "AUDIT_CHANGED"
    elif entry.number > expected:
        gap = f"entries {expected} to {entry.number - 1} are" if entry.number - expected > 1 else f"entry {expected} is"
        problem, code = f"entry {entry.number} stands where entry {expected} should: {gap} missing here", "AUDIT_ORDER"
    elif entry.number < expected:
        problem = f"entry {entry.number} stands where entry {expected} should: one was inserted or stands twice"
        code = "AUDIT_ORDER"
    elif entry.previous != head.hash:
        problem = f"entry {expected} does not follow the entry before it: one of the two was exchanged"
        code = "AUDIT_CHAIN"
    elif before is not None and (entry.party, entry.log) != (before.party, before.log):
        problem, code = f"entry {expected} is of another party's log", "AUDIT_PARTY"
    if code:
        raise AuditError(f"{problem}; compare with a copy", code=code, place=Place(row=expected))


def verify_checkpoint(entry: Entry, public_key: bytes) -> None:
    """Check a checkpoint's signature over the head before it.

    Args:
        public_key: the party's signing key, Ed25519, 32 bytes.

    Raises:
        AuditError: ``AUDIT_SIGNATURE`` with the line.
    """
    head = LogHead(entry.number - 1, entry.previous)
    data = _SIGNED_BEFORE + checkpoint_bytes(head, party=entry.party, log=entry.log)
    with contextlib.suppress(InvalidSignature, ValueError):
        signature = base64.b64decode(entry.signature or "", validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
        return
    raise AuditError(
        f"the signature of checkpoint {entry.number} is not of this party's key over the entries before it",
        code="AUDIT_SIGNATURE",
        place=Place(row=entry.number),
    )


def verify_log(entries: Iterable[Entry], public_key: bytes | None = None, *, known: Sequence[LogHead] = ()) -> LogFacts:
    """Check that the entries of a log are those that were written, in their order.

    Args:
        entries: in the order of the file; read once.
        public_key: the party's signing key, Ed25519, 32 bytes; None leaves signatures unchecked.
        known: heads that the log had once, kept elsewhere; the log has to go on from each of them.

    Raises:
        AuditError: for the first entry that is wrong, with its line: what :func:`verify_next` and
            :func:`verify_checkpoint` raise; ``AUDIT_HEAD`` and ``AUDIT_TRUNCATED`` where the log is not one that had a
            known head; ``AUDIT_UNSIGNED`` where a key is given and no entry is signed.
    """
    expected = {head.entries: head.hash for head in known}
    _verify_same_heads(known)
    head, first, last = EMPTY_HEAD, None, None
    checkpoints = signed = steps_back = 0
    sent: dict[str, int] = {}
    _verify_known(head, expected)
    for entry in entries:
        verify_next(entry, head, first)
        if entry.action == "checkpoint":
            checkpoints += 1
            if public_key is not None:
                verify_checkpoint(entry, public_key)
                signed = entry.number - 1
        elif entry.action in SENDING:
            sent |= {item.digest: entry.number for item in entry.outputs if item.package is not None}
        steps_back += last is not None and entry.time < last.time
        first, last = first or entry, entry
        head = LogHead(entry.number, entry.hash)
        _verify_known(head, expected)
    _verify_end(head, expected, unsigned=public_key is not None and not checkpoints)
    return LogFacts(
        party=first.party if first else "",
        log=first.log if first else "",
        head=head,
        first_time=first.time if first else "",
        last_time=last.time if last else "",
        checkpoints=checkpoints,
        signed_entries=signed,
        steps_back=steps_back,
        sent=sent,
    )


def _verify_same_heads(known: Sequence[LogHead]) -> None:
    """Two different heads of one length cannot both be of one log."""
    if len(set(known)) != len({head.entries for head in known}):
        raise AuditError("of one log two different heads are known: it was written anew, or forked", code="AUDIT_HEAD")


def _verify_known(head: LogHead, expected: Mapping[int, str]) -> None:
    if expected.get(head.entries, head.hash) != head.hash:
        raise AuditError(
            f"entry {head.entries} has another hash than the one that is known: the log was written anew up to here",
            code="AUDIT_HEAD",
            place=Place(row=head.entries),
        )


def _verify_end(head: LogHead, expected: Mapping[int, str], *, unsigned: bool) -> None:
    if expected and max(expected) > head.entries:
        raise AuditError(
            f"the log ends with entry {head.entries}, and it once had {max(expected)}: its end was cut off",
            code="AUDIT_TRUNCATED",
            place=Place(row=head.entries),
        )
    if unsigned:
        raise AuditError(
            "no entry is a signed checkpoint, so the key proves nothing of this log; verify it without one, or ask "
            "its party why nothing is signed",
            code="AUDIT_UNSIGNED",
        )
