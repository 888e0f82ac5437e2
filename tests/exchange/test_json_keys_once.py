"""No file that comes from another hand has two meanings: a JSON key stands once."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from exchange.ceremony import contributions, identities, identity, sealed_agreement
from secure_match.agreement.strict import StrictModel, parse_json
from secure_match.department.keys import DepartmentKey
from secure_match.department.sealed_keys import open_key, seal_key
from secure_match.errors import SecureMatchError
from secure_match.exchange.key_files import parse_public, serialise_public
from secure_match.exchange.shares import parse_contribution, serialise_contribution

OWN = identity("police")


class Pair(StrictModel):
    left: int
    inner: dict[str, int] | None = None


def key_file() -> bytes:
    key = DepartmentKey.create(
        party="police",
        agreement_id="city",
        key_epoch="2026",
        encoding_secret=b"a" * 32,
        handle_secret=b"b" * 32,
        agreement_fingerprint="0" * 64,
    )
    return seal_key(key, OWN)


def share_file() -> bytes:
    of = identities()
    return serialise_contribution(contributions(sealed_agreement(of), of)["police"])


@pytest.mark.parametrize(
    ("data", "read", "code"),
    [
        (serialise_public(OWN), parse_public, "KEY_FORMAT"),
        (share_file(), parse_contribution, "CONTRIBUTION_FORMAT"),
        (key_file(), lambda data: open_key(data, OWN), "KEY_FORMAT"),
    ],
    ids=["public", "contribution", "key"],
)
def test_a_key_twice_is_refused_though_the_last_one_is_right(
    data: bytes, read: Callable[[bytes], object], code: str
) -> None:
    read(data)
    for name in json.loads(data):
        text = json.dumps({name: json.loads(data)[name]})[1:-1]
        twice = b"{" + text.encode() + b"," + data.lstrip()[1:]
        with pytest.raises(SecureMatchError) as caught:
            read(twice)
        assert caught.value.code == code
        assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "data",
    [
        b'{"left": 1, "left": 1}',
        b'{"left": 1, "\\u006ceft": 1}',
        b'{"left": 1, "inner": {"a": 1, "a": 2}}',
        b'{"left": NaN}',
        b'\xef\xbb\xbf{"left": 1}',
        '{"left": 1}'.encode("utf-16"),
        b'{"left": 1} {}',
        b'{"left": "' + b"[" * 100_000,
        b"[" * 100_000,
        b"\xff",
        b"",
    ],
)
def test_what_is_not_one_document(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the callers' own errors say what it is
        parse_json(Pair, data)


def test_one_document() -> None:
    assert parse_json(Pair, b'{"left": 1, "inner": {"left": 2}}') == Pair(left=1, inner={"left": 2})
