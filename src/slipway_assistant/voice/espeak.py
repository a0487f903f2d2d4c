"""espeak-ng inside this process: its C library by ctypes, 3 ms for a sentence instead of 20 for a program.

The library keeps one state for the whole process, so one lock lets one sentence be made at a time.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from slipway.errors import DataError, InfrastructureError
from slipway_assistant.voice.japanese import readable
from slipway_assistant.voice.sentences import sentences
from slipway_assistant.voice.voice import Audio

VOICES = {"en": "en-us", "fr": "fr", "ja": "ja"}
SPEED = 165
"""Words a minute. Its own 175 is fast for somebody who is across the room."""

# Numbers of espeak-ng's speak_lib.h.
_SYNCHRONOUS, _DO_NOT_EXIT = 2, 0x8000
_UTF8, _RATE, _BUFFER_MS = 1, 1, 50
_Made = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """The built-in voice. `voices` names espeak-ng's voice of a language, as ``{"en": "en-gb+f3"}``."""

    name = "espeak-ng"

    def __init__(self, voices: Mapping[str, str] | None = None, *, speed: int = SPEED) -> None:
        self._voices = {**VOICES, **(voices or {})}
        self._speed = speed
        self._stops = 0
        library = _library()
        for voice in self._voices.values():
            library.check(voice)

    def say(self, text: str, lang: str) -> Iterator[Audio]:
        """The sound of a text, sentence by sentence. Nothing is made after `stop`."""
        now = self._stops
        voice = self._voices.get(lang, self._voices["en"])
        for sentence in sentences(text, lang):
            if self._stops != now:
                return
            spoken = readable(sentence) if lang == "ja" else sentence
            audio = _library().say(spoken, voice, self._speed, lambda: self._stops != now)
            if audio is not None:
                yield Audio(audio[0], audio[1], sentence)

    def stop(self) -> None:
        """End what is being said. The library asks every 50 ms of sound whether to go on."""
        self._stops += 1


class _Library:
    def __init__(self, loaded: ctypes.CDLL) -> None:
        self._lock = threading.Lock()
        self._espeak = loaded
        self._parts: list[bytes] = []
        self._stopped: Any = lambda: False
        # Kept here for good: the library calls it after this function has returned.
        self._made = _Made(self._take)
        self.rate = loaded.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, None, _DO_NOT_EXIT)
        if self.rate <= 0:
            raise InfrastructureError("espeak-ng's data are missing", mend="apt-get install espeak-ng")
        loaded.espeak_SetSynthCallback(self._made)

    def _take(self, wav: Any, samples: int, events: Any) -> int:
        if wav and samples > 0:
            self._parts.append(ctypes.string_at(wav, 2 * samples))
        return 1 if self._stopped() else 0

    def check(self, voice: str) -> None:
        with self._lock:
            self._choose(voice)

    def _choose(self, voice: str) -> None:
        if self._espeak.espeak_SetVoiceByName(voice.encode()) != 0:
            raise DataError(f"espeak-ng has no voice {voice!r}", mend="choose one of: espeak-ng --voices")

    def say(self, text: str, voice: str, speed: int, stopped: Any) -> tuple[Any, int] | None:
        """The samples and their rate; None when it was stopped before there was a sound."""
        import numpy as np

        # A zero byte would end the text for C, and half a surrogate pair has no bytes.
        said = text.replace("\0", " ").encode("utf-8", "replace")
        with self._lock:
            self._choose(voice)
            self._espeak.espeak_SetParameter(_RATE, speed, 0)
            self._parts, self._stopped = [], stopped
            failed = self._espeak.espeak_Synth(said, len(said) + 1, 0, 0, 0, _UTF8, None, None)
            sound = b"".join(self._parts)
            self._parts = []
        if failed:
            raise InfrastructureError(
                f"espeak-ng could not say {text[:60]!r} (error {failed})", mend="try it by itself: espeak-ng 'hello'"
            )
        return (np.frombuffer(sound, dtype=np.int16), self.rate) if sound else None


_loading = threading.Lock()


def _library() -> _Library:
    # Two threads that speak first at once must not begin the library twice.
    with _loading:
        return _loaded()


@cache
def _loaded() -> _Library:
    loaded = _first_of("libespeak-ng.so.1", "libespeak-ng.1.dylib", "libespeak-ng.so")
    loaded.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        *[ctypes.c_uint] * 4,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    return _Library(loaded)


def _first_of(*names: str) -> ctypes.CDLL:
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise InfrastructureError("the assistant has no voice: espeak-ng is missing", mend="apt-get install espeak-ng")
