"""KEY: a key holder's key on disk: version 1 in the clear (trial agreements), version 2 sealed under its identity.

What is kept is a seed of 32 random bytes, for one agreement and one epoch. Invariants: the file is its owner's alone
and never overwritten: without it no token of the epoch can be made again; a sealed one opens with the identity only,
which also signs it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field

from secure_match.agreement import Agreement
from secure_match.agreement.strict import StrictModel, parse_json
from secure_match.encoded.manifest import Identifier, KeyEpoch
from secure_match.errors import KeyFileError, located
from secure_match.exchange.base64_bytes import CanonicalBase64
from secure_match.exchange.identities import Identity, open_secret, seal_secret, sign, verify_signature
from secure_match.exchange.key_files import canonical_json
from secure_match.exchange.oprf import OprfKey, key_info
from secure_match.exchange.oprf.public_files import OprfPublicKey
from secure_match.exchange.secret_files import read_secret, write_new_secret

KEY_FORMAT: Final = "secure_match/oprf-key"
_LABEL: Final = "oprf-key-file"
_SEED_BYTES: Final = 32


class _PlainFile(StrictModel):
    format: Literal["secure_match/oprf-key"]
    format_version: Literal[1]
    party: Identifier
    agreement_id: Identifier
    key_epoch: KeyEpoch
    seed: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", repr=False)]


class _SealedFile(StrictModel):
    format: Literal["secure_match/oprf-key"]
    format_version: Literal[2]
    party: Identifier
    agreement_id: Identifier
    key_epoch: KeyEpoch
    public_key: CanonicalBase64
    sealed: CanonicalBase64
    signature: CanonicalBase64


_FileT = TypeVar("_FileT", _PlainFile, _SealedFile)


def new_keyholder_key(
    agreement: Agreement,
    party: str,
    path: Path,
    *,
    identity: Identity | None = None,
    seed: bytes | None = None,
) -> OprfPublicKey:
    """Make a key holder's key for an agreement and its epoch.

    Args:
        agreement: it may be a draft, without any key.
        path: the key file; it must not be there.
        identity: of the key holder; then the file is sealed under it.
        seed: 32 random bytes; by default from the system. Only tests name it.

    Raises:
        KeyFileError: ``PARTY_UNKNOWN`` where the agreement has no such key holder; ``KEY_PARTY`` for an identity of
            another; ``KEY_IDENTITY`` where the agreement is sealed and none is given; ``FILE_EXISTS``,
            ``FILE_NOT_WRITABLE``.
    """
    if party not in {item.id for item in agreement.key_holders}:
        raise KeyFileError("the agreement has no key holder of this name", code="PARTY_UNKNOWN")
    if identity is None and agreement.sealed:
        raise KeyFileError("under a sealed agreement the key is sealed; name --identity", code="KEY_IDENTITY")
    if identity is not None and identity.party != party:
        raise KeyFileError(f"the identity is of {identity.party}, not of {party}", code="KEY_PARTY")
    chosen = seed if seed is not None else secrets.token_bytes(_SEED_BYTES)
    key = OprfKey.derive(chosen, key_info(agreement.id, agreement.key_epoch))
    content: dict[str, object] = {
        "format": KEY_FORMAT,
        "format_version": 1,
        "party": party,
        "agreement_id": agreement.id,
        "key_epoch": agreement.key_epoch,
    }
    if identity is None:
        content["seed"] = chosen.hex()
    else:
        content |= {"format_version": 2, "public_key": _text(key.public)}
        content["sealed"] = _text(seal_secret(identity.public, _LABEL, chosen, canonical_json(content)))
        content["signature"] = _text(sign(identity, _LABEL, canonical_json(content)))
    write_new_secret(path, (json.dumps(content, indent=1) + "\n").encode())
    return OprfPublicKey(party=party, agreement_id=agreement.id, key_epoch=agreement.key_epoch, key=key.public)


def read_keyholder_key(path: Path, identity: Identity | None = None) -> tuple[OprfKey, OprfPublicKey]:
    """Read a key file of either version.

    Args:
        identity: of the key holder; version 2 needs it.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``, ``KEY_PERMISSIONS``; ``KEY_FORMAT``; ``KEY_IDENTITY`` where it is sealed and
            no identity is given; ``KEY_PARTY``, ``KEY_SEAL`` where it is sealed to another.
        PackageError: ``KEY_SIGNATURE`` where it was changed, or made by somebody else.
    """
    data = read_secret(path)
    with located(path):
        content: _PlainFile | _SealedFile | None = _parsed(_PlainFile, data) or _parsed(_SealedFile, data)
        if content is None:
            raise KeyFileError(
                "this is no key holder's key file; make one with: secure-match keyholder new", code="KEY_FORMAT"
            )
        if identity is not None and identity.party != content.party:
            raise KeyFileError(f"the key is of {content.party}, the identity of {identity.party}", code="KEY_PARTY")
        seed = bytes.fromhex(content.seed) if isinstance(content, _PlainFile) else _open(content, identity)
        key = OprfKey.derive(seed, key_info(content.agreement_id, content.key_epoch))
        if isinstance(content, _SealedFile) and key.public != content.public_key:
            raise KeyFileError("the public key in the file is not that of its seed", code="KEY_FORMAT")
        return key, OprfPublicKey(
            party=content.party, agreement_id=content.agreement_id, key_epoch=content.key_epoch, key=key.public
        )


def oprf_public_path(key_path: Path) -> Path:
    """Where the public file of a key is written: ``holder.oprf`` gives ``holder.oprf.public.json`` beside it."""
    return key_path.with_name(f"{key_path.name}.public.json")


def _open(content: _SealedFile, identity: Identity | None) -> bytes:
    if identity is None:
        raise KeyFileError("this key is sealed under its holder's identity; give it", code="KEY_IDENTITY")
    signed = canonical_json(content.model_dump(mode="json", exclude={"signature"}))
    verify_signature(identity.public.signing, _LABEL, signed, content.signature, code="KEY_SIGNATURE")
    context = canonical_json(content.model_dump(mode="json", exclude={"signature", "sealed"}))
    return open_secret(identity, _LABEL, content.sealed, context)


def _parsed(model: type[_FileT], data: bytes) -> _FileT | None:
    with contextlib.suppress(ValueError):
        return parse_json(model, data)
    return None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
