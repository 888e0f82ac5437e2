"""RAW: ID tokens: equal ID numbers, or equal identifiers, give equal tokens to all departments of an agreement.

The token is a keyed hash. It does not protect against whoever holds the shared key: all numbers of one county can be
tried in seconds. The agreement has to accept this; blinded tokens come in a later version.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from secure_match.department.keys import keyed_prf_16_each
from secure_match.department.normalise import NormalisedField
from secure_match.encoded import binary_from_matrix

TOKEN_BYTES = 16


def id_tokens(numbers: NormalisedField, key: bytes) -> pa.Array:
    """Tokens, fixed_size_binary(16) of shape (rows,), of canonical numbers; null where there is none.

    Args:
        numbers: normalised ID numbers or identifiers; only valid and repaired ones have a value.
        key: 32 bytes, derived for this purpose and this kind of field alone.
    """
    valid = np.asarray(numbers.values.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    matrix = np.zeros((len(valid), TOKEN_BYTES), dtype=np.uint8)
    present = numbers.values.drop_null().cast(pa.binary()).to_pylist()
    matrix[valid] = keyed_prf_16_each(key, present)
    return binary_from_matrix(matrix, valid)
