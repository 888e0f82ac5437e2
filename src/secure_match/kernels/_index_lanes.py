"""ENCODED: two operations of the processor that compiled code can call: one sketch against many, and prefetching.

Invariant: ``near_lanes`` reads ``STRIDE`` entries from the place on; the caller's array ends in as many spare ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WordArray = npt.NDArray[np.uint64]

WORD_BITS: Final = 64
_LINE_BYTES: Final = 64
_FETCHED_LINES: Final = 2
STRIDE: Final = 16
"""Sketches compared at once: two 512-bit registers."""


def _near_lanes(typing_context: Any, column: Any, place: Any, sketch: Any, most: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes = ir.VectorType(ir.IntType(WORD_BITS), STRIDE)
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        here = builder.gep(data, [arguments[1]])
        loaded = builder.load(builder.bitcast(here, lanes.as_pointer()))
        loaded.align = 8

        def every_lane(value: Any) -> Any:
            single = builder.insert_element(ir.Constant(lanes, ir.Undefined), value, ir.IntType(32)(0))
            return builder.shuffle_vector(single, single, ir.Constant(ir.VectorType(ir.IntType(32), STRIDE), None))

        count_lanes = ir.FunctionType(lanes, [lanes]), f"llvm.ctpop.v{STRIDE}i{WORD_BITS}"
        count = cgutils.get_or_insert_function(builder.module, *count_lanes)  # type: ignore[no-untyped-call]
        differing = builder.call(count, [builder.xor(loaded, every_lane(arguments[2]))])
        near = builder.icmp_unsigned("<=", differing, every_lane(arguments[3]))
        return builder.zext(builder.bitcast(near, ir.IntType(STRIDE)), ir.IntType(WORD_BITS))

    # Numba casts what is passed to these types.
    return types.uint64(column, types.intp, types.uint64, types.uint64), generate


near_lanes = cast("Callable[[WordArray, int, np.uint64, np.uint64], np.uint64]", intrinsic(_near_lanes))
"""Bit ``n`` says that entry ``place + n`` of a sketch array differs from a sketch in at most so many bits, for
``STRIDE`` entries. Written for LLVM's vectors, because its own vectoriser unrolls so short a loop instead; on
little-endian hosts, as all of Numba's are. Compiled code only."""


def _fetch_row(typing_context: Any, words: Any, row: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        first_stride = builder.extract_value(array.strides, 0)
        start = builder.add(builder.ptrtoint(array.data, first_stride.type), builder.mul(arguments[1], first_stride))
        number = ir.IntType(32)
        pointer = ir.IntType(8).as_pointer()
        prefetch_type = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        prefetch = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, prefetch_type, "llvm.prefetch.p0"
        )
        for line in range(_FETCHED_LINES):
            address = builder.inttoptr(builder.add(start, start.type(line * _LINE_BYTES)), pointer)
            builder.call(prefetch, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(words, types.intp), generate


fetch_row = cast("Callable[[npt.NDArray[np.uint64], int], None]", intrinsic(_fetch_row))
"""Ask for the first 128 bytes of a row of words before they are needed. Changes no value. Compiled code only."""
