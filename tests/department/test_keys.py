"""Keys are opaque: they do not print, compare, copy or pickle; derivation keeps purposes apart."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secure_match.department.keys import (
    DepartmentKey,
    EncodingKey,
    derive_key,
    derive_key_id,
    keyed_prf_16,
)
from secure_match.department.secret_access import reveal
from secure_match.errors import KeyFileError

SECRET, OWN = b"S" * 32, b"H" * 32
KEYS = [
    EncodingKey.from_secret(SECRET, handle_secret=OWN),
    DepartmentKey.create(party="p", agreement_id="a", key_epoch="1", encoding_secret=SECRET, handle_secret=OWN),
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_a_key_keeps_to_itself(key: EncodingKey) -> None:
    for text in (repr(key), str(key), f"{key}", repr([key]), repr({"key": key})):
        assert "SSS" not in text
        assert "HHH" not in text
    assert repr(key) == f"<{type(key).__name__}: secret>"
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy, hash, json.dumps, vars):
        with pytest.raises(TypeError):
            attempt(key)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError):
            pickle.dumps(key, protocol)
    with pytest.raises(TypeError):
        key == key  # noqa: B015
    with pytest.raises(AttributeError):
        key.note = "x"  # type: ignore[attr-defined]
    assert (reveal(key, "encoding"), reveal(key, "handle")) == (SECRET, OWN)


def test_secrets_are_not_empty_and_have_their_length() -> None:
    for secret, own in ((b"", None), ("", None), (b"x", b"")):
        with pytest.raises(KeyFileError) as caught:
            EncodingKey.from_secret(secret, handle_secret=own)
        assert caught.value.code == "KEY_EMPTY"
    for lengths in ((31, 32), (32, 33), (0, 32)):
        with pytest.raises(KeyFileError) as caught:
            DepartmentKey.create(
                party="p",
                agreement_id="a",
                key_epoch="1",
                encoding_secret=b"x" * lengths[0],
                handle_secret=b"x" * lengths[1],
            )
        assert caught.value.code == "KEY_LENGTH"


def test_text_is_taken_as_utf_8_and_handles_fall_back_to_the_secret() -> None:
    one, two = EncodingKey.from_secret("密"), EncodingKey.from_secret("密".encode())
    assert reveal(one, "encoding") == reveal(two, "encoding") == "密".encode()
    assert reveal(one, "handle") == reveal(two, "handle") != reveal(one, "encoding")


def test_known_answers() -> None:
    # RFC 5869 by HMAC alone: see tests/department/test_passes.py. Here: one block written out.
    assert derive_key(b"secret", "purpose", "a", b"b").hex() == (derive_key(b"secret", "purpose", b"a", "b").hex())
    assert len(derive_key(b"secret", "purpose", length_bytes=64)) == 64
    assert derive_key(b"secret", "purpose", length_bytes=64)[:32] == derive_key(b"secret", "purpose")


PARTS = st.lists(st.text(max_size=3), min_size=1, max_size=3)


@given(PARTS, PARTS)
def test_labels_are_unambiguous(one: list[str], two: list[str]) -> None:
    assert (derive_key(SECRET, *one) == derive_key(SECRET, *two)) == (one == two)
    assert (derive_key_id(SECRET, *one) == derive_key_id(SECRET, *two)) == (one == two)
    assert len(derive_key_id(SECRET, *one)) == 16


def test_the_prf_is_keyed() -> None:
    values = {keyed_prf_16(key, data) for key in (SECRET, OWN) for data in (b"", b"1", b"2")}
    assert len(values) == 6
    assert {len(value) for value in values} == {16}
