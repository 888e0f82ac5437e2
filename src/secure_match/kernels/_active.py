"""ENCODED: says which kernel runs here, for run manifests, benchmarks and bug reports."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numba
from llvmlite import binding, ir
from numba.core.registry import cpu_target

from secure_match.kernels._popcount import usable_threads
from secure_match.kernels._tile import BYTE_VECTOR, LANES

KERNEL: Final = "prefix-tiles"

_INSTRUCTIONS: Final = (
    ("vpopcntb", "avx512-bitalg"),
    ("vpopcntq", "avx512-vpopcntdq"),
    ("vpshufb", "avx-lookup"),
    ("pshufb", "ssse3-lookup"),
    ("cnt\t", "neon-cnt"),
)
"""What the assembly of the popcount holds, in the order in which it is looked for, and what we call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveKernel:
    """What compares encodings in this process.

    Attributes:
        kernel: name of the kernel.
        instruction: how the compiled code counts bits: ``avx512-bitalg``, ``avx512-vpopcntdq``, ``avx-lookup``,
            ``ssse3-lookup``, ``neon-cnt``, or ``generic`` for shifts and masks. Read from the assembly that
            LLVM makes for this host, with the settings that Numba compiles with.
        numba_version: version of the compiler.
        host_cpu: LLVM's name of the processor that is compiled for.
        threads: how many threads run when the caller does not say.
    """

    kernel: str
    instruction: str
    numba_version: str
    host_cpu: str
    threads: int


def active() -> ActiveKernel:
    """The kernel in use."""
    _, host_cpu, _ = cpu_target.target_context.codegen().magic_tuple()
    return ActiveKernel(
        kernel=KERNEL,
        instruction=instruction_of(popcount_assembly()),
        numba_version=str(numba.__version__),
        host_cpu=str(host_cpu),
        threads=usable_threads(),
    )


def instruction_of(assembly: str) -> str:
    """The name of the way in which an assembly counts the bits of vectors."""
    return next((name for part, name in _INSTRUCTIONS if part in assembly), "generic")


@lru_cache(maxsize=1)
def popcount_assembly() -> str:
    """Assembly of the popcount of one vector of bytes, made for the processor that Numba compiles for."""
    module = ir.Module(name="popcount")
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [BYTE_VECTOR.as_pointer()]), name="count")
    popcount = ir.Function(module, ir.FunctionType(BYTE_VECTOR, [BYTE_VECTOR]), name=f"llvm.ctpop.v{LANES}i8")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.store(builder.call(popcount, [builder.load(function.args[0])]), function.args[0])
    builder.ret_void()
    triple, cpu, features = cpu_target.target_context.codegen().magic_tuple()
    machine = binding.Target.from_triple(triple).create_target_machine(cpu=cpu, features=features, opt=3)
    return str(machine.emit_assembly(binding.parse_assembly(str(module))))
