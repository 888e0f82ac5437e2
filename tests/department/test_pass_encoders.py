"""What the encoders and hardenings of passes promise: alike where they must be, unrelated where they must be."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from bureau.hand_rows import AGREEMENT, Row, agreement_text, encode, person
from secure_match.agreement import Pass, parse_agreement
from secure_match.department.normalise import normalise_fields
from secure_match.department.passes import PassKeys, encode_pass
from secure_match.encoded import matrix_from_binary

SECRET = bytes(range(32))
NAME = {"field": "name", "qgram_sizes": (1, 2), "insertions": 200}
FAMILY, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许", "一丁七万三上下不与丑专且世丘丙业东丝两严"
NAMES = ["".join(part) for part in product(FAMILY, GIVEN)]
VARIANTS: dict[str, dict[str, Any]] = {
    "clk": {},
    "majority_xor": {"encoder": "majority_xor"},
    "fold": {"hardening": {"xor_fold": True}},
    "rule90": {"hardening": {"rule90": True}},
    "balance": {"hardening": {"balance": True}},
    "blip": {"hardening": {"blip": {"flip": 0.25}}},
    "balanced majority_xor": {"encoder": "majority_xor", "hardening": {"balance": True}},
    "all of clk": {"hardening": {"xor_fold": True, "rule90": True, "balance": True}},
}


def make_pass(**changes: Any) -> Pass:
    return Pass.model_validate({"id": "p", "block_on": ("birth_date",), "fields": (NAME,), **changes})


def keys_of(department: str = "one") -> PassKeys:
    return PassKeys.derive(SECRET, "p").with_noise(department.encode().ljust(32, b"."), "p")


def handles_of(rows: int, first: int = 0) -> np.ndarray:
    return np.arange(first, first + rows, dtype="<u8").repeat(2).view(np.uint8).reshape(-1, 16)


def encoded(
    item: Pass, names: list[str | None], births: list[str] | str = "19900101", **more: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Bits of every row, and which rows have an encoding."""
    births = [births] * len(names) if isinstance(births, str) else births
    columns = {name: pa.array([None] * len(names), pa.string()) for name in AGREEMENT.fields}
    columns |= {"name": pa.array(names, pa.string()), "birth_date": pa.array(births, pa.string())}
    handles = more.pop("handles", handles_of(len(names)))
    fields = normalise_fields(AGREEMENT, columns, len(names))
    _, made = encode_pass(item, fields, more.pop("keys", keys_of()), handles=handles)
    matrix, valid = matrix_from_binary(made)
    assert matrix.shape == (len(names), item.encoded_bits // 8)
    return np.unpackbits(matrix, axis=1).astype(np.int64), valid


def agreement_of(one: np.ndarray, two: np.ndarray) -> float:
    return float((one == two).mean())


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "blip"])
def test_equal_values_of_a_block_are_equal_and_alike_ones_are_nearer_than_others(name: str) -> None:
    bits, valid = encoded(make_pass(**VARIANTS[name]), ["赵一东", "赵一东", "赵一丘", "韩丑世", None])
    assert valid.tolist() == [True, True, True, True, False]
    assert (bits[0] == bits[1]).all()
    assert agreement_of(bits[0], bits[2]) > agreement_of(bits[0], bits[3]) + 0.02


@pytest.mark.parametrize("name", ["majority_xor", "balanced majority_xor"])
def test_half_of_the_bits_are_set_and_blocks_are_unrelated(name: str) -> None:
    births = [f"19{year}0101" for year in range(50, 90)] * 10
    bits, _ = encoded(make_pass(**VARIANTS[name]), NAMES[:400], births)
    assert bits.mean() == pytest.approx(0.5, abs=0.005)
    same = [encoded(make_pass(**VARIANTS[name]), ["赵一"] * 40, births[:40])[0]]
    assert agreement_of(same[0][:-1], same[0][1:]) == pytest.approx(0.5, abs=0.015)


def test_the_number_of_set_bits_says_nothing_of_the_number_of_tokens() -> None:
    item = make_pass(encoder="majority_xor", majorities=1)
    births = [f"19{year}{month:02}01" for year in range(50, 90) for month in range(1, 6)]
    for length in (1, 2, 3, 4):
        bits, _ = encoded(item, ["赵一丁七"[:length]] * len(births), births)
        # 200 rows of 1024 bits: a mean of 0.5 has a deviation of 0.0011.
        assert bits.mean() == pytest.approx(0.5, abs=0.005)


def test_balanced_encodings_have_one_weight_whatever_else_is_done() -> None:
    hardening = {"xor_fold": True, "rule90": True, "blip": {"flip": 0.1}, "balance": True}
    for encoder in ("clk", "majority_xor"):
        bits, _ = encoded(make_pass(encoder=encoder, hardening=hardening), NAMES)
        assert (bits.sum(axis=1) == 512).all()


