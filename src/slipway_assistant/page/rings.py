"""What rings while a page is open: the page asks for it and waits for an answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

WAIT_S = 20.0
KEPT = 50


class Rings:
    """The latest announcements, numbered from 0. `put` may be called from any thread."""

    def __init__(self) -> None:
        self._said: list[dict[str, Any]] = []
        self._next = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()

    def begin(self) -> None:
        """Called on the loop that serves."""
        self._loop = asyncio.get_running_loop()

    def put(self, text: str, lang: str, audio: str = "") -> None:
        """Tell the pages."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._put, {"text": text, "lang": lang, "audio": audio})

    def _put(self, said: dict[str, Any]) -> None:
        self._said = [*self._said, {"number": self._next, **said}][-KEPT:]
        self._next += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def after(self, number: int) -> dict[str, Any]:
        """What came after that number; with -1 only where it stands now."""
        if number >= 0 and number >= self._next:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), WAIT_S)
        if number < 0:
            return {"next": self._next, "rings": []}
        return {"next": self._next, "rings": [said for said in self._said if said["number"] >= number]}
