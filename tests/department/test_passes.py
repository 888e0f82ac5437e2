"""Passes against a slow reference that is written from the construction in their docstring alone."""

from __future__ import annotations

import hashlib
import hmac
from itertools import product
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bureau.hand_rows import AGREEMENT, SHARED, encode, person
from secure_match.agreement import Agreement, Pass, PassField
from secure_match.department import _pass_encoding, passes
from secure_match.department.normalise import normalise_fields
from secure_match.department.passes import PassKeys, encode_pass, pass_column
from secure_match.kernels._pass_bits import set_pass_bits

KEYS = PassKeys(tag_key=b"t" * 32, block_key=b"b" * 32, token_key=b"g" * 32, position_key=b"p" * 32)
Values = dict[str, str | None]


def part(values: Values, reference: str) -> str | None:
    name, _, view = reference.partition(".")
    value = values.get(name)
    if value is None or not view:
        return value
    return {"surname": value[:1], "year": value[:4], "month_day": value[4:]}[view]


def tokens_of(field: PassField, value: str) -> list[str]:
    tokens: list[str] = []
    for size in field.qgram_sizes:
        padded = " " * (size - 1) + value + " " * (size - 1)
        for place in range(len(padded) - size + 1):
            where = f"{size}.{place}" if field.positional else f"{size}"
            token = f"{'' if field.shared else field.field}\x1f{where} {padded[place : place + size]}"
            if token not in tokens and "□" not in padded[place : place + size]:
                tokens.append(token)
    return tokens


def cmac(key: bytes, message: bytes) -> bytes:
    """AES-256-CMAC (NIST SP 800-38B) by its definition, from the cipher alone."""
    cipher = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()

    def encrypt(number: int) -> int:
        return int.from_bytes(cipher.update(number.to_bytes(16, "big")), "big")

    def double(number: int) -> int:
        return number << 1 if number < 1 << 127 else (number << 1) ^ (1 << 128) ^ 0x87

    subkey = double(encrypt(0))
    blocks = [message[at : at + 16] for at in range(0, len(message), 16)] or [b""]
    if len(blocks[-1]) < 16:
        blocks[-1] = (blocks[-1] + b"\x80").ljust(16, b"\0")
        subkey = double(subkey)
    state = 0
    for index, block in enumerate(blocks):
        last = subkey if index == len(blocks) - 1 else 0
        state = encrypt(state ^ int.from_bytes(block, "big") ^ last)
    return state.to_bytes(16, "big")


