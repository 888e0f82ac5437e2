"""Rows per second of normalisation on a synthetic export of seven fields, by stage, and of ID validation beside peers.

A share of the cells is odd (full-width digits, blanks, traditional characters, other date forms, landlines, words for
nothing), as in a real export; the rest is clean. The peers, id-validator and python-stdnum, check one number at a time
and are timed on a sample; they are in the dev requirements, and left out with a word where they are not installed.

Example:
    python benchmarks/normalise.py --rows 1000000
"""

from __future__ import annotations

import argparse
import importlib
import resource
import statistics
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from _common import describe, machine, seconds

from secure_match.agreement import Agreement, parse_agreement, trusted_template
from secure_match.department.normalise import (
    ColumnSurvey,
    NormalisedField,
    normalise_fields,
    view_values,
)
from secure_match.department.normalise._addresses import normalise_addresses, normalise_divisions
from secure_match.department.normalise._check_digits import check_characters
from secure_match.department.normalise._cross_check import cross_check
from secure_match.department.normalise._dates import normalise_birth_dates
from secure_match.department.normalise._id_number import normalise_id_numbers
from secure_match.department.normalise._names import normalise_names
from secure_match.department.normalise._texts import normalise_phones, normalise_sexes

EXTRA_FIELDS = """
[fields.address]
kind = "address"
divisions = ["甲省", "乙市", "丙县", "丁镇"]

[fields.division]
kind = "division"

[fields.phone]"""
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰红建国文志梅秀莲"
STAGES: dict[str, Callable[[pa.Array], NormalisedField]] = {
    "id_number": normalise_id_numbers,
    "name": normalise_names,
    "sex": normalise_sexes,
    "birth_date": normalise_birth_dates,
    "phone": normalise_phones,
    "address": lambda column: normalise_addresses(column, ("甲省", "乙市", "丙县", "丁镇")),
    "division": lambda column: normalise_divisions(column, {}),
}

BATCH_ROWS = 32_768
RECORD_ROWS = 262_144
PART_ROWS = 100_000
VIEWS = (
    ("name", "surname"),
    ("name", "pinyin"),
    ("name", "dialect"),
    ("name", "shape"),
    ("id_number", "partial"),
    ("address", "tokens"),
)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Rows per second of normalisation by stage, and of ID validation beside id-validator and stdnum.",
        epilog="example: python benchmarks/normalise.py --rows 1000000",
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the export (default: 1000000)")
    parser.add_argument("--odd", type=float, default=0.1, help="share of odd cells in every column (default: 0.1)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of everything (default: 3)")
    parser.add_argument("--peer-rows", type=int, default=100, help="numbers that peers check (default: 100)")
    options = parser.parse_args(arguments)
    print(machine())
    agreement = parse_agreement(trusted_template().replace("[fields.phone]", EXTRA_FIELDS.lstrip()))
    columns = make_export(options.rows, options.odd)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{options.rows:,} rows of {len(columns)} fields, {options.odd:.0%} of all cells odd")
    measure_record(agreement, columns, options.rows, options.repeats)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"  peak memory of the process: {before / 1024**2:.2f} GiB to make the export, then {after / 1024**2:.2f} GiB"
    )
    measure_stages(agreement, columns, options.repeats)
    measure_validation(columns["id_number"], options.peer_rows, options.repeats)


def make_export(rows: int, odd: float) -> dict[str, pa.StringArray]:
    """Columns with a share of odd cells."""
    parts = [_part(min(PART_ROWS, rows - start), odd, start) for start in range(0, rows, PART_ROWS)]
    return {name: pa.concat_arrays([part[name] for part in parts]) for name in parts[0]}


