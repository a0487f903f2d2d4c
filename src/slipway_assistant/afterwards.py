"""What is kept of a turn beside its trace: its sound, where the user allows that; what the user thought of it, as feedback.

Nothing here raises, and nothing makes a turn wait: feedback is written by a thread of its own.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slipway as sw
from slipway.errors import SlipwayError
from slipway_assistant.corrections import Candidates, comment
from slipway_assistant.voice.loudspeaker import Tape, save_wav
from slipway_assistant.voice.voice import Audio

if TYPE_CHECKING:
    from slipway_assistant.app import Turn
    from slipway_assistant.settings import Settings

MOST_SOUNDS = 2_000
"""Of kept sounds only so many stay, the latest: a disk of a board is small."""
CLOSE_S = 10.0
REMEMBERED = 100
"""Of so many turns a thumb still finds the sentence."""
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
        said = comment(before, made, now - self._at) if before is not None else None
        if before is not None and said is not None:
            self.feedback(before.trace_id, said.name, said.value, kind=said.kind, comment=made.text)
            if said.teaches:
                self.candidate(before, said.call, why=said.why, said=made.text)
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
        self._later(lambda: Candidates(self._settings.folder).add(row))

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


def _thin_out(folder: Path) -> None:
    # Trace ids grow with time, so the names of the oldest come first.
    for path in sorted(folder.glob("*.wav"))[:-MOST_SOUNDS]:
        with suppress(FileNotFoundError):
            path.unlink()
