"""RAW: passes: per record a block tag and an encoding keyed by the block.

Construction 2, for pass ``p`` with four AES-256 keys derived by HKDF from shared secret, agreement, epoch and ``p``;
``MAC`` is AES-256-CMAC (NIST SP 800-38B):

* block value: the normalised values of ``block_on``, joined by U+001F (which normalised text cannot contain); without
  ``block_on`` it is empty,
* block tag: MAC under the tag key of the block value,
* B: MAC under the block key of the block value,
* token: field name (nothing where the field is shared), U+001F, then ``"{q} {gram}"``, or ``"{q}.{place} {gram}"``
  where positional, in UTF-8; grams come from the value padded by q - 1 blanks at both ends, places count from 0; each
  token once; a gram that holds the mark of a lost character (U+25A1) is no token,
* T: the first 12 bytes of the MAC under the token key of the token,
* positions: 16-bit words of the MACs under the position key of ``B || T || counter`` (random hashing), modulo the
  length; a field's ``insertions`` are shared out evenly among its tokens, the first ones getting what is left over. A
  token that several shared fields have sets as many positions as the largest of its shares: the others are among them.

A row that lacks a block value, or all encoded fields, gets neither tag nor encoding: missing agrees with nothing.

Invariants: nothing is kept beyond a call; the tables of B and T are overwritten before it ends (copies that arithmetic
on arrays makes are not). Threads change no byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Pass, PassField, split_view
from secure_match.agreement.tables import UNKNOWN_CHARACTER
from secure_match.department import _labels
from secure_match.department._cmac import KEY_BYTES, cmac_each, encrypt_blocks, subkeys
from secure_match.department._grams import SEPARATOR, TokenLists, token_lists, token_space
from secure_match.department.keys import derive_key
from secure_match.department.normalise import NormalisedField, view_values
from secure_match.department.normalise._bytes import byte_view
from secure_match.encoded import PassColumn, binary_from_matrix
from secure_match.exchange.opaque import Guarded
from secure_match.kernels._pass_bits import TokenRows, set_pass_bits

TAG_BYTES: Final = 16
TOKEN_BYTES: Final = 12
"""Of T; the last four bytes of the block that it stands in are the counter's."""
_THREADS: Final = 2
_ROWS_FOR_THREADS: Final = 4096
_NOTHING: Final = pa.scalar(None, pa.string())

