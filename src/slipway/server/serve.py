"""Run the server: granian inside this process, one process on one port, stopped by SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

import slipway
from slipway.config import Config
from slipway.errors import InfrastructureError, UsageError
from slipway.server import logs, memory
from slipway.server.access import refuse_open_bind
from slipway.server.app import create_app
from slipway.server.port import hold
from slipway.server.state import State
from slipway.store import open_store
from slipway.store.files import lock_data_folder

log = logging.getLogger("slipway.server")


START_S = 60.0
"""What listening may take, on a machine with much else to do."""
LAST_S = 5.0
"""What closing the store may take after `server.grace`, before the process is ended."""
CLOSE_S = 1.0
"""What closing the connections may take."""
OWN_FILES = 256
"""What the store, the journal and the rest have open beside connections."""
Stop = Callable[[], None]


def run(config: Config, *, ready: Callable[[str], None] = lambda url: None) -> int:
    """Serve until a signal. ``ready`` is told the address once requests are answered. Returns the exit code.

    Raises `StoreError` when another server holds the data folder, `UsageError` when the port is taken.
    """

    def started(url: str, stop: Stop) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked, number, stop)
        log.info("serving", extra={"fields": {"url": url, "version": slipway.__version__, "pid": os.getpid()}})
        ready(url)

    def asked(number: signal.Signals, stop: Stop) -> None:
        log.info("stopping", extra={"fields": {"signal": number.name, "grace": config.server.grace}})
        for each in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)  # the second one ends the process at once, whatever it is busy with
        last = threading.Timer(config.server.grace + LAST_S, _give_up)
        last.daemon = True
        last.start()
        stop()

    lines = logs.begin(config.server.log_level)
    try:
        return _run(config, started)
    finally:
        logs.end(lines)


def _give_up() -> None:
    # Whatever hangs, a disk for instance, has not been acknowledged. What was is on disk.
    log.error("the server did not stop in time and is ended")
    os.write(2, b"slipway: did not stop within server.grace, ended; what was acknowledged is stored\n")
    os._exit(InfrastructureError.exit_code)


def _run(config: Config, started: Callable[[str, Stop], None]) -> int:
    memory.settle()
    _room_for(config.server.max_connections)
    with lock_data_folder(config.data_folder):
        store = open_store(config.store_url)
        try:
            asyncio.run(serve(State(config, store), started))
        finally:
            store.close()
    return 0


def _room_for(connections: int) -> None:
    """Let this process have as many files open as that needs, where the system has it start with fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def serve(state: State, started: Callable[[str, Stop], None]) -> None:
    """Serve ``state`` on this loop. ``started`` is told the address and what to call (on this loop) to stop."""
    settings = state.config.server
    refuse_open_bind(settings, state.keys)
    with _held(settings.host, settings.port) as held:
        await _serve(state, started, held.getsockname()[1])


async def _serve(state: State, started: Callable[[str, Stop], None], port: int) -> None:
    settings = state.config.server
    server = Server(
        state.watch.over(create_app(state)),
        address=settings.host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,  # nothing that sends here needs HTTP/2, which a flood of streams can abuse
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        websockets=False,
        backpressure=settings.max_connections,  # its own 128 are fewer than listen for events on a busy day
        log_enabled=False,
    )

    ending: list[asyncio.Task[None]] = []

    def stop() -> None:
        if not ending:
            state.draining = True
            ending.append(asyncio.create_task(drain()))

    async def drain() -> None:
        if not await state.watch.drained(settings.grace):
            log.warning("requests were not answered within server.grace; their connections are closed")
        server.stop()  # type: ignore[no-untyped-call]
        # It waits for connections that are open, for as long as they are: nothing is owed to those that are left.
        await asyncio.wait([serving], timeout=CLOSE_S)
        serving.cancel()

    serving = asyncio.create_task(server.serve())
    await _answers(serving, settings.host, port)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    state.indexer.start()
    state.pruner.start()
    try:
        started(f"http://{host}:{port}", stop)
        await asyncio.wait([serving])
        if not serving.cancelled():
            serving.result()
    finally:
        state.pruner.stop()
        state.indexer.stop()
        state.derived.close()
        state.journal.close()


def _held(host: str, port: int) -> socket.socket:
    """That port, or a free one for 0. Raises `UsageError` for one that is taken, before anything else is started."""
    try:
        return hold(host, port)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}", mend="stop what listens there, or give --port"
        ) from None


async def _answers(serving: asyncio.Task[Any], host: str, port: int) -> None:
    """Return once a connection is taken. Raises what stopped the server instead."""
    loop = asyncio.get_running_loop()
    end = loop.time() + START_S
    while loop.time() < end:
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
