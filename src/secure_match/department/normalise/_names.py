"""RAW: names of persons: the common case by tables of code points, everything odd by rules on the rows it concerns."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement.tables import (
    CODE_POINTS,
    COMPOUND_SURNAMES,
    FORMER_NAME_WORDS,
    TITLES,
    variant_table,
)
from secure_match.department.normalise._bytes import CodePoints, code_points, to_strings
from secure_match.department.normalise._cleaning import is_missing
from secure_match.department.normalise._field import (
    BoolArray,
    NormalisedField,
    Verdicts,
    scatter,
    take_rows,
)
from secure_match.department.normalise._odd_names import MAX_NAME_CHARACTERS, normalise_odd_names

_IDEOGRAPHS: Final = slice(0x4E00, 0x9FFD)
_IS_IDEOGRAPH: Final = np.zeros(CODE_POINTS, dtype=np.bool_)
_IS_IDEOGRAPH[_IDEOGRAPHS] = True
_IS_IDEOGRAPH[0x3007] = True
_TITLE_PAIRS: Final = np.array([ord(title[0]) << 32 | ord(title[1]) for title in TITLES], dtype=np.int64)
_SHORTEST_WITH_FORMER: Final = min(len(word) for word in FORMER_NAME_WORDS) + 1


def normalise_names(column: pa.Array) -> NormalisedField:
    """Names: one separator (U+00B7), upper-case Latin letters, folded characters, no blanks inside Chinese names.

    Titles and remarks in brackets are removed; a former name (曾用名, 原名) is split off into the view ``former``; lost
    characters (``?``, ``□``) become one mark, of which no token is made. A name needs at least one letter.

    Args:
        column: string array of shape (rows,).
    """
    text = column if column.type == pa.string() else column.cast(pa.string())
    points = code_points(text)
    plain = ~points.any_in_row(~_IS_IDEOGRAPH[points.codes]) & (points.lengths >= 1)
    plain &= points.lengths <= MAX_NAME_CHARACTERS
    plain &= ~_has_title_or_former(points) & ~is_missing(text)
    folded = variant_table()[points.codes]
    changed = points.any_in_row(folded != points.codes)
    verdicts = Verdicts(len(text), "no_name")
    verdicts.accept(plain)
    verdicts.give(plain & changed, "variant_folded")
    # Rows that are not plain are decided below; only their place is kept here.
    values = to_strings(CodePoints(codes=folded, offsets=points.offsets)) if (plain & changed).any() else text
    rest = ~plain
    field = verdicts.field(values)
    return scatter(field, rest, normalise_odd_names(take_rows(text, rest))) if rest.any() else field


def _has_title_or_former(points: CodePoints) -> BoolArray:
    """Rows of ideographs alone that end in a title, or are long enough to hold a former name."""
    lengths = points.lengths
    ends = np.maximum(points.offsets[1:], 2)
    if not len(points.codes):
        return np.zeros(len(lengths), dtype=np.bool_)
    codes = np.concatenate([points.codes, np.zeros(2, dtype=np.uint32)]).astype(np.int64)
    pairs = codes[ends - 2] << 32 | codes[ends - 1]
    titled = np.isin(pairs, _TITLE_PAIRS) & (lengths >= 2)
    return np.asarray(titled | (lengths >= _SHORTEST_WITH_FORMER + 2), dtype=np.bool_)


def surnames_of(names: pa.StringArray) -> pa.StringArray:
    """Surnames of Chinese names: two characters if the pinned table has them, else one; null stays null."""
    two = pc.utf8_slice_codeunits(names, 0, 2)
    longer = pc.greater(pc.utf8_length(names), 2)
    compound = pc.and_(pc.is_in(two, value_set=pa.array(COMPOUND_SURNAMES)), longer)
    return pc.if_else(compound, two, pc.utf8_slice_codeunits(names, 0, 1))
