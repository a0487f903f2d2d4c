"""Whisper by faster-whisper, where the user gave its weights: English, French, Japanese, and it detects which.

Give a folder in CTranslate2's form (`model.bin`, `config.json`, `tokenizer.json`, `vocabulary.json`). Nothing is fetched here.
While one speaks, the sound so far is recognised again and again on a thread beside; when a pause settles the utterance, the
whole of it is recognised at once, so that most of the work is done when the silence has lasted long enough to be the end.
"""

from __future__ import annotations

import math
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from slipway.errors import ConfigError, MissingExtra
from slipway_assistant.ears.hearing import Heard
from slipway_assistant.ears.resample import RATE, Pcm

LANGUAGES = ("en", "fr", "ja")
PULL = (
    "slipway model pull OWNER/REPOSITORY, then under [assistant] in slipway.toml: whisper = {all = 'OWNER/REPOSITORY'}"
)
NEEDED = ("model.bin", "config.json", "tokenizer.json")
LONGEST_S = 30.0
EACH_S = 1.0
"""New sound before another partial text is made."""


def whisper_folder(said: str) -> Path:
    """The folder that a setting means: a path, or the name under which `slipway model pull` keeps it."""
    path = Path(said).expanduser()
    if path.exists() or path.is_absolute():
        return path
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    pulled = Path(os.environ.get("SLIPWAY_MODELS") or Path(cache, "slipway", "models")).expanduser() / said
    return pulled if pulled.is_dir() else path


class Whisper:
    """A Whisper model of the user's. One utterance at a time is recognised."""

    def __init__(self, folder: Path, languages: tuple[str, ...] = LANGUAGES, *, threads: int = 2) -> None:
        try:
            import faster_whisper
        except ImportError:
            raise MissingExtra.named("voice", "faster-whisper") from None
        missing = [name for name in NEEDED if not (folder / name).is_file()]
        if missing:
            raise ConfigError(f"{folder} is no Whisper model: {', '.join(missing)} is not there", mend=PULL)
        self.languages = languages
        try:
            self._model: Any = faster_whisper.WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except Exception as error:  # CTranslate2 and tokenizers raise their own kinds, and plain ones
            raise ConfigError(f"the Whisper model in {folder} cannot be loaded: {error}", mend=PULL) from None
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="whisper")

    def listen(self, lang: str = "") -> WhisperHearing:
        """Begin an utterance. Without a language the model says which it hears, among those that it was opened for."""
        return WhisperHearing(self, lang)

    def transcribe(self, pcm: Pcm, lang: str) -> Heard:
        """The text of a sound, in one go."""
        sound = pcm.astype(np.float32) / 32_768
        if not lang:
            lang = self._detect(sound)
        segments, _ = self._model.transcribe(
            sound,
            language=lang,
            task="transcribe",
            beam_size=1,
            temperature=0.0,
            without_timestamps=True,
            condition_on_previous_text=False,
            # A spoken command has some words a second; a model that repeats itself must not go on for half a minute.
            max_new_tokens=24 + math.ceil(12 * len(pcm) / RATE),
        )
        texts, logs = [], []
        for segment in segments:
            texts.append(segment.text)
            logs.append(segment.avg_logprob)
        text = "".join(texts).strip()
        return Heard(text, lang, math.exp(min(sum(logs) / len(logs), 0.0)) if logs and text else 0.0, 0.0)

    def begin(self, pcm: Pcm, lang: str) -> Future[Heard]:
        """The same on the thread beside."""
        return self._worker.submit(self.transcribe, pcm, lang)

    def _detect(self, sound: Any) -> str:
        if len(self.languages) == 1:
            return self.languages[0]
        _, _, probabilities = self._model.detect_language(sound)
        likely = {code: probability for code, probability in probabilities if code in self.languages}
        return max(likely, key=lambda code: likely[code]) if likely else self.languages[0]


class WhisperHearing:
    """One utterance. What is heard beyond 30 s, as much as Whisper looks at, is left out."""

    def __init__(self, whisper: Whisper, lang: str) -> None:
        self._whisper, self._lang = whisper, lang
        self._sound: list[Pcm] = []
        self._samples = 0
        self._latest: Heard | None = None
        self._working: Future[Heard] | None = None
        self._covered = self._covers = 0
        """Samples that the latest text, and the one being worked on, are made from."""

    @property
    def partial(self) -> str:
        """The latest text that is ready; it lags a second and the time of a run behind."""
        self._collect()
        return self._latest.text if self._latest else ""

    def feed(self, pcm: Pcm) -> None:
        """Keep more sound, and start on a new partial text when the last is done."""
        pcm = pcm[: round(LONGEST_S * RATE) - self._samples]
        self._sound.append(pcm)
        self._samples += len(pcm)
        self._collect()
        if self._working is None and self._samples - max(self._covered, self._covers) >= EACH_S * RATE:
            self._begin()

    def settle(self) -> None:
        """Recognise all there is, unless that is being done."""
        self._collect()
        if self._working is None and self._covered < self._samples:
            self._begin()

    def finish(self) -> Heard:
        """The text of the whole; where `settle` has been early enough it is ready."""
        began = time.perf_counter()
        if not self._samples:
            return Heard("", self._lang, 0.0, 0.0)
        self._collect(wait=True)
        if self._covered < self._samples:
            self._begin()
            self._collect(wait=True)
        assert self._latest is not None
        heard = self._latest
        return Heard(heard.text, heard.lang, heard.confidence, (time.perf_counter() - began) * 1000)

    def _begin(self) -> None:
        self._covers = self._samples
        self._working = self._whisper.begin(np.concatenate(self._sound), self._lang)

    def _collect(self, *, wait: bool = False) -> None:
        if self._working is not None and (wait or self._working.done()):
            self._latest, self._covered = self._working.result(), self._covers
            self._working = None
