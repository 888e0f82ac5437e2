"""RAW: the store: what a department asked of the key holders, and what came of it. It never leaves the department.

A folder of the department's own: ``store.json`` says whose it is and holds its key, in the clear under a trial
agreement as a trial key file does, sealed under the department's identity otherwise. ``answered-REQUEST`` are tokens,
``asked-REQUEST`` is a folder with the inputs, blinds and answers of a request that still waits.

Invariants:

* every other file is AES-256-GCM under the store's key, bound to its own name: one cannot stand in another's place,
* a file appears whole or not at all, and for its owner only; what was paid for by a quota is never removed before its
  tokens are on the disk,
* a store is of one party, one text of one agreement and one epoch: other inputs would get other answers.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from secure_match.agreement import Agreement
from secure_match.audit.locked_files import opened_to_append
from secure_match.department._token_store_head import new_head, parse_head, store_key
from secure_match.department.blinding import INPUT_BYTES, KEPT_BYTES, ByteMatrix, KeptTokens, RandomBytes
from secure_match.department.keys import SECRET_BYTES, DepartmentKey
from secure_match.errors import KeyFileError, Place, UsageError, located
from secure_match.exchange.desk import Desk
from secure_match.exchange.identities import Identity
from secure_match.exchange.opaque import Guarded
from secure_match.exchange.secret_files import read_secret, replace_secret, write_new_secret

SCALAR_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_HEAD_NAME: Final = "store.json"
_LOCK_NAME: Final = "lock"
_INPUTS: Final = "inputs"
_COMPLETE: Final = "complete"


class TokenFolder(Guarded):
    """A department's store, opened. Use :func:`open_token_folder`."""

    __slots__ = ("_cipher", "_random", "party", "path")

    def __init__(self, path: Path, party: str, key: bytes, random: RandomBytes | None) -> None:
        self.path, self.party, self._cipher, self._random = path, party, AESGCM(key), random

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """The store for this process alone: of two runs at once one waits, so that nothing is asked twice."""
        with opened_to_append(self.path / _LOCK_NAME):
            yield

    def kept(self) -> KeptTokens:
        """All tokens of all answers.

        Raises:
            KeyFileError: ``STORE_DAMAGED``.
        """
        parts = [self._read(f"answered-{name}", KEPT_BYTES) for name in self._named("answered-")]
        empty = np.zeros((0, KEPT_BYTES), dtype=np.uint8)
        return KeptTokens(np.concatenate([empty, *(part for part in parts if part is not None)]))

    def is_answered(self, request_id: str) -> bool:
        """Whether the tokens of a request are kept."""
        return (self.path / f"answered-{request_id}").is_file()

    def waiting(self) -> list[str]:
        """Ids of the requests that were written and have no tokens yet, sorted."""
        return [name for name in self._named("asked-") if self._has(name, _COMPLETE) and not self.is_answered(name)]

    def drafts(self) -> list[str]:
        """Ids of the requests whose blinding was interrupted, sorted."""
        return [name for name in self._named("asked-") if self._has(name, _INPUTS) and not self._has(name, _COMPLETE)]

    def begin(self, request_id: str, inputs: ByteMatrix) -> None:
        """Begin a draft.

        Args:
            inputs: uint8 of shape (elements, 32), in the order of the request.

        Raises:
            KeyFileError: ``FILE_NOT_WRITABLE``.
        """
        _make_private(self.path / f"asked-{request_id}")
        self.write_part(request_id, _INPUTS, inputs)

    def inputs(self, request_id: str) -> ByteMatrix:
        """The inputs of a request, in its order.

        Raises:
            KeyFileError: ``STORE_DAMAGED``.
        """
        found = self.read_part(request_id, _INPUTS, INPUT_BYTES)
        return found if found is not None else np.zeros((0, INPUT_BYTES), dtype=np.uint8)

    def complete(self, request_id: str, datasets: Sequence[str]) -> None:
        """Say that all blinds are there, before the request leaves, and which datasets it is for."""
        names = " ".join(datasets).encode("ascii")
        self.write_part(request_id, _COMPLETE, np.frombuffer(names, dtype=np.uint8).reshape(-1, 1))

    def datasets(self, request_id: str) -> tuple[str, ...]:
        """The datasets that a complete request is for."""
        names = self.read_part(request_id, _COMPLETE, 1)
        return tuple(names.tobytes().decode("ascii").split()) if names is not None else ()

    def write_blinds(self, request_id: str, number: int, blinds: ByteMatrix) -> None:
        """Write the blinds of a chunk, uint8 of shape (elements, 64): scalar, then blinded element."""
        self.write_part(request_id, f"blinds-{number:05d}", blinds)

    def blinds(self, request_id: str, number: int) -> ByteMatrix | None:
        """The blinds of a chunk; None where it was not blinded yet."""
        return self.read_part(request_id, f"blinds-{number:05d}", 2 * SCALAR_BYTES)

    def write_part(self, request_id: str, name: str, rows: ByteMatrix) -> None:
        """Write a part of a request, uint8 of shape (rows, bytes)."""
        self._write(f"asked-{request_id}/{name}", rows)

    def read_part(self, request_id: str, name: str, width_bytes: int) -> ByteMatrix | None:
        """A part of a request, uint8 of shape (rows, ``width_bytes``); None where it was not written yet.

        Raises:
            KeyFileError: ``STORE_DAMAGED``.
        """
        return self._read(f"asked-{request_id}/{name}", width_bytes)

    def finish(self, request_id: str, kept: ByteMatrix) -> None:
        """Keep the tokens of a request, uint8 of shape (answers, 32), and only then let go of its blinds."""
        self._write(f"answered-{request_id}", kept)
        self.drop(request_id)

    def drop(self, request_id: str) -> None:
        """Remove a draft, or what is left of a request whose tokens are kept."""
        shutil.rmtree(self.path / f"asked-{request_id}", ignore_errors=True)

    def _named(self, prefix: str) -> list[str]:
        return sorted(item.name.removeprefix(prefix) for item in self.path.iterdir() if item.name.startswith(prefix))

    def _has(self, request_id: str, name: str) -> bool:
        return (self.path / f"asked-{request_id}" / name).is_file()

    def _write(self, name: str, rows: ByteMatrix) -> None:
        if self._random is None:
            raise UsageError("this store was opened to be read", code="FILE_NOT_WRITABLE", place=Place(file=self.path))
        nonce = self._random(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, rows.tobytes(), name.encode())
        replace_secret(self.path / name, sealed)

    def _read(self, name: str, width_bytes: int) -> ByteMatrix | None:
        path = self.path / name
        if not path.is_file():
            return None
        content: bytes | None = None
        with contextlib.suppress(OSError, InvalidTag, ValueError):
            sealed = path.read_bytes()
            content = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        if content is None or len(content) % width_bytes:
            raise KeyFileError(
                "this file of the store is damaged, or another's; restore the store from its backup",
                code="STORE_DAMAGED",
                place=Place(file=path),
            )
        return np.frombuffer(content, dtype=np.uint8).reshape(-1, width_bytes)


