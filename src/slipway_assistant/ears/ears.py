"""The ears: from a stream of sound to recognised utterances. Start in `Ears.utterances()`; `open_ears()` builds them.

While somebody speaks, every frame goes to the recogniser at once; a short silence asks "is this a whole command?", and only if
not, a longer one ends the utterance. So little is left to do after the end of speech.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from slipway.errors import ConfigError
from slipway_assistant.ears.detectors import open_detector
from slipway_assistant.ears.endpoint import Endpointer, Patience
from slipway_assistant.ears.grammar import Names
from slipway_assistant.ears.hearing import Detector, Heard, Hearing, Recogniser
from slipway_assistant.ears.resample import RATE, Pcm
from slipway_assistant.ears.wav import blocks
from slipway_assistant.settings import Settings

BEFORE_S = 0.3
"""Sound before the detected beginning that belongs to it: detectors hear a soft consonant late."""
LANGUAGES = {"en": "English", "fr": "French", "ja": "Japanese"}
Complete = Callable[[str, str], float]
"""Given a partial text and the language: how surely is it a whole command (0 to 1), so that less silence is enough?"""


@dataclass(frozen=True, slots=True)
class Speech:
    """One utterance. Times are seconds of the stream; `decided_s` is when the end of speech was certain."""

    pcm: Pcm = field(repr=False)
    heard: Heard
    started_s: float
    ended_s: float
    decided_s: float

    @property
    def wait_ms(self) -> float:
        """The silence that was waited for, as the detector saw it."""
        return (self.decided_s - self.ended_s) * 1000


class Ears:
    """Joins a detector of speech and a recogniser. `complete` decides whether a short silence is enough."""

    def __init__(
        self,
        recogniser: Recogniser,
        *,
        detector: Callable[[], Detector] = open_detector,
        patience: Patience | None = None,
        complete: Complete | None = None,
        lang: str = "",
    ) -> None:
        self._recogniser, self._detector, self.patience = recogniser, detector, patience or Patience()
        self.complete, self.lang = complete, lang

    def utterances(
        self, source: Iterable[Pcm], *, on_partial: Callable[[str], None] | None = None, lang: str | None = None
    ) -> Iterator[Speech]:
        """Each utterance of a stream, as soon as it is over. Sound in which nobody is understood gives nothing."""
        listening = Listening(self._recogniser, Endpointer(self._detector(), self.patience), self._choose(lang))
        for frame in _frames(source, listening.endpointer.frame):
            speech = listening.feed(frame, self.complete, on_partial)
            if speech is not None and speech.heard.text:
                yield speech
        speech = listening.finish()
        if speech is not None and speech.heard.text:
            yield speech

    def hear(self, pcm: Pcm, lang: str | None = None) -> Speech | None:
        """What was said in a recording that holds one utterance, pauses and all; None where nobody speaks."""
        patience = Patience(short_s=1e9, middle_s=1e9, long_s=1e9, longest_s=len(pcm) / RATE + 1)
        listening = Listening(self._recogniser, Endpointer(self._detector(), patience), self._choose(lang))
        for frame in _frames(blocks(pcm), listening.endpointer.frame):
            listening.feed(frame, None, None)
        speech = listening.finish()
        return speech if speech is not None and speech.heard.text else None

    def _choose(self, lang: str | None) -> str:
        return self.lang if lang is None else lang


class Listening:
    """The state of one stream: the sound just before speech, and the utterance that is being said."""

    def __init__(self, recogniser: Recogniser, endpointer: Endpointer, lang: str) -> None:
        self._recogniser, self.endpointer, self._lang = recogniser, endpointer, lang
        self._before: deque[Pcm] = deque(maxlen=max(round(BEFORE_S * RATE / endpointer.frame), 1))
        self._sound: list[Pcm] = []
        self._quiet: list[Pcm] = []
        self._hearing: Hearing | None = None
        self._began = 0
        self._asked = self._shown = ""
        self._sure = 0.0

    def feed(self, frame: Pcm, complete: Complete | None, on_partial: Callable[[str], None] | None) -> Speech | None:
        """One frame more; the utterance that it ends, if it ends one."""
        change = self.endpointer.feed(frame)
        if self._hearing is None:
            self._before.append(frame)
            if change == "start":
                self._start()
            return None
        if change == "end":
            self._sound.append(frame)
            return self._end()
        self._sound.append(frame)
        if self.endpointer.pausing:
            # Silence is held back: if it was the end, the recogniser has heard enough of it.
            self._quiet.append(frame)
        else:
            self._hear([*self._quiet, frame])
            self._quiet.clear()
        if change == "pause":
            self._hearing.settle()
        text = self._hearing.partial if self.endpointer.pausing or on_partial is not None else ""
        if on_partial is not None and text != self._shown:
            self._shown = text
            on_partial(text)
        if self.endpointer.pausing and complete is not None and text:
            if text != self._asked:
                self._asked, self._sure = text, complete(text, self._lang)
            if self.endpointer.silence_s >= self.endpointer.patience.wanted_s(self._sure):
                self.endpointer.end()
                return self._end()
        return None

    def finish(self) -> Speech | None:
        """The stream is over, and with it the utterance."""
        return self._end() if self._hearing is not None else None

    def _start(self) -> None:
        self._hearing = self._recogniser.listen(self._lang)
        self._sound = list(self._before)
        self._before.clear()
        self._began = self.endpointer.voice_began
        self._hear(self._sound)

    def _hear(self, frames: Sequence[Pcm]) -> None:
        assert self._hearing is not None
        self._hearing.feed(frames[0] if len(frames) == 1 else np.concatenate(frames))

    def _end(self) -> Speech:
        assert self._hearing is not None
        heard = self._hearing.finish()
        pcm = np.concatenate(self._sound)
        ended, decided = self.endpointer.voice_ended, self.endpointer.heard
        self._hearing, self._sound, self._asked, self._shown = None, [], "", ""
        self._quiet.clear()
        return Speech(pcm, heard, self._began / RATE, ended / RATE, decided / RATE)


class ByLanguage:
    """Chooses the recogniser by language; for a language that has none it says what is missing."""

    def __init__(self, by_language: Mapping[str, Recogniser], detects: Recogniser | None = None) -> None:
        self._by_language, self._detects = by_language, detects

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that can be understood."""
        return tuple(self._by_language)

    def listen(self, lang: str = "") -> Hearing:
        """Begin an utterance in `lang`; without one a recogniser that detects it, else the first there is."""
        if not lang and self._by_language:
            chosen = self._detects or next(iter(self._by_language.values()))
            return chosen.listen("" if self._detects else next(iter(self._by_language)))
        if lang not in self._by_language:
            from slipway_assistant.ears.whisper import PULL

            raise ConfigError(
                f"{LANGUAGES.get(lang, lang or 'This')} is understood by Whisper only, and no Whisper model is set for it",
                mend=PULL,
            )
        return self._by_language[lang].listen(lang)


