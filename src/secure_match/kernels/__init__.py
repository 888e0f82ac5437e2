"""ENCODED: popcount similarity over packed encodings, compiled by Numba, with a NumPy reference."""

from secure_match.kernels._active import ActiveKernel, active
from secure_match.kernels._blocked import BlockedResult, blocked_dice, listed_dice
from secure_match.kernels._dice import all_pairs, dice_pairs, iter_pairs
from secure_match.kernels._measures import Measure
from secure_match.kernels._popcount import jit, pack_words

__all__ = [
    "ActiveKernel",
    "BlockedResult",
    "Measure",
    "active",
    "all_pairs",
    "blocked_dice",
    "dice_pairs",
    "iter_pairs",
    "jit",
    "listed_dice",
    "pack_words",
]
