"""ENCODED: bounds the common bits of one row with all rows of a tile, the innermost loop, compiled.

A tile holds ``TILE_ROWS`` encodings transposed: byte 0 of all of them side by side, then byte 1, and so on.
One byte of the row meets that byte of 64 partners in one vector; the sums of all partners stay in registers
over all bytes. Numba has no vector type, so the loop is written in LLVM's vectors, which LLVM lowers to what
the host has: ``vpopcntb`` on 512 bits with AVX-512 BITALG, table look-ups with AVX2, ``cnt`` on ARM.

Invariant: what is counted does not depend on the host.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils as untyped_cgutils
from numba.extending import intrinsic

from secure_match.kernels._popcount import ByteArray, CountArray

TILE_ROWS: Final = 256
"""Rows per tile: four registers of 512 bits, and 32 KiB at 1024 bits, which stays in the first-level cache."""

LANES: Final = 64
"""Rows per vector of bytes: one register of 512 bits; hosts with shorter ones use several."""

SWEEP_BYTES: Final = 31
"""Bytes after which sums move from 8 bits to wider ones: 31 * 8 is the last that fits."""

CACHE_LINE: Final = 64

cgutils: Any = untyped_cgutils
_INDEX: Final = ir.IntType(64)
BYTE_VECTOR: Final = ir.VectorType(ir.IntType(8), LANES)
_VECTORS: Final = range(TILE_ROWS // LANES)


def _spread(builder: Any, value: Any) -> Any:
    """A vector of which every lane is the value."""
    vector = ir.VectorType(value.type, LANES)
    single = builder.insert_element(vector(ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(single, vector(ir.Undefined), ir.VectorType(ir.IntType(32), LANES)(None))


def _pointers(builder: Any, base: Any, start: Any, vector: Any) -> list[Any]:
    """Where the vectors of ``TILE_ROWS`` elements from ``base[start]`` stand."""
    places = (builder.gep(base, [builder.add(start, _INDEX(number * LANES))]) for number in _VECTORS)
    return [builder.bitcast(place, vector.as_pointer()) for place in places]


def _load(builder: Any, pointer: Any) -> Any:
    return builder.load(pointer, align=1)


def _sweep(builder: Any, tile: tuple[Any, Any], row: tuple[Any, Any], number: Any) -> list[Any]:
    """Common bits of at most ``SWEEP_BYTES`` bytes of a row with a tile: vectors of 8-bit sums.

    ``tile`` and ``row`` are where their data is and where in it the first byte stands.
    """
    name = f"llvm.ctpop.v{LANES}i8"
    popcount = cgutils.get_or_insert_function(builder.module, ir.FunctionType(BYTE_VECTOR, [BYTE_VECTOR]), name)
    totals = [cgutils.alloca_once(builder, BYTE_VECTOR) for _ in _VECTORS]
    for total in totals:
        builder.store(BYTE_VECTOR(None), total)
    with cgutils.for_range(builder, number) as loop:
        byte = _spread(builder, builder.load(builder.gep(row[0], [builder.add(row[1], loop.index)])))
        line = builder.add(tile[1], builder.mul(loop.index, _INDEX(TILE_ROWS)))
        for total, partners in zip(totals, _pointers(builder, tile[0], line, BYTE_VECTOR), strict=True):
            common = builder.and_(byte, _load(builder, partners))
            builder.store(builder.add(builder.load(total), builder.call(popcount, [common])), total)
    return [builder.load(total) for total in totals]


def _lower(builder: Any, arrays: tuple[Any, ...], place: tuple[Any, ...], rest_row: Any) -> Any:
    """The body of :func:`bound_tile`: ``arrays`` are the data of its arrays, ``place`` its four numbers."""
    tiles, rests, rows, common = arrays
    tile, row, width, prefix = place
    counts = ir.VectorType(rest_row.type, LANES)
    line, at, step = builder.mul(tile, width), builder.mul(row, width), _INDEX(SWEEP_BYTES)
    sums = [cgutils.alloca_once(builder, counts) for _ in _VECTORS]
    spread = _spread(builder, rest_row)
    for total, pointer in zip(sums, _pointers(builder, rests, tile, counts), strict=True):
        partners = _load(builder, pointer)
        builder.store(builder.select(builder.icmp_unsigned("<", spread, partners), spread, partners), total)
    with cgutils.for_range_slice(builder, _INDEX(0), prefix, step, _INDEX) as (done, _):
        left = builder.sub(prefix, done)
        part = builder.select(builder.icmp_signed("<", left, step), left, step)
        start = builder.add(line, builder.mul(done, _INDEX(TILE_ROWS)))
        counted = _sweep(builder, (tiles, start), (rows, builder.add(at, done)), part)
        for total, added in zip(sums, counted, strict=True):
            builder.store(builder.add(builder.load(total), builder.zext(added, counts)), total)
    largest = counts(None)
    for total, pointer in zip(sums, _pointers(builder, common, _INDEX(0), counts), strict=True):
        final = builder.load(total)
        builder.store(final, pointer, align=1)
        largest = builder.select(builder.icmp_unsigned(">", final, largest), final, largest)
    name = f"llvm.vector.reduce.umax.v{LANES}i{rest_row.type.width}"
    reduce = cgutils.get_or_insert_function(builder.module, ir.FunctionType(rest_row.type, [counts]), name)
    return builder.zext(builder.call(reduce, [largest]), _INDEX)


def _bound(  # noqa: PLR0917
    typing_context: Any,  # noqa: ARG001 - Numba fixes the signature.
    tiles: Any,
    rests: Any,
    rows: Any,
    common: Any,
    tile: Any,  # noqa: ARG001
    row: Any,  # noqa: ARG001
    width: Any,  # noqa: ARG001
    prefix: Any,  # noqa: ARG001
    rest_row: Any,  # noqa: ARG001
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        forms = zip(signature.args[:4], arguments[:4], strict=True)
        arrays = tuple(context.make_array(form)(context, builder, value).data for form, value in forms)
        return _lower(builder, arrays, arguments[4:8], arguments[8])

    return types.int64(tiles, rests, rows, common, *(types.int64,) * 4, common.dtype), generate


bound_tile = cast(
    "Callable[[ByteArray, CountArray, ByteArray, CountArray, int, int, int, int, int], int]", intrinsic(_bound)
)
"""``bound_tile(tiles, rests, rows, common, tile, row, width, prefix, rest_row)``: the bounds of a row and a tile.

Entry ``c`` of ``common``, of shape (TILE_ROWS,), becomes the common bits of the first ``prefix`` of ``width``
bytes of row ``row`` and of the partner at position ``tile + c``, plus the smaller of ``rest_row`` and
``rests[tile + c]``; the largest entry is the answer. ``tile`` is a multiple of ``TILE_ROWS``. All arrays are
C-contiguous and of one dimension: ``tiles`` and ``rows`` uint8, ``rests`` and ``common`` of one unsigned type
that holds every sum. Compiled code only; nothing is checked.
"""


def aligned_empty(length: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array that starts on a cache line: a vector that crosses a line costs two loads."""
    size = length * np.dtype(dtype).itemsize
    room = np.empty(size + CACHE_LINE, dtype=np.uint8)
    start = -room.ctypes.data % CACHE_LINE
    return room[start : start + size].view(dtype)