Tokens = list[tuple[bytes, int]]
"""Tokens of one value with the number of positions that each sets."""
PassColumns = tuple[pa.Array | None, pa.Array]
"""Block tags, fixed_size_binary(16), None without ``block_on``; and encodings, fixed_size_binary(bits / 8)."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class PassKeys(Guarded):
    """Keys of one pass, 32 bytes each."""

    tag_key: bytes
    block_key: bytes
    token_key: bytes
    position_key: bytes

    @classmethod
    def derive(cls, secret: bytes, *scope: str) -> PassKeys:
        """From the shared secret; ``scope`` is fingerprint, epoch and pass id."""
        return cls(
            tag_key=derive_key(secret, _labels.BLOCK_TAG, *scope, length_bytes=KEY_BYTES),
            block_key=derive_key(secret, _labels.PASS_BLOCK, *scope, length_bytes=KEY_BYTES),
            token_key=derive_key(secret, _labels.PASS_TOKEN, *scope, length_bytes=KEY_BYTES),
            position_key=derive_key(secret, _labels.PASS_POSITION, *scope, length_bytes=KEY_BYTES),
        )


def encode_passes(
    passes: Sequence[tuple[Pass, PassKeys]], fields: Mapping[str, NormalisedField], *, threads: int = _THREADS
) -> list[PassColumns]:
    """All passes of a batch, in order, each of shape (rows,).

    Args:
        passes: the passes with their keys.
        fields: the normalised fields of the batch.
        threads: how many passes are worked on at a time; short batches take one.
    """
    wanted = list(dict.fromkeys(field for item, _ in passes for field in item.fields))
    with ThreadPoolExecutor(max(1, threads if _rows(fields) >= _ROWS_FOR_THREADS else 1)) as pool:
        made = pool.map(lambda field: token_lists(field, view_of(fields, field.field)), wanted)
        lists = dict(zip(wanted, made, strict=True))
        return list(pool.map(lambda one: _encode_pass(one[0], fields, lists, one[1]), passes))


def encode_pass(item: Pass, fields: Mapping[str, NormalisedField], keys: PassKeys) -> PassColumns:
    """One pass of a batch, of shape (rows,)."""
    return encode_passes([(item, keys)], fields)[0]


def view_of(fields: Mapping[str, NormalisedField], reference: str) -> pa.StringArray:
    """A field or a view of it (``name.surname``) as strings of shape (rows,); null where it has no value."""
    name, view = split_view(reference)
    return view_values(fields[name], view)


def pass_column(item: Pass) -> PassColumn:
    """How a package describes the pass."""
    return PassColumn(id=item.id, bits=item.bits, blocked=bool(item.block_on))


def tokenise(field: PassField, value: str) -> Tokens:
    """Tokens of a value in order of q-gram size and place, each once, with their share of the insertions.

    The reference of ``_grams.token_lists``, which does a whole column.
    """
    grams: dict[str, None] = {}
    for size in field.qgram_sizes:
        padded = " " * (size - 1) + value + " " * (size - 1)
        for place in range(len(padded) - size + 1):
            gram = padded[place : place + size]
            if UNKNOWN_CHARACTER in gram:
                continue
            grams[f"{size}.{place} {gram}" if field.positional else f"{size} {gram}"] = None
    share, rest = divmod(field.insertions, max(len(grams), 1))
    space = token_space(field)
    return [
        (f"{space}{SEPARATOR}{gram}".encode(), share + (1 if index < rest else 0)) for index, gram in enumerate(grams)
    ]


def _rows(fields: Mapping[str, NormalisedField]) -> int:
    return len(next(iter(fields.values())).values)


def _encode_pass(
    item: Pass, fields: Mapping[str, NormalisedField], lists: Mapping[PassField, TokenLists], keys: PassKeys
) -> PassColumns:
    columns = [lists[field] for field in item.fields]
    rows = _rows(fields)
    values = _block_values(item, fields, rows)
    used = np.logical_or.reduce([column.codes >= 0 for column in columns])
    used &= np.asarray(values.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    chosen = np.flatnonzero(used)
    block = values.take(pa.array(chosen))
    encodings = np.zeros((rows, item.bits // 8), dtype=np.uint8)
    _set_bits(columns, chosen, _chains(item, block, keys), keys, encodings)
    if not item.block_on:
        return None, binary_from_matrix(encodings, used)
    tags = np.zeros((rows, TAG_BYTES), dtype=np.uint8)
    tags[chosen] = _macs(keys.tag_key, block)
    return binary_from_matrix(tags, used), binary_from_matrix(encodings, used)


def _block_values(item: Pass, fields: Mapping[str, NormalisedField], rows: int) -> pa.StringArray:
    if not item.block_on:
        return pa.array([""], pa.string()).take(pa.array(np.zeros(rows, dtype=np.int64)))
    parts = [view_of(fields, reference) for reference in item.block_on]
    # A lost character makes a value unknown as a whole: it must not meet another one with the same gap.
    parts = [pc.if_else(pc.match_substring(part, UNKNOWN_CHARACTER), _NOTHING, part) for part in parts]
    return pc.binary_join_element_wise(*parts, SEPARATOR, null_handling="emit_null")


def _macs(key: bytes, texts: pa.StringArray) -> npt.NDArray[np.uint8]:
    view = byte_view(texts)
    return cmac_each(key, view.data, view.offsets)


def _chains(item: Pass, block: pa.StringArray, keys: PassKeys) -> npt.NDArray[np.uint64]:
    """What CMAC has made of the first block, B, before the second comes in: uint64 of shape (rows, 2).

    The second block is always whole, so that its subkey can be added here.
    """
    firsts = _macs(keys.block_key, block if item.block_on else block[:1])
    states = encrypt_blocks(keys.position_key, firsts) ^ subkeys(keys.position_key)[0]
    words = np.ascontiguousarray(states).view("<u8").astype(np.uint64)
    firsts.fill(0)
    states.fill(0)
    return words if item.block_on else np.broadcast_to(words, (len(block), 2)).copy()


def _set_bits(
    columns: Sequence[TokenLists],
    chosen: npt.NDArray[np.int64],
    chains: npt.NDArray[np.uint64],
    keys: PassKeys,
    encodings: npt.NDArray[np.uint8],
) -> None:
    """Set the bits of the chosen rows; the lists and tokens of all columns stand one after the other."""
    parts = [_macs(keys.token_key, column.tokens) for column in columns]
    tokens = np.concatenate(parts)
    tokens[:, TOKEN_BYTES:] = 0
    lists, starts, entries = [], [np.zeros(1, dtype=np.int64)], []
    num_lists = num_entries = num_tokens = 0
    for column in columns:
        codes = column.codes[chosen]
        lists.append(np.where(codes >= 0, codes + num_lists, -1))
        starts.append(column.starts[1:] + num_entries)
        entries.append(column.entries + np.int32(num_tokens))
        num_lists += len(column.starts) - 1
        num_entries += len(column.entries)
        num_tokens += len(column.tokens)
    rows = TokenRows(
        lists=np.stack(lists, axis=1),
        starts=np.concatenate(starts),
        tokens=np.concatenate(entries),
        counts=np.concatenate([column.counts for column in columns]),
        chains=chains,
        token_words=np.ascontiguousarray(tokens).view("<u8").astype(np.uint64),
    )
    set_pass_bits(rows, lambda blocks: encrypt_blocks(keys.position_key, blocks), chosen, encodings)
    for table in (*parts, tokens):
        table.fill(0)
    for words in (rows.token_words, chains):
        words.fill(0)
