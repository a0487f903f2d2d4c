"""A real Chromium for tests, driven by its own protocol: `async with Page(browser, folder, url) as page: ...`"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import re
import signal
from contextlib import suppress

import aiohttp

PATIENCE_S = 240.0
OPTIONS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-port=0",
]


class Page:
    """One tab at `url`. `options` go to Chromium."""

    def __init__(self, browser, folder, url, *, size=(1280, 800), options=()):
        self.command = [browser, *OPTIONS, *options, f"--window-size={size[0]},{size[1]}"]
        self.command += [f"--user-data-dir={folder}/profile", "about:blank"]
        self.url, self.size, self.numbers, self.said = url, size, itertools.count(1), []

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stderr=asyncio.subprocess.PIPE, start_new_session=True
        )
        self.session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(PATIENCE_S):
                port = await self._port()
                # Read on, or a full pipe would stop it.
                self.reading = asyncio.create_task(self.process.stderr.read())
                async with self.session.get(f"http://127.0.0.1:{port}/json") as answer:
                    tabs = [tab for tab in await answer.json() if tab["type"] == "page"]
                self.socket = await self.session.ws_connect(tabs[0]["webSocketDebuggerUrl"], max_msg_size=0)
                for domain in ("Page", "Runtime", "Log"):
                    await self.do(f"{domain}.enable")
                width, height = self.size
                await self.do(
                    "Emulation.setDeviceMetricsOverride",
                    width=width,
                    height=height,
                    deviceScaleFactor=1,
                    mobile=width < 600,
                )
                await self.do("Page.navigate", url=self.url)
                return self
        except BaseException:
            await self.__aexit__(None, None, None)
            raise

    async def _port(self):
        async for line in self.process.stderr:
            if found := re.search(rb"DevTools listening on ws://127\.0\.0\.1:(\d+)/", line):
                return int(found[1])
        raise AssertionError("Chromium did not start")

    async def __aexit__(self, *_):
        await self.session.close()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()

    async def do(self, method, **params):
        """One command of the protocol, and its result."""
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE_S):
            async for message in self.socket:
                told = json.loads(message.data)
                if told.get("id") == number:
                    assert "error" not in told, told
                    return told["result"]
                if told.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                    self.said.append(json.dumps(told["params"]))
        raise AssertionError("Chromium went away: " + "\n".join(self.said))

    async def js(self, code):
        """The value of an expression in the page; promises are waited for."""
        told = await self.do(
            "Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, code):
        """The value of an expression as soon as it is true in the page."""
        look = f"let v; try {{ v = {code} }} catch {{}} v ? done(v) : setTimeout(look, 50)"
        waiting = f"new Promise(done => {{ const look = () => {{ {look} }}; look() }})"
        for _ in range(20):  # a page that is being loaded takes its promises with it
            try:
                return await self.js(waiting)
            except AssertionError:
                await asyncio.sleep(0.2)
        raise AssertionError(f"never true: {code}; " + "\n".join(self.said))

    async def picture(self, path):
        """A screenshot."""
        told = await self.do("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(told["data"]))
