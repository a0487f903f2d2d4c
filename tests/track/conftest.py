"""Servers to send to: each test that asks for `server` runs with a store in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from server.conftest import Served, serving
from slipway.config import Config, Server
from slipway.server.port import hold
from slipway.track import init, shutdown


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start servers: ``start_server(port=5000, store=URL, max_pending=10)``. One that is left with ``leave`` stops then."""
    with ExitStack() as stack:

        def start(*, store: str = "", leave: ExitStack | None = None, **settings: Any) -> Served:
            config = Config(root=str(tmp_path / "server"), store=store, server=Server(**{"port": 0, **settings}))
            return serving(config, leave or stack)

        yield start


@pytest.fixture(params=["sqlite", "postgresql"])
def server_url(request: pytest.FixtureRequest) -> str:
    """The URL of a store for a server, of each kind; empty for its usual SQLite."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("new_database")())


@pytest.fixture
def server(start_server: Callable[..., Served], server_url: str) -> Served:
    """A server on each kind of store."""
    return start_server(store=server_url)


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which nothing listens until the test starts a server there. Nobody else is given it meanwhile, nor is a client
    that tries to connect to it."""
    with hold("127.0.0.1") as held:
        yield held.getsockname()[1]


@pytest.fixture
def recording_to(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """``recording_to(url)`` records into the server there, from this process, until the test ends."""

    def start(url: str, **settings: Any) -> Any:
        config = Config(**{"root": str(tmp_path / "client"), "project": "shop", "endpoint": url, **settings})
        return init(config=config, environment=False, instrument=False)

    yield start
    shutdown()
