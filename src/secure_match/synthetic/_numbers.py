"""PUBLIC: which valid ID number stands on each row of the exports, and where numbers and people do not agree.

A second reading of the numbers that shares no code with a department's: what the truth says must not come from the code
that it measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from secure_match.synthetic._identity import ID_WIDTH, check_characters
from secure_match.synthetic._streams import BoolArray, IntArray
from secure_match.synthetic._text import CodePoints, lengths_of

if TYPE_CHECKING:
    from secure_match.synthetic._exports import Export

_LEGACY_WIDTH: Final = 15
_CENTURY: Final = 1900
_FIRST_17: Final = 10 ** np.arange(16, -1, -1, dtype=np.int64)
NUMBERS_SCHEMA: Final = pa.schema(
    [
        pa.field("kind", pa.string()),
        pa.field("subject", pa.int64()),
        pa.field("dataset", pa.string()),
        pa.field("row_key", pa.string()),
    ]
)


def valid_numbers(codes: CodePoints) -> IntArray:
    """First 17 digits of the valid number that each text is, int64 of shape (texts,); 0 where it is none.

    Valid are 18 characters with a right check character, and 15 digits that hold a date of the years 1900 to 1999,
    which stand for the 17 digits with the century: most wrong digits among those go unnoticed.

    Args:
        codes: numbers without the noise of writing, uint32 code points of shape (texts, 18).
    """
    lengths = lengths_of(codes)
    digits = codes.astype(np.int64) - ord("0")
    is_digit = (digits >= 0) & (digits <= 9)
    numbers = np.zeros(len(codes), dtype=np.int64)

    whole = np.flatnonzero((lengths == ID_WIDTH) & is_digit[:, : ID_WIDTH - 1].all(axis=1))
    first_17 = digits[whole, : ID_WIDTH - 1] @ _FIRST_17
    checked = check_characters(first_17) == codes[whole, ID_WIDTH - 1]
    numbers[whole[checked]] = first_17[checked]

    legacy = np.flatnonzero((lengths == _LEGACY_WIDTH) & is_digit[:, :_LEGACY_WIDTH].all(axis=1))
    old = digits[legacy, :_LEGACY_WIDTH]
    century = np.tile(np.array([1, 9], dtype=np.int64), (len(old), 1))
    first_17 = np.concatenate([old[:, :6], century, old[:, 6:]], axis=1) @ _FIRST_17
    dated = _is_date(*(old[:, place] * 10 + old[:, place + 1] for place in (6, 8, 10)))
    numbers[legacy[dated]] = first_17[dated]
    return numbers


def _is_date(year: IntArray, month: IntArray, day: IntArray) -> BoolArray:
    """Whether there is such a day, in the years 1900 to 1999."""
    known = (month >= 1) & (month <= 12) & (day >= 1)
    start = ((_CENTURY - 1970 + year) * 12 + np.where(known, month, 1) - 1).astype("datetime64[M]")
    length = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    real: BoolArray = known & (day <= length)
    return real


def number_conflicts(
    exports: Mapping[str, Export], keys: Mapping[str, pa.Array], usable: Mapping[str, BoolArray]
) -> pa.Table:
    """Rows whose number stands on two people's rows, and rows of people with two numbers.

    Args:
        keys: dataset to the row keys of its rows.
        usable: dataset to which of its rows count.

    Returns:
        Columns of ``NUMBERS_SCHEMA``, ordered by all of them from the left. ``subject`` of ``one_number_two_people`` is
        the number's first 17 digits, of ``one_person_two_numbers`` the person.
    """
    rows = {name: np.flatnonzero(usable[name] & (export.number > 0)) for name, export in exports.items()}
    number = np.concatenate([export.number[rows[name]] for name, export in exports.items()])
    person = np.concatenate([export.person[rows[name]] for name, export in exports.items()])
    dataset = pa.array(np.repeat(list(rows), [len(part) for part in rows.values()]), pa.string())
    row_key = pa.concat_arrays([keys[name].take(pa.array(part)) for name, part in rows.items()])
    parts = []
    for kind, subject, value in (
        ("one_number_two_people", number, person),
        ("one_person_two_numbers", person, number),
    ):
        found = np.flatnonzero(_has_two(subject, value))
        places = pa.array(found)
        kinds = pa.array([kind] * len(found), pa.string())
        columns = [kinds, pa.array(subject[found]), dataset.take(places), row_key.take(places)]
        parts.append(pa.table(columns, schema=NUMBERS_SCHEMA))
    return pa.concat_tables(parts).sort_by([(name, "ascending") for name in NUMBERS_SCHEMA.names]).combine_chunks()


def _has_two(subject: IntArray, value: IntArray) -> BoolArray:
    """Which rows have a subject with two or more values."""
    order = np.lexsort((value, subject))
    subjects, values = subject[order], value[order]
    differs = (subjects[1:] == subjects[:-1]) & (values[1:] != values[:-1])
    return np.isin(subject, subjects[1:][differs])
