"""EDGE: whether what attacks compute with is installed."""

from __future__ import annotations

import importlib.util

from secure_match.errors import UsageError


def require_attacks() -> None:
    """Check it before any work.

    Raises:
        UsageError: ``EXTRA_MISSING``.
    """
    if importlib.util.find_spec("scipy") is None:
        raise UsageError("attacks need the extra attack: pip install 'secure_match[attack]'", code="EXTRA_MISSING")
