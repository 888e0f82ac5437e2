"""PUBLIC: the tables that normalisation uses. Two departments with different tables would never link.

Their digest is part of every agreement's fingerprint, so a changed table changes the fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache

from secure_match.agreement.tables._data import (
    CODE_POINTS,
    DATA_FILES,
    data_digest,
    private_use_table,
    reading_table,
    syllables,
    variant_table,
)
from secure_match.agreement.tables._shapes import SHAPE_KEYS
from secure_match.agreement.tables._sounds import COMPOUND_READINGS, SURNAME_READINGS, fold_dialect
from secure_match.agreement.tables._words import (
    APOSTROPHES,
    COMPOUND_SURNAMES,
    FORMER_NAME_WORDS,
    LATIN_FOLDS,
    LATIN_TITLES,
    LOST_CHARACTERS,
    MISSING_WORDS,
    NAME_SEPARATORS,
    SEX_CODES,
    SEX_MISSING,
    TITLES,
    UNKNOWN_CHARACTER,
)

__all__ = [
    "APOSTROPHES",
    "CODE_POINTS",
    "COMPOUND_READINGS",
    "COMPOUND_SURNAMES",
    "FORMER_NAME_WORDS",
    "LATIN_FOLDS",
    "LATIN_TITLES",
    "LOST_CHARACTERS",
    "MISSING_WORDS",
    "NAME_SEPARATORS",
    "SEX_CODES",
    "SEX_MISSING",
    "SHAPE_KEYS",
    "SURNAME_READINGS",
    "TITLES",
    "UNKNOWN_CHARACTER",
    "fold_dialect",
    "private_use_table",
    "reading_table",
    "syllables",
    "tables_digest",
    "variant_table",
]


@cache
def tables_digest() -> str:
    """Lower-case hex SHA-256 over all tables of this package in canonical JSON, the data files by their text.

    Tables are constants, so that one computation serves a process: every package asks for it several times.
    """
    tables = {
        "apostrophes": APOSTROPHES,
        "compound_readings": COMPOUND_READINGS,
        "compound_surnames": COMPOUND_SURNAMES,
        "dialect": {syllable: fold_dialect(syllable) for syllable in syllables()},
        "former_name_words": FORMER_NAME_WORDS,
        "latin_folds": LATIN_FOLDS,
        "latin_titles": LATIN_TITLES,
        "lost_characters": LOST_CHARACTERS,
        "missing_words": MISSING_WORDS,
        "name_separators": NAME_SEPARATORS,
        "sex_codes": SEX_CODES,
        "sex_missing": SEX_MISSING,
        "shape_keys": SHAPE_KEYS,
        "surname_readings": SURNAME_READINGS,
        "titles": TITLES,
        "unknown_character": UNKNOWN_CHARACTER,
        **{name: data_digest(name) for name in DATA_FILES},
    }
    return hashlib.sha256(json.dumps(tables, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
