"""PUBLIC: the departments' export tables: each its own headers, codes, date form and errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from secure_match.synthetic import _config as ids
from secure_match.synthetic._enrolments import GROUPS, OPEN, Enrolments, Spells
from secure_match.synthetic._errors import (
    ErrorDraw,
    damage_names,
    damaged_addresses,
    damaged_births,
    damaged_phones,
    damaged_towns,
)
from secure_match.synthetic._id_errors import damage_by_spreadsheet, damaged_numbers, noisy_texts
from secure_match.synthetic._numbers import valid_numbers
from secure_match.synthetic._people import People
from secure_match.synthetic._places import TOWN_CODES
from secure_match.synthetic._streams import IntArray, Streams
from secure_match.synthetic._text import CodePoints, digits_of, strings_of

BAD_MONTH: Final = "202613"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportForm:
    """How a department writes its export.

    Attributes:
        headers: row key, ID number, name, sex, birth date, phone, address, town; then those of its own kind.
        key_prefix: what row keys begin with.
        key_digits: how many digits follow it.
        sexes: how female and male are written.
        date_separator: stands between year, month and day.
    """

    headers: tuple[str, ...]
    key_prefix: str
    key_digits: int
    sexes: tuple[str, str]
    date_separator: str


_PENSION_HEADERS: Final = (
    "AAC001", "AAC002", "AAC003", "AAC004", "AAC006", "AAE005", "AAE006", "AAB301", "AAE041", "AAE042",
)  # fmt: skip
_MEDICAL_HEADERS: Final = (
    "psn_no", "certno", "psn_name", "gend", "brdy", "tel", "live_addr", "admdvs", "begn_ym", "end_ym",
)  # fmt: skip
_POPULATION_HEADERS: Final = (
    "人员编号", "公民身份号码", "姓名", "性别", "出生日期", "联系电话", "户籍地址", "镇街代码", "人员状态",
)  # fmt: skip
_STUDENT_HEADERS: Final = (
    "学籍号", "身份证件号", "学生姓名", "性别", "出生日期", "监护人电话", "家庭住址", "学校镇街",
)  # fmt: skip


def _form(headers: tuple[str, ...], prefix: str, digits: int, sexes: tuple[str, str], separator: str) -> ExportForm:
    return ExportForm(headers=headers, key_prefix=prefix, key_digits=digits, sexes=sexes, date_separator=separator)


FORMS: Final = {
    ids.POPULATION: _form(_POPULATION_HEADERS, "P", 8, ("女", "男"), "-"),
    ids.EMPLOYEE_PENSION: _form(_PENSION_HEADERS, "11", 10, ("2", "1"), ""),
    ids.RESIDENT_PENSION: _form(_PENSION_HEADERS, "17", 10, ("2", "1"), ""),
    ids.EMPLOYEE_MEDICAL: _form(_MEDICAL_HEADERS, "310000", 10, ("2", "1"), "-"),
    ids.RESIDENT_MEDICAL: _form(_MEDICAL_HEADERS, "390000", 10, ("2", "1"), "-"),
    ids.STUDENTS: _form(_STUDENT_HEADERS, "G", 9, ("女", "男"), "/"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export and what the generator knows about its rows.

    Attributes:
        table: all columns are strings.
        person: int64 of shape (rows,), the person of every row.
        number: int64 of shape (rows,), first 17 digits of the valid ID number on the row, whoever's it is; 0 where
            there is none. A number that a spreadsheet rounded is none.
        spells: the months of every row; None for datasets without months.
        unusable: int64, rows that nobody can use.
        errors: kind of error to the rows (int64) that have it.
    """

    table: pa.Table
    person: IntArray
    number: IntArray
    spells: Spells | None
    unusable: IntArray
    errors: dict[str, IntArray]

    def __repr__(self) -> str:
        return f"<Export: {len(self.person)} rows>"


