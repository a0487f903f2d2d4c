"""What the ears are made of: a recogniser, a detector of speech, a source of sound. `ears.py` joins them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from slipway_assistant.ears.resample import Pcm


@dataclass(frozen=True, slots=True)
class Heard:
    """A recognised text: its language, how sure the recogniser is (0 to 1), and the time it took after the speech's end."""

    text: str
    lang: str
    confidence: float
    ms: float


class Hearing(Protocol):
    """One utterance being recognised while it is said."""

    @property
    def partial(self) -> str:
        """The text so far; the end of it may still change."""
        ...

    def feed(self, pcm: Pcm) -> None:
        """More sound, in pieces of any size."""
        ...

    def settle(self) -> None:
        """Speech may be over: get the text ready, so that `finish` costs little. Feeding more takes it back."""
        ...

    def finish(self) -> Heard:
        """The text of everything that was fed; an empty one where nothing was said."""
        ...


class Recogniser(Protocol):
    """Makes hearings. `languages` are those that it can be asked for."""

    @property
    def languages(self) -> tuple[str, ...]: ...

    def listen(self, lang: str = "") -> Hearing:
        """Begin an utterance. An empty language is detected, where the recogniser can."""
        ...


class Detector(Protocol):
    """Tells speech from other sound, a frame at a time; it remembers the frames before."""

    @property
    def frame(self) -> int:
        """Samples in a frame."""
        ...

    def voiced(self, frame: Pcm) -> float:
        """How probably somebody speaks in this frame, 0 to 1."""
        ...
