"""ENCODED: says which kernel runs here, for run manifests, benchmarks and bug reports."""

from __future__ import annotations

from dataclasses import dataclass

import numba
from llvmlite import binding

from secure_match.kernels._popcount import usable_threads


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveKernel:
    """What compares encodings in this process.

    Attributes:
        kernel: name of the kernel.
        numba_version: version of the compiler.
        host_cpu: LLVM's name of the processor that is compiled for.
        threads: how many threads run when the caller does not say.
    """

    kernel: str
    numba_version: str
    host_cpu: str
    threads: int


def active() -> ActiveKernel:
    """The kernel in use."""
    return ActiveKernel(
        kernel="dice-popcount",
        numba_version=str(numba.__version__),
        host_cpu=str(binding.get_host_cpu_name()),
        threads=usable_threads(),
    )
