"""Feed: tells listeners of what is new. One task follows the store for all of them, while there are any.

A listener has a buffer of `BUFFER` events. One that reads more slowly than things happen loses the oldest, is told how many, and
holds up nobody.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import msgspec

from slipway.data import EvalRun, plain
from slipway.errors import SlipwayError
from slipway.store.derived.recent import Grown, Recent

if TYPE_CHECKING:
    from slipway.server.state import State

log = logging.getLogger("slipway.server")
BUFFER = 256  # events that wait for one listener
STRETCH = 5_000  # positions that are looked through at once
FURTHEST = 50_000  # positions back that a listener can go on from
AT_ONCE, PAUSE_S = 64, 0.005  # events that are told before readers get a moment
LOOK_S, SOON_S = 1.0, 0.1
"""How often it looks by itself, since another process may write; and while spans wait to be indexed."""
RUN = ("position", "id", "project", "status", "suite", "variant", "experiment")


@dataclass(frozen=True, slots=True)
class Place:
    """How far a listener was told: the position of spans, that of runs, and when. It is the id of events."""

    spans: int
    runs: int
    time_ns: int

    def __str__(self) -> str:
        return f"{self.spans}-{self.runs}-{self.time_ns}"

    @classmethod
    def of(cls, text: str) -> Place | None:
        """What `__str__` wrote; None for anything else, which an id of another server may be."""
        parts = text.split("-")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts):
            return None
        numbers = [int(part) for part in parts]
        return cls(*numbers) if max(numbers) < 2**63 else None


@dataclass(slots=True, eq=False)
class Listener:
    """One client. ``lost`` counts the events that its buffer had no room for since it was last told."""

    project: str
    waiting: deque[bytes] = field(default_factory=deque)
    lost: int = 0
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, event: bytes) -> None:
        """Put an event into the buffer, which makes room by losing the oldest."""
        if len(self.waiting) >= BUFFER:
            self.waiting.popleft()
            self.lost += 1
        self.waiting.append(event)
        self.woken.set()

    async def next(self, timeout_s: float) -> bytes:
        """What is to be sent; nothing once the time is over."""
        if not self.waiting:
            self.woken.clear()
            try:
                await asyncio.wait_for(self.woken.wait(), timeout_s)
            except TimeoutError:
                return b""
        said = written("lost", {"events": self.lost}) if self.lost else b""
        self.lost = 0
        # A few at a time: what was handed over is no longer in the buffer, where it can make room.
        return said + b"".join(self.waiting.popleft() for _ in range(min(16, len(self.waiting))))


def written(event: str, data: Any, place: Place | None = None) -> bytes:
    """An event as it stands in the stream."""
    head = f"id: {place}\n" if place is not None else ""
    return f"{head}event: {event}\ndata: ".encode() + msgspec.json.encode(plain(data)) + b"\n\n"


class Feed:
    """What is new, for listeners of any project. Used on one loop."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._recent = Recent(state.derived)
        self._running: dict[str, str] = {}  # runs that may still change, and what they were when last looked at
        self._task: asyncio.Task[None] | None = None
        self._at: Place | None = None
        self.listeners: set[Listener] = set()

    async def join(self, project: str, last: str = "") -> tuple[Listener, bytes]:
        """(listener, the first that it is to be sent). ``last`` is the id of the last event that it had before. Whoever joins
        also leaves."""
        listener = Listener(project)
        self.listeners.add(listener)
        try:
            if self._task is None or self._task.done():
                self._at = await anyio.to_thread.run_sync(self._begin)
                if self._task is None or self._task.done():
                    self._task = asyncio.create_task(self._follow())
            assert self._at is not None
            here, before = self._at, Place.of(last)
            first = written("ready", {}, here)
            if before is not None:
                first = await anyio.to_thread.run_sync(self._since, project, before, here) + first
        except BaseException:
            self.leave(listener)
            raise
        return listener, first

    def leave(self, listener: Listener) -> None:
        """Tell it no more. With the last one the following ends."""
        self.listeners.discard(listener)
        if not self.listeners and self._task is not None:
            self._task.cancel()
            self._task = None

    def _begin(self) -> Place:
        store = self._state.store
        newest = next(store.columns(EvalRun, RUN, newest_first=True, limit=1), None)
        self._running = {row[1]: row[3] for row in store.columns(EvalRun, RUN, {"status": "running"})}
        return Place(self._recent.reached(), newest[0] if newest else 0, time.time_ns())

    def _since(self, project: str, before: Place, here: Place) -> bytes:
        """What a listener missed that was away."""
        if here.spans - before.spans > FURTHEST or before.spans > here.spans:
            return written("lost", {"events": None})
        said = [_grown(one, here) for one in self._recent.grown(before.spans, here.spans, project)]
        if len(said) > BUFFER:
            said = [written("lost", {"events": len(said) - BUFFER}), *said[-BUFFER:]]
        runs = {}
        for where in ({"position__gt": before.runs}, {"ended_ns__gt": before.time_ns}):
            for row in self._state.store.columns(EvalRun, RUN, {"project": project, **where}, limit=BUFFER):
                runs[row[1]] = _run(row, here)
        return b"".join([*said, *runs.values()])

    async def _follow(self) -> None:
        arrived = self._state.arrived
        waiting: asyncio.Task[int] | None = None
        try:
            while True:
                behind = False
                try:
                    told, behind = await anyio.to_thread.run_sync(self._look)
                    await self._tell(told)
                except SlipwayError as error:
                    log.error("nobody is told of what is new: %s", error)  # and again after a moment
                if waiting is None or waiting.done():
                    waiting = asyncio.create_task(arrived.later(arrived.count))
                await asyncio.wait({waiting}, timeout=SOON_S if behind else LOOK_S)
                if waiting.done():
                    await asyncio.sleep(SOON_S)  # one look for many commits
        finally:
            if waiting is not None:
                waiting.cancel()

    async def _tell(self, told: Sequence[tuple[str, bytes]]) -> None:
        for start in range(0, len(told), AT_ONCE):
            for project, event in told[start : start + AT_ONCE]:
                for listener in self.listeners:
                    if listener.project == project:
                        listener.tell(event)
            if start + AT_ONCE < len(told):
                # Whoever reads quickly has room again after this, however much happened; nobody waits for the others.
                await asyncio.sleep(PAUSE_S)

    def _look(self) -> tuple[list[tuple[str, bytes]], bool]:
        """((project, event) of what is new, whether more is about to come)."""
        assert self._at is not None
        reached = self._recent.reached()
        # Fewer than were reached: derived again from the first row on, of which nothing is new until it has caught up.
        upto = max(self._at.spans, min(reached, self._at.spans + STRETCH))
        grown = self._recent.grown(self._at.spans, upto) if upto > self._at.spans else []
        rows = list(self._state.store.columns(EvalRun, RUN, after=self._at.runs, limit=STRETCH))
        newest = rows[-1][0] if rows else self._at.runs
        if self._running:
            known = {"id__in": list(self._running)}
            rows += [row for row in self._state.store.columns(EvalRun, RUN, known) if self._running[row[1]] != row[3]]
        self._at = Place(upto, newest, time.time_ns())
        for row in rows:
            self._running.pop(row[1], None)
            if row[3] == "running":
                self._running[row[1]] = row[3]
        told = [(one.project, _grown(one, self._at)) for one in grown]
        told += [(row[2], _run(row, self._at)) for row in rows]
        return told, self._state.derived.lag() > 0


def _grown(one: Grown, place: Place) -> bytes:
    return written("trace", {"trace_id": one.trace_id, "spans": one.spans, "errors": one.errors}, place)


def _run(row: tuple[Any, ...], place: Place) -> bytes:
    names = ("run_id", "project", "status", "suite", "variant", "experiment")
    return written("run", {k: v for k, v in zip(names, row[1:], strict=True) if k != "project"}, place)
