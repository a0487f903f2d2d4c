"""Stores to test: each test that asks for `store` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import postgres
from slipway.store import Store, open_store


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One server for all tests; fails, and never skips, when PostgreSQL is not installed."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def new_database(postgres_server: str) -> Iterator[Callable[[], str]]:
    """Makes an empty place for a store and gives its URL: a schema, since a new database takes 0.3 s and 7 MB."""
    import psycopg

    with psycopg.connect(postgres_server + "postgres", autocommit=True) as connection:

        def make() -> str:
            name = f"t{uuid.uuid4().hex[:12]}"
            connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[call-overload]
            return f"{postgres_server}postgres?options=-csearch_path%3D{name}"

        yield make


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/slipway.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """A store that does not exist yet, of each kind."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    return str(request.getfixturevalue("new_database")())


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url)
    yield store
    store.close()


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    store = open_store(sqlite_url)
    yield store
    store.close()
