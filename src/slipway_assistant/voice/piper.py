"""Piper: a neural voice, from a file that the user names. The package piper-tts is GPL-3, so it is an extra of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from slipway.errors import ConfigError, InfrastructureError
from slipway_assistant.voice.sentences import sentences
from slipway_assistant.voice.voice import Audio


class Piper:
    """The voice in `path` (NAME.onnx, with NAME.onnx.json beside it).

    Raises `ConfigError` for a file that is not there or is no voice, `InfrastructureError` when piper-tts is missing.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path).expanduser()
        self.name = f"piper:{self._path.stem}"
        self._lock = threading.Lock()
        self._stops = 0
        self._voice = self._load()

    def say(self, text: str, lang: str) -> Iterator[Audio]:
        """The sound of a text, sentence by sentence: a sentence that is being made is finished, and not played."""
        now = self._stops
        for sentence in sentences(text, lang):
            # Piper may divide it further; the lock is not held while somebody listens.
            with self._lock:
                pieces = list(self._voice.synthesize(sentence))
            for piece in pieces:
                if self._stops != now:
                    return
                yield Audio(piece.audio_int16_array, piece.sample_rate, sentence)

    def stop(self) -> None:
        """End what is being said."""
        self._stops += 1

    def _load(self) -> Any:
        beside = Path(f"{self._path}.json")
        for needed in (self._path, beside):
            if not needed.is_file():
                raise ConfigError(
                    f"there is no piper voice {needed}",
                    mend="a voice is NAME.onnx with NAME.onnx.json beside it; name the first under [assistant.voices]",
                )
        try:
            from piper import PiperVoice
        except ImportError:
            raise InfrastructureError(
                "piper voices need piper-tts, which is GPL-3 and so not installed by itself",
                mend="pip install 'slipway[piper]'",
            ) from None
        try:
            return PiperVoice.load(self._path)
        except Exception as error:  # onnxruntime has a class of its own for each of a dozen complaints
            raise ConfigError(
                f"{self._path} is no piper voice: {error}", mend="fetch it again, with its .onnx.json"
            ) from error
