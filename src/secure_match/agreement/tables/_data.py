"""PUBLIC: the pinned character tables, read from the package's own data files and turned into arrays once.

``tools/make_name_tables.py`` makes the files; every one begins with its source and licence.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

CODE_POINTS: Final = 0x110000
"""Length of an array that is indexed by a code point."""

DATA_FILES: Final = ("private_use.txt", "readings.txt", "variants.txt")
_SURROGATES: Final = slice(0xD800, 0xE000)
CodeTable = npt.NDArray[np.uint32]


@cache
def data_text(name: str) -> str:
    """The text of one data file."""
    return resources.files("secure_match.agreement.tables").joinpath("data", name).read_text(encoding="utf-8")


@cache
def data_digest(name: str) -> str:
    """Lower-case hex SHA-256 of the text of one data file."""
    return hashlib.sha256(data_text(name).encode()).hexdigest()


def _pairs(name: str) -> list[tuple[str, str]]:
    lines = [line for line in data_text(name).splitlines() if not line.startswith("#")]
    cells = [line.split("\t") for line in lines]
    return [(left, right) for left, right in cells]


@cache
def private_use_table() -> CodeTable:
    """Code point to the one that a private-use code point of old GBK fonts stands for; uint32, read-only."""
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    for old, new in _pairs("private_use.txt"):
        table[int(old, 16)] = int(new, 16)
    return _frozen(table)


@cache
def variant_table() -> CodeTable:
    """Code point to its folded form (traditional, regional and variant characters); uint32, read-only."""
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    for folded, others in _pairs("variants.txt"):
        table[[ord(character) for character in others]] = ord(folded)
    return _frozen(table)


def _frozen(table: CodeTable) -> CodeTable:
    table[_SURROGATES] = 0xFFFD
    table.setflags(write=False)
    return table


@cache
def syllables() -> tuple[str, ...]:
    """All readings without tones, in alphabetical order; ``v`` stands for u umlaut."""
    return tuple(reading for reading, _ in _pairs("readings.txt"))


@cache
def reading_table() -> npt.NDArray[np.int16]:
    """Code point to the index in :func:`syllables` of its reading, or -1; int16, read-only."""
    table = np.full(CODE_POINTS, -1, dtype=np.int16)
    for index, (_, characters) in enumerate(_pairs("readings.txt")):
        table[[ord(character) for character in characters]] = index
    table.setflags(write=False)
    return table
