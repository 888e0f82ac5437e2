"""The exports have the agreed columns, errors at the agreed rates, and files that read back."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from secure_match.errors import UsageError
from secure_match.synthetic import DATASETS, City, CityConfig, generate_city, write_exports
from secure_match.synthetic._id_errors import in_scientific_notation
from secure_match.synthetic._text import codes_of, strings_of

PENSION = ["AAC001", "AAC002", "AAC003", "AAC004", "AAC006", "AAE005", "AAE006", "AAB301", "AAE041", "AAE042"]
MEDICAL = ["psn_no", "certno", "psn_name", "gend", "brdy", "tel", "live_addr", "admdvs", "begn_ym", "end_ym"]
HEADERS = {
    "population": [
        "人员编号", "公民身份号码", "姓名", "性别", "出生日期", "联系电话", "户籍地址", "镇街代码", "人员状态",
    ],
    "employee_pension": PENSION,
    "resident_pension": PENSION,
    "employee_medical": MEDICAL,
    "resident_medical": MEDICAL,
    "students": ["学籍号", "身份证件号", "学生姓名", "性别", "出生日期", "监护人电话", "家庭住址", "学校镇街"],
}  # fmt: skip
CHARSETS = {
    "population": "gb18030",
    "employee_pension": "utf-8",
    "resident_pension": "utf-8-sig",
    "employee_medical": "gb18030",
    "resident_medical": "utf-8",
    "students": "utf-8-sig",
}
DATES = {"population": r"\d{4}-\d\d-\d\d", "employee_pension": r"\d{8}", "students": r"\d{4}/\d\d/\d\d"}
ERROR_RATES = (
    "id_typo id_superseded id_legacy_15 id_missing id_missing_child homophone look_alike variant sex_wrong "
    "birth_wrong mobile_differs address_differs town_stale format_noise unusable"
)
CLEAN = dict.fromkeys(ERROR_RATES.split(), 0.0)


def digest(city: City) -> str:
    state = hashlib.sha256()
    for table in (*city.exports.values(), city.truth.duplicates, city.truth.missing, *city.truth.errors.values()):
        state.update(repr(table.to_pydict()).encode())
    return state.hexdigest()


def test_headers_and_row_keys(city: City) -> None:
    assert list(city.exports) == list(DATASETS)
    for dataset, table in city.exports.items():
        assert table.column_names == HEADERS[dataset]
        assert {str(column.type) for column in table.columns} == {"string"}
        assert sum(column.null_count for column in table.columns) == 0
        keys = table.column(0).to_pylist()
        assert len(set(keys)) == len(keys)
        assert keys != sorted(keys)
    assert city.exports["population"].num_rows == 20_000


def test_coded_columns_hold_their_codes(city: City) -> None:
    population = city.exports["population"]
    assert set(population["人员状态"].to_pylist()) == {"1", "2", "3"}
    assert set(population["性别"].to_pylist()) == {"男", "女"}
    towns = set(population["镇街代码"].to_pylist())
    assert len(towns) == 21
    assert all(re.fullmatch(r"3399\d{5}000", town) for town in towns)
    for dataset, pattern in DATES.items():
        assert all(re.fullmatch(pattern, date) for date in city.exports[dataset].column(4).to_pylist() if date)
    months = {f"{year}{month:02d}" for year in (2025, 2026) for month in range(1, 13)}
    for dataset in DATASETS[1:5]:
        table = city.exports[dataset]
        bad = {
            key for key, month in zip(*(table.column(i).to_pylist() for i in (0, 8)), strict=True) if month == "202613"
        }
        assert bad <= city.truth.unusable[dataset]
        assert set(table.column(8).to_pylist()) <= months | {"202613"}
        assert set(table.column(9).to_pylist()) <= months | {""}
        assert set(table.column(3).to_pylist()) == {"1", "2"}


def test_the_same_configuration_gives_the_same_city() -> None:
    config = CityConfig(people=800, seed=3)
    first = digest(generate_city(config))
    assert digest(generate_city(config)) == first
    assert digest(generate_city(dataclasses.replace(config, seed=4))) != first


def test_another_rate_leaves_the_rest_as_it_was() -> None:
    config = CityConfig(people=800, seed=3)
    one, two = generate_city(config), generate_city(dataclasses.replace(config, town_stale=0.5))
    for dataset in DATASETS:
        changed = [
            name
            for name in one.exports[dataset].column_names
            if one.exports[dataset][name] != two.exports[dataset][name]
        ]
        assert changed == [HEADERS[dataset][7]]


def test_errors_come_at_the_stated_rates(city: City) -> None:
    rows = sum(table.num_rows for table in city.exports.values())
    errors = Counter(kind for table in city.truth.errors.values() for kind in table["kind"].to_pylist())
    config = city.config
    expected = {
        "id_typo": config.id_typo,
        "id_superseded": config.id_superseded,
        "homophone": config.homophone,
        "look_alike": config.look_alike,
        "variant": config.variant,
        "sex_wrong": config.sex_wrong,
        "birth_wrong": config.birth_wrong,
        "mobile_differs": config.mobile_differs * (1 - config.no_mobile),
        "address_differs": config.address_differs,
        "town_stale": config.town_stale,
        "format_noise": config.format_noise,
        "unusable": config.unusable,
    }
    for kind, rate in expected.items():
        tolerance = 4 * np.sqrt(rows * rate) + 0.02 * rows * rate
        assert abs(errors[kind] - rows * rate) <= tolerance, kind
    assert set(errors) == {*expected, "id_missing", "id_15_digit"}


def test_a_city_without_errors_is_clean() -> None:
    city = generate_city(CityConfig(people=1_000, seed=5, **CLEAN))
    of_person: dict[int, set[tuple[str, ...]]] = {}
    for dataset, table in city.exports.items():
        persons = city.truth.person_of[dataset]["person"].to_pylist()
        for person, row in zip(persons, table.to_pylist(), strict=True):
            _, number, name, sex, birth, phone, address, town, *_ = row.values()
            sex = {"1": "男", "2": "女"}.get(sex, sex)
            date = re.sub(r"\D", "", birth)
            assert number[6:14] == date
            of_person.setdefault(person, set()).add((number, name, sex, date, phone, address, town))
    assert {len(variants) for variants in of_person.values()} == {1}
    assert sum(table.num_rows for table in city.truth.errors.values()) == 0


def test_population_factor_zero_leaves_the_population_clean_of_errors() -> None:
    city = generate_city(CityConfig(people=1_000, seed=5, population_error_factor=0.0))
    assert set(city.truth.errors["population"]["kind"].to_pylist()) <= {"format_noise", "unusable"}
    assert "town_stale" in city.truth.errors["students"]["kind"].to_pylist()


def test_a_typo_never_passes_the_check() -> None:
    quiet = generate_city(CityConfig(people=5_000, seed=2, **{**CLEAN, "id_typo": 1.0}))
    weights = [pow(2, 17 - place, 11) for place in range(17)]
    for table in quiet.exports.values():
        for number in table.column(1).to_pylist():
            passes = (
                number[:17].isdecimal()
                and "10X98765432"[sum(int(c) * weight for c, weight in zip(number[:17], weights, strict=True)) % 11]
                == number[17]
            )
            assert not passes


def test_spreadsheet_damage_keeps_15_digits_of_the_named_dataset() -> None:
    config = CityConfig(people=1_000, seed=5, **CLEAN)
    damaged = generate_city(dataclasses.replace(config, excel_damage=frozenset({"students"})))
    whole = generate_city(config)
    for before, after in zip(
        whole.exports["students"].column(1).to_pylist(), damaged.exports["students"].column(1).to_pylist(), strict=True
    ):
        assert after == (before if before.endswith("X") else before[:15] + "000")
    assert damaged.exports["population"] == whole.exports["population"]


def test_scientific_notation_keeps_six_digits_of_the_named_dataset() -> None:
    config = CityConfig(people=1_000, seed=5, **{**CLEAN, "id_legacy_15": 0.5})
    damaged = generate_city(dataclasses.replace(config, excel_scientific=frozenset({"resident_pension"})))
    whole = generate_city(config)
    exports = (city.exports["resident_pension"].column(1).to_pylist() for city in (whole, damaged))
    lengths = set()
    for before, after in zip(*exports, strict=True):
        lengths.add(len(before))
        assert after == (before if before.endswith("X") else f"{Decimal(before):.5E}")
    assert lengths == {15, 18}
    assert damaged.exports["students"] == whole.exports["students"]


def test_scientific_notation_rounds_and_drops_zeros() -> None:
    numbers = ["339902199901011234", "339902999901011", "330000000000000000", "300000400000000000"]
    shown = strings_of(in_scientific_notation(codes_of(numbers, 18))).to_pylist()
    assert shown == ["3.39902E+17", "3.39903E+14", "3.3E+17", "3E+17"]


def test_files_read_back_in_their_charset(small_city: City, tmp_path: Path) -> None:
    paths = write_exports(small_city, tmp_path / "city")
    assert {path.name for path in (tmp_path / "city").iterdir()} == {f"{dataset}.csv" for dataset in DATASETS}
    for dataset, path in paths.items():
        with path.open(encoding=CHARSETS[dataset], newline="") as stream:
            header, *rows = csv.reader(stream, strict=True)
        table = small_city.exports[dataset]
        assert header == table.column_names
        assert rows == [list(row.values()) for row in table.to_pylist()]
    assert paths["students"].read_bytes().startswith(b"\xef\xbb\xbf")
    assert not paths["employee_pension"].read_bytes().startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in paths["population"].read_bytes()
    assert b"\r\n" not in paths["employee_pension"].read_bytes()


def test_every_value_can_be_written_in_gb18030(city: City) -> None:
    for values in city.truth.identifiers().values():
        for value in values:
            assert value.encode("gb18030").decode("gb18030") == value


def test_a_directory_that_cannot_be_made_is_named(small_city: City, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UsageError) as caught:
        write_exports(small_city, blocked / "city")
    assert caught.value.code == "FILE_NOT_WRITABLE"
    assert caught.value.__context__ is None
