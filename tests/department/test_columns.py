"""What only whole columns and rows show: damage by a spreadsheet, shared phones, the ID number against the rest."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest

from bureau.hand_rows import AGREEMENT, number_of
from department.test_million_numbers import as_strings, valid_numbers
from secure_match.agreement import parse_agreement, trusted_template
from secure_match.department.normalise import ColumnFacts, ColumnSurvey, normalise_fields, view_values
from secure_match.department.normalise._id_number import normalise_id_numbers
from secure_match.department.normalise._names import normalise_names
from secure_match.department.normalise._texts import normalise_phones
from secure_match.encoded import FieldState

MAN = number_of("16010119900307001")
LUCKY = "160101199003073000"
"""Ends in 000, and its check is right by chance."""


def rounded(numbers: pa.StringArray) -> list[str]:
    return [text if text.endswith("X") else text[:15] + "000" for text in numbers.to_pylist()]


def facts_of(*batches: dict[str, list[str | None]]) -> ColumnFacts:
    survey = ColumnSurvey(AGREEMENT)
    for batch in batches:
        survey.add({name: pa.array(cells, pa.string()) for name, cells in batch.items()})
    return survey.facts()


def test_a_damaged_column_makes_partial_keys_and_no_token() -> None:
    whole = as_strings(valid_numbers(2000, seed=5))
    cells = rounded(whole)
    facts = facts_of({"id_number": list(cells)})
    assert facts.id_damaged
    field = normalise_id_numbers(pa.array(cells), damaged=True)
    reasons = field.reasons.to_pylist()
    for cell, value, reason in zip(cells, field.values.to_pylist(), reasons, strict=True):
        assert (value, reason) == ((cell, None) if cell.endswith("X") else (None, "excel_damaged"))
    partial = view_values(field, "partial")
    assert partial.equals(view_values(normalise_id_numbers(whole), "partial"))
    assert partial.to_pylist() == [text[:15] for text in whole.to_pylist()]


def test_a_number_that_is_right_by_chance_is_refused_only_in_a_damaged_column() -> None:
    assert normalise_id_numbers(pa.array([LUCKY])).values.to_pylist() == [LUCKY]
    damaged = normalise_id_numbers(pa.array([LUCKY, MAN]), damaged=True)
    assert damaged.values.to_pylist() == [None, MAN]
    assert view_values(damaged, "partial").to_pylist() == [LUCKY[:15], MAN[:15]]


def test_scientific_notation_with_all_digits_leaves_a_partial_key() -> None:
    field = normalise_id_numbers(pa.array(["1.60101199003070E+17", "1.60101E+17"]))
    assert (field.states == FieldState.INVALID).all()
    assert view_values(field, "partial").to_pylist() == ["160101199003070", None]


@pytest.mark.parametrize(
    ("zeros", "others", "damaged"),
    [
        (1, 0, False), (2, 0, True), (2, 8, True), (2, 9, False), (4, 16, True), (4, 17, False),
        (5, 95, True), (5, 96, False), (0, 100, False),
    ],
)  # fmt: skip
def test_when_a_column_counts_as_damaged(zeros: int, others: int, damaged: bool) -> None:
    cells = [LUCKY] * zeros + [MAN] * others
    assert facts_of({"id_number": list(cells)}).id_damaged is damaged


def test_facts_do_not_depend_on_batches() -> None:
    cells = [LUCKY] * 5 + [MAN] * 90
    assert facts_of(*({"id_number": [cell]} for cell in cells)).id_damaged
    phones = ["139 1234 5678"] * 6 + ["13912345678"] * 4 + ["13912345679"] * 9 + [None]
    split = facts_of(*({"phone": [cell]} for cell in phones))
    assert split.shared_phones.to_pylist() == facts_of({"phone": list(phones)}).shared_phones.to_pylist()
    assert split.shared_phones.to_pylist() == ["13912345678"]


def test_numbers_stored_as_floats_are_damaged_by_one_cell_and_integers_are_not() -> None:
    """An integer keeps every digit: one number that ends in 000 is as likely there as in a text."""
    for kind, damaged in ((pa.float64(), True), (pa.int64(), False)):
        survey = ColumnSurvey(AGREEMENT)
        survey.add({"id_number": pa.array([int(LUCKY), 42, None]).cast(kind, safe=False)})
        assert survey.facts().id_damaged is damaged


@pytest.mark.parametrize(("share", "damaged"), [(1.0, True), (0.05, True), (0.049, False), (0.0, False)])
def test_one_damaged_cell_is_enough_where_the_export_stores_numbers(share: float, damaged: bool) -> None:
    """A stray numeric cell among thousands of texts says nothing about the others."""
    survey = ColumnSurvey(AGREEMENT, {"id_number": share, "phone": 1.0})
    survey.add({"id_number": pa.array([LUCKY] + [MAN] * 99)})
    assert survey.facts().id_damaged is damaged


def test_facts_hide_what_they_hold() -> None:
    facts = facts_of({"phone": ["13912345678"] * 20})
    assert repr(facts) == "<ColumnFacts: 1 shared phones>"
    with pytest.raises(TypeError):
        pickle.dumps(facts)


def test_a_damaged_number_still_tells_the_birth_date() -> None:
    columns = {"id_number": [LUCKY] * 5, "birth_date": [None, "x", "19910101", "19900307", "不详"]}
    fields = normalise_fields(AGREEMENT, {name: pa.array(cells) for name, cells in columns.items()}, 5)
    birth = fields["birth_date"]
    assert birth.values.to_pylist() == ["19900307", "19900307", "19910101", "19900307", "19900307"]
    assert birth.reasons.to_pylist() == ["from_partial_id", "from_partial_id", None, None, "from_partial_id"]
    assert fields["sex"].values.to_pylist() == [None] * 5


def test_the_number_against_the_row() -> None:
    columns = {
        "id_number": [MAN, MAN, MAN, MAN, MAN, None],
        "birth_date": ["19900307", "90-3-7", "91-3-7", "19910307", None, "90-3-7"],
        "sex": ["1", "2", None, "9", "x", "2"],
    }
    fields = normalise_fields(AGREEMENT, {name: pa.array(cells) for name, cells in columns.items()}, 6)
    birth, sex = fields["birth_date"], fields["sex"]
    replaced = "replaced_by_id_number"
    assert birth.values.to_pylist() == ["19900307"] * 5 + [None]
    assert birth.reasons.to_pylist() == [
        None,
        "two_digit_year",
        replaced,
        replaced,
        "from_id_number",
        "ambiguous_century",
    ]
    assert birth.flags["differs_from_id_number"].tolist() == [False, False, True, True, False, False]
    assert sex.values.to_pylist() == ["1"] * 5 + ["2"]
    assert sex.reasons.to_pylist() == [None, replaced, "from_id_number", "from_id_number", "from_id_number", None]
    assert sex.flags["differs_from_id_number"].tolist() == [False, True, False, False, False, False]
    assert sex.counts() == {"from_id_number": 3, replaced: 1}


def test_old_foreign_cards_imply_nothing() -> None:
    columns = {"id_number": ["GBR310000123456"], "birth_date": ["19910307"], "sex": ["2"]}
    fields = normalise_fields(AGREEMENT, {name: pa.array(cells) for name, cells in columns.items()}, 1)
    assert [fields[name].values.to_pylist() for name in columns] == [[cells[0]] for cells in columns.values()]
    assert view_values(fields["id_number"], "partial").to_pylist() == [None]


def test_landlines_are_valid_and_no_pass_sees_them() -> None:
    field = normalise_phones(pa.array(["0755-23456789", "13912345678", None]), pa.array(["13912345678"]))
    assert field.values.to_pylist() == ["075523456789", "13912345678", None]
    assert view_values(field, "").to_pylist() == [None, "13912345678", None]
    assert view_values(field, "landline").to_pylist() == ["075523456789", None, None]
    assert field.flags["landline"].tolist() == [True, False, False]
    assert field.flags["shared"].tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("name", "pinyin", "dialect", "shape"),
    [
        ("张三", "zhang san", "zan san", "张兰"),
        ("陳偉", "chen wei", "cen wei", "陈伟"),
        ("单雄信", "shan xiong xin", "san xiong xin", None),
        ("简单", "jian dan", "jian dan", None),
        ("仇英", "qiu ying", "qiu yin", None),
        ("解缙", "xie jin", "xie jin", None),
        ("曾国藩", "zeng guo fan", "zen guo fan", None),
        ("尉迟恭", "yu chi gong", "yu ci gong", None),
        ("单于夫罗", "chan yu fu luo", "can yu fu luo", None),
        ("黄辉", "huang hui", "fan fei", None),
        ("宁静", "ning jing", "lin jin", None),
        ("吕绿", "lv lv", "lv lv", None),
        ("买买提·艾力", "mai mai ti ai li", "mai mai ti ai li", None),
        ("John Smith", "john smith", "john smith", "JOHN SMITH"),
        ("张?", "zhang □", "zan □", "张□"),
        ("李\U00030000", "li \U00030000", "li \U00030000", None),
        ("阵己巳", None, None, "陈己己"),
        (None, None, None, None),
    ],
)
def test_keys_of_names(name: str | None, pinyin: str | None, dialect: str | None, shape: str | None) -> None:
    field = normalise_names(pa.array([name], pa.string()))
    for view, expected in (("pinyin", pinyin), ("dialect", dialect), ("shape", shape)):
        if expected is not None or name is None:
            assert view_values(field, view).to_pylist() == [expected]


def test_former_names() -> None:
    names = ["张三(曾用名李四)", "张三(原名：陳偉)", "张三曾用名李四", "张三", None, "张三(曾用名1)"]
    field = normalise_names(pa.array(names))
    assert view_values(field, "former").to_pylist() == ["李四", "陈伟", "李四", None, None, None]


EXTENDED = """
[fields.address]
kind = "address"
divisions = ["甲省", "乙市"]

