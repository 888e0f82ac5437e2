"""AUDIT: verifies logs on disk, with what a reviewer has beside them: agreement, sent packages, older copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from secure_match.agreement import Agreement
from secure_match.audit import CrossCheck, Entry, LogFacts, LogHead, cross_check, verify_log
from secure_match.audit.files import iter_log
from secure_match.errors import AuditError, Place, located
from secure_match.exchange.files import read_sealed, verify_package
from secure_match.exchange.identities import public_identity
from secure_match.review._log import SentPackage, counted, verify_sent, watched

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a log is verified with.

    Attributes:
        agreement: names the parties' signing keys; None leaves signatures unchecked.
        party: whose log it has to be; None for anybody's.
        packages: sealed packages that its party sent.
        kept: an older copy of the log, or single lines of it.
        heads: that were noted.
    """

    agreement: Agreement | None = None
    party: str | None = None
    packages: Sequence[Path] = ()
    kept: Path | None = None
    heads: Sequence[LogHead] = ()


def verify_log_file(
    log: Path, beside: Beside, *, keep: list[Entry] | None = None, progress: Progress | None = None
) -> LogFacts:
    """Check a log and everything that is known of it.

    Args:
        keep: gets the entries that a cross-check needs.
        progress: told how many more entries are done.

    Raises:
        AuditError: what ``audit.verify_log``, ``audit.files.iter_log`` and ``verify_sent`` raise; ``AUDIT_PARTY`` for
            another party's log.
        AgreementError: ``PARTY_UNKNOWN``, ``KEYS_MISSING``.
        PackageError: for a package that is not right.
    """
    packages = [_sent(path, beside.agreement) for path in beside.packages]
    known = [*beside.heads, *(item.head for item in packages), *_kept_heads(beside.kept)]
    party = _party_of(log, beside.party)
    key = public_identity(beside.agreement, party).signing if beside.agreement is not None and party else None
    with located(log):
        entries = iter_log(log) if progress is None else counted(iter_log(log), progress)
        facts = verify_log(entries if keep is None else watched(entries, keep), key, known=known)
    verify_sent(facts, packages)
    return facts


def cross_check_files(
    logs: Sequence[Path], agreement: Agreement | None, *, progress: Progress | None = None
) -> tuple[CrossCheck, tuple[LogFacts, ...]]:
    """Verify several logs and hold them against each other.

    Raises:
        AuditError: as :func:`verify_log_file`; ``AUDIT_TWO_LOGS``.
        AgreementError: as :func:`verify_log_file`.
    """
    kept: list[list[Entry]] = []
    facts: list[LogFacts] = []
    for log in logs:
        kept.append([])
        facts.append(verify_log_file(log, Beside(agreement=agreement), keep=kept[-1], progress=progress))
    return cross_check(kept), tuple(facts)


def _party_of(log: Path, expected: str | None) -> str:
    first = next(iter_log(log), None)
    if first is None:
        return expected or ""
    if expected is not None and first.party != expected:
        raise AuditError(
            f"this is the log of {first.party}, not of {expected}", code="AUDIT_PARTY", place=Place(file=log)
        )
    return first.party


def _sent(path: Path, agreement: Agreement | None) -> SentPackage:
    found = read_sealed(path) if agreement is None else verify_package(path, agreement)
    said = found.manifest.log
    head = LogHead(said.entries, said.hash)
    return SentPackage(name=str(path), id=found.id, sender=found.manifest.sender, head=head)


def _kept_heads(path: Path | None) -> list[LogHead]:
    """The head behind every entry of an older copy; entries of it that were changed are refused there."""
    heads: list[LogHead] = []
    for line, entry in enumerate(iter_log(path) if path is not None else (), 1):
        if entry.computed_hash != entry.hash:
            raise AuditError(
                "the entry was changed in the older copy", code="AUDIT_CHANGED", place=Place(file=path, row=line)
            )
        heads.append(LogHead(entry.number, entry.hash))
    return heads
