"""A wake word: `WakeWord("hey slipway").feed(pcm)` is true when it was said. pocketsphinx spots it; English phones.

Choose three syllables or more: short words are heard where nobody said them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from slipway.errors import ConfigError, MissingExtra
from slipway_assistant.ears.pronounce import Pronunciations
from slipway_assistant.ears.resample import RATE, Pcm
from slipway_assistant.ears.wording import spoken

RESTART_S = 20.0
"""The search begins anew so often: it keeps a history of all frames of an utterance."""
DITHER = 30.0


class WakeWord:
    """Listens for one phrase. A lower `threshold` (1e-40 ... 1e-5) hears it more often, also where nobody said it."""

    def __init__(self, phrase: str, *, threshold: float | None = None) -> None:
        try:
            import pocketsphinx
        except ImportError:
            raise MissingExtra.named("voice", "pocketsphinx") from None
        words = spoken(phrase)
        sounds = Pronunciations().of(words)
        missing = [word for word in words if word not in sounds]
        if not words or missing:
            raise ConfigError(
                f"the wake word {phrase!r} cannot be pronounced", mend="choose English words: wake-word = 'hey slipway'"
            )
        phones = sum(len(sounds[word][0].split()) for word in words)
        entries = [
            f"{word}{f'({n})' if n > 1 else ''} {said}" for word in sounds for n, said in enumerate(sounds[word], 1)
        ]
        with tempfile.TemporaryDirectory() as folder:
            dictionary = Path(folder) / "wake.dict"
            dictionary.write_text("\n".join(entries) + "\n", "utf-8")
            self._decoder: Any = pocketsphinx.Decoder(
                keyphrase=" ".join(words),
                # A longer phrase has more phones to be wrong in, so it may be less probable and still be it.
                kws_threshold=threshold or 10.0 ** -(4 * phones),
                dict=str(dictionary),
                lm=None,
                loglevel="FATAL",
            )
        self._noise = np.random.default_rng(0)
        self._since = 0
        self._decoder.start_utt()

    def feed(self, pcm: Pcm) -> bool:
        """Whether the phrase ended in this piece of sound."""
        noisy = pcm + self._noise.normal(0.0, DITHER, len(pcm))
        self._decoder.process_raw(np.clip(np.rint(noisy), -32_768, 32_767).astype(np.int16).tobytes())
        self._since += len(pcm)
        heard = self._decoder.hyp() is not None
        if heard or self._since >= RESTART_S * RATE:
            self._decoder.end_utt()
            self._decoder.start_utt()
            self._since = 0
        return heard
