from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
import sqlalchemy as sa


def _load_postgres() -> ModuleType:
    path = Path(__file__).parents[2] / "postgres.py"
    spec = importlib.util.spec_from_file_location("postgres", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Server(NamedTuple):
    """A running PostgreSQL: what a clerk types, and the tests' own address with the password in it."""

    address: str
    password: str
    own: sa.URL


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    module = _load_postgres()
    server = module.running_server()
    reason = ""
    try:
        home = server.__enter__()
    except module.NoPostgresError as error:
        reason = str(error)
    if reason:
        pytest.skip(reason)
    query = {"host": str(home), "port": str(module.PORT)}
    own = sa.URL.create("postgresql+psycopg", "clerk", module.PASSWORD, database="postgres", query=query)
    yield Server(f"postgresql://clerk@/postgres?host={home}&port={module.PORT}", module.PASSWORD, own)
    server.__exit__(None, None, None)
