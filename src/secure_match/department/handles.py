"""RAW: handles: a keyed PRF of the department's own row key.

The key is the department's alone and does not depend on the agreement's fingerprint, so the same row gets the same
handle next month and nobody else, other departments included, can compute it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.department import _labels
from secure_match.department.keys import DepartmentKey, Guarded, derive_key, derive_key_id, keyed_prf_16
from secure_match.department.secret_access import reveal
from secure_match.encoded import binary_from_matrix

HANDLE_BYTES = 16
BoolArray = npt.NDArray[np.bool_]


class HandleMaker(Guarded):
    """Makes the handles of one dataset.

    Attributes:
        key_id: public name of the handle key.
    """

    __slots__ = ("_key", "key_id")

    def __init__(self, key: DepartmentKey, agreement_id: str, dataset_id: str) -> None:
        secret = reveal(key, "handle")
        self._key = derive_key(secret, _labels.HANDLE, agreement_id, dataset_id)
        self.key_id = derive_key_id(secret, _labels.HANDLE, agreement_id, dataset_id)

    def make(self, row_keys: pa.StringArray, seen: set[bytes]) -> tuple[pa.Array, BoolArray, BoolArray]:
        """Handles of a batch.

        Args:
            row_keys: cleaned row keys, string array of shape (rows,).
            seen: handles of earlier batches; those of this one are added.

        Returns:
            Handles as fixed_size_binary(16) of shape (rows,), zero where there is no key; which rows have no key;
            which repeat an earlier row's.
        """
        values = row_keys.to_pylist()
        matrix = np.zeros((len(values), HANDLE_BYTES), dtype=np.uint8)
        missing = np.zeros(len(values), dtype=np.bool_)
        repeated = np.zeros(len(values), dtype=np.bool_)
        for row, value in enumerate(values):
            if not value:
                missing[row] = True
                continue
            handle = keyed_prf_16(self._key, value.encode())
            repeated[row] = handle in seen
            seen.add(handle)
            matrix[row] = np.frombuffer(handle, dtype=np.uint8)
        return binary_from_matrix(matrix), missing, repeated
