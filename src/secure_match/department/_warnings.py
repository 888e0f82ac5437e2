"""RAW: columns that look damaged or wrongly mapped, told from counts alone. No value is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secure_match.agreement import Agreement, Dataset

_LIMITS: Final = {"invalid": 0.05, "missing": 0.20, "repaired": 0.50}
"""Shares of the rows read above which a state is worth a look. Written by hand: real exports of one kind differ."""
_HINTS: Final = {
    ("id_number", "invalid"): "did the column go through Excel? export it as text",
    ("id_number", "missing"): "is this the column of ID numbers? rows without one are compared by name and others only",
    ("identifier", "invalid"): "did the column go through a spreadsheet? export it as text",
    (
        "identifier",
        "missing",
    ): "is this the column of identifiers? rows without one are compared by the other fields only",
    ("id_number", "repaired"): "does the export still hold 15-digit numbers, or blanks inside the numbers?",
    ("birth_date", "repaired"): "they were taken from the ID numbers; is this the right column?",
    ("sex", "repaired"): "they were taken from the ID numbers; is this the right column?",
    ("name", "invalid"): "is this the column of names, and is the charset the export's?",
    ("sex", "invalid"): "does the column use other codes than 1 and 2, 男 and 女?",
    ("birth_date", "invalid"): "are these dates in another form than YYYYMMDD or YYYY-MM-DD?",
    ("phone", "invalid"): "does the column hold landlines or several numbers in one cell?",
}
_GENERAL: Final = {
    "invalid": "is this the right column, and what form do its values have?",
    "missing": "is this the right column, and was it filled in the system?",
    "repaired": "what form do its values have in the system?",
}


def column_warnings(agreement: Agreement, dataset: Dataset, states: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    """One line for each column of which too many rows are invalid, missing or repaired, in the order of ``states``.

    Args:
        states: identity field to state to number of rows.
    """
    lines = []
    for name, counts in states.items():
        read = sum(counts.values())
        kind = agreement.fields[name].kind
        for state, limit in _LIMITS.items():
            count = counts.get(state, 0)
            if read and count / read > limit:
                hint = _HINTS.get((kind, state), _GENERAL[state])
                lines.append(f"column {dataset.identity[name]} ({name}): {count / read:.1%} {state}; {hint}")
    return tuple(lines)
