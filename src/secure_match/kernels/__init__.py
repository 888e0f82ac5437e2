"""ENCODED: popcount similarity and clusters, compiled by Numba, with references in NumPy and Python."""

from secure_match.kernels._active import ActiveKernel, active
from secure_match.kernels._blocked import BlockedResult, balanced_edges, blocked_dice, grouped_dice
from secure_match.kernels._dice import all_pairs, dice_pairs, iter_pairs
from secure_match.kernels._index import IndexedResult, indexed_dice
from secure_match.kernels._index_plan import EXHAUSTIVE_COST, IndexPlan, plan_index
from secure_match.kernels._listed import gather_rows, listed_dice, listed_in_blocks
from secure_match.kernels._measures import Measure
from secure_match.kernels._popcount import jit, pack_words
from secure_match.kernels._signed import SignedLimits, signed_clusters

__all__ = [
    "EXHAUSTIVE_COST",
    "ActiveKernel",
    "BlockedResult",
    "IndexPlan",
    "IndexedResult",
    "Measure",
    "SignedLimits",
    "active",
    "all_pairs",
    "balanced_edges",
    "blocked_dice",
    "dice_pairs",
    "gather_rows",
    "grouped_dice",
    "indexed_dice",
    "iter_pairs",
    "jit",
    "listed_dice",
    "listed_in_blocks",
    "pack_words",
    "plan_index",
    "signed_clusters",
]
