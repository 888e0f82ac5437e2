"""KEY: how much a department may still ask for this month, by the key holder's own log.

Invariant: what counts is the log's entries ``evaluate``, so that nothing that was answered is forgotten, and a request
that is answered again, byte for byte, counts once. A month is a calendar month in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from secure_match.agreement import Agreement
from secure_match.audit.files import iter_log
from secure_match.errors import ReleaseError
from secure_match.exchange.oprf.files import BlindedManifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A department's elements in a month.

    Attributes:
        allowed: 1.05 times the rows that the agreement states, rounded down.
        used: elements that were answered before.
    """

    allowed: int
    used: int


def allowed_elements(agreement: Agreement, department: str) -> int:
    """Elements that a department may ask for in a month; 0 where the agreement states no rows."""
    return agreement.id_token.allowed_elements(department)


def verify_quota(
    agreement: Agreement, log: Path, request: BlindedManifest, request_digest: str, now: datetime
) -> Quota:
    """Check that a request is within its department's quota.

    Args:
        log: the key holder's.
        request_digest: digest of the plain request.
        now: with its zone.

    Raises:
        ReleaseError: ``QUOTA_EXCEEDED``.
        AuditError: as ``audit.files.iter_log``.
    """
    department, elements = request.sender, request.elements
    month = now.astimezone(UTC).strftime("%Y-%m")
    counted: dict[str, int] = {}
    for entry in iter_log(log) if log.exists() else ():
        asked = (entry.action, entry.time[: len(month)], entry.details.get("department"))
        if asked == ("evaluate", month, department):
            counted[entry.details.get("request", "")] = entry.counts.get("elements", 0)
    counted.pop(request_digest, None)
    quota = Quota(allowed=allowed_elements(agreement, department), used=sum(counted.values()))
    if quota.used + elements > quota.allowed:
        raise ReleaseError(
            f"{department} asks for {elements:,} elements, was answered {quota.used:,} this month, and the agreement "
            f"allows {quota.allowed:,}: find out why before the agreement is changed",
            code="QUOTA_EXCEEDED",
        )
    return quota
