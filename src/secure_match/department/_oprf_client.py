"""RAW: the department's side of the blinded evaluation, chunk by chunk: blind, check, take blinds off.

Invariant: chunks are those that a key holder proves, so that each can be checked, kept and done again by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Final

import numpy as np

from secure_match.department.blinding import ByteMatrix, RandomBytes
from secure_match.exchange.oprf import (
    PROOF_ELEMENTS,
    add_elements,
    blind,
    finalise,
    scalars_from,
)

CHUNK_ELEMENTS: Final = PROOF_ELEMENTS
_RANDOM_BYTES: Final = 64


def chunks_of(rows: ByteMatrix) -> Iterator[tuple[int, ByteMatrix]]:
    """The chunks of a request's or answer's rows, numbered from 0."""
    for number, start in enumerate(range(0, len(rows), CHUNK_ELEMENTS)):
        yield number, rows[start : start + CHUNK_ELEMENTS]


def blinded_chunk(inputs: ByteMatrix, random: RandomBytes) -> ByteMatrix:
    """Blinds of a chunk, uint8 of shape (elements, 64): a random scalar, and the element that it makes of the input."""
    scalars = scalars_from(random(_RANDOM_BYTES * len(inputs)))
    return np.concatenate([scalars, blind(_items(inputs), scalars)], axis=1)


def finalised_chunk(inputs: ByteMatrix, scalars: ByteMatrix, answers: Sequence[ByteMatrix]) -> ByteMatrix:
    """Outputs of a chunk, uint8 of shape (elements, 64), of the answers of all key holders."""
    return finalise(_items(inputs), scalars, reduce(add_elements, answers))


def _items(inputs: ByteMatrix) -> list[bytes]:
    return [row.tobytes() for row in inputs]
