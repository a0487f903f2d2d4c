"""When does an utterance begin and end? `Endpointer.feed(frame)` says so, from what a detector makes of each frame."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from slipway_assistant.ears.hearing import Detector
from slipway_assistant.ears.resample import RATE, Pcm

SURE, LIKELY = 0.9, 0.4
Change = Literal["", "start", "pause", "resume", "end"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long silence must last: `short_s` when what was said is surely a whole command, `middle_s` when it probably is one,
    `long_s` anyway."""

    short_s: float = 0.095
    """Three frames of Silero, which itself hears the end some 60 ms late; inside a word silence is shorter."""
    middle_s: float = 0.3
    long_s: float = 0.6
    begin_s: float = 0.09
    """So much voice within `0.2 s` is a beginning; a click is shorter."""
    longest_s: float = 20.0
    """Then an utterance is ended whatever is heard: a radio talks for hours."""

    def wanted_s(self, sure: float) -> float:
        """The silence that is enough after something that is a whole command with this probability."""
        return self.short_s if sure >= SURE else self.middle_s if sure >= LIKELY else self.long_s


class Endpointer:
    """Follows one stream. Times are counted in the stream's own samples."""

    def __init__(self, detector: Detector, patience: Patience | None = None, *, above: float = 0.5) -> None:
        self._detector, self.patience = detector, patience or Patience()
        # Once somebody speaks, less is needed to believe that they still do: consonants are no vowels.
        self._above, self._stays = above, max(above - 0.15, 0.05)
        self._recent: deque[bool] = deque(maxlen=max(round(0.2 * RATE / detector.frame), 1))
        self.heard = 0
        """Samples so far."""
        self.voice_began = self.voice_ended = 0
        """The samples at which the utterance's first and latest voice begins and ends."""
        self.speaking = self.pausing = False

    @property
    def frame(self) -> int:
        """Samples that `feed` takes at a time."""
        return self._detector.frame

    @property
    def silence_s(self) -> float:
        """How long nothing was said, as far as the detector tells."""
        return (self.heard - self.voice_ended) / RATE

    def feed(self, frame: Pcm) -> Change:
        """What changed with this frame: `pause` after a short silence, `end` after a long one."""
        voiced = self._detector.voiced(frame) >= (self._stays if self.speaking else self._above)
        self.heard += len(frame)
        if not self.speaking:
            return self._begin(voiced, len(frame))
        if self.heard - self.voice_began >= self.patience.longest_s * RATE:
            return self.end()
        if voiced:
            self.voice_ended = self.heard
            if self.pausing:
                self.pausing = False
                return "resume"
            return ""
        if self.silence_s >= self.patience.long_s:
            return self.end()
        if not self.pausing and self.silence_s >= self.patience.short_s:
            self.pausing = True
            return "pause"
        return ""

    def _begin(self, voiced: bool, samples: int) -> Change:
        self._recent.append(voiced)
        if sum(self._recent) * samples < self.patience.begin_s * RATE:
            return ""
        first = list(self._recent).index(True)
        self.voice_began = self.heard - samples * (len(self._recent) - first)
        self.voice_ended = self.heard
        self.speaking, self.pausing = True, False
        return "start"

    def end(self) -> Change:
        """The utterance is over, by this or by who listens; the next one may begin."""
        self.speaking = self.pausing = False
        self._recent.clear()
        return "end"
