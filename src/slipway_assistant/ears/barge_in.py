"""Barge-in: does somebody speak while the assistant does? `BargeIn(detector).feed(frame, playing)`.

A loudspeaker is heard by the microphone beside it, so speech alone proves nothing. The rule: the microphone must be louder than
what our own voice makes of it. How loud that is, the echo of the loudspeaker, is learned in the first moments of each answer,
when people seldom interrupt, and followed after that, slowly.

What it can do: notice a person who is about as loud at the microphone as the loudspeaker, or louder, after 0.2 to 0.3 s. What it
cannot: hear a quiet person under a loud answer (there is no echo cancellation), or tell whose voice the radio is. Headphones,
or a microphone with its own echo canceller, make it sure.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from slipway_assistant.ears.hearing import Detector
from slipway_assistant.ears.resample import RATE, Pcm

ABOVE_DB = 6.0
"""So much louder than our own echo must it be: twice the pressure, more than an echo varies from word to word."""
NEEDED_S = 0.16
WITHIN_S = 0.3
LEARN_S = 0.25
FLOOR = 60.0
"""Root mean square (of 16 bits) below which nobody speaks to a microphone."""


class BargeIn:
    """Follows one answer. Make a new one, or call `reset`, when the next begins."""

    def __init__(self, detector: Detector, *, above_db: float = ABOVE_DB) -> None:
        self._detector = detector
        self._factor = 10 ** (above_db / 20)
        self._recent: deque[bool] = deque(maxlen=max(round(WITHIN_S * RATE / detector.frame), 1))
        self.reset()

    @property
    def frame(self) -> int:
        """Samples that `feed` takes at a time."""
        return self._detector.frame

    def reset(self) -> None:
        """A new answer begins: what is known of the echo stays a guess until it is learned again."""
        self._gain: float | None = None
        self._learned = 0
        self._loudest_played = 0.0
        self._recent.clear()

    def feed(self, heard: Pcm, playing: Pcm | None = None) -> bool:
        """Whether somebody interrupts. `playing` is what the loudspeaker plays now (None: it is silent)."""
        loud = level(heard)
        played = level(playing) if playing is not None else 0.0
        # Sound needs time to the microphone and rooms ring on: the echo follows the louder of the last moments.
        self._loudest_played = max(played, self._loudest_played * 0.8)
        voiced = self._detector.voiced(heard) >= 0.5
        if self._loudest_played > FLOOR and self._learned < LEARN_S * RATE:
            self._learned += len(heard)
            self._gain = max(self._gain or 0.0, loud / self._loudest_played)
            return False
        echo = (self._gain or 0.0) * self._loudest_played
        interrupts = voiced and loud > FLOOR and loud > echo * self._factor
        if not interrupts and self._gain is not None and self._loudest_played > FLOOR:
            self._gain += 0.02 * (loud / self._loudest_played - self._gain)
        self._recent.append(interrupts)
        return sum(self._recent) * len(heard) >= NEEDED_S * RATE


def level(pcm: Pcm) -> float:
    """The root mean square of a piece of sound."""
    return math.sqrt(float(np.mean(pcm.astype(np.float64) ** 2))) if len(pcm) else 0.0
