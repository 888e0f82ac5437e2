"""ENCODED: identities at rest, and the public files that parties hand each other.

An identity file is JSON: who, the public keys, how it is locked, and the private seeds under AES-256-GCM with all of
that as associated data. Invariants: nobody but its owner may open the file; no private byte stands in it unlocked, nor
in an error; what is read gives exactly the public keys that stand beside it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import Field

from secure_match.agreement.strict import StrictModel, VisibleText, parse_json
from secure_match.encoded.files import atomic_writer
from secure_match.errors import KeyFileError, Place, located
from secure_match.exchange.base64_bytes import CanonicalBase64
from secure_match.exchange.identities import (
    SIGNING_PREFIX,
    SIGNING_PUBLIC_BYTES,
    TRANSPORT_PREFIX,
    TRANSPORT_PUBLIC_BYTES,
    TRANSPORT_SEED_BYTES,
    Identity,
    PublicIdentity,
    Role,
    parse_key,
    sign,
    verify_signature,
)
from secure_match.exchange.locks import AnyParameters, Lock, LockParameters
from secure_match.exchange.secret_access import reveal_seeds
from secure_match.exchange.secret_files import read_secret, replace_secret, write_new_secret

PUBLIC_LABEL: Final = "public-file"
_NONCE_BYTES: Final = 12
_MAX_PUBLIC_BYTES: Final = 1 << 16

PartyId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class PublicKeys(StrictModel):
    """Public keys in the form of an agreement's ``public_keys``."""

    transport: VisibleText
    signing: VisibleText


class _IdentityFile(StrictModel):
    """An identity at rest. ``sealed``: 12 bytes nonce, the seeds (96 + 32 bytes) encrypted, 16 bytes tag."""

    format: Literal["secure_match/identity"]
    format_version: Literal[1]
    party: PartyId
    role: Role
    public_keys: PublicKeys
    lock: LockParameters
    sealed: CanonicalBase64


class _PublicFile(StrictModel):
    """What a party hands to the others. ``signature`` is by its own signing key, over the rest."""

    format: Literal["secure_match/public-keys"]
    format_version: Literal[1]
    party: PartyId
    role: Role
    public_keys: PublicKeys
    key_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    signature: CanonicalBase64


FileT = TypeVar("FileT", _IdentityFile, _PublicFile)


def canonical_json(content: dict[str, object]) -> bytes:
    """Sorted compact JSON: the bytes that signatures and associated data of key files are taken over."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def write_identity(identity: Identity, path: Path, lock: Lock) -> None:
    """Write a new identity file, locked and for its owner only.

    Raises:
        KeyFileError: ``FILE_EXISTS`` rather than overwriting, ``FILE_NOT_WRITABLE``; what the lock raises.
    """
    write_new_secret(path, _serialise_identity(identity, lock))


def replace_identity(identity: Identity, path: Path, lock: Lock) -> None:
    """Replace an identity file by one with renewed keys, whole or not at all.

    Raises:
        KeyFileError: ``FILE_NOT_WRITABLE``; what the lock raises.
    """
    replace_secret(path, _serialise_identity(identity, lock))


def read_lock(path: Path) -> AnyParameters:
    """How an identity file is locked, so that the right secret can be asked for.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``, ``KEY_FORMAT``, ``KEY_PERMISSIONS``.
    """
    return _read_identity_file(path).lock


def read_identity(path: Path, lock: Lock) -> Identity:
    """Read and unlock an identity file.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``, ``KEY_FORMAT``, ``KEY_PERMISSIONS``; ``KEY_LOCK`` where it is locked with
            something of another kind; ``KEY_UNLOCK`` where the lock's secret is wrong or the file was changed.
    """
    content = _read_identity_file(path)
    with located(path):
        seeds = _open_seeds(content, lock.wrapping_key(content.lock))
        identity = Identity.from_seeds(
            content.party,
            content.role,
            transport_seed=seeds[:TRANSPORT_SEED_BYTES],
            signing_seed=seeds[TRANSPORT_SEED_BYTES:],
        )
        if identity.public.party_keys() != content.public_keys.model_dump():
            raise KeyFileError("the public keys in the file are not those of its private keys", code="KEY_FORMAT")
    return identity


def public_path(identity_path: Path) -> Path:
    """Where the public file of an identity is written: ``police.identity`` gives ``police.public.json`` beside it."""
    return identity_path.with_suffix(".public.json")


def serialise_public(identity: Identity) -> bytes:
    """The public file of an identity, signed by it."""
    public = identity.public
    content: dict[str, object] = {
        "format": "secure_match/public-keys",
        "format_version": 1,
        "party": public.party,
        "role": public.role,
        "public_keys": public.party_keys(),
        "key_id": public.key_id,
    }
    signature = sign(identity, PUBLIC_LABEL, canonical_json(content))
    whole = content | {"signature": base64.b64encode(signature).decode("ascii")}
    return (json.dumps(whole, indent=1) + "\n").encode()


def write_public(identity: Identity, path: Path) -> None:
    """Write or replace the public file of an identity; everybody may read it.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    with atomic_writer(path) as stream:
        stream.write(serialise_public(identity))
    with contextlib.suppress(OSError):
        path.chmod(0o644)


