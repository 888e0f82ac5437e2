"""ENCODED: what lets programs written for clkhash and anonlink run on this package."""

from secure_match.compat.anonlink import (
    AnonlinkPairs,
    dice_similarity,
    parse_candidate_pairs,
    serialise_candidate_pairs,
)
from secure_match.compat.files import read_candidate_pairs, write_candidate_pairs

__all__ = [
    "AnonlinkPairs",
    "dice_similarity",
    "parse_candidate_pairs",
    "read_candidate_pairs",
    "serialise_candidate_pairs",
    "write_candidate_pairs",
]
