"""ENCODED: the social-insurance domain: schemes, rules, findings."""

from secure_match.enrolment._column_notes import ANSWER_NOTES, FINDINGS_NOTES, REQUEST_NOTES
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
    "ANSWER_NOTES",
    "ANSWER_SCHEMA",
    "FINDINGS_NOTES",
    "FINDINGS_SCHEMA",
    "LOOK_VERDICTS",
    "REQUEST_NOTES",
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
