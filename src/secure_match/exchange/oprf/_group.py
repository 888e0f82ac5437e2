"""ENCODED: ristretto255 (RFC 9496) on batches of encoded elements: products, sums, and what is no element.

Invariants:

* elements are uint8 of shape (n, 32); row i of a result is of row i of the arguments, with whatever number of threads,
* what is no canonical encoding is refused with the row (from 1) of the first that is none, the identity is, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from secure_match.errors import PackageError, Place
from secure_match.exchange.oprf import _sodium

ByteMatrix = npt.NDArray[np.uint8]
"""uint8 of shape (rows, bytes)."""
Progress = Callable[[int], None]
"""Called with a number of further rows that are done, from the caller's thread."""

ELEMENT_BYTES: Final = 32
OUTPUT_BYTES: Final = 64
_PIECE_ROWS: Final = 256
"""Rows that a thread takes at once: about ten milliseconds of work."""


def checked(matrix: ByteMatrix, *, width: int = ELEMENT_BYTES, rows: int | None = None) -> ByteMatrix:
    """The matrix, contiguous, if it has the right shape.

    Raises:
        PackageError: ``ELEMENT_LENGTH``.
    """
    if matrix.dtype != np.uint8 or matrix.ndim != 2 or matrix.shape[1] != width or rows not in (None, len(matrix)):
        raise PackageError("elements and scalars have 32 bytes each, and are as many", code="ELEMENT_LENGTH")
    return np.ascontiguousarray(matrix)


def empty(rows: int, width: int = ELEMENT_BYTES) -> ByteMatrix:
    """Room for a result; zeros, which as an element is the identity."""
    return np.zeros((rows, width), dtype=np.uint8)


def in_pieces(
    task: Callable[[int, int], int], rows: int, *, workers: int | None = None, progress: Progress | None = None
) -> None:
    """Run a task over pieces of the rows, in threads.

    Args:
        task: takes a first row and the row behind its last; returns the first row that is wrong, or -1.
        workers: threads; None for one per core that this process may use.

    Raises:
        PackageError: ``ELEMENT_INVALID`` with the first row, from 1, that is wrong.
    """
    pieces = [(start, min(rows, start + _PIECE_ROWS)) for start in range(0, rows, _PIECE_ROWS)]
    count = min(workers if workers is not None else core_count(), len(pieces))
    report = progress if progress is not None else _ignore
    if count <= 1:
        for start, stop in pieces:
            _require_right(task(start, stop))
            report(stop - start)
        return
    with ThreadPoolExecutor(count) as pool:
        for (start, stop), wrong in zip(pieces, pool.map(lambda piece: task(*piece), pieces), strict=True):
            _require_right(wrong)
            report(stop - start)


def core_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ignore(_: int) -> None:
    """Progress that nobody follows."""


def _require_right(wrong: int) -> None:
    if wrong >= 0:
        raise PackageError(
            "this is no element of the group, or the one that no honest party sends; refuse the file",
            code="ELEMENT_INVALID",
            place=Place(row=wrong + 1),
        )


def multiply_each(
    scalars: ByteMatrix, elements: ByteMatrix, *, workers: int | None = None, progress: Progress | None = None
) -> ByteMatrix:
    """Products, uint8 of shape (n, 32).

    Args:
        scalars: uint8 of shape (n, 32), or (1, 32) for one that all elements are multiplied by; reduced, not zero.
        elements: uint8 of shape (n, 32).

    Raises:
        PackageError: ``ELEMENT_LENGTH``, ``ELEMENT_INVALID``.
    """
    elements = checked(elements)
    rows = len(elements)
    scalars = checked(scalars, rows=1 if len(scalars) == 1 else rows)
    products = empty(rows)
    step = 0 if len(scalars) == 1 else ELEMENT_BYTES
    out, scalar, element = products.ctypes.data, scalars.ctypes.data, elements.ctypes.data
    multiply = _sodium.multiply

    def task(start: int, stop: int) -> int:
        for row in range(start, stop):
            place = row * ELEMENT_BYTES
            if multiply(out + place, scalar + row * step, element + place):
                return row
        return -1

    in_pieces(task, rows, workers=workers, progress=progress)
    return products


def add_elements(left: ByteMatrix, right: ByteMatrix, *, workers: int | None = None) -> ByteMatrix:
    """Sums of elements row by row, uint8 of shape (n, 32): two key holders' evaluations to that under both keys.

    Raises:
        PackageError: ``ELEMENT_LENGTH``, ``ELEMENT_INVALID``.
    """
    left, right = checked(left), checked(right, rows=len(left))
    sums = empty(len(left))
    out, first, second = sums.ctypes.data, left.ctypes.data, right.ctypes.data
    add = _sodium.add

    def task(start: int, stop: int) -> int:
        for place in range(start * ELEMENT_BYTES, stop * ELEMENT_BYTES, ELEMENT_BYTES):
            if add(out + place, first + place, second + place):
                return place // ELEMENT_BYTES
        return -1

    in_pieces(task, len(left), workers=workers)
    for matrix in (left, right, sums):
        identity = np.flatnonzero(~matrix.any(axis=1))
        _require_right(int(identity[0]) if len(identity) else -1)
    return sums


def add_keys(first: bytes, second: bytes) -> bytes:
    """The public key, 32 bytes, of the sum of two secret keys.

    Raises:
        PackageError: ``ELEMENT_LENGTH``, ``ELEMENT_INVALID``.
    """
    return add_elements(row_of(first), row_of(second), workers=1).tobytes()


def row_of(data: bytes) -> ByteMatrix:
    """One element or scalar as uint8 of shape (1, 32).

    Raises:
        PackageError: ``ELEMENT_LENGTH``.
    """
    return checked(np.frombuffer(data, dtype=np.uint8).reshape(1, -1))
