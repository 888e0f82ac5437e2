"""A sealed agreement of the small city with fixed identities, and the contributions of its departments."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.agreement._add_keys import add_public_keys
from secure_match.exchange.identities import Identity, Role
from secure_match.exchange.shares import Contribution, make_contribution

DEPARTMENTS: Final = ("education", "hrss", "medical", "police")
PASSPHRASE: Final = "five plain words for tests"


def identity(party: str, salt: str = "") -> Identity:
    """The same identity in every run; another salt gives other keys."""
    seed = hashlib.shake_256(f"{party}/{salt}".encode()).digest(128)
    role: Role = "bureau" if party == "bureau" else "department"
    return Identity.from_seeds(party, role, transport_seed=seed[:96], signing_seed=seed[96:])


def identities() -> dict[str, Identity]:
    return {party: identity(party) for party in (*DEPARTMENTS, "bureau")}


def sealed_agreement(of: Mapping[str, Identity], *, epoch: str = "2026", purpose: str = "") -> Agreement:
    """The city template with the identities' public keys."""
    text = trusted_template().replace('key_epoch = "2026"', f'key_epoch = "{epoch}"')
    if purpose:
        text = text.replace('purpose = "', f'purpose = "{purpose}', 1)
    keys = {party: (item.role, item.public.party_keys()) for party, item in of.items()}
    return parse_agreement(add_public_keys(text, keys))


def contributions(agreement: Agreement, of: Mapping[str, Identity]) -> dict[str, Contribution]:
    return {party: make_contribution(agreement, of[party]) for party in DEPARTMENTS}