def parse_public(data: bytes) -> PublicIdentity:
    """Read and verify a public file.

    Its signature shows that whoever made it held the signing key. Whose key it is shows nothing but the key id, read
    out by its owner.

    Raises:
        KeyFileError: ``KEY_FORMAT``, ``KEY_WEAK``.
        PackageError: ``KEY_SIGNATURE``.
    """
    content = _parse(_PublicFile, data, "a public file; make one with: secure-match keys public")
    public = PublicIdentity(
        party=content.party,
        role=content.role,
        transport=parse_key(content.public_keys.transport, TRANSPORT_PREFIX, TRANSPORT_PUBLIC_BYTES),
        signing=parse_key(content.public_keys.signing, SIGNING_PREFIX, SIGNING_PUBLIC_BYTES),
    )
    if public.key_id != content.key_id:
        raise KeyFileError("the key id in the file is not that of its keys", code="KEY_FORMAT")
    signed = canonical_json(content.model_dump(mode="json", exclude={"signature"}))
    verify_signature(public.signing, PUBLIC_LABEL, signed, content.signature, code="KEY_SIGNATURE")
    return public


def read_public(path: Path) -> PublicIdentity:
    """Read and verify a public file.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``, ``KEY_FORMAT``, ``KEY_WEAK``.
        PackageError: ``KEY_SIGNATURE``.
    """
    data, problem = b"", ""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_PUBLIC_BYTES)
    except OSError as error:
        problem = error.strerror or "cannot be read"
    if problem:
        raise KeyFileError(problem, code="FILE_NOT_FOUND", place=Place(file=path))
    with located(path):
        return parse_public(data)


def _serialise_identity(identity: Identity, lock: Lock) -> bytes:
    parameters = lock.new_parameters()
    content: dict[str, object] = {
        "format": "secure_match/identity",
        "format_version": 1,
        "party": identity.party,
        "role": identity.role,
        "public_keys": identity.public.party_keys(),
        "lock": parameters.model_dump(mode="json"),
    }
    nonce = secrets.token_bytes(_NONCE_BYTES)
    cipher = AESGCM(lock.wrapping_key(parameters))
    sealed = nonce + cipher.encrypt(nonce, b"".join(reveal_seeds(identity)), canonical_json(content))
    return (json.dumps(content | {"sealed": base64.b64encode(sealed).decode("ascii")}, indent=1) + "\n").encode()


def _open_seeds(content: _IdentityFile, wrapping_key: bytes) -> bytes:
    context = canonical_json(content.model_dump(mode="json", exclude={"sealed"}))
    nonce, rest = content.sealed[:_NONCE_BYTES], content.sealed[_NONCE_BYTES:]
    with contextlib.suppress(InvalidTag, ValueError):
        return AESGCM(wrapping_key).decrypt(nonce, rest, context)
    raise KeyFileError(
        "this does not open: the passphrase (or key) is another, or the file was changed", code="KEY_UNLOCK"
    )


def _read_identity_file(path: Path) -> _IdentityFile:
    data = read_secret(path)
    with located(path):
        return _parse(_IdentityFile, data, "an identity file; make one with: secure-match keys new --role")


def _parse(model: type[FileT], data: bytes, expected: str) -> FileT:
    with contextlib.suppress(ValueError):
        return parse_json(model, data)
    raise KeyFileError(f"this is not {expected}", code="KEY_FORMAT")
