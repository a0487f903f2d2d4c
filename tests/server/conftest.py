"""A real server: granian on a free port of loopback, in a thread of this process so that coverage sees it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from server import web
from server.patience import PATIENCE_S
from slipway.config import Config, Server
from slipway.server.serve import serve
from slipway.server.state import State
from slipway.store import open_store
from slipway.store.protocol import Store


@dataclass(frozen=True)
class Served:
    """A server that answers."""

    url: str
    state: State

    @property
    def store(self) -> Store:
        """What it serves."""
        return self.state.store


@dataclass(frozen=True)
class Api:
    """A server that is asked about what the test wrote."""

    served: Served
    client: httpx.Client

    def write(self, *records: Any) -> None:
        """Store records, and derive what is searched from them."""
        self.served.store.write(list(records))
        self.served.state.indexer.builder.catch_up()

    def get(self, path: str, status: int = 200, /, **params: Any) -> Any:
        """The answer's JSON."""
        answer = self.client.get(path, params=params)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:2000])
        return answer.json()

    def pages(self, path: str, items: str, /, **params: Any) -> list[Any]:
        """All items of all pages."""
        found, cursor = [], ""
        while True:
            page = self.get(path, cursor=cursor, **params)
            found += page[items]
            if page["next"] is None:
                return found
            cursor = page["next"]


def serving(config: Config, leave: ExitStack) -> Served:
    """Start a server of ``config``; ``leave`` stops it."""
    state = State(config, open_store(config.store_url))
    leave.callback(state.store.close)
    ready, found, failed = threading.Event(), [], []

    def run() -> None:
        async def main() -> None:
            loop = asyncio.get_running_loop()

            def started(url: str, stop: Callable[[], None]) -> None:
                found.extend([url, lambda: loop.call_soon_threadsafe(stop)])
                ready.set()

            await serve(state, started)

        try:
            asyncio.run(main())
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            ready.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(PATIENCE_S)
    assert found, f"the server did not start: {failed}"

    def stop() -> None:
        found[1]()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()

    leave.callback(stop)
    return Served(found[0], state)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start servers with settings of your own: ``start(max_body_bytes=100)``; ``store=`` is a URL."""
    with ExitStack() as leave:

        def started(*, store: str = "", project: str = "default", **settings: Any) -> Served:
            server = Server(**{"port": 0, **settings})
            return serving(
                Config(root=str(tmp_path), store=store, project=project, server=server),
                leave,
            )

        yield started


@pytest.fixture
def served(start: Callable[..., Served]) -> Served:
    """A server with the settings that everybody starts with, on an empty SQLite store."""
    return start()


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, start: Callable[..., Served]) -> Served:
    """A server on each kind of store."""
    return start(store=request.getfixturevalue("new_database")() if request.param == "postgresql" else "")


@pytest.fixture
def api(anywhere: Served) -> Iterator[Api]:
    """A server on each kind of store, and what asks it."""
    with web.client(f"{anywhere.url}/api/v1") as client:
        yield Api(anywhere, client)


@pytest.fixture
def sqlite_api(served: Served) -> Iterator[Api]:
    """As ``api``, for what has nothing to do with the database."""
    with web.client(f"{served.url}/api/v1") as client:
        yield Api(served, client)


@pytest.fixture
def node() -> str:
    """Node.js 18 or later, to run scripts that are meant for web pages. Fails, and never skips, when it is not installed."""
    found = shutil.which("node")
    assert found, "the tests need Node.js; run: make system"
    return found


@pytest.fixture
def browser() -> str:
    """A Chromium, to load real pages with. Fails, and never skips, when it is not installed."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "the tests need Chromium; run: make system"
    return found


@pytest.fixture(scope="session")
def power_shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that writes down what a server does to its files. Skips where there is no LD_PRELOAD of Linux; fails, and
    never skips, without a C compiler."""
    if sys.platform != "linux":
        pytest.skip("the library that watches a server's writes is for Linux")
    compiler = shutil.which("gcc") or shutil.which("cc")
    assert compiler, "the tests need a C compiler; run: make system"
    library = tmp_path_factory.mktemp("shim") / "power.so"
    source = Path(__file__).with_name("power.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl", "-lpthread"], check=True)
    return library
