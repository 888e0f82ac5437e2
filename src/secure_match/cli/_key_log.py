"""EDGE: what the ``keys`` commands do stands in the party's audit log: the action and files by digest, no secret."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from secure_match.audit import CHECKPOINT_LABEL, Action, Event, make_artifact
from secure_match.audit.files import append_event
from secure_match.cli._desk import login_name
from secure_match.encoded.files import file_digest
from secure_match.exchange.identities import Identity, sign

_NOBODY: Final = "unknown"


def log_key_step(
    identity: Identity,
    identity_path: Path,
    action: Action,
    *,
    written: Sequence[Path] = (),
    details: Mapping[str, str] | None = None,
) -> None:
    """Log a step, signed by the identity, in the log that ``SECURE_MATCH_LOG`` names, else beside the identity file.

    Args:
        written: files that others may have, such as public files and contributions; their digests are logged.

    Raises:
        AuditError: as ``append_event``.
    """
    named = os.environ.get("SECURE_MATCH_LOG")
    event = Event(
        party=identity.party,
        operator=os.environ.get("SECURE_MATCH_OPERATOR") or login_name() or _NOBODY,
        action=action,
        outputs=tuple(make_artifact(path, file_digest(path)) for path in written),
        details={"keys": identity.public.key_id, **(details or {})},
    )
    log = Path(named) if named else identity_path.with_suffix(".log")
    append_event(log, event, time=datetime.now(UTC), sign=lambda data: sign(identity, CHECKPOINT_LABEL, data))