def make_export(
    dataset: str, config: ids.CityConfig, streams: Streams, people: People, enrolments: Enrolments
) -> Export:
    """Write the rows of ``dataset`` in an order that tells nothing."""
    rng = streams.of("order", dataset)
    spells = _spells_of(dataset, enrolments)
    if spells is not None:
        spells = spells.taken(rng.permutation(len(spells.person)))
        persons = spells.person
    else:
        persons = np.flatnonzero(people.resident) if dataset == ids.POPULATION else enrolments.students
        persons = rng.permutation(persons)
    draw = ErrorDraw(dataset=dataset, config=config, streams=streams)
    form = FORMS[dataset]
    _, unusable = draw.rows("unusable", config.unusable, len(persons))
    # Where there are months, every second unusable row has a month that does not exist, and an identity.
    nameless = unusable if spells is None else unusable[::2]
    columns: list[pa.Array] = [_row_keys(rng, form, len(persons))]
    numbers = damaged_numbers(draw, people, persons)
    damage_by_spreadsheet(draw, numbers)
    valid = valid_numbers(numbers)
    valid[draw.book.get("excel_damage", nameless)] = valid[nameless] = 0
    columns += _identity_columns(draw, form, people, persons, numbers=numbers, nameless=nameless)
    if spells is not None:
        columns += [_months(spells.first, unusable[1::2]), _months(spells.last, unusable[:0])]
    elif dataset == ids.POPULATION:
        columns.append(pa.array(people.status[persons]).cast(pa.string()))
    table = pa.table(columns, names=list(form.headers))
    return Export(table=table, person=persons, number=valid, spells=spells, unusable=unusable, errors=draw.book)


def _spells_of(dataset: str, enrolments: Enrolments) -> Spells | None:
    for group, datasets in GROUPS.items():
        if dataset in datasets:
            rows = enrolments.spells[group]
            return rows.taken(rows.scheme == datasets.index(dataset))
    return None


def _row_keys(rng: np.random.Generator, form: ExportForm, count: int) -> pa.Array:
    prefix = np.tile(np.array([ord(character) for character in form.key_prefix], dtype=np.uint32), (count, 1))
    return strings_of(np.concatenate([prefix, digits_of(rng.permutation(count) + 1, form.key_digits)], axis=1))


def _identity_columns(
    draw: ErrorDraw, form: ExportForm, people: People, persons: IntArray, *, numbers: CodePoints, nameless: IntArray
) -> list[pa.Array]:
    """ID number, name, sex, birth date, phone, address, town."""
    names = people.name[persons]
    damage_names(draw, names)
    numbers, names = noisy_texts(draw, numbers, names)
    births = _dates(damaged_births(draw, people.birth[persons]), form.date_separator)
    numbers[nameless] = names[nameless] = births[nameless] = 0
    draw.forget(tuple(kind for kind in draw.book if kind != "unusable"), nameless)
    male = people.male[persons].copy()
    _, rows = draw.rows("sex_wrong", draw.rate(draw.config.sex_wrong), len(persons))
    male[rows] = ~male[rows]
    phone = damaged_phones(draw, people, persons)
    phone_codes = digits_of(phone, 11)
    phone_codes[phone == 0] = 0
    return [
        strings_of(numbers),
        strings_of(names),
        pa.array(form.sexes, pa.string()).take(pa.array(male.astype(np.int64))),
        strings_of(births),
        strings_of(phone_codes),
        damaged_addresses(draw, people, persons),
        pa.array(TOWN_CODES, pa.string()).take(pa.array(damaged_towns(draw, people.homes.town[people.home[persons]]))),
    ]


def _dates(date: tuple[IntArray, IntArray, IntArray], separator: str) -> CodePoints:
    year, month, day = date
    parts = [digits_of(year, 4), digits_of(month, 2), digits_of(day, 2)]
    if separator:
        bar = np.full((len(year), 1), ord(separator), dtype=np.uint32)
        parts[1:1] = [bar]
        parts[3:3] = [bar]
    return np.concatenate(parts, axis=1)


def _months(months: IntArray, bad: IntArray) -> pa.Array:
    """Months as YYYYMM, the open end empty, BAD_MONTH at the rows ``bad``."""
    codes = digits_of(np.maximum(2025 + months // 12, 0) * 100 + months % 12 + 1, 6)
    codes[months == OPEN] = 0
    codes[bad] = [ord(character) for character in BAD_MONTH]
    return strings_of(codes)
