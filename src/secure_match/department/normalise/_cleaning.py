"""RAW: the cleaning that every normaliser begins with, and the words for nothing."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement.tables import MISSING_WORDS
from secure_match.department.normalise._bytes import byte_view
from secure_match.department.normalise._field import BoolArray, Verdicts, put, take_rows, to_bool

_INVISIBLE: Final = r"[\p{Cc}\p{Cf}]"
_LONGEST_WORD_BYTES: Final = max(len(word.encode()) for word in MISSING_WORDS)
_PLAIN_BYTES: Final = np.zeros(256, dtype=np.bool_)
_PLAIN_BYTES[0x21:0x7F] = True
# Continuation bytes, and the lead bytes of U+4000..U+9FFF: ideographs, which NFKC and trimming leave alone.
_PLAIN_BYTES[0x80:0xC0] = True
_PLAIN_BYTES[0xE4:0xEA] = True


def clean_text(column: pa.Array) -> pa.StringArray:
    """NFKC, no control or zero-width characters, no blanks at the ends; nulls stay null."""
    text = column if column.type == pa.string() else column.cast(pa.string())
    view = byte_view(text)
    odd = view.any_in_row(~_PLAIN_BYTES[view.data])
    if not odd.any():
        return text
    return put(text, odd, _clean(take_rows(text, odd)))


def _clean(text: pa.StringArray) -> pa.StringArray:
    # Invisible characters first: between a letter and its accent one would keep the two from composing.
    text = pc.replace_substring_regex(text, pattern=_INVISIBLE, replacement="")
    text = pc.utf8_normalize(text, form="NFKC")
    return pc.utf8_trim_whitespace(text)


def is_missing(text: pa.StringArray) -> BoolArray:
    """Which cells say, in one of the agreed words, that there is no value: bool of shape (rows,)."""
    missing = to_bool(pc.is_null(text))
    short = byte_view(text).lengths <= _LONGEST_WORD_BYTES
    upper = pc.utf8_upper(take_rows(text, short))
    words = pc.is_in(upper, value_set=pa.array(MISSING_WORDS, pa.string()))
    missing[short] |= to_bool(words)
    return missing


def give_missing(verdicts: Verdicts, text: pa.StringArray, missing: BoolArray) -> None:
    """The reasons of missing cells: empty, or a word for nothing."""
    verdicts.give(missing, "word_for_nothing")
    verdicts.give(missing & to_bool(pc.fill_null(pc.equal(text, ""), True)), "empty")
