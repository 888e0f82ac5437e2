"""ENCODED: what the compiled kernels share: ``jit``, popcount, packing, the threshold as a count.

Invariant: a similarity is the float64 ``2.0 * common / (popcount_a + popcount_b)``, and 0.0 where both are
empty. Kernels compare integers; :func:`minimum_common` makes that the same decision as comparing the float64
itself.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit, types
from numba.extending import intrinsic

ByteMatrix = npt.NDArray[np.uint8]
WordArray = npt.NDArray[np.uint64]
WordMatrix = npt.NDArray[np.uint64]
ByteArray = npt.NDArray[np.uint8]
CountArray = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

WORD_BYTES: Final = 8
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def _sources_digest() -> str:
    """Eight hexadecimal digits that change with any module of this package."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]


_SOURCES: Final = _sources_digest()


def jit(function: FunctionT) -> FunctionT:
    """Compile with Numba, without the GIL, cached on disk where there is a place to write.

    Numba looks for that place when the decorator runs (``NUMBA_CACHE_DIR``, the package's folder, the user's
    cache folder) and raises where all are read-only; the function is then compiled once per process.

    Numba's cache asks only whether the file of the function itself has changed, and would go on using compiled
    code that has an older version of another module's function in it. The name under which it is kept therefore
    carries a digest of all kernels.
    """
    function.__qualname__ = f"{function.__qualname__}_{_SOURCES}"
    try:
        return cast("FunctionT", njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast("FunctionT", njit(nogil=True)(function))


def _ctpop(typing_context: Any, word: Any) -> Any:  # noqa: ARG001 - Numba fixes the signature.
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


popcount = cast("Callable[[np.uint64], np.uint64]", intrinsic(_ctpop))
"""Set bits of one uint64, by LLVM's ``ctpop``: one instruction where the host has it. Compiled code only."""


@jit
def common_bits(a: WordMatrix, row_a: int, b: WordMatrix, row_b: int) -> int:
    """Set bits that two rows have in common. For compiled code only."""
    common = np.uint64(0)
    for word in range(a.shape[1]):
        common += popcount(a[row_a, word] & b[row_b, word])
    return int(common)


def pack_words(encodings: ByteMatrix) -> WordMatrix:
    """Encodings as words: uint8 of shape (rows, bytes) to uint64 of shape (rows, words), words >= 1.

    Added bytes are zero and the order of bytes in a word is the host's; a popcount sees neither.
    """
    rows, width = encodings.shape
    num_words = max(1, -(-width // WORD_BYTES))
    if width == num_words * WORD_BYTES:
        return np.ascontiguousarray(encodings).view(np.uint64)
    padded = np.zeros((rows, num_words * WORD_BYTES), dtype=np.uint8)
    padded[:, :width] = encodings
    return padded.view(np.uint64)


def row_popcounts(words: WordMatrix) -> IntArray:
    """Set bits per row: int64 of shape (rows,)."""
    counts: IntArray = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
    return counts


def minimum_common(threshold: float, largest_sum: int) -> IntArray:
    """The threshold as integers: int64 of shape (largest_sum + 1,).

    Entry ``s`` is the smallest count of common bits whose similarity, at popcounts that sum to ``s``, is at
    least ``threshold``. Counts above ``s / 2`` cannot occur, so an entry above it means that no such pair is
    taken.
    """
    sums = np.arange(largest_sum + 1, dtype=np.int64)
    divisor = np.maximum(sums, 1)
    counts: IntArray = np.maximum(np.floor(threshold * sums / 2.0).astype(np.int64) - 2, 0)
    while (below := 2.0 * counts / divisor < threshold).any():
        counts += below
    if threshold > 0.0:
        counts[0] = 1
    return counts


def usable_threads() -> int:
    """How many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
