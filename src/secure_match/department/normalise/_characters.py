"""RAW: text of any script folded character by character, once per distinct character.

Invariants: a character becomes the same whatever stands around it; folding folded text changes nothing. Which
characters are letters is said by the Unicode data of the Python that runs; it differs between versions only in
characters that the older one does not know, which count as lost.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement.tables import APOSTROPHES, LATIN_FOLDS, UNKNOWN_CHARACTER
from secure_match.department.normalise._bytes import CodePoints, code_points, to_strings

_ACCENTS: Final = ("\u0300", "\u036f")
"""First and last of the combining marks of Latin, Greek and Cyrillic letters. Those of other scripts are vowels, or
tell letters apart, and stay."""
LOST: Final = frozenset("?*\u25a1\u25a0\u25a2\ufffd\u3013")
"""Those of ``tables.LOST_CHARACTERS`` (a test compares them); private-use and unassigned characters are lost too."""
_ACUTE: Final = "\u00b4"


def fold_words(text: pa.StringArray) -> pa.StringArray:
    """Text as words of letters and digits in small letters, one blank between them.

    NFKD; letters in small form (full case folding), accents dropped, letters such as \u00f8 by ``LATIN_FOLDS``;
    apostrophes vanish; whatever else is neither letter, mark nor number becomes a blank; lost characters become one
    mark, U+25A1; NFKC.

    Args:
        text: string array of shape (values,).

    Returns:
        string array of shape (values,); null stays null.
    """
    # NFKD would make a blank of an acute accent that stands for an apostrophe.
    folded = _replaced(pc.replace_substring(text, pattern=_ACUTE, replacement="'"), _in_words)
    folded = pc.replace_substring_regex(folded, pattern=f"{UNKNOWN_CHARACTER}+", replacement=UNKNOWN_CHARACTER)
    return pc.utf8_trim(pc.replace_substring_regex(folded, pattern=" +", replacement=" "), characters=" ")


def fold_codes(text: pa.StringArray) -> pa.StringArray:
    """Text as letters and digits alone, capitals; digits of any script become 0 to 9.

    Letters are folded as :func:`fold_words` does; lost characters become U+25A1.

    Args:
        text: string array of shape (values,).

    Returns:
        string array of shape (values,); null stays null.
    """
    return _replaced(text, _in_codes)


def _in_words(character: str) -> str:
    if _ACCENTS[0] <= character <= _ACCENTS[1] or character in APOSTROPHES:
        return ""
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if character in LOST or category in ("Co", "Cn"):
        return UNKNOWN_CHARACTER
    if category[0] in "LMN":
        small = character.casefold()
        return LATIN_FOLDS.get(small, small)
    return "" if category in ("Cc", "Cf") else " "


def _in_codes(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    folded = _in_words(character)
    return "" if folded == " " else folded.upper()


def _replaced(text: pa.StringArray, replacement: Callable[[str], str]) -> pa.StringArray:
    """Every character of the NFKD form replaced, and NFKC of that; null stays null."""
    points = code_points(pc.utf8_normalize(text, form="NFKD"))
    distinct = np.flatnonzero(np.bincount(points.codes, minlength=1))
    parts = [replacement(chr(code)) for code in distinct.tolist()]
    place = np.zeros(int(distinct.max(initial=0)) + 1, dtype=np.int64)
    place[distinct] = np.arange(len(distinct))
    which = place[points.codes]
    sizes = np.array([len(part) for part in parts], dtype=np.int64)
    first = np.cumsum(sizes) - sizes
    ends = np.concatenate([[0], np.cumsum(sizes[which])])
    # Of every replaced character: where its replacement begins, and how far into that we are.
    inside = np.arange(ends[-1]) - np.repeat(ends[:-1], sizes[which])
    alphabet = np.frombuffer("".join(parts).encode("utf-32-le"), dtype="<u4").astype(np.uint32)
    codes = alphabet[np.repeat(first[which], sizes[which]) + inside]
    made = pc.utf8_normalize(to_strings(CodePoints(codes=codes, offsets=ends[points.offsets])), form="NFKC")
    return pc.if_else(pc.is_valid(text), made, pa.scalar(None, pa.string())) if text.null_count else made
