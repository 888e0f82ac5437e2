"""RAW: handles: a keyed PRF of the department's own row key.

The key is the department's alone and does not depend on the agreement's fingerprint, so the same row gets the same
handle next month and nobody else, other departments included, can compute it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.department import _labels
from secure_match.department.keys import DepartmentKey, derive_key, derive_key_id, keyed_prf_16_each
from secure_match.department.secret_access import reveal
from secure_match.encoded import binary_from_matrix
from secure_match.exchange.opaque import Guarded
from secure_match.kernels._seen import SeenKeys

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

    def make(self, row_keys: pa.StringArray, seen: SeenKeys) -> tuple[pa.Array, BoolArray, BoolArray]:
        """Handles of a batch.

        Args:
            row_keys: cleaned row keys, string array of shape (rows,).
            seen: handles of earlier batches; those of this one are added.

        Returns:
            Handles as fixed_size_binary(16) of shape (rows,), zero where there is no key; which rows have no key;
            which repeat an earlier row's.
        """
        present = np.asarray(
            pc.greater(pc.fill_null(pc.binary_length(row_keys), 0), 0).to_numpy(zero_copy_only=False), dtype=np.bool_
        )
        items = row_keys.filter(pa.array(present)).cast(pa.binary()).to_pylist()
        matrix = np.zeros((len(row_keys), HANDLE_BYTES), dtype=np.uint8)
        matrix[present] = keyed_prf_16_each(self._key, items)
        repeated = np.zeros(len(row_keys), dtype=np.bool_)
        repeated[present] = seen.add(matrix[present])
        return binary_from_matrix(matrix), ~present, repeated
