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
* positions (encoder ``clk``): 16-bit words of the MACs under the position key of ``B || T || counter`` (random
  hashing), modulo the length; a field's ``insertions`` are shared out evenly among its tokens, the first ones getting
  what is left over. A token that several shared fields have sets as many positions as the largest of its shares: the
  others are among them,
* votes (encoder ``majority_xor``): the bits of the same MACs, a token's share being its weight; see
  ``kernels._majority_bits``. The token that breaks ties is the empty text.

What is done to a finished encoding is in ``_hardening``.

A row that lacks a block value, or all encoded fields, gets neither tag nor encoding: missing agrees with nothing.

Invariants: nothing is kept beyond a call; the tables of B and T are overwritten before it ends (copies that arithmetic
on arrays makes are not). Threads change no byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from secure_match.agreement import Pass, PassField, split_view
from secure_match.agreement.tables import UNKNOWN_CHARACTER
from secure_match.department._cmac import cmac_each, encrypt_blocks, subkeys
from secure_match.department._grams import SEPARATOR, TokenLists, token_lists, token_space
from secure_match.department._hardening import hardened
from secure_match.department._pass_encoding import encode_rows
from secure_match.department._pass_keys import PassKeys
from secure_match.department.normalise import NormalisedField, view_values
from secure_match.department.normalise._bytes import byte_view
from secure_match.encoded import PassColumn, binary_from_matrix

__all__ = ["PassKeys", "encode_pass", "encode_passes", "pass_column", "tokenise", "view_of"]

TAG_BYTES: Final = 16
_THREADS: Final = 2
_ROWS_FOR_THREADS: Final = 4096
_NOTHING: Final = pa.scalar(None, pa.string())

Tokens = list[tuple[bytes, int]]
"""Tokens of one value with the number of positions that each sets."""
ByteMatrix = npt.NDArray[np.uint8]
PassColumns = tuple[pa.Array | None, pa.Array]
"""Block tags, fixed_size_binary(16), None without ``block_on``; and encodings, fixed_size_binary(encoded bits / 8)."""


def encode_passes(
    passes: Sequence[tuple[Pass, PassKeys]],
    fields: Mapping[str, NormalisedField],
    *,
    handles: ByteMatrix | None = None,
    threads: int = _THREADS,
) -> list[PassColumns]:
    """All passes of a batch, in order, each of shape (rows,).

    Args:
        passes: the passes with their keys.
        fields: the normalised fields of the batch.
        handles: uint8 of shape (rows, 16); passes with noise need them.
        threads: how many passes are worked on at a time; short batches take one.
    """
    wanted = list(dict.fromkeys(field for item, _ in passes for field in item.fields))
    with ThreadPoolExecutor(max(1, threads if _rows(fields) >= _ROWS_FOR_THREADS else 1)) as pool:
        made = pool.map(lambda field: token_lists(field, view_of(fields, field.field)), wanted)
        lists = dict(zip(wanted, made, strict=True))
        return list(pool.map(lambda one: _encode_pass(one[0], fields, lists, one[1], handles), passes))


def encode_pass(
    item: Pass, fields: Mapping[str, NormalisedField], keys: PassKeys, *, handles: ByteMatrix | None = None
) -> PassColumns:
    """One pass of a batch, of shape (rows,)."""
    return encode_passes([(item, keys)], fields, handles=handles)[0]


def view_of(fields: Mapping[str, NormalisedField], reference: str) -> pa.StringArray:
    """A field or a view of it (``name.surname``) as strings of shape (rows,); null where it has no value."""
    name, view = split_view(reference)
    return view_values(fields[name], view)


def pass_column(item: Pass) -> PassColumn:
    """How a package describes the pass."""
    return PassColumn(id=item.id, bits=item.encoded_bits, blocked=bool(item.block_on))


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
    item: Pass,
    fields: Mapping[str, NormalisedField],
    lists: Mapping[PassField, TokenLists],
    keys: PassKeys,
    handles: ByteMatrix | None,
) -> PassColumns:
    columns = [lists[field] for field in item.fields]
    rows = _rows(fields)
    values = _block_values(item, fields, rows)
    used = np.logical_or.reduce([column.codes >= 0 for column in columns])
    used &= np.asarray(values.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    chosen = np.flatnonzero(used)
    block = values.take(pa.array(chosen))
    made = encode_rows(item, columns, chosen, _chains(item, block, keys), keys)
    if item.hardening is not None:
        made = hardened(item.hardening, made, None if handles is None else handles[chosen], keys)
    encodings = np.zeros((rows, item.encoded_bits // 8), dtype=np.uint8)
    encodings[chosen] = made
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
