"""ENCODED: the key holders' public keys as an agreement names them."""

from __future__ import annotations

import base64

from secure_match.agreement import Agreement
from secure_match.errors import KeyFileError, PackageError
from secure_match.exchange.oprf._group import multiply_each, row_of
from secure_match.exchange.oprf._hashing import scalar_bytes
from secure_match.exchange.oprf.public_files import OprfPublicKey


def holder_key(agreement: Agreement, party_id: str) -> bytes:
    """The ristretto255 public key, 32 bytes, that an agreement names for a key holder; b"" where it names none."""
    party = agreement.party(party_id)
    return base64.b64decode(party.public_keys.get("oprf", "")) if party is not None else b""


def verify_made_for(agreement: Agreement, public: OprfPublicKey) -> None:
    """Check that a key holder made its key for an agreement and its epoch.

    Raises:
        KeyFileError: ``KEY_AGREEMENT``, ``KEY_EPOCH``.
    """
    if public.agreement_id != agreement.id:
        raise KeyFileError(f"{public.party} made its OPRF key for another agreement", code="KEY_AGREEMENT")
    if public.key_epoch != agreement.key_epoch:
        raise KeyFileError(f"{public.party} made its OPRF key for another epoch", code="KEY_EPOCH")


def verify_holder_keys(agreement: Agreement) -> None:
    """Check that every key holder's public key is a point that protects something.

    Raises:
        KeyFileError: ``KEY_WEAK``, with the party.
    """
    for party in agreement.key_holders:
        key = holder_key(agreement, party.id)
        if key and not _is_sound(key):
            raise KeyFileError(
                f"{party.id}: the oprf key is no point of ristretto255, or the one under which all tokens are equal; "
                "ask for the public file again",
                code="KEY_WEAK",
            )


def _is_sound(key: bytes) -> bool:
    try:
        multiply_each(row_of(scalar_bytes(1)), row_of(key), workers=1)
    except PackageError:
        return False
    return True