def _part(rows: int, odd: float, seed: int) -> dict[str, pa.StringArray]:
    rng = np.random.default_rng([7, seed])
    numbers = _numbers(rng, rows)
    births = pc.utf8_slice_codeunits(numbers, 6, 14)
    names = _choose(rng, [surname + one + two for surname in SURNAMES for one in GIVEN for two in ["", *GIVEN]], rows)
    phones = pc.binary_join_element_wise("1", _digits(rng, rows, 10, first=3), "")
    addresses = pc.binary_join_element_wise(
        _choose(rng, ["丁镇", "丙县丁镇", "甲省乙市丙县丁镇", ""], rows),
        _choose(rng, ["幸福路", "人民街", "向阳村", "五一路", "团结巷"], rows),
        _digits(rng, rows, 2, first=1),
        _choose(rng, ["号", "号三栋二单元", "号5栋"], rows),
        "",
    )
    columns = {
        "id_number": (numbers, [_full_width, _legacy, _blank, _nothing]),
        "name": (names, [_traditional, _spaced, _bracketed, _nothing]),
        "sex": (_choose(rng, ["1", "2"], rows), [_full_width, _nothing]),
        "birth_date": (births, [_dashed, _chinese_date, _nothing]),
        "phone": (phones, [_grouped, _landline, _nothing]),
        "address": (addresses, [_full_width, _nothing]),
        "division": (pc.utf8_slice_codeunits(numbers, 0, 6), [_full_width, _nothing]),
    }
    return {name: _disturb(rng, cells, odd, ways) for name, (cells, ways) in columns.items()}


def _numbers(rng: np.random.Generator, rows: int) -> pa.StringArray:
    days = np.datetime64("1930-01-01") + rng.integers(0, 33_000, rows)
    births = pc.strftime(pa.array(days), format="%Y%m%d")
    first = pc.binary_join_element_wise(
        _choose(rng, ["160101", "160102", "160103"], rows), births, _digits(rng, rows, 3), ""
    )
    matrix = np.frombuffer(first.buffers()[2], dtype=np.uint8, count=rows * 17).reshape(rows, 17)
    checks = pa.array(check_characters(matrix).view("S1").astype("U1"))
    return pc.binary_join_element_wise(first, checks, "")


def _digits(rng: np.random.Generator, rows: int, count: int, first: int = 0) -> pa.StringArray:
    low = first * 10 ** (count - 1)
    return pc.utf8_lpad(pa.array(rng.integers(low, 10**count, rows)).cast(pa.string()), count, "0")


def _choose(rng: np.random.Generator, values: list[str], rows: int) -> pa.StringArray:
    return pa.array(values).take(pa.array(rng.integers(0, len(values), rows)))


def _disturb(
    rng: np.random.Generator,
    cells: pa.StringArray,
    odd: float,
    ways: list[Callable[[pa.StringArray], pa.StringArray]],
) -> pa.StringArray:
    way = np.where(rng.random(len(cells)) < odd, rng.integers(0, len(ways), len(cells)), -1)
    for index, change in enumerate(ways):
        mask = pa.array(way == index)
        cells = pc.replace_with_mask(cells, mask, change(cells.filter(mask)))
    return cells


def _full_width(cells: pa.StringArray) -> pa.StringArray:
    return pc.replace_substring(pc.replace_substring(cells, "1", "１"), "2", "２")


def _legacy(cells: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(cells, 0, 6), pc.utf8_slice_codeunits(cells, 8, 17), "")


