"""RAW: fields that know no country: words in any script, codes of letters and digits, numbers of other registers.

Invariant: work is done once per distinct cell of a batch; equal cells get equal verdicts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement.tables import UNKNOWN_CHARACTER
from secure_match.department.normalise._bytes import code_points
from secure_match.department.normalise._characters import fold_codes, fold_words
from secure_match.department.normalise._cleaning import clean_text, give_missing, is_missing
from secure_match.department.normalise._field import BoolArray, NormalisedField, Verdicts, to_bool

MAX_TEXT_CHARACTERS: Final = 200
MAX_CODE_CHARACTERS: Final = 64
MIN_IDENTIFIER_CHARACTERS: Final = 4
_RUNS: Final = ("1234567890", "0123456789", "9876543210")
FILLERS: Final = tuple(run[:size] for run in _RUNS for size in range(MIN_IDENTIFIER_CHARACTERS, len(run) + 1))
"""Running digits that are typed where a form demands a number."""
_FLOAT_TEXT: Final = r"^(\d+)\.0+$"
_SCIENTIFIC: Final = r"^\d(?:\.\d*)?[Ee]\+\d{1,2}$"
"""With its sign: 1E5 may be a code."""
_LETTER_OR_DIGIT: Final = r"[\p{L}\p{N}]"


def normalise_texts(column: pa.Array) -> NormalisedField:
    """Words in any script: see ``_characters.fold_words``. Apostrophes vanish, hyphens and punctuation are blanks.

    Args:
        column: string array of shape (rows,).
    """
    return _each_distinct(column, _texts)


def normalise_digits(column: pa.Array) -> NormalisedField:
    """Codes, postcodes, house numbers, dates in digits: letters and digits alone, capitals; leading zeros stay.

    Args:
        column: string array of shape (rows,).
    """
    return _each_distinct(column, _codes)


def normalise_identifiers(column: pa.Array) -> NormalisedField:
    """Numbers of another register: as :func:`normalise_digits`; fillers are missing.

    Fillers are: fewer than ``MIN_IDENTIFIER_CHARACTERS`` characters, one character repeated, ``FILLERS``.

    Args:
        column: string array of shape (rows,).
    """
    return _each_distinct(column, _identifiers)


def _each_distinct(column: pa.Array, normalise: Callable[[pa.StringArray], NormalisedField]) -> NormalisedField:
    """A normaliser without views and flags, applied to the distinct cells of a column, null among them."""
    text = column if column.type == pa.string() else column.cast(pa.string())
    cells = text.dictionary_encode(null_encoding="encode")
    places = cells.indices.to_numpy(zero_copy_only=False)
    field = normalise(cells.dictionary)
    return NormalisedField(
        values=field.values.take(cells.indices),
        states=field.states[places],
        reason_numbers=field.reason_numbers[places],
    )


def _texts(text: pa.StringArray) -> NormalisedField:
    cleaned = clean_text(text)
    folded = fold_words(text)
    lost = to_bool(pc.match_substring(folded, UNKNOWN_CHARACTER))
    verdicts = Verdicts(len(text), "nothing_left")
    filled = to_bool(pc.match_substring_regex(folded, _LETTER_OR_DIGIT))
    verdicts.accept(filled)
    verdicts.give(lost, "unreadable")
    verdicts.give(lost & filled, "unknown_character")
    verdicts.give(filled & ~_fits(folded, MAX_TEXT_CHARACTERS), "too_long")
    _give_missing(verdicts, cleaned, folded)
    return verdicts.field(folded)


def _codes(text: pa.StringArray) -> NormalisedField:
    cleaned = clean_text(text)
    floats = to_bool(pc.match_substring_regex(cleaned, _FLOAT_TEXT))
    folded = fold_codes(pc.replace_substring_regex(cleaned, pattern=_FLOAT_TEXT, replacement=r"\1"))
    verdicts = Verdicts(len(text), "nothing_left")
    filled = to_bool(pc.match_substring_regex(folded, _LETTER_OR_DIGIT))
    verdicts.accept(filled)
    verdicts.give(filled & floats, "float_text")
    verdicts.give(filled & ~_fits(folded, MAX_CODE_CHARACTERS), "too_long")
    # Without its lost characters a code would be another one.
    verdicts.give(to_bool(pc.match_substring(folded, UNKNOWN_CHARACTER)), "lost_characters")
    verdicts.give(filled & to_bool(pc.match_substring(cleaned, "*")), "masked")
    verdicts.give(to_bool(pc.match_substring_regex(cleaned, _SCIENTIFIC)), "scientific_notation")
    _give_missing(verdicts, cleaned, folded)
    return verdicts.field(folded)


def _identifiers(text: pa.StringArray) -> NormalisedField:
    field = _codes(text)
    points = code_points(field.values)
    rows = points.rows()
    repeated = ~points.any_in_row(points.codes != points.codes[points.offsets[:-1][rows]])
    filler = repeated | (points.lengths < MIN_IDENTIFIER_CHARACTERS)
    filler |= to_bool(pc.is_in(field.values, value_set=pa.array(FILLERS, pa.string())))
    verdicts = Verdicts(len(text), "nothing_left")
    verdicts.states[:], verdicts.reasons[:] = field.states, field.reason_numbers
    verdicts.give(filler & to_bool(pc.is_valid(field.values)), "placeholder")
    return verdicts.field(field.values)


def _fits(text: pa.StringArray, most: int) -> BoolArray:
    return to_bool(pc.less_equal(pc.utf8_length(text), most))


def _give_missing(verdicts: Verdicts, cleaned: pa.StringArray, folded: pa.StringArray) -> None:
    """Missing are the words for nothing as they stand, and what becomes one by folding, such as "-0-"."""
    verdicts.give(is_missing(folded) & ~to_bool(pc.equal(folded, "")), "word_for_nothing")
    give_missing(verdicts, cleaned, is_missing(cleaned))
