"""What ``active`` says of the instruction is what stands in the assembly of the code that runs."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from secure_match.kernels import active
from secure_match.kernels._active import instruction_of
from secure_match.kernels._tile import TILE_ROWS, aligned_empty, bound_tile


def test_active_says_what_runs() -> None:
    answer = active()
    assert answer == active()
    assert answer.kernel == "prefix-tiles"
    assert answer.threads >= 1


def test_the_instruction_is_the_one_in_the_compiled_loop() -> None:
    # Compiled anew: Numba does not show the assembly of code that comes from its cache.
    @njit
    def largest(tiles: np.ndarray, rests: np.ndarray, rows: np.ndarray, bounds: np.ndarray) -> int:
        return bound_tile(tiles, rests, rows, bounds, 0, 0, 40, 40, 0)

    tiles = aligned_empty(40 * TILE_ROWS, np.uint8)
    tiles[:] = 255
    rests, bounds = (aligned_empty(TILE_ROWS, np.uint16) for _ in range(2))
    rests[:] = 9
    assert largest(tiles, rests, np.full(40, 7, dtype=np.uint8), bounds) == 40 * 3
    assert bounds.tolist() == [40 * 3] * TILE_ROWS
    assembly = "".join(largest.inspect_asm().values())
    assert instruction_of(assembly) == active().instruction


@pytest.mark.parametrize(
    ("assembly", "name"),
    [
        ("vpopcntb\t%zmm0, %zmm0", "avx512-bitalg"),
        ("vpopcntq\t%zmm0, %zmm0", "avx512-vpopcntdq"),
        ("vpshufb\t%ymm0, %ymm1, %ymm2", "avx-lookup"),
        ("pshufb\t%xmm0, %xmm1", "ssse3-lookup"),
        ("cnt\tv0.16b, v0.16b", "neon-cnt"),
        ("psrlw\t$1, %xmm0", "generic"),
    ],
)
def test_names_of_instructions(assembly: str, name: str) -> None:
    assert instruction_of(assembly) == name
