"""Sound at any rate becomes sound at 16,000 samples a second: `to_16k(pcm, 44_100)`, or `Resampler(44_100)` for a stream."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Samples a second everywhere in the ears: what the recognisers and the detectors were made for."""

Pcm = NDArray[np.int16]
"""One channel of 16-bit samples, `RATE` a second."""

_TAPS = 24
"""How many samples of the slower rate the filter looks to each side: the image of a tone is 60 dB down."""


def to_16k(samples: NDArray[Any], rate: int) -> Pcm:
    """The whole sound at 16 kHz, as long as before. `samples` are int16 or floats of the same size."""
    if rate == RATE:
        return as_int16(samples)
    stream = Resampler(rate)
    return np.concatenate([stream.feed(samples), stream.finish()])


def as_int16(samples: NDArray[Any]) -> Pcm:
    """Rounded and held within 16 bits: what is louder is clipped, not wrapped around."""
    whole: Pcm = np.clip(np.rint(samples), -32_768, 32_767).astype(np.int16)
    return whole


class Resampler:
    """A polyphase filter with a memory: the pieces that come out join without a click, whatever sizes go in."""

    def __init__(self, rate: int) -> None:
        from scipy.signal import firwin

        shared = math.gcd(RATE, rate)
        self._up, self._down = RATE // shared, rate // shared
        slower = max(self._up, self._down)
        # Half the filter, in samples of the raised rate: whole steps of the output, so that outputs stand on its positions.
        self._half = math.ceil(_TAPS * slower / self._down) * self._down
        self._filter = firwin(2 * self._half + 1, 0.92 / slower, window=("kaiser", 7.0)) * self._up
        # Of the sound before, so much is kept that every tap of the filter finds a sample; the start stands on silence.
        self._reach = math.ceil(self._half / self._up) + 1
        self._held_at = -math.ceil(self._reach / self._down) * self._down
        self._held: NDArray[np.float64] = np.zeros(-self._held_at)
        self._given = 0
        self._taken = 0

    def feed(self, samples: NDArray[Any]) -> Pcm:
        """The new samples that can be told by now: the filter looks a few milliseconds ahead."""
        self._held = np.concatenate([self._held, samples.astype(np.float64)])
        self._taken += len(samples)
        ready = max(((self._taken - self._reach) * self._up) // self._down, self._given)
        return self._until(ready)

    def finish(self) -> Pcm:
        """What is left, as if silence followed."""
        self._held = np.concatenate([self._held, np.zeros(self._reach + self._down + 1)])
        whole = -(-self._taken * self._up // self._down)
        return self._until(whole)

    def _until(self, ready: int) -> Pcm:
        """Samples number `self._given` to `ready` of the output."""
        from scipy.signal import upfirdn

        if ready <= self._given:
            return np.zeros(0, np.int16)
        out = upfirdn(self._filter, self._held, self._up, self._down)
        # What is held begins on a multiple of `down`, so this division leaves no rest.
        start = (self._given * self._down - self._held_at * self._up + self._half) // self._down
        wanted = out[start : start + ready - self._given]
        self._given = ready
        self._forget()
        return as_int16(wanted)

    def _forget(self) -> None:
        """Drop sound that no later output needs, in steps that keep the phase of the filter."""
        oldest = (self._given * self._down) // self._up - self._reach
        steps = (oldest - self._held_at) // self._down
        if steps > 0:
            self._held = self._held[steps * self._down :]
            self._held_at += steps * self._down
