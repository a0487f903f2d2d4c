"""What is kept of a turn beside its trace: its sound, where the user allows that; what the user thought of it, as feedback.

Nothing here raises, and nothing makes a turn wait: feedback is written by a thread of its own.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slipway as sw
from slipway.errors import SlipwayError
from slipway_assistant.voice.loudspeaker import Tape, save_wav
from slipway_assistant.voice.voice import Audio

if TYPE_CHECKING:
    from slipway_assistant.app import Turn
    from slipway_assistant.settings import Settings

MOST_SOUNDS = 2_000
"""Of kept sounds only so many stay, the latest: a disk of a board is small."""
CLOSE_S = 10.0
SOON_S = 60.0
"""What is said later than this is no comment on the turn before."""
REMEMBERED = 100
"""Of so many turns a thumb still finds the sentence."""
CANDIDATES = "candidates.jsonl"
_log = logging.getLogger(__name__)


class Afterwards:
    """Keeps sounds in `audio/` and candidates for the next dataset version in `candidates.jsonl`, in the data folder."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._jobs: queue.Queue[Callable[[], Any] | None] = queue.Queue()
        self._worker: threading.Thread | None = None
        self._lock = threading.Lock()
        self._clock = clock
        self._before: Turn | None = None
        self._at = 0.0
        self._latest: dict[str, Turn] = {}
        self.failures = 0

    def audio(self, trace_id: str, heard: Any, said: Sequence[Audio]) -> dict[str, str]:
        """Keep the sound of a turn if the user allows it; the attributes that say where. By default nothing is kept."""
        if not self._settings.keep_audio or not trace_id:
            return {}
        folder = self._settings.folder / "audio"
        kept: dict[str, str] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if heard is not None:
                path = folder / f"{trace_id}-heard.wav"
                save_wav(path, heard, 16_000)
                kept["slipway.audio.heard"] = str(path)
            if said:
                tape = Tape()
                for audio in said:
                    tape.write(audio.pcm, audio.rate)
                path = folder / f"{trace_id}-said.wav"
                tape.save(path)
                kept["slipway.audio.said"] = str(path)
            _thin_out(folder)
        except OSError as error:
            self._failed("the sound of a turn could not be kept", error)
        return kept

    def turn(self, made: Turn) -> None:
        """Look at a turn together with the one before it: was that one understood?"""
        before, now = self._before, self._clock()
        if before is not None and now - self._at <= SOON_S:
            if made.why == "correction":
                self.feedback(before.trace_id, "meant", made.call, kind="correction", comment=made.text)
                self.candidate(before, made.call, why="corrected", said=made.text)
            elif made.why == "wrong":
                self.feedback(before.trace_id, "helpful", False, comment=made.text)
                self.candidate(before, before.call, why="called wrong", said=made.text)
            elif made.why != "again" and _says_again(before, made):
                self.feedback(before.trace_id, "repeated", "said again right after", kind="label", comment=made.text)
                self.candidate(before, before.call, why="repeated", said=made.text)
        if made.trace_id:
            self._latest[made.trace_id] = made
            while len(self._latest) > REMEMBERED:
                del self._latest[next(iter(self._latest))]
        if made.why not in ("correction", "wrong") or made.call is not None:
            self._before = made
        self._at = now

    def thumb(self, trace_id: str, *, up: bool) -> None:
        """A thumb for a turn. The sentence becomes a candidate: right as it was understood, or not."""
        self.feedback(trace_id, "helpful", up, key=f"thumb {trace_id} {up}")
        turn = self._latest.get(trace_id)
        if turn is not None:
            self.candidate(turn, turn.call, why="thumb up" if up else "thumb down")

    def feedback(self, trace_id: str, name: str, value: Any, **more: Any) -> None:
        """Keep, in the background, what the user thought of a turn that was recorded."""
        if trace_id.strip("0"):
            self._later(lambda: sw.feedback(trace_id, name, value, **more))

    def candidate(self, turn: Turn, call: Mapping[str, Any] | None, *, why: str, said: str = "") -> None:
        """Keep a sentence with the call that it may have asked for: somebody looks at it before anything learns from it."""
        name = (
            turn.trace_id or hashlib.sha256(f"{turn.session}|{turn.text}".encode("utf-8", "replace")).hexdigest()[:32]
        )
        row = {
            "id": f"said-{name}",
            "source": "said",
            "lang": turn.lang,
            "text": turn.text,
            "call": call,
            "grade": "call",
            "extra": {"why": why, "said": said, "trace_id": turn.trace_id},
        }
        self._later(lambda: self._append(row))

    def close(self) -> None:
        """Wait for what is on its way."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            self._jobs.put(None)
            worker.join(CLOSE_S)

    def _later(self, job: Callable[[], Any]) -> None:
        with self._lock:
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="afterwards", daemon=True)
                self._worker.start()
            self._jobs.put(job)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except (SlipwayError, OSError, ValueError) as error:
                self._failed("what was said of a turn could not be kept", error)

    def _failed(self, what: str, error: Exception) -> None:
        self.failures += 1
        _log.warning("%s: %s", what, error)

    def _append(self, row: Mapping[str, Any]) -> None:
        folder = self._settings.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        # One write of one line: two programs that append at once do not mix their lines.
        number = os.open(folder / CANDIDATES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(number, line)
        finally:
            os.close(number)


MEANT_TWICE = frozenset(
    {"music.control", "volume.set", "joke.tell", "news.get", "timer.manage", "home.set", "list.edit"}
)
"""Functions that people ask for twice because they want it twice: the next song, one step louder, another joke."""


def _says_again(before: Turn, made: Turn) -> bool:
    """Whether the same was said again because it was not understood."""
    if before.text.strip().casefold() != made.text.strip().casefold() or not made.text.strip():
        return False
    asked = before.answer is not None and bool(before.answer.ask or before.answer.confirm)
    return not asked and (before.call is None or before.call["name"] not in MEANT_TWICE)


def _thin_out(folder: Path) -> None:
    # Trace ids grow with time, so the names of the oldest come first.
    for path in sorted(folder.glob("*.wav"))[:-MOST_SOUNDS]:
        with suppress(FileNotFoundError):
            path.unlink()
