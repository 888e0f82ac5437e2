"""ENCODED: the social-insurance domain: schemes, rules, findings."""

from secure_match.enrolment._duplicates import Duplicates, find_duplicates
from secure_match.enrolment._findings import (
    FINDINGS_SCHEMA,
    FindingsManifest,
    FindingSource,
    FindingsPackage,
    RuleTitle,
)
from secure_match.enrolment._missing import Missing, find_missing
from secure_match.enrolment._rows import PersonRows

__all__ = [
    "FINDINGS_SCHEMA",
    "Duplicates",
    "FindingSource",
    "FindingsManifest",
    "FindingsPackage",
    "Missing",
    "PersonRows",
    "RuleTitle",
    "find_duplicates",
    "find_missing",
]
