"""RAW: a department's key sealed under its identity (key file version 2), and its handle secret kept between epochs.

Invariants: what is sealed opens with the identity's transport key only, so that renewing that key shuts every copy; the
identity signs the file, so that nobody can slip the department a key of his own; pure: bytes in, bytes out.
"""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field

from secure_match.agreement import Agreement
from secure_match.agreement.strict import StrictModel, VisibleText, parse_json
from secure_match.department import _labels
from secure_match.department.keys import SECRET_BYTES, DepartmentKey, OpaqueKey, derive_key_id
from secure_match.department.secret_access import reveal
from secure_match.errors import KeyFileError
from secure_match.exchange.base64_bytes import CanonicalBase64
from secure_match.exchange.identities import Identity, open_secret, seal_secret, sign, verify_signature
from secure_match.exchange.key_files import PartyId, canonical_json
from secure_match.exchange.opaque import CombinedSecret
from secure_match.exchange.secret_access import reveal_combined
from secure_match.exchange.shares import Digest

KEY_FORMAT: Final = "secure_match/department-key"
HANDLES_FORMAT: Final = "secure_match/handle-secret"
KEY_LABEL: Final = "department-key"
HANDLES_LABEL: Final = "handle-secret"


class _SealedKey(StrictModel):
    """Key file version 2. ``sealed``: encoding secret, then handle secret, 32 bytes each."""

    format: Literal["secure_match/department-key"]
    format_version: Literal[2]
    party: PartyId
    agreement_id: PartyId
    agreement_fingerprint: Digest
    key_epoch: VisibleText
    key_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    sealed: CanonicalBase64
    signature: CanonicalBase64


class _SealedHandles(StrictModel):
    """Handle file. ``sealed``: the handle secret, 32 bytes."""

    format: Literal["secure_match/handle-secret"]
    format_version: Literal[1]
    party: PartyId
    sealed: CanonicalBase64
    signature: CanonicalBase64


FileT = TypeVar("FileT", _SealedKey, _SealedHandles)


class HandleSecret(OpaqueKey):
    """A department's handle secret alone, which outlives epochs: with it, handles stay the same."""

    __slots__ = ()

    @classmethod
    def of_key(cls, key: DepartmentKey) -> HandleSecret:
        """The handle secret of a department's key."""
        return cls({"handle": reveal(key, "handle")})


def ceremony_key(
    agreement: Agreement, identity: Identity, secret: CombinedSecret, handles: HandleSecret
) -> DepartmentKey:
    """A department's key from the combined secret of a ceremony and its own handle secret."""
    return DepartmentKey.create(
        party=identity.party,
        agreement_id=agreement.id,
        key_epoch=agreement.key_epoch,
        encoding_secret=reveal_combined(secret),
        handle_secret=reveal(handles, "handle"),
        agreement_fingerprint=agreement.fingerprint,
    )


def public_name(key: DepartmentKey) -> str:
    """The public name of a key's shared secret, 16 hex digits, the same in every department."""
    return derive_key_id(reveal(key, "encoding"), _labels.ENCODING, key.agreement_id, key.key_epoch)


def seal_key(key: DepartmentKey, identity: Identity) -> bytes:
    """The content of a key file of version 2.

    Raises:
        KeyFileError: ``KEY_PARTY`` where the key is another party's.
    """
    _verify_owner(key.party, identity)
    content: dict[str, object] = {
        "format": KEY_FORMAT,
        "format_version": 2,
        "party": key.party,
        "agreement_id": key.agreement_id,
        "agreement_fingerprint": key.agreement_fingerprint,
        "key_epoch": key.key_epoch,
        "key_id": public_name(key),
    }
    return _sealed_file(content, reveal(key, "encoding") + reveal(key, "handle"), identity, KEY_LABEL)


def open_key(data: bytes, identity: Identity) -> DepartmentKey:
    """Read a key file of version 2.

    Raises:
        KeyFileError: ``KEY_FORMAT``, ``KEY_PARTY``; ``KEY_SEAL`` where it was sealed to another transport key.
        PackageError: ``KEY_SIGNATURE``.
    """
    content = _parse(_SealedKey, data, "a department key file of version 2")
    secret = _open_file(content, identity, KEY_LABEL)
    if len(secret) != 2 * SECRET_BYTES:
        raise KeyFileError("a secret of the key file is damaged", code="KEY_FORMAT")
    return DepartmentKey.create(
        party=content.party,
        agreement_id=content.agreement_id,
        key_epoch=content.key_epoch,
        encoding_secret=secret[:SECRET_BYTES],
        handle_secret=secret[SECRET_BYTES:],
        agreement_fingerprint=content.agreement_fingerprint,
    )


def seal_handles(handles: HandleSecret, identity: Identity) -> bytes:
    """The content of a handle file."""
    content: dict[str, object] = {"format": HANDLES_FORMAT, "format_version": 1, "party": identity.party}
    return _sealed_file(content, reveal(handles, "handle"), identity, HANDLES_LABEL)


def open_handles(data: bytes, identity: Identity) -> HandleSecret:
    """Read a handle file.

    Raises:
        KeyFileError: ``KEY_FORMAT``, ``KEY_PARTY``, ``KEY_SEAL``.
        PackageError: ``KEY_SIGNATURE``.
    """
    secret = _open_file(_parse(_SealedHandles, data, "a handle file"), identity, HANDLES_LABEL)
    if len(secret) != SECRET_BYTES:
        raise KeyFileError("the secret of the handle file is damaged", code="KEY_FORMAT")
    return HandleSecret({"handle": secret})


def _sealed_file(content: dict[str, object], secret: bytes, identity: Identity, label: str) -> bytes:
    sealed = seal_secret(identity.public, label, secret, canonical_json(content))
    content = content | {"sealed": base64.b64encode(sealed).decode("ascii")}
    signature = sign(identity, label, canonical_json(content))
    content = content | {"signature": base64.b64encode(signature).decode("ascii")}
    return (json.dumps(content, indent=1) + "\n").encode()


def _open_file(content: _SealedKey | _SealedHandles, identity: Identity, label: str) -> bytes:
    _verify_owner(content.party, identity)
    signed = canonical_json(content.model_dump(mode="json", exclude={"signature"}))
    verify_signature(identity.public.signing, label, signed, content.signature, code="KEY_SIGNATURE")
    context = canonical_json(content.model_dump(mode="json", exclude={"signature", "sealed"}))
    return open_secret(identity, label, content.sealed, context)


def _verify_owner(party: str, identity: Identity) -> None:
    if identity.party != party:
        raise KeyFileError(f"the key belongs to {party}; the identity is of {identity.party}", code="KEY_PARTY")


def _parse(model: type[FileT], data: bytes, expected: str) -> FileT:
    with contextlib.suppress(ValueError):
        return parse_json(model, data)
    raise KeyFileError(f"this is not {expected}", code="KEY_FORMAT")
