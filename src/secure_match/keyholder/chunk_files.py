"""KEY: evaluated chunks of a large request on disk, so that a killed run goes on with the chunk that it was at.

A chunk's file is the SHA-256 of what follows, the proof (64 bytes), the elements. Invariants: a folder is of one
request and one key; a file that is not whole, or of another size, is made again; an evaluated element is as blinded as
it came, so that the folder holds nothing secret, and still is its owner's alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from pathlib import Path
from typing import Final

import numpy as np

from secure_match.encoded.files import atomic_writer
from secure_match.errors import PackageError, Place
from secure_match.exchange.oprf import ELEMENT_BYTES, PROOF_BYTES, ByteMatrix

FOLDER_NAME: Final = ".evaluating"
_DIGEST_BYTES: Final = 32


class ChunkFolder:
    """The chunks of one request.

    Raises:
        PackageError: ``FILE_NOT_WRITABLE``.
    """

    def __init__(self, parent: Path, request_digest: str, public_key: bytes) -> None:
        name = hashlib.sha256(bytes.fromhex(request_digest) + public_key).hexdigest()[:32]
        self._root = parent / FOLDER_NAME
        self._path = self._root / name
        problem = ""
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            problem = error.strerror or "cannot be made"
        if problem:
            raise PackageError(problem, code="FILE_NOT_WRITABLE", place=Place(file=self._path))

    def read(self, number: int, rows: int) -> tuple[ByteMatrix, bytes] | None:
        """Elements, uint8 of shape (rows, 32), and proof of a chunk; None where it is not there whole."""
        data = b""
        with contextlib.suppress(OSError):
            data = self._file(number).read_bytes()
        digest, body = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        if len(body) != PROOF_BYTES + rows * ELEMENT_BYTES or hashlib.sha256(body).digest() != digest:
            return None
        elements = np.frombuffer(body, dtype=np.uint8, offset=PROOF_BYTES).reshape(rows, ELEMENT_BYTES)
        return elements, body[:PROOF_BYTES]

    def write(self, number: int, elements: ByteMatrix, proof: bytes) -> None:
        """Keep a chunk.

        Raises:
            PackageError: ``FILE_NOT_WRITABLE``.
        """
        body = proof + elements.tobytes()
        with atomic_writer(self._file(number)) as stream:
            stream.write(hashlib.sha256(body).digest() + body)

    def remove(self) -> None:
        """Remove the folder: the answer is written."""
        shutil.rmtree(self._path, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._root.rmdir()

    def _file(self, number: int) -> Path:
        return self._path / f"{number:06d}.chunk"