def open_ears(
    settings: Settings, *, names: Names | None = None, complete: Complete | None = None, detector: str = ""
) -> Ears:
    """The ears that the settings ask for: Whisper for the languages that have a model, pocketsphinx for English otherwise."""
    from slipway_assistant.ears.whisper import Whisper, whisper_folder

    opened: dict[str, Whisper] = {}
    by_language: dict[str, Recogniser] = {}
    for lang in LANGUAGES:
        folder = settings.whisper.get(lang) or settings.whisper.get("all")
        if folder:
            if folder not in opened:
                opened[folder] = Whisper(whisper_folder(folder))
            by_language[lang] = opened[folder]
        elif lang == "en" and settings.language in ("", "en"):
            from slipway_assistant.ears.pocketsphinx_grammar import PocketSphinx

            by_language[lang] = PocketSphinx(names, folder=settings.folder / "ears")
    every = settings.whisper.get("all")
    recogniser = ByLanguage(by_language, opened[every] if every and len(opened) == 1 else None)
    return Ears(recogniser, detector=lambda: open_detector(detector), complete=complete, lang=settings.language)


def _frames(source: Iterable[Pcm], size: int) -> Iterator[Pcm]:
    """The stream in frames of one size; what is left at its end is filled up with silence."""
    held = np.zeros(0, np.int16)
    for block in source:
        held = np.concatenate([held, block]) if len(held) else block
        whole = len(held) // size * size
        for at in range(0, whole, size):
            yield held[at : at + size]
        held = held[whole:]
    if len(held):
        yield np.pad(held, (0, size - len(held)))
