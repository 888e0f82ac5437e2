"""RAW: key files on disk: version 1 in the clear (trial agreements), version 2 sealed under the identity."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field

from secure_match.agreement.strict import StrictModel, parse_json
from secure_match.department.keys import SECRET_BYTES, DepartmentKey, EncodingKey
from secure_match.department.sealed_keys import (
    HANDLES_FORMAT,
    KEY_FORMAT,
    HandleSecret,
    open_handles,
    open_key,
    seal_handles,
    seal_key,
)
from secure_match.department.secret_access import reveal
from secure_match.errors import KeyFileError, Place, located
from secure_match.exchange.identities import Identity
from secure_match.exchange.secret_files import (
    MAX_SECRET_FILE_BYTES,
    read_secret,
    read_secret_and_mode,
    shared_secret_error,
    write_new_secret,
)

SHARED_FORMAT: Final = "secure_match/shared-secret"

SecretText = Annotated[str, Field(repr=False)]
KeyFileT = TypeVar("KeyFileT", bound="_KeyHeader")


class _KeyHeader(StrictModel):
    """What key files begin with: which agreement and epoch the secrets are for."""

    format_version: Literal[1]
    agreement_id: str
    key_epoch: str
    encoding_secret: SecretText


class _KeyFile(_KeyHeader):
    """A department's key file: JSON with both secrets in hex."""

    format: Literal["secure_match/department-key"]
    party: str
    handle_secret: SecretText


