"""RAW: ``store.json``: whose a store of ID tokens is, of which agreement, and its key. Bytes in, bytes out.

Invariant: what is sealed opens with the identity's transport key only, and the identity signs the head, so that nobody
can slip the department a store of his own.
"""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Annotated, Final, Literal

from pydantic import Field

from secure_match.agreement import Agreement
from secure_match.agreement.strict import StrictModel, VisibleText, parse_json
from secure_match.department.keys import SECRET_BYTES
from secure_match.encoded.manifest import HexDigest, Identifier
from secure_match.errors import KeyFileError
from secure_match.exchange.base64_bytes import CanonicalBase64
from secure_match.exchange.identities import Identity, open_secret, seal_secret, sign, verify_signature
from secure_match.exchange.key_files import canonical_json

STORE_FORMAT: Final = "secure_match/token-store"
STORE_LABEL: Final = "token-store"


class StoreHead(StrictModel):
    """``store.json``. ``key``: 32 bytes, under a trial agreement; else they are sealed, and the file is signed."""

    format: Literal["secure_match/token-store"]
    format_version: Literal[1]
    party: Identifier
    agreement_id: Identifier
    agreement_fingerprint: HexDigest
    key_epoch: VisibleText
    key: Annotated[CanonicalBase64 | None, Field(repr=False)] = None
    sealed: CanonicalBase64 | None = None
    signature: CanonicalBase64 | None = None


def new_head(agreement: Agreement, party: str, identity: Identity | None, key: bytes) -> bytes:
    """The content of ``store.json`` of a new store: its key in the clear, or sealed to an identity and signed."""
    content: dict[str, object] = {
        "format": STORE_FORMAT,
        "format_version": 1,
        "party": party,
        "agreement_id": agreement.id,
        "agreement_fingerprint": agreement.fingerprint,
        "key_epoch": agreement.key_epoch,
    }
    if identity is None:
        content["key"] = base64.b64encode(key).decode("ascii")
    else:
        sealed = seal_secret(identity.public, STORE_LABEL, key, canonical_json(content))
        content["sealed"] = base64.b64encode(sealed).decode("ascii")
        signature = sign(identity, STORE_LABEL, canonical_json(content))
        content["signature"] = base64.b64encode(signature).decode("ascii")
    return (json.dumps(content, indent=1) + "\n").encode()


def parse_head(data: bytes, agreement: Agreement, party: str | None) -> StoreHead:
    """Read ``store.json``.

    Args:
        party: whose the store has to be; None for anybody's.

    Raises:
        KeyFileError: ``STORE_DAMAGED``, ``STORE_AGREEMENT``.
    """
    head: StoreHead | None = None
    with contextlib.suppress(ValueError):
        head = parse_json(StoreHead, data)
    if head is None:
        raise KeyFileError("this is no store of ID tokens; department blind makes one", code="STORE_DAMAGED")
    said = (head.party, head.agreement_id, head.agreement_fingerprint, head.key_epoch)
    if said != (party or head.party, agreement.id, agreement.fingerprint, agreement.key_epoch):
        raise KeyFileError(
            "this store is another department's, or of another text or epoch of the agreement, under which numbers "
            "have other tokens; name another folder and ask anew",
            code="STORE_AGREEMENT",
        )
    return head


def store_key(head: StoreHead, identity: Identity | None) -> bytes:
    """The key of a store, 32 bytes.

    Raises:
        KeyFileError: ``STORE_DAMAGED`` where it was kept in another way; ``KEY_SEAL``.
        PackageError: ``KEY_SIGNATURE``.
    """
    key = head.key if identity is None else _open_sealed(head, identity)
    if key is None or len(key) != SECRET_BYTES:
        raise KeyFileError("the key of the store is damaged, or sealed otherwise", code="STORE_DAMAGED")
    return key


def _open_sealed(head: StoreHead, identity: Identity) -> bytes | None:
    if head.sealed is None or head.signature is None:
        return None
    content = head.model_dump(mode="json", exclude_none=True)
    del content["signature"]
    verify_signature(
        identity.public.signing, STORE_LABEL, canonical_json(content), head.signature, code="KEY_SIGNATURE"
    )
    del content["sealed"]
    return open_secret(identity, STORE_LABEL, head.sealed, canonical_json(content))
