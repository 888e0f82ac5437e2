"""PUBLIC: the settings of a synthetic city: its size, its seed and every rate at which its records go wrong.

Invariant: a configuration that exists is in range; the constructor checks it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

from secure_match.errors import Place, UsageError

POPULATION: Final = "population"
EMPLOYEE_PENSION: Final = "employee_pension"
RESIDENT_PENSION: Final = "resident_pension"
EMPLOYEE_MEDICAL: Final = "employee_medical"
RESIDENT_MEDICAL: Final = "resident_medical"
STUDENTS: Final = "students"

DATASETS: Final = (
    POPULATION,
    EMPLOYEE_PENSION,
    RESIDENT_PENSION,
    EMPLOYEE_MEDICAL,
    RESIDENT_MEDICAL,
    STUDENTS,
)
"""Ids of the exports, in the order in which a city lists them."""

ENROLMENTS: Final = DATASETS[1:5]
"""Ids of the exports that have months."""

MIN_PEOPLE: Final = 100
MAX_PEOPLE: Final = 20_000_000
MAX_POPULATION_ERROR_FACTOR: Final = 10.0
_NOT_RATES: Final = frozenset({"people", "seed", "population_error_factor", "excel_damage", "excel_scientific"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CityConfig:
    """Size, seed and rates of a synthetic city. Every rate is a share in [0, 1].

    A rate of an error holds per row of an export, and every row is drawn on its own, so that two rows of one
    person seldom share an error.

    Attributes:
        people: persons of the population file, 100 to 20 million, the recently dead and moved included.
        seed: starts every random stream; the same configuration gives the same city, byte for byte.
        twin_births: share of births that are twins.
        minority_names: share of families whose names have the separator U+00B7.
        migrant_regions: share of residents whose ID number was issued outside the city.
        no_mobile: share of adults without a mobile number.
        dead: share of the population file with status 2.
        moved_out: share of the population file with status 3.
        non_residents: persons in enrolment files but not in the population file, as a share of ``people``.
        job_changes: share of employees who changed scheme or employer in the year, without an overlap;
            half of that share among residents of working age.
        duplicates: share of enrolled persons who have one row too many.
        missing_medical: share of people outside the employee scheme who are in no medical file.
        missing_pension: share of people of working age, students aside, who are in no pension file.
        id_typo: one wrong digit, or two neighbours swapped; the check digit then fails.
        id_superseded: another valid number of the same person.
        id_legacy_15: the old 15-digit form, in resident_pension only, as a share of the rows of rural people
            born before 2000.
        id_missing: empty ID number, from age 16.
        id_missing_child: empty ID number, below age 16.
        id_shared: the valid number of an unrelated person of the same sex and nearly the same age, in enrolment files
            only: somebody else's card was used. None in the default city.
        homophone: one character of the name replaced by one that sounds the same.
        look_alike: one character of the name replaced by one that looks the same.
        variant: one character of the name in its traditional or variant form.
        sex_wrong: the other sex in the sex column.
        birth_wrong: another, sometimes impossible, date in the birth column.
        mobile_differs: another or no number, as a share of the rows of people who have one.
        address_differs: another wording of the same address, or another address.
        town_stale: the code of another town.
        format_noise: what must not matter: full-width digits, lower-case x, blanks, other separators.
        unusable: name, ID number and birth date all empty, or a month that does not exist.
        population_error_factor: multiplies the error rates (``id_typo`` to ``town_stale``) in the population
            file; 0 to 10, and no product is taken above 1.
        excel_damage: datasets whose ID column went through a spreadsheet: numbers of 18 digits end in 000; those
            that end in X are text to a spreadsheet and survive.
        excel_scientific: datasets whose ID column it left in scientific notation (3.39902E+17); none of them may be in
            ``excel_damage`` too.
    """

    people: int = 20_000
    seed: int = 7
    twin_births: float = 0.01
    minority_names: float = 0.01
    migrant_regions: float = 0.12
    no_mobile: float = 0.06
    dead: float = 0.01
    moved_out: float = 0.01
    non_residents: float = 0.025
    job_changes: float = 0.06
    duplicates: float = 0.02
    missing_medical: float = 0.06
    missing_pension: float = 0.08
    id_typo: float = 0.003
    id_superseded: float = 0.003
    id_legacy_15: float = 0.03
    id_missing: float = 0.005
    id_missing_child: float = 0.03
    id_shared: float = 0.0
    homophone: float = 0.005
    look_alike: float = 0.002
    variant: float = 0.003
    sex_wrong: float = 0.001
    birth_wrong: float = 0.005
    mobile_differs: float = 0.35
    address_differs: float = 0.80
    town_stale: float = 0.05
    format_noise: float = 0.01
    unusable: float = 0.0005
    population_error_factor: float = 1.0
    excel_damage: frozenset[str] = field(default_factory=frozenset)
    excel_scientific: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        """Check every range.

        Raises:
            UsageError: ``CITY_CONFIG`` with the name of the setting.
        """
        _check(
            isinstance(self.people, int) and MIN_PEOPLE <= self.people <= MAX_PEOPLE,
            "people",
            "100 to 20000000",
        )
        _check(isinstance(self.seed, int) and self.seed >= 0, "seed", "a whole number from 0")
        for name in (setting.name for setting in fields(self) if setting.name not in _NOT_RATES):
            _check(0.0 <= getattr(self, name) <= 1.0, name, "a share in 0 to 1")
        _check(self.non_residents <= 0.2, "non_residents", "a share in 0 to 0.2")
        _check(
            0.0 <= self.population_error_factor <= MAX_POPULATION_ERROR_FACTOR,
            "population_error_factor",
            "a factor in 0 to 10",
        )
        for name, ids in (("excel_damage", self.excel_damage), ("excel_scientific", self.excel_scientific)):
            _check(ids <= set(DATASETS), name, f"a set of dataset ids: {', '.join(DATASETS)}")
        _check(not self.excel_damage & self.excel_scientific, "excel_scientific", "datasets not in excel_damage")

    def error_rate(self, rate: float, dataset: str) -> float:
        """``rate`` as it holds in ``dataset``: multiplied in the population file, and never above 1."""
        return min(1.0, rate * self.population_error_factor) if dataset == POPULATION else rate


def _check(is_valid: bool, setting: str, allowed: str) -> None:
    if not is_valid:
        raise UsageError(f"is out of range; give {allowed}", code="CITY_CONFIG", place=Place(key=setting))
