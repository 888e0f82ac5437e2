"""ENCODED: a table as CSV text in which a spreadsheet program takes no cell for a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import IO, Final

FORMULA_STARTS: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""First characters that make spreadsheet programs take a cell for a formula (OWASP, "CSV Injection")."""
_SIGNED_NUMBER: Final = re.compile(r"[+-][0-9]+")


def safe_cell(value: object) -> str:
    """The text of a cell, with an apostrophe before one that would start a formula; None is the empty text."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not _SIGNED_NUMBER.fullmatch(text) else text


def write_safe_rows(stream: IO[str], header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows as CSV (RFC 4180), every cell through :func:`safe_cell`."""
    writer = csv.writer(stream)
    writer.writerow([safe_cell(name) for name in header])
    writer.writerows([safe_cell(value) for value in row] for row in rows)
