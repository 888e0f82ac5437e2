"""ENCODED: a party at work under a sealed agreement: seals what it sends, opens what it gets, logs both.

Invariants:

* nothing appears at its final place before the sender's log names it: the package is written under a hidden name, the
  entry is on the disk, then the file gets its name,
* nothing that was received counts before it was verified, opened and logged,
* plain contents lie in a private folder beside the log, away from what is sent,
* clock and operator come from the caller.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from secure_match import __version__
from secure_match.agreement import Agreement
from secure_match.audit import (
    CHECKPOINT_LABEL,
    Action,
    Artifact,
    Event,
    PackageKind,
    PackageRef,
    make_artifact,
    verify_operator,
)
from secure_match.audit.files import append_event, read_head
from secure_match.encoded.container import stated_manifest
from secure_match.encoded.files import atomic_writer, open_to_read
from secure_match.errors import PackageError, Place, SecureMatchError, UsageError, located
from secure_match.exchange.files import SealedPackage, is_plain_form, is_sealed, open_package_to
from secure_match.exchange.identities import Identity, public_identity, sign, verify_identity
from secure_match.exchange.manifest import CHUNK_BYTES, PERIOD_PATTERN, Approval, ColumnNote, SealedManifest
from secure_match.exchange.private_folders import private_folder
from secure_match.exchange.replay import verify_not_overtaken
from secure_match.exchange.sealed import seal

_SEND_ACTIONS: Final[dict[PackageKind, Action]] = {
    "encodings": "release",
    "findings": "return",
    "look-request": "look_request",
    "look-answer": "look_answer",
    "pass-request": "pass_request",
    "blinded": "blind",
    "evaluated": "return",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What is about to be sent.

    Attributes:
        recipient: id of the party that it is for.
        columns: the content's columns in words.
        inputs: what it was made of, for the log.
        counts: numbers for the log.
        approval: the second operator's, where the agreement asks for one.
    """

    kind: PackageKind
    recipient: str
    columns: Sequence[ColumnNote]
    inputs: Sequence[Artifact] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    approval: Approval | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Desk:
    """What a party needs to send and to receive.

    Attributes:
        agreement: its own copy, which names public keys.
        identity: its private keys.
        operator: who works at the desk: a name or a staff id.
        log: its audit log.
        period: the month (YYYY-MM) that it works on.
        clock: the time, with its zone.
        kernel: what does the arithmetic, for the record.

    Raises:
        KeyFileError: ``KEY_PARTY`` where the identity is not the one that the agreement names.
        AgreementError: ``KEYS_MISSING``.
        AuditError: ``AUDIT_ENTRY`` for an operator that no log takes.
        UsageError: ``PERIOD_FORM``.
    """

    agreement: Agreement
    identity: Identity
    operator: str
    log: Path
    period: str
    clock: Callable[[], datetime]
    kernel: str = "numpy"

    def __post_init__(self) -> None:
        verify_identity(self.agreement, self.identity)
        verify_operator(self.operator)
        if re.fullmatch(PERIOD_PATTERN, self.period) is None:
            raise UsageError("a period is a month, written as 2026-11", code="PERIOD_FORM")

    @property
    def party(self) -> str:
        """The party whose desk it is."""
        return self.identity.party

    def private_folder(self) -> AbstractContextManager[Path]:
        """A folder beside the log for plain contents, gone with the block; see ``private_folders``.

        Raises:
            PackageError: ``FILE_NOT_WRITABLE``.
        """
        return private_folder(self.log.parent)

    def send(self, content: Path, out: Path, outgoing: Outgoing) -> SealedPackage:
        """Seal a plain package, log it, and put it at its place.

        Args:
            content: the plain package.
            out: where the sealed one goes; an earlier one is replaced.

        Raises:
            PackageError: ``FILE_NOT_FOUND``, ``FILE_NOT_WRITABLE``.
            AuditError: nothing was sent then.
        """
        with located(out), open_to_read(content) as plain:
            inner, digest = stated_manifest(plain)
            size = plain.seek(0, os.SEEK_END)
            plain.seek(0)
            draft = self._draft(outgoing) | {"content": inner, "content_digest": digest, "content_bytes": size}
            recipient = public_identity(self.agreement, outgoing.recipient)
            with atomic_writer(out) as stream:
                manifest, package_id = seal(plain, stream, draft, identity=self.identity, recipient=recipient)
                stream.flush()
                os.fsync(stream.fileno())
                self.note(
                    _SEND_ACTIONS[outgoing.kind],
                    inputs=outgoing.inputs,
                    outputs=(make_artifact(out, package_id, package_ref(manifest)),),
                    counts=outgoing.counts,
                )
        return SealedPackage(path=out, manifest=manifest, id=package_id)

    def _draft(self, outgoing: Outgoing) -> dict[str, Any]:
        head = read_head(self.log)
        return {
            "format": "secure_match/sealed",
            "format_version": 1,
            "kind": outgoing.kind,
            "agreement_id": self.agreement.id,
            "agreement_fingerprint": self.agreement.fingerprint,
            "key_epoch": self.agreement.key_epoch,
            "sender": self.party,
            "recipient": outgoing.recipient,
            "operator": self.operator,
            "approval": outgoing.approval.model_dump(mode="json") if outgoing.approval is not None else None,
            "period": self.period,
            "created": self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "log": {"entries": head.entries, "hash": head.hash},
            "columns": [item.model_dump(mode="json") for item in outgoing.columns],
            "sealing": {"suite": self.agreement.release.suite, "chunk_bytes": CHUNK_BYTES},
            "tool": f"secure_match {__version__}",
            "kernel": self.kernel,
        }

    def open_content(self, path: Path, target: Path, kind: PackageKind, *, own: bool = False) -> SealedPackage:
        """Verify a sealed package and write its content to ``target``; nothing is logged.

        Args:
            own: whether it is one that this party sent.

        Raises:
            PackageError: ``PACKAGE_UNSEALED`` for a plain one; else as ``files.open_package_to``.
            LinkageError: as ``files.open_package_to``.
        """
        if not is_sealed(path) and is_plain_form(path):
            raise PackageError(
                "this package is not sealed and shows no sender; under this agreement packages are: refuse it",
                code="PACKAGE_UNSEALED",
                place=Place(file=path),
            )
        return open_package_to(path, self.agreement, self.identity, target, kind=kind, own=own)

    def send_written(self, write: Callable[[Path], None], out: Path, outgoing: Outgoing) -> SealedPackage:
        """Have a plain package written into a private folder, send it, and remove it.

        Raises:
            SecureMatchError: as :meth:`send`, and what ``write`` raises.
        """
        with self.private_folder() as folder:
            plain = folder / out.name
            write(plain)
            return self.send(plain, out, outgoing)

    @contextmanager
    def received(self, path: Path, kind: PackageKind, *, action: Action = "receive") -> Iterator[Path]:
        """Verify a sealed package, log it, and have its content in a file for the block.

        Raises:
            PackageError, LinkageError: as :meth:`open_content`; ``PACKAGE_REPLAYED`` for findings that were overtaken.
        """
        with self.private_folder() as folder:
            content = folder / path.name
            package = self.open_content(path, content, kind)
            verify_not_overtaken(self.log, [package])
            self.note(action, inputs=(make_artifact(path, package.id, package_ref(package.manifest)),))
            yield content

    def note(
        self,
        action: Action,
        *,
        inputs: Sequence[Artifact] = (),
        outputs: Sequence[Artifact] = (),
        counts: Mapping[str, int] | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        """Log what was done, with a signed checkpoint behind it.

        Raises:
            AuditError: as ``audit.files.append_event``.
        """
        event = Event(
            party=self.party,
            operator=self.operator,
            action=action,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            counts=dict(counts or {}),
            details={"agreement": self.agreement.fingerprint, "period": self.period, **(details or {})},
            versions={"kernel": self.kernel},
        )
        append_event(self.log, event, time=self.clock(), sign=self._sign)

    def _sign(self, data: bytes) -> bytes:
        return sign(self.identity, CHECKPOINT_LABEL, data)

    @contextmanager
    def logging_refusals(self, step: str) -> Iterator[None]:
        """Log an error that the block raises, by its code, and raise it on.

        Args:
            step: what was refused, as an id.
        """
        try:
            yield
        except SecureMatchError as error:
            self.note("refused", details={"step": step, "code": error.code})
            raise


def package_ref(manifest: SealedManifest) -> PackageRef:
    """What sender and recipient both log of a package."""
    return PackageRef(
        kind=manifest.kind,
        sender=manifest.sender,
        recipient=manifest.recipient,
        dataset=manifest.dataset,
        period=manifest.period,
        sequence=manifest.sequence,
    )


def require_desk(agreement: Agreement, desk: Desk | None) -> None:
    """Check that a station has what its agreement asks for.

    Raises:
        UsageError: ``IDENTITY_NEEDED``.
    """
    if agreement.sealed and desk is None:
        raise UsageError(
            "under this agreement packages are sealed and signed: name your party's identity file with --identity",
            code="IDENTITY_NEEDED",
        )
    if desk is not None and not agreement.sealed:
        raise UsageError(
            "the agreement names no public keys, so that nothing can be sealed; add them with: "
            "secure-match agreement add-keys, or leave --identity out for a trial",
            code="IDENTITY_UNUSED",
        )
