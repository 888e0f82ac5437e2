"""Small logs of made-up parties, and the private key that signs their checkpoints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from secure_match.audit import Entry, Event, PackageRef, files, make_artifact

START: Final = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC: Final = KEY.public_key().public_bytes_raw()
LABEL: Final = b"secure_match/v1/audit-checkpoint\n"


def sign(data: bytes) -> bytes:
    return KEY.sign(LABEL + data)


def digest(number: int) -> str:
    return f"{number:064x}"


def ref(**changes: Any) -> PackageRef:
    given: dict[str, Any] = {
        "kind": "encodings",
        "sender": "police",
        "recipient": "bureau",
        "dataset": "population",
        "period": "2026-11",
        "sequence": 1,
    }
    return PackageRef(**(given | changes))


def event(action: Any = "encode", party: str = "police", **changes: Any) -> Event:
    given: dict[str, Any] = {
        "inputs": (make_artifact("people.csv", digest(1)),),
        "counts": {"read": 13, "encoded": 12, "quarantined": 1},
        "details": {"agreement": digest(2), "key_epoch": "2026-11"},
    }
    return Event(party=party, operator="林", action=action, **(given | changes))


def sending(number: int, **changes: Any) -> Event:
    """A release of a package whose digest is a number."""
    package = ref(sequence=number, **changes)
    return event("release", party=package.sender, outputs=(make_artifact("people.smp", digest(100 + number), package),))


def write_log(path: Path, count: int = 6) -> tuple[Entry, ...]:
    """A log of ``count`` entries; every third is a signed checkpoint."""
    for number in range(count - count // 3):
        signer = sign if number % 2 else None
        files.append_event(path, sending(number), time=START + timedelta(seconds=number), sign=signer)
    return files.read_log(path)
