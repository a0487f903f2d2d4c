"""Serve the page on loopback, inside this process, until a signal."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from slipway.errors import InfrastructureError, UsageError
from slipway_assistant.app import Assistant
from slipway_assistant.page.rings import Rings
from slipway_assistant.ringing import Ringer

HOST, PORT = "127.0.0.1", 4320
START_S, END_S = 60.0, 2.0


def run(assistant: Assistant, *, port: int = PORT, ready: Callable[[str], None]) -> int:
    """Serve until a signal, and tell the page what rings. `ready` is told the address once requests are answered.

    Raises `UsageError` where the port is taken.
    """
    rings = Rings()
    with Ringer(assistant.settings.folder, lambda text, lang: rings.put(text, lang, spoken(assistant, text, lang))):
        asyncio.run(serve(assistant, port=port, ready=ready, rings=rings, signals=True))
    return 0


@contextmanager
def beside(assistant: Assistant, *, port: int = PORT, ready: Callable[[str], None]) -> Iterator[None]:
    """Serve in a thread of its own while the body runs. What rings is told by whoever runs the body."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    url: Future[str] = Future()

    def work() -> None:
        try:
            loop.run_until_complete(serve(assistant, port=port, ready=url.set_result, stop=stop))
        except BaseException as error:
            if url.done():
                raise
            url.set_exception(error)

    thread = threading.Thread(target=work, name="page", daemon=True)
    thread.start()
    ready(url.result())
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def spoken(assistant: Assistant, text: str, lang: str) -> str:
    """The sound of a text as a page takes it: a WAV in base64; empty without a voice."""
    from slipway_assistant.page.app import wav

    return wav(tuple(assistant.voice.say(text, lang))) if assistant.voice is not None else ""


async def serve(
    assistant: Assistant,
    *,
    port: int = PORT,
    ready: Callable[[str], None],
    stop: asyncio.Event | None = None,
    rings: Rings | None = None,
    signals: bool = False,
) -> None:
    """Serve on this loop until `stop` is set."""
    try:
        from granian.constants import HTTPModes, Interfaces
        from granian.server.embed import Server

        from slipway_assistant.page.app import create_app
    except ImportError:
        raise InfrastructureError(
            "the page needs the server's packages", mend="pip install 'slipway[server]'"
        ) from None
    stop, rings = stop or asyncio.Event(), rings or Rings()
    rings.begin()
    if signals:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with _held(port) as held:
        port = held.getsockname()[1]
        server: Any = Server(
            create_app(assistant, rings),
            address=HOST,
            port=port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=False,
            log_enabled=False,
        )
        serving = asyncio.create_task(server.serve())
        await _answers(serving, port)
        ready(f"http://{HOST}:{port}")
        ending = asyncio.create_task(stop.wait())
        await asyncio.wait([serving, ending], return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        server.stop()
        # It waits for connections that are open, such as that of a page which waits for a timer to ring.
        await asyncio.wait([serving], timeout=END_S)
        serving.cancel()


def _held(port: int) -> socket.socket:
    """That port, or a free one for 0, held so that nobody else is given it before the server listens there."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        held.bind((HOST, port))
    except OSError as error:
        held.close()
        raise UsageError(
            f"cannot listen on {HOST}:{port}: {error.strerror}", mend="stop what listens there, or give --port"
        ) from None
    return held


async def _answers(serving: asyncio.Task[Any], port: int) -> None:
    """Return once a connection is taken. Raises what stopped the server instead."""
    loop = asyncio.get_running_loop()
    end = loop.time() + START_S
    while loop.time() < end:
        if serving.done():
            await serving
            break
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return
    raise InfrastructureError(f"nothing answers on {HOST}:{port}", mend="try another --port")
