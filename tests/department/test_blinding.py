"""Inputs of blinded evaluation and the tokens that are kept of them."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from department.token_office import KEYS, blind_text, steady
from secure_match.agreement import Agreement, parse_agreement
from secure_match.department._oprf_client import blinded_chunk, finalised_chunk
from secure_match.department.blinding import DistinctInputs, KeptTokens, TokenInputs, kept_rows, shuffled
from secure_match.department.keys import DepartmentKey
from secure_match.department.normalise import normalise_fields
from secure_match.department.tokens import BlindTokens
from secure_match.exchange.oprf import evaluate

AGREEMENT = parse_agreement(blind_text())
NUMBERS = 1500
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def key_of(party: str, agreement: Agreement = AGREEMENT, secret: bytes = b"s" * 32) -> DepartmentKey:
    return DepartmentKey.create(
        party=party,
        agreement_id=agreement.id,
        key_epoch=agreement.key_epoch,
        encoding_secret=secret,
        handle_secret=party.encode().ljust(32, b"."),
    )


def number(first: str) -> str:
    rest = sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS, strict=True)) % 11
    return first + "10X98765432"[rest]


def numbers(count: int) -> list[str]:
    """Made-up numbers of a region that is not assigned."""
    return [number(f"1601011990{place // 999 + 1:02d}15{place % 999:03d}") for place in range(count)]


def tokens(inputs: npt.NDArray[np.uint8], seed: str) -> npt.NDArray[np.uint8]:
    """What blinding under one seed, evaluation and finalisation make of inputs."""
    blinds = blinded_chunk(inputs, steady(seed))
    elements = evaluate(KEYS["notary"], blinds[:, 32:])
    return finalised_chunk(inputs, blinds[:, :32], [elements])[:, :16]


def test_tokens_are_equal_exactly_where_numbers_are() -> None:
    values = pa.array([*numbers(NUMBERS), *numbers(50)])
    of = {
        party: tokens(TokenInputs(AGREEMENT, key_of(party)).of(values), party).tolist() for party in ("police", "hrss")
    }
    assert of["police"] == of["hrss"]
    found = list(map(bytes, of["police"]))
    assert len(set(found)) == NUMBERS
    assert found[NUMBERS:] == found[:50]


def test_other_keys_and_agreements_have_other_inputs() -> None:
    values = pa.array(numbers(3))
    mine = TokenInputs(AGREEMENT, key_of("police")).of(values)
    other_key = TokenInputs(AGREEMENT, key_of("police", secret=b"t" * 32)).of(values)
    later = parse_agreement(blind_text().replace('key_epoch = "2026"', 'key_epoch = "2027"'))
    other_epoch = TokenInputs(later, key_of("police", later)).of(values)
    assert len({row.tobytes() for part in (mine, other_key, other_epoch) for row in part}) == 9


def test_canonical_forms_are_one_input_and_bad_numbers_none() -> None:
    whole = number("16010119870605731")
    cells = [whole, f" {whole[:6]} {whole[6:]}", whole.lower(), whole[:6] + whole[8:17], "", None, whole[:-1] + "?"]
    column = pa.array([*cells, whole[:14] + "0000"], pa.string())
    field = normalise_fields(AGREEMENT, {"id_number": column}, len(column))["id_number"]
    inputs = TokenInputs(AGREEMENT, key_of("police")).of(field.values)
    assert len(inputs) == 4
    assert len({row.tobytes() for row in inputs}) == 1
    maker = BlindTokens(
        TokenInputs(AGREEMENT, key_of("police")), KeptTokens(kept_rows(inputs[:1], tokens(inputs[:1], "x")))
    )
    maker.begin()
    made = maker.make(field).to_pylist()
    assert made[0] is not None
    assert made == [made[0]] * 4 + [None] * 4
    maker.verify_complete()


def test_kept_tokens_are_found_among_names_that_begin_alike() -> None:
    random = np.random.default_rng(3)
    inputs = random.integers(0, 3, size=(400, 32), dtype=np.uint8)
    inputs[:, :14] = 0
    inputs = np.unique(inputs, axis=0)
    names, first = np.unique(inputs[:, :16], axis=0, return_index=True)
    assert len(names) == 9
    asked = inputs[first]
    answers = random.integers(0, 256, size=(len(asked), 16), dtype=np.uint8)
    kept = KeptTokens(kept_rows(asked[:7], answers[:7]))
    found, has = kept.find(asked[::-1])
    assert has[::-1].tolist() == [True] * 7 + [False] * 2
    assert found[::-1][:7].tolist() == answers[:7].tolist()
    assert not found[:2].any()
    assert kept.names.tolist() == names[:7].tolist()
    assert len(KeptTokens(np.zeros((0, 32), dtype=np.uint8)).find(asked)[1]) == 9


def test_inputs_are_taken_once_and_in_the_order_of_their_bytes() -> None:
    rows = [hashlib.sha256(bytes([place])).digest() for place in range(20)]
    matrix = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, 32)
    every = DistinctInputs([matrix[:5]])
    every.add(matrix[3:12])
    every.add(matrix[::-1])
    assert [row.tobytes() for row in every.take()] == sorted(rows[5:])
    mixed = shuffled(matrix, steady("order"))
    assert sorted(row.tobytes() for row in mixed) == sorted(rows)
    assert [row.tobytes() for row in mixed] != rows


@pytest.mark.parametrize("what", ["inputs", "kept"])
def test_nothing_prints_or_pickles_itself(what: str) -> None:
    item = TokenInputs(AGREEMENT, key_of("police")) if what == "inputs" else KeptTokens(np.zeros((2, 32), np.uint8))
    assert repr(item).endswith(": secret>")
    with pytest.raises(TypeError):
        item.__reduce__()
