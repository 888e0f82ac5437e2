"""RAW: which text is the address of a database. An address may hold a password, so a wrong one is never repeated."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from secure_match.errors import UsageError

PASSWORD_VARIABLE: Final = "SECURE_MATCH_DB_PASSWORD"  # noqa: S105  # The name of a variable.
PASSWORD_FILE_VARIABLE: Final = "SECURE_MATCH_DB_PASSWORD_FILE"  # noqa: S105
URL_PATTERN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+._-]*://")
IN_URL: Final = "postgresql://[user@]host/database?table=[schema.]table, or sqlite:///file?table=table"
_MEANT_AS_ADDRESS: Final = re.compile(
    r"^jdbc:|:/.*@|[^:/\\\s]:[^:/\\@\s]+@"
    r"|pass(?:word|wd)?\s*[=:]|pwd\s*=|^(?:postgres(?:ql)?|sqlite)\b.*[:=]",
    re.IGNORECASE,
)
_HOLDS_PASSWORD: Final = re.compile(r":[^:/@\s]+@|pass(?:word|wd)?\s*[=:]|pwd\s*=", re.IGNORECASE)


def plain_address(source: str | Path) -> str | Path:
    """A source without the blanks and quotes around a URL; a wrong URL must not be shown as the name of a file.

    Raises:
        UsageError: ``SQL_URL`` or ``SQL_PASSWORD`` for a text that was meant as the address of a database and is none.
            It is not repeated: it may hold a password.
    """
    text = str(source)
    if isinstance(source, str) and URL_PATTERN.match(source):
        return source
    bare = text.strip(" \t\r\n'\"\u201c\u201d\u2018\u2019")
    if isinstance(source, str) and URL_PATTERN.match(bare):
        return bare
    if not _MEANT_AS_ADDRESS.search(bare) or _is_file(text):
        return source
    if _HOLDS_PASSWORD.search(bare):
        raise password_in_address()
    raise bad_address()


def _is_file(source: str) -> bool:
    try:
        return Path(source).exists()
    except (OSError, ValueError):
        return False


def bad_address() -> UsageError:
    """The error of an address that cannot be read. It does not repeat the address, which may hold a password."""
    return UsageError(f"not the address of a database that can be read: {IN_URL}", code="SQL_URL")


def password_in_address() -> UsageError:
    """The error of an address with a password in it."""
    return UsageError(
        "the address holds a password, which the shell's history and the list of processes now show; "
        f"change it, and give it in PGPASSWORD, {PASSWORD_VARIABLE}, a file named in {PASSWORD_FILE_VARIABLE}, "
        "or ~/.pgpass",
        code="SQL_PASSWORD",
    )
