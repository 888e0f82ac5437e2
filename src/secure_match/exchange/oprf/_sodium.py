"""ENCODED: libsodium's ristretto255 as functions of addresses, out of the library that rbcl brings.

rbcl's own functions take and give ``bytes``, one element a call. These are the same C functions through prototypes of
our own, so that a batch is worked on in place; ctypes lets other threads run meanwhile (benchmarks/oprf.py).

Invariant: addresses come from arrays that live while the call lasts; see ``_group``. A status of 0 is success, -1 says
that an element is no canonical encoding or that the result is the identity.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast

import rbcl  # noqa: F401  # This starts libsodium.
from rbcl._sodium import _sodium as _library
from rbcl._sodium import lib_path

# rbcl writes the library into a temporary file, loads it and leaves it: three megabytes for every process. What is
# loaded stays; Windows does not remove a file that is in use.
with contextlib.suppress(OSError):
    Path(lib_path).unlink()

_ADDRESS: Final = ctypes.c_void_p
_Two = Callable[[int, int], int]
_Three = Callable[[int, int, int], int]


def _two(name: str) -> _Two:
    return cast("_Two", ctypes.CFUNCTYPE(ctypes.c_int, _ADDRESS, _ADDRESS)((name, _library)))


def _three(name: str) -> _Three:
    return cast("_Three", ctypes.CFUNCTYPE(ctypes.c_int, _ADDRESS, _ADDRESS, _ADDRESS)((name, _library)))


multiply: Final = _three("crypto_scalarmult_ristretto255")
"""(out 32, scalar 32, element 32)."""
multiply_base: Final = _two("crypto_scalarmult_ristretto255_base")
"""(out 32, scalar 32)."""
add: Final = _three("crypto_core_ristretto255_add")
"""(out 32, element 32, element 32)."""
from_hash: Final = _two("crypto_core_ristretto255_from_hash")
"""(out 32, hash 64)."""
reduce_scalar: Final = _two("crypto_core_ristretto255_scalar_reduce")
"""(out 32, number 64)."""
