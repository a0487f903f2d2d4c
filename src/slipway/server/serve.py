"""Run the server: granian inside this process, one process on one port, stopped by SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from slipway.config import Config
from slipway.errors import InfrastructureError, UsageError
from slipway.server.access import refuse_open_bind
from slipway.server.app import create_app
from slipway.server.state import State
from slipway.store import open_store
from slipway.store.files import lock_data_folder

log = logging.getLogger("slipway.server")


Stop = Callable[[], None]


def run(config: Config, *, ready: Callable[[str], None] = lambda url: None) -> int:
    """Serve until a signal. ``ready`` is told the address once requests are answered. Returns the exit code.

    Raises `StoreError` when another server holds the data folder, `UsageError` when the port is taken.
    """

    def started(url: str, stop: Stop) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        ready(url)

    with lock_data_folder(config.data_folder):
        store = open_store(config.store_url)
        try:
            asyncio.run(serve(State(config, store), started))
        finally:
            store.close()
    return 0


async def serve(state: State, started: Callable[[str, Stop], None]) -> None:
    """Serve ``state`` on this loop. ``started`` is told the address and what to call (on this loop) to stop."""
    settings = state.config.server
    refuse_open_bind(settings, state.keys)
    port = _free_port(settings.host, settings.port)
    server = Server(
        create_app(state),
        address=settings.host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,  # nothing that sends here needs HTTP/2, which a flood of streams can abuse
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        websockets=False,
        log_enabled=False,
    )

    def stop() -> None:
        state.draining = True
        server.stop()  # type: ignore[no-untyped-call]

    serving = asyncio.create_task(server.serve())
    await _answers(serving, settings.host, port)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    state.indexer.start()
    try:
        started(f"http://{host}:{port}", stop)
        await serving
    finally:
        state.indexer.stop()
        state.derived.close()


def _free_port(host: str, port: int) -> int:
    """``port``, or a free one for 0. Raises `UsageError` for one that is taken, before anything else is started."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"cannot listen on {host}:{port}: {error.strerror}", mend="stop what listens there, or give --port"
            ) from None
        return int(probe.getsockname()[1])


async def _answers(serving: asyncio.Task[Any], host: str, port: int) -> None:
    """Return once a connection is taken. Raises what stopped the server instead."""
    for _ in range(1000):
        if serving.done():
            await serving
            raise InfrastructureError("the server stopped as it started", mend="run: slipway doctor")
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return
    raise InfrastructureError(f"nothing answers on {host}:{port}", mend="run: slipway doctor")