[fields.division]
kind = "division"
code_map = "towns"

[code_maps.towns]
"160102" = "160103"
"""


def test_addresses_and_divisions_by_the_agreement() -> None:
    agreement = parse_agreement(trusted_template().replace("[fields.phone]", f"{EXTENDED}\n[fields.phone]"))
    columns = {
        "id_number": [MAN, MAN, number_of("81000019900307001"), None],
        "address": ["甲省乙市幸福路12号3栋二单元402室", "幸福路12-3-2-402", "乙市", None],
        "division": ["160101001", "160102", "160101", "160102"],
    }
    fields = normalise_fields(agreement, {name: pa.array(cells) for name, cells in columns.items()}, 4)
    assert view_values(fields["address"], "tokens").to_pylist() == ["幸福路 12 3 2 402"] * 2 + [None, None]
    assert fields["address"].reasons.to_pylist() == ["digits_unified", None, "divisions_only", "empty"]
    assert fields["division"].values.to_pylist() == ["160101001", "160103", "160101", "160103"]
    assert fields["division"].flags["differs_from_id_number"].tolist() == [False, True, False, False]


def test_large_batches_are_shared_among_threads_with_the_same_result() -> None:
    numbers = as_strings(valid_numbers(60_000, seed=6))
    names = pa.array(["张三", "陳偉", "x?"] * 20_000)
    phones = pa.array(["13912345678"] * 59_000 + ["0755-23456789"] * 1000)
    columns = {"id_number": numbers, "name": names, "phone": phones}
    survey = ColumnSurvey(AGREEMENT)
    survey.add(columns)
    together = normalise_fields(AGREEMENT, columns, 60_000)
    for start in (0, 32_700, 59_900):
        some = {name: column[start : start + 100] for name, column in columns.items()}
        for name, field in normalise_fields(AGREEMENT, some, 100, facts=survey.facts()).items():
            whole, rows = together[name], slice(start, start + 100)
            assert whole.values[rows].equals(field.values)
            assert np.array_equal(whole.states[rows], field.states)
            assert np.array_equal(whole.reason_numbers[rows], field.reason_numbers)
            assert view_values(whole, "")[rows].equals(view_values(field, ""))
            assert all(np.array_equal(whole.flags[flag][rows], found) for flag, found in field.flags.items())
