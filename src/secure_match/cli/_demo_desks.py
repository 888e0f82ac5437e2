"""EDGE: keys, ceremony and desks of the demo, all made from its seed: they are worthless and fit no real agreement."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from secure_match.agreement import Agreement, parse_agreement
from secure_match.agreement._add_keys import add_public_keys
from secure_match.agreement.files import read_agreement_text
from secure_match.bureau.files import make_directory
from secure_match.department.key_files import write_sealed_key
from secure_match.department.keys import SECRET_BYTES
from secure_match.department.sealed_keys import HandleSecret, ceremony_key
from secure_match.exchange.desk import Desk
from secure_match.exchange.identities import SIGNING_SEED_BYTES, TRANSPORT_SEED_BYTES, Identity, Role
from secure_match.exchange.key_files import public_path, write_identity, write_public
from secure_match.exchange.locks import KeyFileLock
from secure_match.exchange.oprf.public_files import OprfPublicKey
from secure_match.exchange.secret_files import write_new_secret
from secure_match.exchange.share_files import write_contribution
from secure_match.exchange.shares import SHARE_BYTES, combine, key_departments, make_contribution

OPERATOR: Final = "demo"
_UNLOCK_NAME: Final = "unlock.key"


def demo_bytes(seed: int, purpose: str, length_bytes: int) -> bytes:
    """Bytes that a demo's seed gives; anybody can make them again."""
    return hashlib.shake_256(f"secure_match demo key, worthless: {seed} {purpose}".encode()).digest(length_bytes)


def make_identities(agreement: Agreement, seed: int, folder: Path) -> dict[str, Identity]:
    """An identity for every party; their files and the one key file that opens them all go into ``folder``."""
    make_directory(folder)
    unlock = demo_bytes(seed, "unlock", SECRET_BYTES)
    write_new_secret(folder / _UNLOCK_NAME, unlock)
    identities = {}
    for party in agreement.parties:
        identity = _identity(party.id, party.role, seed)
        path = folder / f"{party.id}.identity"
        write_identity(identity, path, KeyFileLock(unlock))
        write_public(identity, public_path(path))
        identities[party.id] = identity
    return identities


def _identity(party: str, role: Role, seed: int) -> Identity:
    return Identity.from_seeds(
        party,
        role,
        transport_seed=demo_bytes(seed, f"transport {party}", TRANSPORT_SEED_BYTES),
        signing_seed=demo_bytes(seed, f"signing {party}", SIGNING_SEED_BYTES),
    )


def seal_agreement(
    path: Path, identities: Mapping[str, Identity], oprf_keys: Mapping[str, OprfPublicKey] | None = None
) -> Agreement:
    """Write everybody's public keys into an agreement file.

    Args:
        oprf_keys: key holder to its key for ID tokens.
    """
    keys = {party: (identity.role, identity.public.party_keys()) for party, identity in identities.items()}
    for party, public in (oprf_keys or {}).items():
        role, known = keys[party]
        keys[party] = (role, {**known, "oprf": public.text})
    text = add_public_keys(read_agreement_text(path), keys)
    path.write_text(text, encoding="utf-8")
    return parse_agreement(text, file=path)


def make_desks(agreement: Agreement, identities: Mapping[str, Identity], logs: Path) -> dict[str, Desk]:
    """A desk for every party, each with its own log, for this month."""
    make_directory(logs)
    period = datetime.now(UTC).strftime("%Y-%m")
    return {
        party: Desk(
            agreement=agreement,
            identity=identity,
            operator=OPERATOR,
            log=logs / f"{party}.log",
            period=period,
            clock=lambda: datetime.now(UTC),
            kernel=f"numba {version('numba')}",
        )
        for party, identity in identities.items()
    }


def hold_ceremony(
    agreement: Agreement, desks: Mapping[str, Desk], seed: int, folder: Path, keys: Mapping[str, Path]
) -> None:
    """Every department contributes a share and derives the key of all shares.

    Args:
        folder: where the contributions go.
        keys: department to the key file that it gets.
    """
    make_directory(folder)
    contributions = []
    for party in key_departments(agreement):
        share = demo_bytes(seed, f"share {party}", SHARE_BYTES)
        contribution = make_contribution(agreement, desks[party].identity, share=share)
        write_contribution(contribution, folder / f"{party}.smk")
        desks[party].note("contribute")
        contributions.append(contribution)
    for party in key_departments(agreement):
        identity = desks[party].identity
        handles = HandleSecret({"handle": demo_bytes(seed, f"handle {party}", SECRET_BYTES)})
        key = ceremony_key(agreement, identity, combine(agreement, identity, contributions), handles)
        write_sealed_key(key, keys[party], identity)
        desks[party].note("derive", counts={"contributions": len(contributions)})