def open_token_folder(
    path: Path,
    agreement: Agreement,
    party: str | None,
    identity: Identity | None,
    *,
    random: RandomBytes | None = None,
    create: bool = False,
) -> TokenFolder:
    """Open a department's store.

    Args:
        party: whose it has to be; None for a store that is there and anybody's.
        identity: the department's, under a sealed agreement.
        random: random bytes of the system; None where nothing will be written.
        create: make it for ``party`` where there is none.

    Raises:
        KeyFileError: ``FILE_NOT_FOUND``, ``FILE_NOT_WRITABLE``; ``STORE_DAMAGED`` where ``store.json`` is none;
            ``STORE_AGREEMENT`` where it is another party's, or of another agreement, text or epoch;
            ``KEY_PERMISSIONS`` where others may open it; ``KEY_SEAL``.
        PackageError: ``KEY_SIGNATURE``.
    """
    head_path = path / _HEAD_NAME
    if create and random is not None and party is not None and not head_path.exists():
        _make_private(path)
        key = random(SECRET_BYTES)
        write_new_secret(head_path, new_head(agreement, party, identity, key))
    data = read_secret(head_path)
    with located(head_path):
        head = parse_head(data, agreement, party)
        return TokenFolder(path, head.party, store_key(head, identity), random)


def kept_tokens(path: Path, agreement: Agreement, key: DepartmentKey, desk: Desk | None) -> KeptTokens:
    """The tokens of a department's store, for encoding.

    Raises:
        KeyFileError, PackageError: as :func:`open_token_folder`.
    """
    identity = desk.identity if desk is not None else None
    return open_token_folder(path, agreement, key.party, identity).kept()


def _make_private(folder: Path) -> None:
    problem = ""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        problem = error.strerror or "cannot be made"
    if problem:
        raise KeyFileError(problem, code="FILE_NOT_WRITABLE", place=Place(file=folder))
