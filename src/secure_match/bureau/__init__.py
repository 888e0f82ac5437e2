"""ENCODED: the bureau's month: take packages in, link, examine, return to each department its own findings."""

from secure_match.bureau._run import BureauRun, run_bureau

__all__ = ["BureauRun", "run_bureau"]
