"""RAW: ID numbers to the inputs of blinded evaluation, and the tokens that are known of them.

Invariants:

* an input is keyed by the departments' shared key: key holder and bureau, without a department, cannot try numbers,
* only valid and repaired numbers have an input, that of their canonical form, which is what ``encode`` makes of them,
* what is asked is asked once, whatever number of rows and datasets hold it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.agreement import Agreement
from secure_match.department import _labels
from secure_match.department.keys import DepartmentKey, derive_key
from secure_match.department.secret_access import reveal
from secure_match.exchange.opaque import Guarded
from secure_match.kernels._seen import SeenKeys

INPUT_BYTES: Final = 32
NAME_BYTES: Final = 16
"""An answer is kept under the first bytes of its input; of 10^9 inputs two have one name with probability 2^-69."""
KEPT_BYTES: Final = 2 * NAME_BYTES

ByteMatrix = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]
WordArray = npt.NDArray[np.uint64]
RandomBytes = Callable[[int], bytes]


class TokenInputs(Guarded):
    """Makes the inputs of one agreement and epoch: HMAC-SHA-256 of the canonical number, 32 bytes.

    Args:
        agreement: its fingerprint, epoch and kind of number are part of the key.
        key: a department's; all departments of the agreement make equal inputs.
    """

    __slots__ = ("_key",)

    def __init__(self, agreement: Agreement, key: DepartmentKey) -> None:
        kinds = {field.kind for field in agreement.fields.values()}
        purpose = _labels.IDENTIFIER_TOKEN if "identifier" in kinds else _labels.ID_TOKEN
        secret = reveal(key, "encoding")
        self._key = derive_key(secret, _labels.OPRF_INPUT, agreement.fingerprint, agreement.key_epoch, purpose)

    def of(self, values: pa.StringArray) -> ByteMatrix:
        """Inputs, uint8 of shape (values that are not null, 32), in the order of the values.

        Args:
            values: canonical numbers, as ``NormalisedField.values`` holds them.
        """
        key = self._key
        present = values.drop_null().cast(pa.binary()).to_pylist()
        inputs = b"".join([hmac.digest(key, value, "sha256") for value in present])
        return np.frombuffer(inputs, dtype=np.uint8).reshape(-1, INPUT_BYTES)


class DistinctInputs(Guarded):
    """Collects inputs of many batches, each once.

    Args:
        known: inputs that are not collected, uint8 of shape (inputs, 32 or 16); only their names are looked at.
    """

    __slots__ = ("_parts", "_seen", "rows")

    def __init__(self, known: Iterable[ByteMatrix] = ()) -> None:
        self._seen = SeenKeys()
        self._parts: list[ByteMatrix] = []
        self.rows = 0
        for names in known:
            self._seen.add(np.ascontiguousarray(names[:, :NAME_BYTES]))

    def add(self, inputs: ByteMatrix) -> None:
        """Add the inputs of a batch, uint8 of shape (inputs, 32)."""
        self.rows += len(inputs)
        self._parts.append(inputs[~self._seen.add(np.ascontiguousarray(inputs[:, :NAME_BYTES]))])

    def take(self) -> ByteMatrix:
        """All that are new, uint8 of shape (inputs, 32), in the order of their bytes, which says nothing of rows."""
        found = np.concatenate(self._parts) if self._parts else np.zeros((0, INPUT_BYTES), dtype=np.uint8)
        return found[_order(found)]


class KeptTokens(Guarded):
    """The answers that a department has: name of the input to token.

    Args:
        kept: uint8 of shape (answers, 32): name, then token, in any order; the same answer may stand twice.
    """

    __slots__ = ("_high", "_low", "_tokens")

    def __init__(self, kept: ByteMatrix) -> None:
        kept = kept[_order(kept)]
        words = np.ascontiguousarray(kept[:, :NAME_BYTES]).view(">u8").astype(np.uint64)
        self._high, self._low, self._tokens = words[:, 0], words[:, 1], kept[:, NAME_BYTES:]

    def __len__(self) -> int:
        return len(self._high)

    @property
    def names(self) -> ByteMatrix:
        """Names of the inputs that have an answer, uint8 of shape (answers, 16), sorted."""
        words = np.stack([self._high, self._low], axis=1)
        return words.astype(">u8").view(np.uint8).reshape(-1, NAME_BYTES)

    def find(self, inputs: ByteMatrix) -> tuple[ByteMatrix, BoolArray]:
        """Tokens of inputs.

        Args:
            inputs: uint8 of shape (inputs, 32).

        Returns:
            uint8 of shape (inputs, 16), zero where there is no answer; and whether there is one.
        """
        words = np.ascontiguousarray(inputs[:, :NAME_BYTES]).view(">u8").astype(np.uint64).reshape(-1, 2)
        place = np.searchsorted(self._high, words[:, 0])
        found = np.zeros(len(words), dtype=np.bool_)
        tokens = np.zeros((len(words), NAME_BYTES), dtype=np.uint8)
        waiting = np.arange(len(words))
        # Names that share their first eight bytes stand side by side, nearly always one.
        while len(waiting := waiting[place[waiting] < len(self)]):
            waiting = waiting[self._high[place[waiting]] == words[waiting, 0]]
            equal = self._low[place[waiting]] == words[waiting, 1]
            hits = waiting[equal]
            found[hits], tokens[hits] = True, self._tokens[place[hits]]
            waiting = waiting[~equal]
            place[waiting] += 1
        return tokens, found


def shuffled(inputs: ByteMatrix, random: RandomBytes) -> ByteMatrix:
    """Inputs in a random order."""
    keys = np.frombuffer(random(8 * len(inputs)), dtype=np.uint64)
    return inputs[np.argsort(keys, kind="stable")]


def kept_rows(inputs: ByteMatrix, tokens: ByteMatrix) -> ByteMatrix:
    """What is kept of answers, uint8 of shape (answers, 32): name and token, in the order of the names."""
    kept = np.concatenate([inputs[:, :NAME_BYTES], tokens], axis=1)
    return kept[_order(kept)]


def _order(rows: ByteMatrix) -> npt.NDArray[np.int64]:
    """Where the rows go that their first 16 bytes put in order."""
    words = np.ascontiguousarray(rows[:, :NAME_BYTES]).view(">u8").astype(np.uint64).reshape(-1, 2)
    return np.asarray(np.lexsort((words[:, 1], words[:, 0])), dtype=np.int64)