def _blank(cells: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise(cells, " ", "")


def _nothing(cells: pa.StringArray) -> pa.StringArray:
    return pa.array(["不详"] * len(cells), pa.string())


def _traditional(cells: pa.StringArray) -> pa.StringArray:
    return pc.replace_substring(pc.replace_substring(cells, "张", "張"), "国", "國")


def _spaced(cells: pa.StringArray) -> pa.StringArray:
    return pc.utf8_replace_slice(cells, 1, 1, " ")


def _bracketed(cells: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise(cells, "(曾用名李四)", "")


def _dashed(cells: pa.StringArray) -> pa.StringArray:
    return pc.replace_substring_regex(cells, r"(\d{4})(\d{2})(\d{2})", r"\1-\2-\3")


def _chinese_date(cells: pa.StringArray) -> pa.StringArray:
    return pc.replace_substring_regex(cells, r"(\d{4})(\d{2})(\d{2})", r"\1年\2月\3日")


def _grouped(cells: pa.StringArray) -> pa.StringArray:
    return pc.replace_substring_regex(cells, r"(\d{3})(\d{4})(\d{4})", r"\1-\2-\3")


def _landline(cells: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise("0755-2", pc.utf8_slice_codeunits(cells, 0, 7), "")


def measure_stages(agreement: Agreement, columns: dict[str, pa.StringArray], repeats: int) -> None:
    rows = len(columns["name"])
    print(f"stages, one thread, batches of {BATCH_ROWS:,} rows (views: all rows at once):")

    def survey() -> None:
        column_survey = ColumnSurvey(agreement)
        column_survey.add(columns)
        column_survey.facts()

    print(describe("survey", [seconds(survey) for _ in range(repeats)], rows, "rows"))
    fields = {}
    for name, normalise in STAGES.items():
        batches = [columns[name].slice(start, BATCH_ROWS) for start in range(0, rows, BATCH_ROWS)]

        def stage(call: Callable[[pa.Array], NormalisedField] = normalise, parts: list[pa.Array] = batches) -> None:
            for part in parts:
                call(part)

        times = [seconds(stage) for _ in range(repeats)]
        fields[name] = normalise(columns[name])
        print(describe(name, times, rows, "rows"))
    print(describe("cross-check", [seconds(lambda: cross_check(fields)) for _ in range(repeats)], rows, "rows"))
    for name, view in VIEWS:
        times = [seconds(lambda field=fields[name], view=view: view_values(field, view)) for _ in range(repeats)]
        print(describe(f"{name}.{view}", times, rows, "rows"))


def measure_record(agreement: Agreement, columns: dict[str, pa.StringArray], rows: int, repeats: int) -> None:
    def whole() -> None:
        survey = ColumnSurvey(agreement)
        survey.add(columns)
        facts = survey.facts()
        for start in range(0, rows, RECORD_ROWS):
            count = min(RECORD_ROWS, rows - start)
            batch = {name: column.slice(start, count) for name, column in columns.items()}
            view_values(normalise_fields(agreement, batch, count, facts=facts)["name"], "pinyin")

    times = [seconds(whole) for _ in range(repeats)]
    print("the whole record, two threads, survey and pinyin included:")
    print(describe("normalise", times, rows, "rows"))
    rate = rows / statistics.median(times)
    print(f"  target 200,000 rows/s: {'met' if rate >= 200_000 else 'MISSED'}")


def measure_validation(numbers: pa.StringArray, sample: int, repeats: int) -> None:
    ours = [seconds(lambda: normalise_id_numbers(numbers)) for _ in range(repeats)]
    print("ID validation:")
    print(describe("secure_match", ours, len(numbers), "numbers"))
    valid = normalise_id_numbers(numbers[:sample]).values.drop_null().to_pylist()
    for name, check in peers().items():
        times = [seconds(lambda check=check: [check(number) for number in valid]) for _ in range(repeats)]
        print(describe(name, times, len(valid), "numbers"))
        ratio = (len(numbers) / statistics.median(ours)) / (len(valid) / statistics.median(times))
        print(f"    {ratio:,.0f} times slower (it also looks the region up; the regions here are nobody's)")


def peers() -> dict[str, Callable[[str], bool]]:
    found: dict[str, Callable[[str], bool]] = {}
    try:
        found["id-validator"] = importlib.import_module("id_validator.validator").is_valid
    except ImportError:
        print("  id-validator is not installed: left out")
    try:
        found["python-stdnum"] = importlib.import_module("stdnum.cn.ric").is_valid
    except ImportError:
        print("  python-stdnum is not installed: left out")
    return found


if __name__ == "__main__":
    main()