class _SharedFile(_KeyHeader):
    """What departments hand each other: the shared secret alone, never a handle secret."""

    format: Literal["secure_match/shared-secret"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SharedSecret:
    """The departments' shared encoding secret on its way from one to another."""

    agreement_id: str
    key_epoch: str
    key: EncodingKey

    def __repr__(self) -> str:
        return "<SharedSecret: secret>"


def write_key(key: DepartmentKey, path: Path) -> None:
    """Write a key file that only its owner can read.

    Raises:
        KeyFileError: ``FILE_EXISTS`` rather than overwriting a key, or ``FILE_NOT_WRITABLE``.
    """
    content = _KeyFile(
        format=KEY_FORMAT,
        format_version=1,
        party=key.party,
        agreement_id=key.agreement_id,
        key_epoch=key.key_epoch,
        encoding_secret=reveal(key, "encoding").hex(),
        handle_secret=reveal(key, "handle").hex(),
    )
    _write_secret_file(content, path)


def write_shared_secret(key: DepartmentKey, path: Path) -> None:
    """Write what another department needs of a key, readable by its owner only.

    Raises:
        KeyFileError: as :func:`write_key` does.
    """
    content = _SharedFile(
        format=SHARED_FORMAT,
        format_version=1,
        agreement_id=key.agreement_id,
        key_epoch=key.key_epoch,
        encoding_secret=reveal(key, "encoding").hex(),
    )
    _write_secret_file(content, path)


def write_sealed_key(key: DepartmentKey, path: Path, identity: Identity) -> None:
    """Write a key file of version 2, sealed under the department's identity.

    Raises:
        KeyFileError: as :func:`write_key` does; ``KEY_PARTY``.
    """
    write_new_secret(path, seal_key(key, identity))


def read_key(path: Path, identity: Identity | None = None) -> DepartmentKey:
    """Read a key file: version 1 (of a trial agreement, in the clear) or version 2 (sealed under an identity).

    Args:
        identity: of the department; version 2 needs it, version 1 does not.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``, ``KEY_FORMAT`` where the file is not a whole department key,
            ``KEY_PERMISSIONS`` where (on POSIX) its group or others may read or write it, ``KEY_IDENTITY`` where it is
            sealed and no identity is given, ``KEY_PARTY`` or ``KEY_SEAL`` where it was sealed to another.
        PackageError: ``KEY_SIGNATURE`` where it was changed, or made by somebody else.
    """
    if is_sealed_key(path):
        with located(path):
            if identity is None:
                raise KeyFileError("this key is sealed under its department's identity; give it", code="KEY_IDENTITY")
            return open_key(read_secret(path), identity)
    content = _read_secret_file(_KeyFile, path, "a department key file; make one with: secure-match keys new")
    with located(path):
        return DepartmentKey.create(
            party=content.party,
            agreement_id=content.agreement_id,
            key_epoch=content.key_epoch,
            encoding_secret=_secret_bytes(content.encoding_secret),
            handle_secret=_secret_bytes(content.handle_secret),
        )


def is_sealed_key(path: Path) -> bool:
    """Whether a file says that it is a key file of version 2; False where it is none or cannot be read."""
    return _format_of(path) == (KEY_FORMAT, 2)


def _format_of(path: Path) -> tuple[object, object]:
    """Format and version that a JSON file names; both None where it names none."""
    content: object = None
    with contextlib.suppress(OSError, ValueError, RecursionError), path.open("rb") as stream:
        content = json.loads(stream.read(MAX_SECRET_FILE_BYTES))
    return (content.get("format"), content.get("format_version")) if isinstance(content, dict) else (None, None)


def read_handle_secret(path: Path, identity: Identity) -> HandleSecret:
    """The handle secret of a department: from a handle file, or from a key file of either version.

    Raises:
        KeyFileError: as :func:`read_key` does; ``KEY_PARTY`` also where a key of version 1 is another party's.
        PackageError: ``KEY_SIGNATURE``.
    """
    if _format_of(path) == (HANDLES_FORMAT, 1):
        data = read_secret(path)
        with located(path):
            return open_handles(data, identity)
    key = read_key(path, identity)
    if key.party != identity.party:
        raise KeyFileError(f"the key belongs to {key.party}", code="KEY_PARTY", place=Place(file=path))
    return HandleSecret.of_key(key)


def write_handle_secret(handles: HandleSecret, path: Path, identity: Identity) -> None:
    """Write a handle file, sealed under the department's identity.

    Raises:
        KeyFileError: as :func:`write_key` does.
    """
    write_new_secret(path, seal_handles(handles, identity))


def resealed(path: Path, old: Identity, new: Identity) -> bytes:
    """The content of a sealed key or handle file for a renewed identity.

    Raises:
        KeyFileError: as :func:`read_key` does; ``KEY_FORMAT`` for a key of version 1, which is not sealed.
        PackageError: ``KEY_SIGNATURE``.
    """
    data = read_secret(path)
    with located(path):
        return seal_key(open_key(data, old), new) if is_sealed_key(path) else seal_handles(open_handles(data, old), new)


def read_shared_secret(path: Path) -> SharedSecret:
    """Read a shared secret file.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``, ``KEY_PERMISSIONS`` as :func:`read_key` does, or ``KEY_FORMAT`` where the file
            is something else, a department's own key included: handing that over would give its handles away.
    """
    content = _read_secret_file(_SharedFile, path, "a shared secret file; make one with: secure-match keys share")
    with located(path):
        secret = _secret_bytes(content.encoding_secret)
        return SharedSecret(
            agreement_id=content.agreement_id, key_epoch=content.key_epoch, key=EncodingKey.from_secret(secret)
        )


def _write_secret_file(content: _KeyHeader, path: Path) -> None:
    write_new_secret(path, content.model_dump_json(indent=1).encode() + b"\n")


def _read_secret_file(model: type[KeyFileT], path: Path, expected: str) -> KeyFileT:
    data, shared = read_secret_and_mode(path)
    content: KeyFileT | None = None
    with contextlib.suppress(ValueError):
        content = parse_json(model, data)
    if content is None:
        raise KeyFileError(f"this is not {expected}", code="KEY_FORMAT", place=Place(file=path))
    if shared:
        raise shared_secret_error(path)
    return content


def _secret_bytes(text: str) -> bytes:
    secret = b""
    with contextlib.suppress(ValueError):
        secret = bytes.fromhex(text)
    if len(secret) != SECRET_BYTES:
        raise KeyFileError("a secret of the key file is damaged", code="KEY_FORMAT")
    return secret
