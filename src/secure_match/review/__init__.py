"""AUDIT: verification, disclosure, inspection and comparison of what leaves. Nothing here changes anything.

It loads no department's code and needs no encoding key; the identity of a recipient opens sealed packages, if given.
"""

from secure_match.review._collusion import COLLUSION, Verdict, verdict_of
from secure_match.review._disclosure_page import disclosure_markdown
from secure_match.review.difference import Difference, difference
from secure_match.review.disclosure import Disclosure, disclose, disclosure_json
from secure_match.review.inspection import DatasetInspection, inspect_dataset
from secure_match.review.verification import Examination, examine, verify_one

__all__ = [
    "COLLUSION",
    "DatasetInspection",
    "Difference",
    "Disclosure",
    "Examination",
    "Verdict",
    "difference",
    "disclose",
    "disclosure_json",
    "disclosure_markdown",
    "examine",
    "inspect_dataset",
    "verdict_of",
    "verify_one",
]
