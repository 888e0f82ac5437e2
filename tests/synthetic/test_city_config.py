"""A configuration is in range or does not exist."""

from __future__ import annotations

import pytest

from secure_match.errors import UsageError
from secure_match.synthetic import CityConfig


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("people", 99),
        ("seed", -1),
        ("id_typo", 1.01),
        ("mobile_differs", -0.1),
        ("birth_wrong", float("nan")),
        ("non_residents", 0.5),
        ("population_error_factor", -1.0),
        ("excel_damage", frozenset({"no such dataset"})),
        ("excel_scientific", frozenset({"no such dataset"})),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(setting: str, value: object) -> None:
    with pytest.raises(UsageError) as caught:
        CityConfig(**{setting: value})
    assert caught.value.code == "CITY_CONFIG"
    assert caught.value.place.key == setting


def test_the_population_factor_multiplies_rates_there_only_and_stops_at_one() -> None:
    config = CityConfig(population_error_factor=2.0)
    assert config.error_rate(0.3, "population") == 0.6
    assert config.error_rate(0.8, "population") == 1.0
    assert config.error_rate(0.8, "students") == 0.8


def test_an_id_column_is_damaged_in_one_way() -> None:
    with pytest.raises(UsageError) as caught:
        CityConfig(excel_damage=frozenset({"students"}), excel_scientific=frozenset({"students", "population"}))
    assert (caught.value.code, caught.value.place.key) == ("CITY_CONFIG", "excel_scientific")
