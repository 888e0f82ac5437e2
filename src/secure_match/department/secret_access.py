"""RAW: the one place where key material comes out of its handle.

Whoever imports this module handles secrets; ``tests/architecture`` pins the list of importers, and a reviewer
finds them with one search for its name.
"""

from __future__ import annotations

from secure_match.department.keys import OpaqueKey


def reveal(key: OpaqueKey, part: str) -> bytes:
    """The secret bytes named ``part`` (``encoding`` or ``handle``) of an opaque key."""
    return key._secrets[part]  # This access is the purpose of the module.