def test_more_majorities_flatten_similarity() -> None:
    near = []
    for majorities in (1, 2, 3):
        bits, _ = encoded(make_pass(encoder="majority_xor", majorities=majorities, bits=4096), ["赵一东", "赵一丘"])
        near.append(agreement_of(bits[0], bits[1]))
    # 4 of 7 equal tokens: a ballot agrees with about 1/2 + arcsin(4/7) / pi, and three with 1/2 + a^3 / 2.
    one = 2 * near[0] - 1
    assert near[0] == pytest.approx(0.69, abs=0.03)
    assert near[1:] == pytest.approx([0.5 + one**2 / 2, 0.5 + one**3 / 2], abs=0.02)


def test_a_heavier_field_has_more_votes() -> None:
    birth = {"field": "birth_date", "qgram_sizes": (1, 2), "positional": True}
    apart = []
    for insertions in (50, 800):
        item = make_pass(
            block_on=(), fields=(NAME, birth | {"insertions": insertions}), encoder="majority_xor", majorities=1
        )
        bits, _ = encoded(item, ["赵一东", "韩丑世"])
        apart.append(agreement_of(bits[0], bits[1]))
    assert apart[1] > apart[0] + 0.1


def plain_and_noise(names: list[str | None], **more: Any) -> np.ndarray:
    """Which bits noise flipped."""
    quiet, _ = encoded(make_pass(), names, **more)
    loud, _ = encoded(make_pass(hardening=VARIANTS["blip"]["hardening"]), names, **more)
    return quiet ^ loud


def test_noise_has_its_rate_and_that_of_two_departments_is_independent() -> None:
    names = NAMES[:400]
    one, two = (plain_and_noise(names, keys=keys_of(department)) for department in ("one", "two"))
    # 409,600 bits: the deviation of a share of 0.25 is 0.0007, that of 0.0625 less.
    for noise in (one, two):
        assert noise.mean() == pytest.approx(0.25, abs=0.003)
    assert (one & two).mean() == pytest.approx(0.0625, abs=0.002)
    other_rows = plain_and_noise(names, handles=handles_of(400, first=1000))
    assert (one & other_rows).mean() == pytest.approx(0.0625, abs=0.002)


def test_a_row_keeps_its_noise_until_its_value_changes() -> None:
    names = NAMES[:100]
    assert (plain_and_noise(names) == plain_and_noise(names)).all()
    # Batches of other rows around it change nothing.
    assert (plain_and_noise(names[40:60], handles=handles_of(20, first=40)) == plain_and_noise(names)[40:60]).all()
    changed = plain_and_noise(NAMES[100:200])
    assert (plain_and_noise(names) & changed).mean() == pytest.approx(0.0625, abs=0.004)


def test_noise_and_balance_without_their_keys_are_refused() -> None:
    bare = PassKeys(tag_key=SECRET, block_key=SECRET, token_key=SECRET, position_key=SECRET)
    blip, balance = (make_pass(**VARIANTS[name]) for name in ("blip", "balance"))
    for item, keys, handles in ((blip, bare, handles_of(1)), (blip, keys_of(), None), (balance, bare, None)):
        with pytest.raises(ValueError, match="key"):
            encoded(item, ["赵一"], keys=keys, handles=handles)


NOISY = parse_agreement(
    agreement_text().replace('id = "birth"\n', 'id = "birth"\nhardening = { blip = { flip = 0.25 } }\n', 1)
)
OPEN = {"first_month": "202601", "last_month": None}
ROWS: list[Row] = [person(place, name, status="1", **OPEN) for place, name in enumerate(NAMES[:60], start=1)]


def birth_bits(dataset_id: str, **key: Any) -> np.ndarray:
    """Encodings of the rows of a dataset, in the order of their ID tokens, which all departments share."""
    table = encode(dataset_id, ROWS, NOISY, **key).table.sort_by("id_token")
    return np.unpackbits(matrix_from_binary(table["pass.birth.encoding"])[0], axis=1)


def test_departments_draw_noise_for_themselves_and_repeat_only_their_own() -> None:
    population, again = birth_bits("population"), birth_bits("population")
    assert (population == again).all()
    same_secret = birth_bits("population", handle_secret=b"another secret of the same owner")
    for other in (same_secret, birth_bits("employee_medical")):
        # Two flips of 0.25 differ in 0.375 of all bits, if nothing joins them; 61,440 bits deviate by 0.002.
        assert (population != other).mean() == pytest.approx(0.375, abs=0.008)
