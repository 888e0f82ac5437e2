"""ENCODED: a key holder's public file: which key it evaluates under, for one agreement and epoch.

It is written before the agreement names the key, so nothing can vouch for it but its key id, read out by its owner.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from secure_match.agreement.strict import StrictModel, parse_json
from secure_match.encoded.files import atomic_writer, open_to_read
from secure_match.encoded.manifest import Identifier, KeyEpoch
from secure_match.errors import KeyFileError, PackageError, located
from secure_match.exchange.base64_bytes import CanonicalBase64
from secure_match.exchange.oprf._group import add_keys

_ID_LABEL: Final = b"secure_match/v1/oprf-key-id\n"
_MAX_BYTES: Final = 1 << 16


class _PublicFile(StrictModel):
    format: Literal["secure_match/oprf-public-key"] = "secure_match/oprf-public-key"
    format_version: Literal[1] = 1
    party: Identifier
    agreement_id: Identifier
    key_epoch: KeyEpoch
    public_key: CanonicalBase64
    key_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OprfPublicKey:
    """A key holder's public key.

    Attributes:
        key: 32 bytes.
    """

    party: str
    agreement_id: str
    key_epoch: str
    key: bytes

    @property
    def key_id(self) -> str:
        """The name of the key, 16 hex digits, to be read out."""
        return hashlib.sha256(_ID_LABEL + self.key).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The key as an agreement's ``public_keys.oprf`` holds it."""
        return base64.b64encode(self.key).decode("ascii")


def is_oprf_public(path: Path) -> bool:
    """Whether a file says that it is a key holder's public file; False where it is none or cannot be read."""
    content: object = None
    with contextlib.suppress(OSError, ValueError, RecursionError), path.open("rb") as stream:
        content = json.loads(stream.read(_MAX_BYTES))
    return isinstance(content, dict) and content.get("format") == "secure_match/oprf-public-key"


def write_oprf_public(public: OprfPublicKey, path: Path) -> None:
    """Write or replace a public file; everybody may read it.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """
    content = _PublicFile(
        party=public.party,
        agreement_id=public.agreement_id,
        key_epoch=public.key_epoch,
        public_key=public.key,
        key_id=public.key_id,
    )
    with atomic_writer(path) as stream:
        stream.write(content.model_dump_json(indent=1).encode() + b"\n")
    with contextlib.suppress(OSError):
        path.chmod(0o644)


def read_oprf_public(path: Path) -> OprfPublicKey:
    """Read a public file.

    Raises:
        PackageError: ``FILE_NOT_FOUND``.
        KeyFileError: ``KEY_FORMAT``, also where the key is no element of the group.
    """
    with located(path), open_to_read(path) as stream:
        content: _PublicFile | None = None
        with contextlib.suppress(ValueError):
            content = parse_json(_PublicFile, stream.read(_MAX_BYTES))
        if content is not None and _is_key(content.public_key):
            public = OprfPublicKey(
                party=content.party,
                agreement_id=content.agreement_id,
                key_epoch=content.key_epoch,
                key=content.public_key,
            )
            if public.key_id == content.key_id:
                return public
        raise KeyFileError(
            "this is no key holder's public file; make one with: secure-match keyholder new", code="KEY_FORMAT"
        )


def _is_key(data: bytes) -> bool:
    with contextlib.suppress(PackageError, ValueError):
        return bool(add_keys(data, data))
    return False
