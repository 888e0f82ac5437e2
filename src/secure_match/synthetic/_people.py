"""PUBLIC: the people of the city as columns: names, ID numbers, phones, dwellings, what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from secure_match.synthetic._config import CityConfig
from secure_match.synthetic._families import DAYS_PER_YEAR, REFERENCE_DAY, Families, draw_families
from secure_match.synthetic._identity import dates_of, draw_numbers, draw_regions
from secure_match.synthetic._names import draw_names
from secure_match.synthetic._places import TOWN_COUNTY, TOWN_WEIGHTS, Homes, draw_homes
from secure_match.synthetic._streams import BoolArray, IntArray, Streams, draw_flags, draw_weighted
from secure_match.synthetic._text import CodePoints

NORMAL: Final = 1
DEAD: Final = 2
MOVED_OUT: Final = 3
ADULT_AGE: Final = 16
RETIREMENT_AGE: Final = 60
_DEATHS_FROM_AGE: Final = 50
_OUTSIDER_MIGRANT_SHARE: Final = 0.85
_PREFIX_TEXT: Final = (
    "130 131 132 133 135 136 137 138 139 147 150 151 152 153 155 156 157 158 159 "
    "166 173 176 177 178 180 181 182 183 185 186 187 188 189 191 198 199"
)
_PHONE_PREFIXES: Final = np.array([int(prefix) for prefix in _PREFIX_TEXT.split()], dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Persons as columns of shape (persons,), int64 unless said otherwise.

    Attributes:
        name: uint32 code points of shape (persons, NAME_WIDTH), clean.
        number, old_number: first 17 digits of the current and of a superseded ID number.
        birth: days since 1970-01-01.
        birth_year: year of birth.
        age: full years on 2026-01-01.
        male: bool.
        phone, old_phone: 11 digits, or 0 for none.
        home: index into ``homes``.
        homes: the dwellings.
        twin_of: the elder twin, or -1.
        resident: bool; is in the population file.
        status: NORMAL, DEAD or MOVED_OUT.
    """

    name: CodePoints
    number: IntArray
    old_number: IntArray
    birth: IntArray
    birth_year: IntArray
    age: IntArray
    male: BoolArray
    phone: IntArray
    old_phone: IntArray
    home: IntArray
    homes: Homes
    twin_of: IntArray
    resident: BoolArray
    status: IntArray

    def __repr__(self) -> str:
        return f"<People: {len(self.home)}>"


def draw_people(config: CityConfig, streams: Streams) -> People:
    """``config.people`` residents and the non-residents beside them."""
    outsiders = round(config.people * config.non_residents)
    count = config.people + outsiders
    families = draw_families(streams, count, twin_births=config.twin_births)
    birth = REFERENCE_DAY - 1 - np.floor(families.age * DAYS_PER_YEAR).astype(np.int64)
    birth_year, month, day = dates_of(birth)
    age = 2026 - birth_year - ((month > 1) | (day > 1))
    resident = _draw_residents(streams.of("residents"), age, outsiders)
    town = draw_weighted(streams.of("towns"), TOWN_WEIGHTS, int(families.home.max()) + 1)
    share = np.where(resident, config.migrant_regions, _OUTSIDER_MIGRANT_SHARE)
    region = draw_regions(streams, TOWN_COUNTY[town[families.home]], share)
    region = np.where(families.twin_of >= 0, region[families.twin_of], region)
    number, old_number = draw_numbers(streams, region=region, birth=birth, male=families.male, twin_of=families.twin_of)
    phone, old_phone = _draw_phones(streams.of("phones"), families, age, config.no_mobile)
    return People(
        name=draw_names(streams, families, birth_year, minority_names=config.minority_names),
        number=number, old_number=old_number, birth=birth, birth_year=birth_year, age=age, male=families.male,
        phone=phone, old_phone=old_phone, home=families.home, homes=draw_homes(streams.of("homes"), town),
        twin_of=families.twin_of, resident=resident, status=_draw_status(streams, config, age, resident),
    )  # fmt: skip


def draw_phone_numbers(rng: np.random.Generator, count: int) -> IntArray:
    """``count`` mobile numbers of 11 digits, int64."""
    prefix = _PHONE_PREFIXES[rng.integers(0, len(_PHONE_PREFIXES), count)]
    return prefix * 100_000_000 + rng.integers(0, 100_000_000, count)


def _draw_residents(rng: np.random.Generator, age: IntArray, outsiders: int) -> BoolArray:
    """Everybody but ``outsiders`` people of working age."""
    resident = np.ones(len(age), dtype=bool)
    at_work = np.flatnonzero((age >= ADULT_AGE + 2) & (age < RETIREMENT_AGE))
    resident[rng.permutation(at_work)[:outsiders]] = False
    return resident


def _draw_phones(
    rng: np.random.Generator, families: Families, age: IntArray, no_mobile: float
) -> tuple[IntArray, IntArray]:
    count = len(age)
    phone, old_phone = draw_phone_numbers(rng, count), draw_phone_numbers(rng, count)
    without = draw_flags(rng, no_mobile, count)
    phone[without] = old_phone[without] = 0
    # A grandfather's contact is often his son's number; his line leads to the son.
    elder = np.flatnonzero(
        (families.line != np.arange(count)) & (families.guardian < 0) & (families.twin_of < 0) & (age >= RETIREMENT_AGE)
    )
    shares_line = elder[draw_flags(rng, 0.2, len(elder))]
    phone[shares_line] = phone[families.line[shares_line]]
    child = np.flatnonzero((families.guardian >= 0) & (age < ADULT_AGE))
    phone[child] = phone[families.guardian[child]]
    old_phone[child] = phone[families.line[child]]
    return phone, old_phone


def _draw_status(streams: Streams, config: CityConfig, age: IntArray, resident: BoolArray) -> IntArray:
    status = np.full(len(age), NORMAL, dtype=np.int64)
    old, mobile = resident & (age >= _DEATHS_FROM_AGE), resident & (age < _DEATHS_FROM_AGE)
    for group, share, label in ((old, config.dead, DEAD), (mobile, config.moved_out, MOVED_OUT)):
        chance = min(1.0, share * config.people / max(1, int(group.sum())))
        status[group & draw_flags(streams.of("status", str(label)), chance, len(age))] = label
    return status
