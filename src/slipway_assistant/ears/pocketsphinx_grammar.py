"""The recogniser that needs no weights: pocketsphinx, with a language model of what the skills can be asked.

English only. It hears what is close to the generated sentences well, and free speech badly: see docs/guides/ears.md for both.
It hears while one speaks: 0.1 s of one core for each second, and a few milliseconds when the speech has ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from slipway.errors import MissingExtra
from slipway_assistant.data import Utterance
from slipway_assistant.ears.grammar import EACH, Grammar, Names, build
from slipway_assistant.ears.hearing import Heard
from slipway_assistant.ears.resample import Pcm
from slipway_assistant.ears.wording import written

DITHER = 30.0
"""Standard deviation of the noise that is added to every sound, in steps of 16 bits: 60 dB below the loudest.

The acoustic model learned from recordings of rooms. Of digital silence between words it makes nonsense (83 % of the words
wrong instead of 54 % in the measurement of decision 0101), and pocketsphinx' own dither of one step is too faint.
"""
UNKNOWN_ROOM = "60,-2.9,-0.9,4.9,-7.7,-0.5,-6.3,-1,-3,-1,-3,-1,0"
"""The cepstral mean to start from before anything was heard: what three voices in noise came to. With the one that pocketsphinx
starts from, 54 % of the words of first sentences were wrong instead of 40 %."""
LONGEST_S = 30.0


class PocketSphinx:
    """Listens for the skills' sentences and the user's names. Making one takes a second, the first time two."""

    languages = ("en",)

    def __init__(
        self,
        names: Names | None = None,
        *,
        folder: Path,
        rows: Iterable[Utterance] | None = None,
        each: int = EACH,
        **options: Any,
    ) -> None:
        try:
            import pocketsphinx
        except ImportError:
            raise MissingExtra.named("voice", "pocketsphinx") from None
        self.grammar: Grammar = build(names, folder=folder, rows=rows, each=each)
        asked: dict[str, Any] = {"fwdflat": False, "bestpath": True, "loglevel": "FATAL"} | options
        self._decoder: Any = pocketsphinx.Decoder(
            lm=str(self.grammar.model), dict=str(self.grammar.dictionary), **asked
        )
        self.forget_room()
        self._busy = threading.Lock()

    def listen(self, lang: str = "") -> SphinxHearing:
        """Begin an utterance. One at a time: an unfinished one is given up."""
        return SphinxHearing(self, self._decoder)

    def forget_room(self) -> None:
        """Start over with what a microphone and a room do to the sound, which is learned from utterance to utterance."""
        self._decoder.set_cmn(UNKNOWN_ROOM)

    def start(self, hearing: SphinxHearing) -> None:
        """The decoder belongs to `hearing` from here."""
        with self._busy:
            earlier: SphinxHearing | None = getattr(self, "_current", None)
            if earlier is not None and not earlier.done:
                earlier.done = True
                self._decoder.end_utt()
            self._current = hearing
            self._decoder.start_utt()


class SphinxHearing:
    """One utterance."""

    def __init__(self, recogniser: PocketSphinx, decoder: Any) -> None:
        self._decoder = decoder
        self._noise = np.random.default_rng(0)  # the same noise each time: the same sound gives the same text
        self._left = round(LONGEST_S * 16_000)
        self.done = False
        recogniser.start(self)

    @property
    def partial(self) -> str:
        """The text so far, written as people write."""
        return "" if self.done else _text(self._decoder.hyp())

    def feed(self, pcm: Pcm) -> None:
        """Decode more sound. What goes on after 30 s is not listened to."""
        pcm = pcm[: self._left]
        self._left -= len(pcm)
        if self.done or not len(pcm):
            return
        noisy = pcm + self._noise.normal(0.0, DITHER, len(pcm))
        self._decoder.process_raw(np.clip(np.rint(noisy), -32_768, 32_767).astype(np.int16).tobytes())

    def settle(self) -> None:
        """Nothing to get ready: all that was fed is decoded."""

    def finish(self) -> Heard:
        """The best path through all that was heard."""
        if self.done:
            return Heard("", "en", 0.0, 0.0)
        began = time.perf_counter()
        self.done = True
        self._decoder.end_utt()
        best = self._decoder.hyp()
        text = _text(best)
        confidence = min(max(float(best.prob), 0.0), 1.0) if best is not None and text else 0.0
        return Heard(text, "en", confidence, (time.perf_counter() - began) * 1000)


def _text(hypothesis: Any) -> str:
    return written(hypothesis.hypstr) if hypothesis is not None and hypothesis.hypstr else ""
