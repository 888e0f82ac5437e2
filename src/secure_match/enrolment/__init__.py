"""ENCODED: the social-insurance domain: schemes, rules, findings."""

from secure_match.enrolment._duplicates import Duplicates, find_duplicates
from secure_match.enrolment._findings import (
    FINDINGS_SCHEMA,
    FindingsManifest,
    FindingSource,
    FindingsPackage,
    RuleTitle,
)
from secure_match.enrolment._look import (
    ANSWER_SCHEMA,
    LOOK_VERDICTS,
    REQUEST_SCHEMA,
    LookAnswer,
    LookAnswerManifest,
    LookRequest,
    LookRequestManifest,
    LookSource,
    LookVerdict,
)
from secure_match.enrolment._missing import Missing, find_missing
from secure_match.enrolment._numbers import NumberConflicts, find_number_conflicts
from secure_match.enrolment._rows import PersonRows

__all__ = [
    "ANSWER_SCHEMA",
    "FINDINGS_SCHEMA",
    "LOOK_VERDICTS",
    "REQUEST_SCHEMA",
    "Duplicates",
    "FindingSource",
    "FindingsManifest",
    "FindingsPackage",
    "LookAnswer",
    "LookAnswerManifest",
    "LookRequest",
    "LookRequestManifest",
    "LookSource",
    "LookVerdict",
    "Missing",
    "NumberConflicts",
    "PersonRows",
    "RuleTitle",
    "find_duplicates",
    "find_missing",
    "find_number_conflicts",
]
