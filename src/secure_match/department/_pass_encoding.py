"""RAW: the encodings of rows from their token lists, by the encoder that the pass names.

Invariants: equal tokens of all columns have one number; tables of tokens and chains are overwritten before a call ends
(copies that arithmetic on arrays makes are not).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from secure_match.agreement import Pass
from secure_match.department._cmac import cmac_each, encrypt_blocks
from secure_match.department._grams import TokenLists
from secure_match.department._pass_keys import PassKeys
from secure_match.department.normalise._bytes import byte_view
from secure_match.kernels._majority_bits import set_majority_bits
from secure_match.kernels._pass_bits import TokenRows, set_pass_bits

TOKEN_BYTES: Final = 12
"""Of T; the last four bytes of the block that it stands in are the counter's."""
TIE_TOKEN: Final = ""
"""No token of a value is empty: it holds U+001F."""


def encode_rows(
    item: Pass,
    columns: Sequence[TokenLists],
    chosen: npt.NDArray[np.int64],
    chains: npt.NDArray[np.uint64],
    keys: PassKeys,
) -> npt.NDArray[np.uint8]:
    """Encodings of the chosen rows before they are hardened, uint8 of shape (chosen, bits / 8).

    Args:
        item: the pass.
        columns: token lists of its fields.
        chosen: int64 of shape (chosen,): rows that have a token.
        chains: uint64 of shape (chosen, 2); overwritten.
        keys: those of the pass.
    """
    texts = pa.concat_arrays([*(column.tokens for column in columns), pa.array([TIE_TOKEN], pa.string())])
    distinct = texts.dictionary_encode()
    numbers = np.asarray(distinct.indices.to_numpy(), dtype=np.int32)
    view = byte_view(distinct.dictionary)
    tokens = cmac_each(keys.token_key, view.data, view.offsets)
    tokens[:, TOKEN_BYTES:] = 0
    rows = _token_rows(columns, numbers, chosen, chains, np.ascontiguousarray(tokens).view("<u8").astype(np.uint64))
    encodings = np.zeros((len(chosen), item.bits // 8), dtype=np.uint8)
    targets = np.arange(len(chosen))

    def cipher(blocks: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
        return encrypt_blocks(keys.position_key, blocks)

    if item.encoder == "majority_xor":
        set_majority_bits(rows, cipher, item.num_majorities, int(numbers[-1]), targets, encodings)
    else:
        set_pass_bits(rows, cipher, targets, encodings)
    tokens.fill(0)
    rows.token_words.fill(0)
    chains.fill(0)
    return encodings


def _token_rows(
    columns: Sequence[TokenLists],
    numbers: npt.NDArray[np.int32],
    chosen: npt.NDArray[np.int64],
    chains: npt.NDArray[np.uint64],
    token_words: npt.NDArray[np.uint64],
) -> TokenRows:
    """The lists of all columns one after the other; ``numbers`` are those of all their tokens."""
    lists, starts, entries = [], [np.zeros(1, dtype=np.int64)], []
    num_lists = num_entries = num_tokens = 0
    for column in columns:
        codes = column.codes[chosen]
        lists.append(np.where(codes >= 0, codes + num_lists, -1))
        starts.append(column.starts[1:] + num_entries)
        entries.append(numbers[column.entries + num_tokens])
        num_lists += len(column.starts) - 1
        num_entries += len(column.entries)
        num_tokens += len(column.tokens)
    return TokenRows(
        lists=np.stack(lists, axis=1),
        starts=np.concatenate(starts),
        tokens=np.concatenate(entries),
        counts=np.concatenate([column.counts for column in columns]),
        chains=chains,
        token_words=token_words,
    )
