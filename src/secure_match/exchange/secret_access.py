"""ENCODED: the one place where private keys, and the shared secret of a ceremony, come out of their handles.

Whoever imports this module handles secrets; ``tests/architecture`` pins the list of importers, and a reviewer finds
them with one search for its name.
"""

from __future__ import annotations

from secure_match.exchange.identities import Identity
from secure_match.exchange.opaque import CombinedSecret


def reveal_seeds(identity: Identity) -> tuple[bytes, bytes]:
    """The seeds that :meth:`Identity.from_seeds` makes the identity from again: transport (96 bytes), signing (32)."""
    return identity._transport_seed, identity._signing_seed


def reveal_combined(secret: CombinedSecret) -> bytes:
    """The 32 bytes of the shared encoding secret that a key ceremony gave."""
    return secret._secret
