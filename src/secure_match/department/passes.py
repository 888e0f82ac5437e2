"""RAW: passes: per record a block tag and an encoding keyed by the block.

Construction, for pass ``p`` with keys derived by HKDF from the shared secret, agreement, epoch and ``p``:

* block value: the normalised values of ``block_on``, joined by U+001F (which normalised text cannot contain),
* block tag: BLAKE2b-128 keyed by the tag key over the block value,
* block secret: BLAKE2b-512 keyed by the secret key over the block value; without ``block_on`` the key itself,
* token: field name, U+001F, then ``"{q} {gram}"``, or ``"{q}.{place} {gram}"`` where positional, in UTF-8; grams come
  from the value padded by q - 1 blanks at both ends, places count from 0; each token once; a gram that holds the mark
  of a lost character (U+25A1) is no token,
* positions: 16-bit words of BLAKE2b-512 keyed by the block secret, salted by a counter (random hashing), modulo the
  length; a field's ``insertions`` are shared out evenly among its tokens, the first ones getting what is left over.

A row that lacks a block value, or all encoded fields, gets neither tag nor encoding: missing agrees with nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Pass, PassField, split_view
from secure_match.agreement.tables import UNKNOWN_CHARACTER
from secure_match.department._hashing import POSITIONS_PER_BLOCK, blake_blocks
from secure_match.department.keys import Guarded
from secure_match.department.normalise import NormalisedField, view_values
from secure_match.encoded import PassColumn, binary_from_matrix
from secure_match.kernels.bloom import set_bits

TAG_BYTES: Final = 16
BLOCK_SECRET_BYTES: Final = 64
_CHUNK_ROWS: Final = 4096
_SEPARATOR: Final = "\x1f"
_NOTHING: Final = pa.scalar(None, pa.string())

Tokens = list[tuple[bytes, int]]
"""Tokens of one value with the number of positions that each sets."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class PassKeys(Guarded):
    """Keys of one pass: ``tag_key`` has 32 bytes, ``secret_key`` 64."""

    tag_key: bytes
    secret_key: bytes


def encode_pass(item: Pass, fields: dict[str, NormalisedField], keys: PassKeys) -> tuple[pa.Array | None, pa.Array]:
    """Block tags, fixed_size_binary(16), and encodings, fixed_size_binary(bits / 8), both of shape (rows,).

    The tags are None for a pass that does not block.
    """
    rows = len(next(iter(fields.values())).values)
    blocks = _block_values(item, fields, rows)
    columns = [_TokenColumn(field, view_of(fields, field.field)) for field in item.fields]
    has_tokens = np.logical_or.reduce([column.codes >= 0 for column in columns])
    used = has_tokens & (blocks.codes >= 0)
    encodings = _encodings(item, columns, blocks, used, keys)
    if not item.block_on:
        return None, binary_from_matrix(encodings, used)
    tags = np.zeros((len(blocks.values), TAG_BYTES), dtype=np.uint8)
    for index, value in enumerate(blocks.values):
        digest = hashlib.blake2b(value, key=keys.tag_key, digest_size=TAG_BYTES).digest()
        tags[index] = np.frombuffer(digest, dtype=np.uint8)
    row_tags = tags[np.maximum(blocks.codes, 0)] if len(tags) else np.zeros((rows, TAG_BYTES), dtype=np.uint8)
    return binary_from_matrix(row_tags, used), binary_from_matrix(encodings, used)


def view_of(fields: dict[str, NormalisedField], reference: str) -> pa.StringArray:
    """A field or a view of it (``name.surname``) as strings of shape (rows,); null where it has no value."""
    name, view = split_view(reference)
    return view_values(fields[name], view)


def pass_column(item: Pass) -> PassColumn:
    """How a package describes the pass."""
    return PassColumn(id=item.id, bits=item.bits, blocked=bool(item.block_on))


