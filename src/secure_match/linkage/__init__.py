"""ENCODED: the matching core: it takes encodings and gives pairs, decisions and clusters, and opens no file."""

from secure_match.linkage._asked import AskedKind
from secure_match.linkage._calibrate import Estimate, Expectation
from secure_match.linkage._clusters import ClusterResult, cluster
from secure_match.linkage._comparisons import Comparison, ComparisonKind
from secure_match.linkage._decide import Decision
from secure_match.linkage._evidence import Evidence
from secure_match.linkage._evidence_model import TOKENS, EvidenceModel
from secure_match.linkage._index_audit import RecallAudit
from secure_match.linkage._index_search import SearchReport
from secure_match.linkage._intake import VerifiedDatasets, verified_datasets, verify_linkable, verify_part
from secure_match.linkage._labels import PairLabels
from secure_match.linkage._link import link
from secure_match.linkage._pairs import BlockedPairs, blocked_pairs, pair_similarity
from secure_match.linkage._passes import PassReport
from secure_match.linkage._plan import MemoryPlan, plan_memory, size_text
from secure_match.linkage._result import LinkResult
from secure_match.linkage._rows import RowOrder, RowTable, TokenState
from secure_match.linkage._similar_pairs import CandidatePairs, iter_similar_pairs, similar_pairs
from secure_match.linkage._steps import LinkHooks, Step, StepStore
from secure_match.linkage._two_phase import block_tags, unmatched_rows

__all__ = [
    "TOKENS",
    "AskedKind",
    "BlockedPairs",
    "CandidatePairs",
    "ClusterResult",
    "Comparison",
    "ComparisonKind",
    "Decision",
    "Estimate",
    "Evidence",
    "EvidenceModel",
    "Expectation",
    "LinkHooks",
    "LinkResult",
    "MemoryPlan",
    "PairLabels",
    "PassReport",
    "RecallAudit",
    "RowOrder",
    "RowTable",
    "SearchReport",
    "Step",
    "StepStore",
    "TokenState",
    "VerifiedDatasets",
    "block_tags",
    "blocked_pairs",
    "cluster",
    "iter_similar_pairs",
    "link",
    "pair_similarity",
    "plan_memory",
    "similar_pairs",
    "size_text",
    "unmatched_rows",
    "verified_datasets",
    "verify_linkable",
    "verify_part",
]
