"""ENCODED: the matching core: it takes encodings and gives pairs, decisions and clusters, and opens no file."""

from secure_match.linkage._clusters import ClusterResult, cluster
from secure_match.linkage._evidence import Decision, RowTable, TokenState, verify_linkable
from secure_match.linkage._index_audit import RecallAudit
from secure_match.linkage._index_search import SearchReport
from secure_match.linkage._link import LinkResult, PassReport, link
from secure_match.linkage._pairs import BlockedPairs, blocked_pairs, pair_similarity
from secure_match.linkage._similar_pairs import CandidatePairs, similar_pairs

__all__ = [
    "BlockedPairs",
    "CandidatePairs",
    "ClusterResult",
    "Decision",
    "LinkResult",
    "PassReport",
    "RecallAudit",
    "RowTable",
    "SearchReport",
    "TokenState",
    "blocked_pairs",
    "cluster",
    "link",
    "pair_similarity",
    "similar_pairs",
    "verify_linkable",
]
