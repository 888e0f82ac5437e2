"""KEY: a key holder at work: its key, its log, and under a sealed agreement its desk."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from secure_match.agreement import Agreement
from secure_match.audit import Artifact, Event, verify_operator
from secure_match.audit.files import append_event
from secure_match.errors import KeyFileError, SecureMatchError
from secure_match.exchange.desk import Desk, require_desk
from secure_match.exchange.oprf import OprfKey
from secure_match.exchange.oprf.files import BlindedManifest
from secure_match.exchange.oprf.public_files import OprfPublicKey

RandomBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class KeyHolder:
    """What a key holder needs to answer.

    Attributes:
        agreement: its own copy, which names its public key and the quotas.
        key: its secret key for the agreement's epoch.
        public: what the key file says of it.
        log: its audit log; a sealed agreement's is the desk's.
        operator: who works here.
        clock: the time, with its zone.
        desk: under a sealed agreement.
        workers: threads; None for one per core.
        random_bytes: random bytes; for tests, another source than the system's.

    Raises:
        KeyFileError: ``KEY_AGREEMENT`` where the key is of another agreement or epoch, or the agreement names another;
            ``KEY_PARTY``.
        UsageError: ``IDENTITY_NEEDED``, ``IDENTITY_UNUSED``.
        AuditError: ``AUDIT_ENTRY`` for an operator that no log takes.
    """

    agreement: Agreement
    key: OprfKey
    public: OprfPublicKey
    log: Path
    operator: str
    clock: Callable[[], datetime]
    desk: Desk | None = None
    workers: int | None = None
    random_bytes: RandomBytes = field(default=secrets.token_bytes)

    def __post_init__(self) -> None:
        require_desk(self.agreement, self.desk)
        verify_operator(self.operator)
        party = self.agreement.party(self.public.party)
        if self.desk is not None and self.desk.party != self.public.party:
            raise KeyFileError(
                f"the key is of {self.public.party}, the identity of {self.desk.party}", code="KEY_PARTY"
            )
        made_for = (self.public.agreement_id, self.public.key_epoch)
        named = party.public_keys.get("oprf") if party is not None and party.role == "keyholder" else None
        if made_for != (self.agreement.id, self.agreement.key_epoch) or named != self.public.text:
            raise KeyFileError(
                "the agreement does not name this key for this epoch; add it with: secure-match agreement add-keys",
                code="KEY_AGREEMENT",
            )

    def note_evaluated(self, manifest: BlindedManifest, digest: str, inputs: Sequence[Artifact]) -> None:
        """Log what is about to be handed out."""
        details = {"department": manifest.sender, "request": digest, "request_id": manifest.request_id}
        counts = {"elements": manifest.elements}
        if self.desk is not None:
            self.desk.note("evaluate", counts=counts, details=details)
            return
        details["agreement"] = self.agreement.fingerprint
        self._append(
            Event(
                party=self.public.party,
                operator=self.operator,
                action="evaluate",
                inputs=tuple(inputs),
                counts=counts,
                details=details,
            )
        )

    def _append(self, event: Event) -> None:
        append_event(self.log, event, time=self.clock())

    @contextmanager
    def logging_refusals(self) -> Iterator[None]:
        """Log an error that the block raises, by its code, and raise it on."""
        if self.desk is not None:
            with self.desk.logging_refusals("evaluate"):
                yield
            return
        try:
            yield
        except SecureMatchError as error:
            details = {"step": "evaluate", "code": error.code, "agreement": self.agreement.fingerprint}
            self._append(Event(party=self.public.party, operator=self.operator, action="refused", details=details))
            raise
