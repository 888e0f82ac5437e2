"""AUDIT: from what happened to the entry that says so.

Invariant: what an entry refuses is told by its key, never by its value, and no exception keeps the value as context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Final

from pydantic import TypeAdapter, ValidationError

from secure_match.agreement.strict import first_problem
from secure_match.audit._entry import FIRST_PREVIOUS, MANY_DIGITS, Action, Artifact, Entry, Operator, PackageRef
from secure_match.errors import AuditError, Place, visible

_SHORTENED_NAME: Final = 120
_OPERATOR: Final = TypeAdapter[str](Operator)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What is to be logged; number, time and hashes are the log's.

    Attributes:
        counts: name to number, at most 2**40.
        details: name to id, code or digest.
        versions: besides those of the tool and of Python, e.g. ``kernel``.
    """

    party: str
    operator: str
    action: Action
    inputs: tuple[Artifact, ...] = ()
    outputs: tuple[Artifact, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def verify_operator(name: str) -> None:
    """Check that a log can hold an operator's name.

    Raises:
        AuditError: ``AUDIT_ENTRY``.
    """
    reason = ""
    try:
        _OPERATOR.validate_python(name)
    except ValidationError as error:
        reason = first_problem(error).reason
    if reason:
        raise AuditError(
            f"this cannot stand in an audit log: {reason}", code="AUDIT_ENTRY", place=Place(key="operator")
        )


def file_name(path: str | PurePath) -> str:
    """A file's name as a log may hold it: without folders, shortened in the middle, long numbers as ``#``."""
    name = visible(PurePath(path).name, longest=_SHORTENED_NAME)
    return MANY_DIGITS.sub("#", name) or "#"


def make_artifact(path: str | PurePath, digest: str, package: PackageRef | None = None) -> Artifact:
    """A file as a log may hold it.

    Args:
        digest: SHA-256 in lower-case hexadecimal; of a sealed package its package id.

    Raises:
        AuditError: ``AUDIT_ENTRY``.
    """
    key, reason = "", ""
    try:
        return Artifact(name=file_name(path), digest=digest, package=package)
    except ValidationError as error:
        problem = first_problem(error)
        key, reason = problem.key, problem.reason
    raise AuditError(f"this cannot stand in an audit log: {reason}", code="AUDIT_ENTRY", place=Place(key=key))


def time_text(time: datetime) -> str:
    """A time in UTC as entries hold it.

    Raises:
        AuditError: ``AUDIT_ENTRY`` for a time without a zone.
    """
    if time.tzinfo is None:
        raise AuditError("the time has no zone", code="AUDIT_ENTRY", place=Place(key="time"))
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def make_entry(
    event: Event, *, log: str, number: int, previous: str, time: str, versions: Mapping[str, str], signature: str | None
) -> Entry:
    """The entry of an event, with its hash.

    Raises:
        AuditError: ``AUDIT_ENTRY`` with the path of what cannot be logged, never its value.
    """
    key, reason = "", ""
    try:
        draft = Entry(
            action=event.action,
            counts=dict(event.counts),
            details=dict(event.details),
            hash=FIRST_PREVIOUS,
            inputs=event.inputs,
            log=log,
            number=number,
            operator=event.operator,
            outputs=event.outputs,
            party=event.party,
            previous=previous,
            signature=signature,
            time=time,
            versions={**versions, **event.versions},
        )
        return draft.model_copy(update={"hash": draft.computed_hash})
    except ValidationError as error:
        problem = first_problem(error)
        # The name of a count or detail comes from the caller too, and is not repeated.
        key, reason = problem.key.partition(".")[0], problem.reason
    raise AuditError(f"this cannot stand in an audit log: {reason}", code="AUDIT_ENTRY", place=Place(key=key))
