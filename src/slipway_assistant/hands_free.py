"""A conversation by microphone: wake word, turns, and somebody who talks over the answer. Start in `HandsFree.run`.

While an answer is said, the microphone is only asked whether somebody interrupts; the ears hear none of it, so the assistant does
not answer itself. What was said in the moment of the interruption is given to the ears afterwards.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from slipway_assistant.app import Assistant, Turn
from slipway_assistant.listening import said_now

if TYPE_CHECKING:
    from slipway_assistant.ears.resample import Pcm

AWAKE_S = 8.0
"""How long after the wake word, and after an answer, no wake word is needed."""
KEPT_S = 0.6
"""So much sound before an interruption was noticed belongs to it."""
RATE = 16_000


class HandsFree:
    """Joins a microphone and an assistant. `wake` has `feed(pcm) -> bool`, `barge_in` `feed(pcm, playing) -> bool`; None: none.

    `shown` is told each turn when its answer begins to be said or a little later; `woken` when the wake word was heard.
    """

    def __init__(
        self,
        assistant: Assistant,
        *,
        wake: Any = None,
        barge_in: Any = None,
        shown: Callable[[Turn], None] = lambda turn: None,
        woken: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.assistant, self._wake, self._barge_in = assistant, wake, barge_in
        self._shown, self._woken, self._clock = shown, woken, clock
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="turn")
        self._answering: Future[None] | None = None
        self._awake_until = float("-inf")
        self._recent: deque[Pcm] = deque()
        self.interruptions = 0

    def run(self, microphone: Iterable[Pcm], lang: str | None = None) -> int:
        """Converse until the microphone ends. Returns how many turns there were."""
        turns = 0
        try:
            for speech in self.assistant.ears.utterances(self._listened(microphone), lang=lang):
                self._finish()
                self._answering = self._worker.submit(self._answer, speech)
                turns += 1
            self._finish()
            return turns
        except BaseException:
            self.assistant.interrupt()
            raise
        finally:
            self._worker.shutdown()

    def _finish(self) -> None:
        """Wait for the turn before; what went wrong in it is raised here."""
        if self._answering is not None:
            self._answering.result()

    @property
    def answering(self) -> bool:
        """Whether a turn is going on."""
        return self._answering is not None and not self._answering.done()

    def _answer(self, speech: Any) -> None:
        # Who said the wake word, or answers a question, means us; in an open room others are talked to as well.
        addressed = self._wake is not None or bool(getattr(self.assistant.dialogue, "expecting", False))
        self._shown(self.assistant.turn_speech(said_now(speech), addressed=addressed))
        self._awake_until = self._clock() + AWAKE_S

    def _listened(self, microphone: Iterable[Pcm]) -> Iterator[Pcm]:
        """The sound that is meant for the ears."""
        answered = False
        for block in microphone:
            if self.answering:
                answered = True
                self._interrupted(block)
                continue
            if answered:
                answered = False
                if self._barge_in is not None:
                    self._barge_in.reset()
                yield from self._before()
            if self._asleep(block):
                continue
            yield block

    def _interrupted(self, block: Pcm) -> None:
        self._recent.append(block)
        while sum(map(len, self._recent)) > KEPT_S * RATE:
            self._recent.popleft()
        if self._barge_in is None:
            return
        playing = getattr(self.assistant.sink, "playing", None)
        if self._barge_in.feed(block, playing):
            self.interruptions += 1
            self.assistant.interrupt()
            self._barge_in.reset()

    def _before(self) -> list[Pcm]:
        """The beginning of what interrupted the answer; nothing where nobody did: that was our own voice."""
        kept = list(self._recent) if self.interruptions else []
        self.interruptions = 0
        self._recent.clear()
        return kept

    def _asleep(self, block: Pcm) -> bool:
        """Whether this block is before the wake word."""
        if self._wake is None:
            return False
        if self._wake.feed(block):
            self._woken()
            self._awake_until = self._clock() + AWAKE_S
            return True  # the wake word itself is no command
        expecting = bool(getattr(self.assistant.dialogue, "expecting", False))
        return not expecting and self._clock() > self._awake_until
