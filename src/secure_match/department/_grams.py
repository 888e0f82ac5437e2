"""RAW: the tokens of the distinct values of a column, for all values at once.

Invariant: the lists are those of ``passes.tokenise`` for each value, in its order; a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import PassField
from secure_match.agreement.tables import UNKNOWN_CHARACTER
from secure_match.department.normalise._bytes import CodePoints, code_points
from secure_match.kernels._pass_bits import Int32Array, Int64Array, first_occurrences

_BLANK: Final = ord(" ")
_LOST: Final = ord(UNKNOWN_CHARACTER)
SEPARATOR: Final = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TokenLists:
    """The token lists of a column.

    Attributes:
        codes: int64 of shape (rows,): index of the row's list, or -1 where it has no token.
        starts: int64 of shape (lists + 1,): list ``i`` has the entries ``starts[i]`` to ``starts[i + 1] - 1``.
        entries: int32 of shape (entries,): index of a token.
        counts: int32 of shape (entries,): how many positions it sets.
        tokens: the distinct tokens, a string array.
    """

    codes: Int64Array
    starts: Int64Array
    entries: Int32Array
    counts: Int32Array
    tokens: pa.StringArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class _Grams:
    """Grams of one size: the value each belongs to, which token it is, whether it holds a lost character."""

    values: Int64Array
    entries: Int64Array
    lost: npt.NDArray[np.bool_]
    tokens: list[str]


def token_lists(field: PassField, column: pa.StringArray) -> TokenLists:
    """Token lists of a column.

    Args:
        field: how its values become tokens.
        column: string array of shape (rows,); null where there is no value.
    """
    dictionary = column.dictionary_encode()
    codes = np.array(pc.fill_null(dictionary.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
    points = code_points(dictionary.dictionary)
    values, entries, tokens = _merged([_grams(field, points, size) for size in dict.fromkeys(field.qgram_sizes)])
    first = first_occurrences(values, entries, len(tokens))
    values, entries = values[first], entries[first]
    sizes = np.bincount(values, minlength=len(points.lengths))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    share, rest = np.divmod(field.insertions, np.maximum(sizes, 1))
    index = np.arange(len(values)) - starts[values]
    counts = share[values] + (index < rest[values])
    codes[np.append(sizes == 0, True)[codes]] = -1
    return TokenLists(
        codes=codes,
        starts=starts,
        entries=entries,
        counts=counts.astype(np.int32),
        tokens=pa.array(tokens, pa.string()),
    )


def token_space(field: PassField) -> str:
    """What the tokens of a field begin with: its name, or nothing, which no field is called, where it is shared."""
    return "" if field.shared else field.field


def _merged(parts: list[_Grams]) -> tuple[Int64Array, Int32Array, list[str]]:
    """Grams of all sizes, by value, then size, then place; tokens of the sizes one after the other."""
    firsts = np.cumsum([0, *(len(part.tokens) for part in parts)])
    values = np.concatenate([part.values[~part.lost] for part in parts])
    entries = np.concatenate([part.entries[~part.lost] + first for part, first in zip(parts, firsts[:-1], strict=True)])
    order = np.argsort(values, kind="stable")
    tokens = [token for part in parts for token in part.tokens]
    return values[order], entries[order].astype(np.int32), tokens


def _grams(field: PassField, points: CodePoints, size: int) -> _Grams:
    """Grams of one size of all values, by value and place."""
    blanks = size - 1
    lengths = points.lengths
    padded = np.full(len(points.codes) + 2 * blanks * len(lengths), _BLANK, dtype=np.uint32)
    padded[np.arange(len(points.codes)) + 2 * blanks * points.rows() + blanks] = points.codes
    # A value of n characters has n + 2 (q - 1) padded ones, and n + q - 1 grams.
    num_grams = lengths + blanks
    values = np.repeat(np.arange(len(lengths)), num_grams)
    places = np.arange(len(values)) - np.repeat(np.cumsum(num_grams) - num_grams, num_grams)
    starts = places + (points.offsets[:-1] + 2 * blanks * np.arange(len(lengths)))[values]
    characters, _ = _numbered(padded)
    lost = padded[starts] == _LOST
    keys = characters[starts]
    for further in range(1, size):
        # Numbers of distinct shorter grams stay small, so that no product of two leaves 64 bits.
        keys = _numbered(keys)[0] * (len(padded) + 1) + characters[starts + further]
        lost |= padded[starts + further] == _LOST
    if field.positional:
        keys = _numbered(keys)[0] * (int(places.max(initial=0)) + 1) + places
    entries, first = _numbered(keys)
    text = padded.astype("<u4", copy=False).tobytes().decode("utf-32-le")
    begin = f"{token_space(field)}{SEPARATOR}{size}"
    if field.positional:
        spans = zip(starts[first].tolist(), places[first].tolist(), strict=True)
        tokens = [f"{begin}.{place} {text[at : at + size]}" for at, place in spans]
    else:
        tokens = [f"{begin} {text[at : at + size]}" for at in starts[first].tolist()]
    return _Grams(values=values, entries=entries, lost=lost, tokens=tokens)


def _numbered(keys: npt.NDArray[np.int64] | npt.NDArray[np.uint32]) -> tuple[Int64Array, Int64Array]:
    """Numbers of distinct keys in order of appearance, int64 of the shape of ``keys``; where each appears first."""
    encoded = pa.array(keys).dictionary_encode()
    numbers = np.array(encoded.indices, dtype=np.int64)
    first = np.zeros(len(encoded.dictionary), dtype=np.int64)
    first[numbers[::-1]] = np.arange(len(keys))[::-1]
    return numbers, first
