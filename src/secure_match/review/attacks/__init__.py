"""AUDIT: attacks on encodings, to measure what a release gives away before it leaves.

Every attack takes plain arrays: what the adversary sees and what it knows. None opens a file. The extra ``attack``
brings what they compute with; nothing else of the library needs it.
"""

from secure_match.review.attacks.inputs import PlainColumn, SeenPass, draw_known, unseen_rows
from secure_match.review.attacks.result import AttackResult, interval

__all__ = ["AttackResult", "PlainColumn", "SeenPass", "draw_known", "interval", "unseen_rows"]
