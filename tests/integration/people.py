"""A small hand-written city. Every value of a person is a mark that stands nowhere else, so a leak shows.

The people are made up: region 160101 is not assigned, and nobody is called by these characters.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import Final

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(birth: str, sequence: str) -> str:
    """A number with a right check character (GB 11643-1999) in a region that is not assigned."""
    first = f"160101{birth}{sequence}"
    return first + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS, strict=True)) % 11]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One made-up person."""

    name: str
    birth: str
    sequence: str
    phone: str
    address: str = field(default="")

    @property
    def id_number(self) -> str:
        return id_number(self.birth, self.sequence)

    @property
    def sex(self) -> str:
        return "男" if int(self.sequence) % 2 else "女"


ADA: Final = Person(name="𠮷龘靐", birth="19870605", sequence="731", phone="19900470011", address="龖齾路壹号麤院")
BEI: Final = Person(name="爨齉爩", birth="19910214", sequence="462", phone="19900470022", address="龖齾路贰号麤院")
CHI: Final = Person(name="䨺䲜灪", birth="20150918", sequence="513", phone="19900470033", address="龖齾路叁号麤院")
DAN: Final = Person(name="麤鱻厵", birth="19790323", sequence="854", phone="19900470044", address="龖齾路肆号麤院")
ERH: Final = Person(name="灥飝朤", birth="19330711", sequence="915", phone="19900470055", address="龖齾路伍号麤院")
FEN: Final = Person(name="鱺籲癵", birth="20060127", sequence="646", phone="19900470066", address="龖齾路陆号麤院")
GAO: Final = Person(name="纞虪麣", birth="19841130", sequence="777", phone="19900470077", address="龖齾路柒号麤院")
HUI: Final = Person(name="㐂㒪·㠭㸚", birth="19960809", sequence="228", phone="19900470088", address="龖齾路捌号麤院")
PEOPLE: Final = (ADA, BEI, CHI, DAN, ERH, FEN, GAO, HUI)

Rows = list[list[str]]


def row_key(dataset: str, number: int) -> str:
    """A row key that is a mark too."""
    return f"rowmark-{dataset}-{number:04d}"


def _identity(person: Person) -> list[str]:
    return [person.id_number, person.name, person.sex, person.birth, person.phone]


def _enrolment(dataset: str, rows: list[tuple[list[str], str, str]], header: list[str]) -> Rows:
    return [header] + [
        [row_key(dataset, number), *identity, first, last, PEOPLE[number % len(PEOPLE)].address]
        for number, (identity, first, last) in enumerate(rows, start=1)
    ]


def _population() -> Rows:
    status = {ERH: "2"}
    rows = [
        [row_key("population", number), *_identity(person), status.get(person, "1"), person.address]
        for number, person in enumerate(PEOPLE[:7], start=1)
    ]
    refused = [
        ["", *_identity(ADA), "1", ADA.address],
        [row_key("population", 2), *_identity(BEI), "1", BEI.address],
        [row_key("population", 10), *_identity(CHI), CHI.name, CHI.address],
        [row_key("population", 11), ERH.id_number[:-1] + "?", "", "", "", "", "1", ERH.address],
    ]
    header = ["人员编号", "公民身份号码", "姓名", "性别", "出生日期", "联系电话", "人员状态", "住址"]
    return [header, *rows, *refused]


_PENSION: Final = ["AAC001", "AAC002", "AAC003", "AAC004", "AAC006", "AAE005", "AAE041", "AAE042", "住址"]
_MEDICAL: Final = ["psn_no", "certno", "psn_name", "gend", "brdy", "tel", "begn_ym", "end_ym", "addr"]

_DAN_WITHOUT_ID: Final = ["", *_identity(DAN)[1:]]

EXPORTS: Final[dict[str, Rows]] = {
    "population": _population(),
    "employee_pension": _enrolment(
        "employee_pension", [(_identity(ADA), "202601", ""), (_identity(DAN), "202601", "202606")], _PENSION
    ),
    # Dan is here without an ID number: only name, birth date and phone can tell.
    "resident_pension": _enrolment(
        "resident_pension", [(_DAN_WITHOUT_ID, "202605", ""), (_identity(GAO), "202601", "202612")], _PENSION
    ),
    "employee_medical": _enrolment(
        "employee_medical",
        [(_identity(ADA), "202601", ""), (_identity(DAN), "202601", ""), (_identity(GAO), "202601", "202603")],
        _MEDICAL,
    ),
    "resident_medical": _enrolment(
        "resident_medical",
        [
            (_identity(ADA), "202604", "202605"),
            (_identity(CHI), "202601", ""),
            (_identity(FEN), "202601", ""),
            (_identity(GAO), "202604", ""),
            (_identity(HUI), "202601", ""),
        ],
        _MEDICAL,
    ),
    "students": [
        ["学籍号", "身份证件号", "学生姓名", "性别", "出生日期", "监护人电话", "家庭住址"],
        *[
            [row_key("students", number), *_identity(person), person.address]
            for number, person in enumerate((CHI, FEN), 1)
        ],
    ],
}
"""Dataset to its export's rows, header first."""

OWNERS: Final = {
    "population": "police",
    "employee_pension": "hrss",
    "resident_pension": "hrss",
    "employee_medical": "medical",
    "resident_medical": "medical",
    "students": "education",
}
CHARSETS: Final = {
    "population": "gb18030",
    "employee_pension": "utf-8",
    "resident_pension": "utf-8-sig",
    "employee_medical": "gb18030",
    "resident_medical": "utf-8",
    "students": "utf-8-sig",
}
QUARANTINED: Final = [
    ["9", "人员编号", "ROW_KEY_MISSING"],
    ["10", "人员编号", "ROW_KEY_DUPLICATE"],
    ["11", "人员状态", "CODE_UNKNOWN"],
    ["12", "", "NO_IDENTITY"],
]
"""What the quarantine file of the population has to hold: row number, column, code."""


def csv_bytes(rows: Rows, charset: str) -> bytes:
    """Rows as the bytes of a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(charset)


def marks() -> dict[str, str]:
    """Every raw value of the city that must not leave, and tell-tale parts of it, with a kind each."""
    found: dict[str, str] = {}
    for person in PEOPLE:
        found |= {
            person.id_number: "id_number",
            person.id_number[:14]: "id_number part",
            person.id_number[6:]: "id_number part",
            person.name: "name",
            person.name[1:]: "name part",
            person.name[:2]: "name part",
            person.phone: "phone",
            person.birth: "birth_date",
            person.address: "address",
        }
    for rows in EXPORTS.values():
        found |= {row[0]: "row_key" for row in rows[1:] if row[0]}
    return found