def tokenise(field: PassField, value: str) -> Tokens:
    """Tokens of a value in order of q-gram size and place, each once, with their share of the insertions."""
    grams: dict[str, None] = {}
    for size in field.qgram_sizes:
        padded = " " * (size - 1) + value + " " * (size - 1)
        for place in range(len(padded) - size + 1):
            gram = padded[place : place + size]
            if UNKNOWN_CHARACTER in gram:
                continue
            grams[f"{size}.{place} {gram}" if field.positional else f"{size} {gram}"] = None
    share, rest = divmod(field.insertions, max(len(grams), 1))
    return [
        (f"{field.field}{_SEPARATOR}{gram}".encode(), share + (1 if index < rest else 0))
        for index, gram in enumerate(grams)
    ]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Blocks:
    """Distinct block values and, per row, the index of its value or -1."""

    values: list[bytes]
    codes: npt.NDArray[np.int64]


class _TokenColumn:
    """Token lists of the distinct values of a column and, per row, the index of its list or -1."""

    __slots__ = ("codes", "lists")

    def __init__(self, field: PassField, values: pa.StringArray) -> None:
        self.codes, distinct = _dictionary(values)
        self.lists = [tokenise(field, value) for value in distinct]
        empty = np.array([not tokens for tokens in self.lists] + [True], dtype=np.bool_)
        self.codes[empty[self.codes]] = -1


def _dictionary(values: pa.StringArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    encoded = values.dictionary_encode()
    codes = np.array(pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
    return codes, encoded.dictionary.to_pylist()


def _block_values(item: Pass, fields: dict[str, NormalisedField], rows: int) -> _Blocks:
    if not item.block_on:
        return _Blocks(values=[b""], codes=np.zeros(rows, dtype=np.int64))
    parts = [view_of(fields, reference) for reference in item.block_on]
    # A lost character makes a value unknown as a whole: it must not meet another one with the same gap.
    parts = [pc.if_else(pc.match_substring(part, UNKNOWN_CHARACTER), _NOTHING, part) for part in parts]
    joined = pc.binary_join_element_wise(*parts, _SEPARATOR, null_handling="emit_null")
    codes, distinct = _dictionary(joined)
    return _Blocks(values=[value.encode() for value in distinct], codes=codes)


def _encodings(
    item: Pass, columns: list[_TokenColumn], blocks: _Blocks, used: npt.NDArray[np.bool_], keys: PassKeys
) -> npt.NDArray[np.uint8]:
    matrix = np.zeros((len(used), item.bits // 8), dtype=np.uint8)
    chosen = np.flatnonzero(used)
    for start in range(0, len(chosen), _CHUNK_ROWS):
        entries = _hash_rows(item, columns, blocks, chosen[start : start + _CHUNK_ROWS], keys)
        for num_blocks, (rows, counts, digests) in entries.items():
            shorts = np.frombuffer(b"".join(digests), dtype="<u2").reshape(len(rows), num_blocks * POSITIONS_PER_BLOCK)
            set_bits(np.array(rows, dtype=np.int64), shorts, np.array(counts, dtype=np.int32), matrix, item.bits)
    return matrix


def _hash_rows(
    item: Pass, columns: list[_TokenColumn], blocks: _Blocks, chosen: npt.NDArray[np.int64], keys: PassKeys
) -> dict[int, tuple[list[int], list[int], list[bytes]]]:
    """Hash all tokens of some rows: by number of hash blocks, the row, number of positions and hash of each token."""
    entries: dict[int, tuple[list[int], list[int], list[bytes]]] = {}
    for row in chosen.tolist():
        secret = _block_secret(item, blocks.values[blocks.codes[row]], keys)
        for column in columns:
            code = column.codes[row]
            for token, count in column.lists[code] if code >= 0 else ():
                num_blocks = -(-count // POSITIONS_PER_BLOCK)
                rows, counts, digests = entries.setdefault(num_blocks, ([], [], []))
                rows.append(row)
                counts.append(count)
                digests.append(blake_blocks(token, secret, num_blocks))
    entries.pop(0, None)
    return entries


def _block_secret(item: Pass, value: bytes, keys: PassKeys) -> bytes:
    if not item.block_on:
        return keys.secret_key
    return hashlib.blake2b(value, key=keys.secret_key, digest_size=BLOCK_SECRET_BYTES).digest()
