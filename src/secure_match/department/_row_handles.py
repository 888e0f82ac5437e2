"""RAW: handles of rows, by which a department and nobody else finds its own row again.

Invariants: handles of one key and dataset are unique: a block cipher maps different row numbers to different blocks,
and a row key that stands twice is refused. Row numbers and row keys have keys of their own, so that no handle of one
kind says anything of the other.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from secure_match.department._columns import Column
from secure_match.department.keys import EncodingKey, derive_key, keyed_prf_16_each
from secure_match.department.secret_access import reveal
from secure_match.errors import EncodingError, Place
from secure_match.kernels._seen import SeenKeys
from secure_match.kernels.bloom import ByteMatrix

HANDLE_BYTES: Final = 16


def numbered_handles(key: EncodingKey, dataset: str, first: int, num_rows: int) -> ByteMatrix:
    """Handles of row numbers: AES-256 (FIPS 197) of the number as one big-endian block.

    AES in counter mode (NIST SP 800-38A) over zeros is just that, for a run of numbers at once.

    Args:
        key: its handle secret keys the cipher.
        dataset: takes part in the key, so that equal row numbers of two datasets have different handles.
        first: number of the first row.
        num_rows: how many rows.

    Returns:
        uint8 of shape (num_rows, 16).
    """
    cipher_key = derive_key(reveal(key, "handle"), "handle-row-number", dataset)
    encryptor = Cipher(AES256(cipher_key), CTR(first.to_bytes(HANDLE_BYTES, "big"))).encryptor()
    blocks = encryptor.update(bytes(HANDLE_BYTES * num_rows))
    return np.frombuffer(blocks, dtype=np.uint8).reshape(num_rows, HANDLE_BYTES)


class KeyedHandles:
    """Handles of row keys: a keyed PRF (BLAKE2b, 16 bytes) of the row key's text.

    Holds the handles of the rows it saw, 16 to 64 bytes each, to find a row key that stands twice; and the derived key,
    for as long as it lives.
    """

    __slots__ = ("_key", "_name", "_seen")

    def __init__(self, key: EncodingKey, dataset: str, name: str) -> None:
        """Derive the key.

        Args:
            key: its handle secret keys the PRF.
            dataset: takes part in the key, so that equal row keys of two datasets have different handles.
            name: name of the column of row keys, for messages.
        """
        self._key = derive_key(reveal(key, "handle"), "handle", dataset)
        self._name = name
        self._seen = SeenKeys()

    def make(self, column: Column, first: int, num_rows: int) -> ByteMatrix:
        """Handles of the next rows.

        Args:
            column: the row keys.
            first: number of the first row, for messages.
            num_rows: how many rows.

        Returns:
            uint8 of shape (num_rows, 16).

        Raises:
            EncodingError: ``ROW_KEY_MISSING``, or ``ROW_KEY_DUPLICATE`` for a key of these or earlier rows.
        """
        chunk = column.chunk(0, num_rows)
        missing = np.flatnonzero(chunk.codes < 0)
        if len(missing):
            raise EncodingError(
                "the row has no row key",
                code="ROW_KEY_MISSING",
                place=Place(row=first + int(missing[0]), column=self._name),
            )
        # Keys that are not valid text still tell rows apart.
        handles = keyed_prf_16_each(self._key, chunk.texts.items())[chunk.codes]
        again = self._seen.add(handles)
        if again.any():
            raise EncodingError(
                "the row key stands on an earlier row too; name a column that is unique",
                code="ROW_KEY_DUPLICATE",
                place=Place(row=first + int(np.flatnonzero(again)[0]), column=self._name),
            )
        return handles