def reference(item: Pass, values: Values, keys: PassKeys) -> tuple[bytes | None, bytes | None]:
    """Tag and encoding of one record, bit by bit."""
    blocks = [part(values, name) for name in item.block_on]
    encoded = [(field, part(values, field.field)) for field in item.fields]
    if None in blocks or any("□" in str(value) for value in blocks):
        return None, None
    token_lists = [tokens_of(field, value) if value is not None else [] for field, value in encoded]
    if not any(token_lists):
        return None, None
    block = "\x1f".join(str(value) for value in blocks).encode()
    chain = cmac(keys.block_key, block)
    bits = [0] * item.bits
    for (field, _), tokens in zip(encoded, token_lists, strict=True):
        for index, token in enumerate(tokens):
            count = field.insertions // len(tokens) + (index < field.insertions % len(tokens))
            short = cmac(keys.token_key, token.encode())[:12]
            for number in range(count):
                words = cmac(keys.position_key, chain + short + (number // 8).to_bytes(4, "little"))
                at = 2 * (number % 8)
                bits[int.from_bytes(words[at : at + 2], "little") % item.bits] = 1
    encoding = int("".join(map(str, bits)), 2).to_bytes(item.bits // 8, "big")
    tag = cmac(keys.tag_key, block) if item.block_on else None
    return tag, encoding


WHOLE: Values = {"name": "张三", "sex": "1", "birth_date": "19900101", "phone": "13912345678"}


def encoded(item: Pass, records: list[Values], keys: PassKeys = KEYS) -> list[tuple[bytes | None, bytes | None]]:
    columns = {name: pa.array([values.get(name) for values in records], pa.string()) for name in AGREEMENT.fields}
    tags, encodings = encode_pass(item, normalise_fields(AGREEMENT, columns, len(records)), keys)
    tag_list = tags.to_pylist() if tags is not None else [None] * len(records)
    return list(zip(tag_list, encodings.to_pylist(), strict=True))


def make_pass(**changes: Any) -> Pass:
    content = {
        "id": "p",
        "block_on": ("sex",),
        "fields": ({"field": "name", "qgram_sizes": (1, 2), "insertions": 100},),
        "bits": 256,
    }
    return Pass.model_validate(content | changes)


NAME = {"field": "name", "qgram_sizes": (2, 1), "insertions": 333}
BIRTH = {"field": "birth_date", "qgram_sizes": (1, 2), "positional": True, "insertions": 70}
PASSES = [
    *AGREEMENT.passes,
    make_pass(block_on=()),
    make_pass(block_on=(), fields=(NAME, BIRTH), bits=4096),
    make_pass(block_on=("name.surname", "birth_date.year"), fields=({**BIRTH, "field": "birth_date.month_day"},)),
    make_pass(fields=(NAME, {**BIRTH, "field": "birth_date.year"}, {**BIRTH, "field": "phone", "positional": False})),
    make_pass(fields=({"field": "name", "qgram_sizes": (4,), "insertions": 1},)),
    make_pass(
        fields=({**NAME, "shared": True}, {**BIRTH, "positional": False, "shared": True}, BIRTH | {"field": "phone"})
    ),
]
RECORDS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(
            [None, "张三", "张张张", "王", "JOHN SMITH", "买买提·艾力", "\U00030000野", "张□", "□张□"]
        ),
        "sex": st.sampled_from([None, "1", "2"]),
        "birth_date": st.sampled_from([None, "19900101", "19900102", "20001231"]),
        "phone": st.sampled_from([None, "13912345678", "13912345679"]),
    }
)


@pytest.mark.parametrize("item", PASSES, ids=lambda item: f"{item.id}-{item.bits}-{len(item.block_on)}")
def test_tags_and_encodings_are_those_of_the_construction(item: Pass) -> None:
    names = [None, "张三", "张张张", "JOHN SMITH"]
    records: list[Values] = [
        {"name": name, "sex": sex, "birth_date": birth, "phone": phone}
        for name, sex, birth, phone in product(names, [None, "2"], [None, "19900101"], [None, "13912345678"])
    ]
    assert encoded(item, records) == [reference(item, values, KEYS) for values in records]


@settings(deadline=None, max_examples=40)
@given(st.lists(RECORDS, max_size=6), st.sampled_from(PASSES), st.randoms(use_true_random=False))
def test_any_records_in_any_order(records: list[Values], item: Pass, random: Any) -> None:
    expected = [reference(item, values, KEYS) for values in records]
    assert encoded(item, records) == expected
    order = list(range(len(records)))
    random.shuffle(order)
    assert encoded(item, [records[place] for place in order]) == [expected[place] for place in order]


def test_missing_agrees_with_nothing() -> None:
    item = make_pass(fields=(NAME, BIRTH))
    whole: Values = {"name": "张三", "sex": "1", "birth_date": "19900101"}
    rows = encoded(
        item, [whole, whole | {"sex": None}, whole | {"name": None}, whole | {"name": None, "birth_date": None}]
    )
    assert [tag is None for tag, _ in rows] == [False, True, False, True]
    assert [encoding is None for _, encoding in rows] == [False, True, False, True]
    only_birth = make_pass(fields=(BIRTH,))
    assert rows[2][1] == encoded(only_birth, [whole])[0][1]


def test_no_rows_and_nobody_encoded() -> None:
    for item in PASSES:
        assert encoded(item, []) == []
        assert encoded(item, [{}, {}]) == [(None, None)] * 2
        column = pass_column(item)
        assert (column.id, column.bits, column.blocked) == (item.id, item.bits, bool(item.block_on))


def test_another_block_or_key_is_another_encoding() -> None:
    item = make_pass()
    one: Values = {"name": "张三", "sex": "1"}
    rows = encoded(item, [one, one | {"sex": "2"}, dict(one)])
    assert rows[0] == rows[2]
    assert rows[0][0] != rows[1][0]
    assert rows[0][1] != rows[1][1]
    for name in ("tag_key", "block_key", "token_key", "position_key"):
        keys = PassKeys(**{key: getattr(KEYS, key) for key in PassKeys.__slots__} | {name: b"u" * 32})
        other = encoded(item, [one], keys)[0]
        assert (other[0] != rows[0][0], other[1] != rows[0][1]) == (name == "tag_key", name != "tag_key")
    assert repr(KEYS) == "<PassKeys: secret>"


def hkdf(secret: bytes, length: int, *labels: str) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt, from HMAC alone; every label is preceded by its length."""
    info = b"secure_match/v1/" + b"".join(len(label.encode()).to_bytes(4, "big") + label.encode() for label in labels)
    seed = hmac.digest(bytes(32), secret, "sha256")
    output, block = b"", b""
    while len(output) < length:
        block = hmac.digest(seed, block + info + bytes([len(output) // 32 + 1]), "sha256")
        output += block
    return output[:length]


def leaving(agreement: Agreement, **key: Any) -> dict[str, list[Any]]:
    table = encode("students", [person(1, "张三", phone="13912345678")], agreement, **key).table
    return {name: table[name].to_pylist() for name in table.column_names if name.startswith(("pass.", "id_token"))}


def test_keys_come_from_the_shared_secret_the_agreement_the_epoch_and_the_pass() -> None:
    made = leaving(AGREEMENT)
    values: Values = {"name": "张三", "sex": "1", "birth_date": "19900101", "phone": "13912345678"}
    scope = (AGREEMENT.fingerprint, AGREEMENT.key_epoch)
    for item in AGREEMENT.passes:
        keys = PassKeys(
            tag_key=hkdf(SHARED, 32, "block-tag", *scope, item.id),
            block_key=hkdf(SHARED, 32, "pass-block", *scope, item.id),
            token_key=hkdf(SHARED, 32, "pass-token", *scope, item.id),
            position_key=hkdf(SHARED, 32, "pass-position", *scope, item.id),
        )
        expected = reference(item, values, keys)
        assert (made[f"pass.{item.id}.block"][0], made[f"pass.{item.id}.encoding"][0]) == expected
    number = str(person(1, "张三")["id_number"]).encode()
    token = hashlib.blake2b(number, key=hkdf(SHARED, 32, "id-token", *scope), digest_size=16).digest()
    assert made["id_token"] == [token]


@pytest.mark.parametrize("change", [{"key_epoch": "2027"}, {"retention_months": 25}, {"id": "other_city"}], ids=str)
def test_another_agreement_or_epoch_is_another_encoding(change: dict[str, Any]) -> None:
    one, two = leaving(AGREEMENT), leaving(AGREEMENT.model_copy(update=change))
    assert all(one[name] != two[name] for name in one)


def test_the_construction_is_part_of_the_fingerprint_and_no_other_is_made() -> None:
    assert AGREEMENT.canonical_bytes.count(b'"construction":2') == len(AGREEMENT.passes)
    with pytest.raises(ValidationError):
        make_pass(construction=1)


def test_two_passes_with_one_definition_are_not_comparable() -> None:
    first = AGREEMENT.passes[0]
    agreement = AGREEMENT.model_copy(update={"passes": (first, first.model_copy(update={"id": "again"}))})
    made = leaving(agreement)
    assert made["pass.birth.block"] != made["pass.again.block"]
    assert made["pass.birth.encoding"] != made["pass.again.encoding"]


def test_another_shared_secret_is_another_encoding() -> None:
    one, two = leaving(AGREEMENT), leaving(AGREEMENT, encoding_secret=b"o" * 32)
    assert all(one[name] != two[name] for name in one)
    assert leaving(AGREEMENT, handle_secret=b"o" * 32) == one


def test_threads_change_nothing_and_the_tables_are_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Any] = []

    def watched(rows: Any, *rest: Any) -> None:
        used.append(rows)
        assert rows.chains.any()
        assert rows.token_words.any()
        set_pass_bits(rows, *rest)

    monkeypatch.setattr(passes, "_ROWS_FOR_THREADS", 1)
    monkeypatch.setattr(_pass_encoding, "set_pass_bits", watched)
    columns = {
        name: pa.array([values.get(name) for values in [WHOLE, {}, WHOLE]], pa.string()) for name in AGREEMENT.fields
    }
    fields = normalise_fields(AGREEMENT, columns, 3)
    items = [(item, KEYS) for item in PASSES]
    one, two = (passes.encode_passes(items, fields, threads=threads) for threads in (1, 3))
    assert one == two == [passes.encode_pass(item, fields, KEYS) for item in PASSES]
    assert len(used) == 3 * len(PASSES)
    assert not any(rows.chains.any() or rows.token_words.any() for rows in used)
