"""AUDIT: each party's hash-chained log: what happened, by whose hand, with which files. Files: ``audit.files``."""

from secure_match.audit._chain import CHECKPOINT_LABEL, LogFacts, LogHead, verify_log
from secure_match.audit._cross import CrossCheck, Transfer, cross_check
from secure_match.audit._entry import Action, Artifact, Entry, Operator, PackageKind, PackageRef
from secure_match.audit._event import Event, file_name, make_artifact, verify_operator

__all__ = [
    "CHECKPOINT_LABEL",
    "Action",
    "Artifact",
    "CrossCheck",
    "Entry",
    "Event",
    "LogFacts",
    "LogHead",
    "Operator",
    "PackageKind",
    "PackageRef",
    "Transfer",
    "cross_check",
    "file_name",
    "make_artifact",
    "verify_log",
    "verify_operator",
]
