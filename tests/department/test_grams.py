"""Tokens of a whole column against the reference for one value; handles and ID tokens against hashlib."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from secure_match.agreement import PassField
from secure_match.department import DepartmentKey
from secure_match.department._grams import token_lists
from secure_match.department.handles import HandleMaker
from secure_match.department.keys import derive_key
from secure_match.department.normalise import NormalisedField
from secure_match.department.passes import tokenise
from secure_match.department.tokens import id_tokens
from secure_match.kernels._seen import SeenKeys

FIELDS = st.builds(
    PassField,
    field=st.sampled_from(["name", "birth_date.year"]),
    qgram_sizes=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    positional=st.booleans(),
    shared=st.booleans(),
    insertions=st.sampled_from([1, 7, 200]),
)
TEXTS = st.one_of(st.none(), st.text("张王 □1a\U00030000é", max_size=7), st.text(max_size=4))


@settings(deadline=None, max_examples=150)
@given(FIELDS, st.lists(TEXTS, max_size=8))
def test_lists_equal_the_reference(field: PassField, values: list[str | None]) -> None:
    lists = token_lists(field, pa.array(values, pa.string()))
    tokens = lists.tokens.to_pylist()
    assert len(set(tokens)) == len(tokens)
    for value, code in zip(values, lists.codes.tolist(), strict=True):
        expected = tokenise(field, value) if value is not None else []
        span = slice(lists.starts[code], lists.starts[code + 1]) if code >= 0 else slice(0, 0)
        entries, counts = lists.entries[span].tolist(), lists.counts[span].tolist()
        assert [(tokens[entry].encode(), count) for entry, count in zip(entries, counts, strict=True)] == expected


def test_handles_and_tokens_are_the_keyed_hash_of_each_row() -> None:
    def prf(key: bytes, text: str) -> bytes:
        return hashlib.blake2b(text.encode(), key=key, digest_size=16).digest()

    key = DepartmentKey.create(
        party="p", agreement_id="a", key_epoch="1", encoding_secret=b"e" * 32, handle_secret=b"h" * 32
    )
    maker, seen = HandleMaker(key, "a", "d"), SeenKeys()
    handle_key = derive_key(b"h" * 32, "handle", "a", "d")
    for rows, again in ((["甲", None, "", "甲", "b"], [3]), (["c", "b"], [1]), ([], [])):
        handles, missing, repeated = maker.make(pa.array(rows, pa.string()), seen)
        assert handles.to_pylist() == [prf(handle_key, row) if row else bytes(16) for row in rows]
        assert missing.tolist() == [not row for row in rows]
        assert np.flatnonzero(repeated).tolist() == again
    numbers = [None, "339902197803120013", None, "339902197803120030"]
    column = NormalisedField(values=pa.array(numbers, pa.string()), states=np.zeros(4, dtype=np.uint8))
    assert id_tokens(column, b"k" * 32).to_pylist() == [prf(b"k" * 32, row) if row else None for row in numbers]
