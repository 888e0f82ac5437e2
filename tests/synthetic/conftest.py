"""Cities that several tests look at."""

from __future__ import annotations

import pytest

from secure_match.synthetic import City, CityConfig, generate_city


@pytest.fixture(scope="session")
def city() -> City:
    return generate_city(CityConfig(people=20_000, seed=7))


@pytest.fixture(scope="session")
def small_city() -> City:
    return generate_city(CityConfig(people=1_500, seed=11, duplicates=0.2, job_changes=0.3, unusable=0.02))
