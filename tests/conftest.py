"""What tests of several rooms share: the packages of a small hand-written city, made once, and a runner of commands."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from integration.road import Commands, Road, encode_all, lay_out

# Commands run in hundreds of processes: they may keep compiled sources, as they do on users' machines.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The same examples in every run, so that a red run is red everywhere; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("steady", derandomize=True)
settings.register_profile("explore", max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(scope="session")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    """Exports, keys and agreement of the small city, its packages and a finished run of the bureau."""
    here = lay_out(tmp_path_factory.mktemp("road"))
    encode_all(here)
    return here


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Runs many commands quickly, each in a process of its own."""
    with Commands(tmp_path_factory.mktemp("commands")) as server:
        yield server
