"""ENCODED: what an identity's private part is locked with at rest: a passphrase, a key file, or a key in a token.

A lock gives a wrapping key of 32 bytes from its parameters, which stand readable in the identity file; what it needs
besides (the passphrase, say) it holds as an opaque handle. Invariant: parameters weaker than this module would choose
are refused when a file is read, as are ones that would take a machine's memory: the file may be a stranger's.
"""

from __future__ import annotations

import secrets
from typing import Annotated, Final, Literal, Protocol

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from pydantic import Field

from secure_match.agreement.strict import StrictModel, VisibleText
from secure_match.errors import KeyFileError
from secure_match.exchange.derivation import hkdf_sha256, purpose_label
from secure_match.exchange.opaque import Guarded

WRAPPING_BYTES: Final = 32
UNLOCK_FILE_BYTES: Final = 32
SHORTEST_PASSPHRASE: Final = 12
"""Characters. Argon2id makes a guess cost 64 MiB and a tenth of a second; it does not make a short phrase long."""

_SALT_BYTES: Final = 16
# RFC 9106, section 4, second recommended option.
_MEMORY_KIB: Final = 64 * 1024
_ITERATIONS: Final = 3
_LANES: Final = 4

Salt = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class PassphraseParameters(StrictModel):
    """Argon2id (RFC 9106) over a passphrase.

    Attributes:
        memory_kib: memory in KiB, 64 MiB to 1 GiB.
        iterations: passes over it.
        lanes: lanes of it.
    """

    kind: Literal["passphrase"]
    kdf: Literal["argon2id"]
    salt: Salt
    memory_kib: Annotated[int, Field(ge=_MEMORY_KIB, le=1 << 20)]
    iterations: Annotated[int, Field(ge=_ITERATIONS, le=16)]
    lanes: Annotated[int, Field(ge=1, le=16)]


class KeyFileParameters(StrictModel):
    """HKDF-SHA256 over a file of 32 random bytes."""

    kind: Literal["key-file"]
    salt: Salt


class TokenParameters(StrictModel):
    """HMAC-SHA256 of the salt inside a PKCS#11 token, by a key that does not leave it; then HKDF-SHA256.

    Attributes:
        token: label of the token.
        object: label of the secret key in it.
    """

    kind: Literal["pkcs11"]
    salt: Salt
    token: Annotated[VisibleText, Field(min_length=1, max_length=32)]
    object: Annotated[VisibleText, Field(min_length=1, max_length=64)]


LockParameters = Annotated[PassphraseParameters | KeyFileParameters | TokenParameters, Field(discriminator="kind")]
AnyParameters = PassphraseParameters | KeyFileParameters | TokenParameters


class Lock(Protocol):
    """What can lock an identity file and unlock it again."""

    def new_parameters(self) -> AnyParameters:
        """Parameters for a new file, with a new salt."""

    def wrapping_key(self, parameters: AnyParameters) -> bytes:
        """The key of 32 bytes that the parameters and this lock give.

        Raises:
            KeyFileError: ``KEY_LOCK`` where the file is locked with something else.
        """


class PassphraseLock(Guarded):
    """A passphrase. Spaces at its ends belong to it; it is taken as UTF-8.

    Raises:
        KeyFileError: ``PASSPHRASE_SHORT`` for fewer than ``SHORTEST_PASSPHRASE`` characters.
    """

    __slots__ = ("_passphrase",)

    def __init__(self, passphrase: str) -> None:
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise KeyFileError(
                f"a passphrase has at least {SHORTEST_PASSPHRASE} characters; take five random words",
                code="PASSPHRASE_SHORT",
            )
        self._passphrase = passphrase.encode()

    def new_parameters(self) -> PassphraseParameters:
        """See :class:`Lock`."""
        return PassphraseParameters(
            kind="passphrase",
            kdf="argon2id",
            salt=secrets.token_hex(_SALT_BYTES),
            memory_kib=_MEMORY_KIB,
            iterations=_ITERATIONS,
            lanes=_LANES,
        )

    def wrapping_key(self, parameters: AnyParameters) -> bytes:
        """See :class:`Lock`."""
        if not isinstance(parameters, PassphraseParameters):
            raise wrong_lock(parameters)
        return Argon2id(
            salt=bytes.fromhex(parameters.salt),
            length=WRAPPING_BYTES,
            iterations=parameters.iterations,
            lanes=parameters.lanes,
            memory_cost=parameters.memory_kib,
        ).derive(self._passphrase)


class KeyFileLock(Guarded):
    """The content of a key file: 32 random bytes.

    Raises:
        KeyFileError: ``KEY_LENGTH``.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != UNLOCK_FILE_BYTES:
            raise KeyFileError(f"an unlock key file has {UNLOCK_FILE_BYTES} bytes", code="KEY_LENGTH")
        self._secret = secret

    def new_parameters(self) -> KeyFileParameters:
        """See :class:`Lock`."""
        return KeyFileParameters(kind="key-file", salt=secrets.token_hex(_SALT_BYTES))

    def wrapping_key(self, parameters: AnyParameters) -> bytes:
        """See :class:`Lock`."""
        if not isinstance(parameters, KeyFileParameters):
            raise wrong_lock(parameters)
        return wrapping_key(self._secret, parameters.salt, "key-file")


def wrapping_key(secret: bytes, salt: str, kind: str) -> bytes:
    """The wrapping key of a random secret of 32 bytes and a salt in hex."""
    info = purpose_label("identity-lock", kind)
    return hkdf_sha256(secret, salt=bytes.fromhex(salt), info=info, length_bytes=WRAPPING_BYTES)


def new_unlock_key() -> bytes:
    """The content of a new unlock key file."""
    return secrets.token_bytes(UNLOCK_FILE_BYTES)


def new_salt() -> str:
    """A new salt, in hex."""
    return secrets.token_hex(_SALT_BYTES)


def wrong_lock(parameters: AnyParameters) -> KeyFileError:
    """The error about an identity file that is locked with something else than what was offered."""
    needs = {
        "passphrase": "a passphrase",
        "key-file": "a key file; give --unlock-key",
        "pkcs11": "a key in a token; give --unlock-pkcs11",
    }
    return KeyFileError(f"this identity is locked with {needs[parameters.kind]}", code="KEY_LOCK")
