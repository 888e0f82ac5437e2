"""Keys print, compare, copy and serialise for nobody."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any, Final

import pytest

from canary.searcher import Searcher
from secure_match.department import DepartmentKey, EncodingKey
from secure_match.department.secret_access import reveal

ENCODING: Final = b"encoding-secret-of-the-key-tests"
HANDLE: Final = b"handle-secret-of-the-keys--tests"
SECRETS: Final = Searcher({ENCODING.decode(): "encoding secret", HANDLE.decode(): "handle secret"})

KEYS: Final = {
    "encoding": EncodingKey.from_secret(ENCODING, handle_secret=HANDLE),
    "department": DepartmentKey.create(
        party="police", agreement_id="city", key_epoch="2026", encoding_secret=ENCODING, handle_secret=HANDLE
    ),
}
REFUSED: Final[dict[str, Callable[[Any], object]]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "equal": lambda key: key == key,
    "equal to its secret": lambda key: key == ENCODING,
    "not equal": lambda key: key != ENCODING,
    "hash": hash,
    "vars": vars,
    "json": json.dumps,
    "reduce": lambda key: key.__reduce__(),
    "reduce_ex": lambda key: key.__reduce_ex__(4),
    "getstate": lambda key: key.__getstate__(),
    "iterate": iter,
    "bytes": bytes,
    "index": lambda key: key["encoding"],
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("action", REFUSED.values(), ids=REFUSED)
def test_refused(key: EncodingKey, action: Callable[[Any], object]) -> None:
    with pytest.raises((TypeError, AttributeError)) as caught:
        action(key)
    assert SECRETS.in_bytes(str(caught.value).encode()) == []


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_is_refused(key: EncodingKey, protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(key, protocol)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_texts_of_a_key_hold_no_secret(key: EncodingKey) -> None:
    texts = [repr(key), str(key), f"{key}", f"{key!r}", f"{[key]}", "%s" % key, ascii(key)]  # noqa: UP031
    assert set(texts) == {repr(key), f"[{key!r}]"}
    assert repr(key) == f"<{type(key).__name__}: secret>"
    assert not hasattr(key, "__dict__")


def test_only_secret_access_opens_a_key() -> None:
    assert reveal(KEYS["department"], "encoding") == ENCODING
    assert reveal(KEYS["department"], "handle") == HANDLE
    assert SECRETS.in_bytes(reveal(KEYS["encoding"], "encoding")) != []
