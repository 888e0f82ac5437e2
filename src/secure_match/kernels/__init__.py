"""ENCODED: popcount similarity over packed encodings, compiled by Numba, with a NumPy reference."""

from secure_match.kernels._active import ActiveKernel, active
from secure_match.kernels._blocked import BlockedResult, blocked_dice, listed_dice
from secure_match.kernels._dice import dice_pairs
from secure_match.kernels._index import IndexedResult, indexed_dice
from secure_match.kernels._index_plan import EXHAUSTIVE_COST, IndexPlan, plan_index
from secure_match.kernels._popcount import jit, pack_words

__all__ = [
    "EXHAUSTIVE_COST",
    "ActiveKernel",
    "BlockedResult",
    "IndexPlan",
    "IndexedResult",
    "active",
    "blocked_dice",
    "dice_pairs",
    "indexed_dice",
    "jit",
    "listed_dice",
    "pack_words",
    "plan_index",
]
