"""PUBLIC: secure_match finds duplicate and missing enrolments without a raw identifier leaving its holder.

This module imports nothing on purpose: each role is imported by name (``secure_match.department``,
``secure_match.bureau``), so that a bureau's process never has the department's code in memory.
"""

from typing import Final

__version__: Final = "0.1.0"
__all__ = ["__version__"]
