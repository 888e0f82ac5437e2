"""EDGE: unlocking an identity at the command line: environment, file, token, or a prompt that shows nothing.

Invariants: no secret is an argument of a command (the list of processes shows those) or is echoed; what came from the
environment is removed from it at once, so that no child process and no later dump of it has the secret.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from secure_match.errors import KeyFileError, Place, UsageError
from secure_match.exchange.identities import Identity
from secure_match.exchange.key_files import read_identity, read_lock
from secure_match.exchange.locks import KeyFileLock, Lock, PassphraseLock, new_unlock_key
from secure_match.exchange.secret_files import read_secret, write_new_secret
from secure_match.exchange.token_lock import TokenLock, parse_token_uri

PASSPHRASE_VARIABLE: Final = "SECURE_MATCH_PASSPHRASE"  # noqa: S105  # The name of a variable.
PASSPHRASE_FILE_VARIABLE: Final = "SECURE_MATCH_PASSPHRASE_FILE"  # noqa: S105
PIN_VARIABLE: Final = "SECURE_MATCH_PKCS11_PIN"
PIN_FILE_VARIABLE: Final = "SECURE_MATCH_PKCS11_PIN_FILE"

IdentityOption = Annotated[Path, typer.Option(help="The party's identity file, e.g. police.identity.")]
UnlockKeyOption = Annotated[
    Path | None, typer.Option(help="Key file of 32 bytes that unlocks the identity, in place of a passphrase.")
]
UnlockTokenOption = Annotated[
    str | None,
    typer.Option(
        help="Token key that unlocks the identity: pkcs11:token=LABEL;object=LABEL?module-path=FILE. The PIN comes "
        "from SECURE_MATCH_PKCS11_PIN, the file named in SECURE_MATCH_PKCS11_PIN_FILE, or a prompt."
    ),
]


def read_identity_from(path: Path, unlock_key: Path | None = None, unlock_pkcs11: str | None = None) -> Identity:
    """Read an identity file and unlock it with what the caller, the environment or a prompt gives.

    Args:
        path: the identity file.
        unlock_key: key file that it is locked with.
        unlock_pkcs11: URI of the token key that it is locked with.

    Raises:
        KeyFileError: as ``read_identity``; ``PASSPHRASE_MISSING`` where nothing gives one and nobody can be asked.
        UsageError: ``UNLOCK_TWICE`` for both options.
    """
    return unlock(path, unlock_key, unlock_pkcs11)[0]


def unlock(path: Path, unlock_key: Path | None, unlock_pkcs11: str | None) -> tuple[Identity, Lock]:
    """:func:`read_identity_from`, with the lock, to lock a renewed identity again."""
    kind = read_lock(path).kind
    if kind != "passphrase" and unlock_key is None and unlock_pkcs11 is None:
        option = {"key-file": "--unlock-key", "pkcs11": "--unlock-pkcs11"}[kind]
        raise KeyFileError(f"this identity is locked; give {option}", code="KEY_LOCK", place=Place(file=path))
    lock = _given_lock(unlock_key, unlock_pkcs11, create=False)
    if lock is None:
        lock = PassphraseLock(_secret(PASSPHRASE_VARIABLE, PASSPHRASE_FILE_VARIABLE, f"Passphrase of {path.name}: "))
    return read_identity(path, lock), lock


def new_lock(path: Path, unlock_key: Path | None, unlock_pkcs11: str | None) -> Lock:
    """The lock of a new identity file; a key file that is not there is made, a passphrase at the prompt asked twice.

    Raises:
        KeyFileError: ``PASSPHRASE_SHORT``, ``PASSPHRASE_MISSING``, ``PASSPHRASE_DIFFERS``; what making a file raises.
        UsageError: ``UNLOCK_TWICE``.
    """
    if unlock_key is not None and unlock_pkcs11 is None and not unlock_key.exists():
        write_new_secret(unlock_key, new_unlock_key())
    lock = _given_lock(unlock_key, unlock_pkcs11, create=True)
    if lock is not None:
        return lock
    return PassphraseLock(
        _secret(PASSPHRASE_VARIABLE, PASSPHRASE_FILE_VARIABLE, f"New passphrase for {path.name}: ", twice=True)
    )


def _given_lock(unlock_key: Path | None, unlock_pkcs11: str | None, *, create: bool) -> Lock | None:
    if unlock_key is not None and unlock_pkcs11 is not None:
        raise UsageError("give --unlock-key or --unlock-pkcs11, not both", code="UNLOCK_TWICE")
    if unlock_key is not None:
        return KeyFileLock(read_secret(unlock_key))
    if unlock_pkcs11 is not None:
        address = parse_token_uri(unlock_pkcs11)
        return TokenLock(address, _secret(PIN_VARIABLE, PIN_FILE_VARIABLE, "PIN of the token: "), create=create)
    return None


def _secret(variable: str, file_variable: str, prompt: str, *, twice: bool = False) -> str:
    """A secret from the environment, from the file that it names (its first line), or from a prompt."""
    given = os.environ.pop(variable, None)
    file = os.environ.get(file_variable)
    if given is not None:
        return given
    if file is not None:
        return _first_line(Path(file))
    if not sys.stdin.isatty():
        raise KeyFileError(
            f"no passphrase or PIN: set {variable} or {file_variable}, or run this at a terminal",
            code="PASSPHRASE_MISSING",
        )
    answer = getpass.getpass(prompt)
    if twice and getpass.getpass("The same again: ") != answer:
        raise KeyFileError("the two passphrases differ; nothing was written", code="PASSPHRASE_DIFFERS")
    return answer


def _first_line(path: Path) -> str:
    text: str | None = None
    data = read_secret(path)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise KeyFileError("this is not UTF-8 text", code="KEY_FORMAT", place=Place(file=path))
    return text.split("\n", maxsplit=1)[0].removesuffix("\r")
