"""What a voice is, and which one speaks a language: the user's piper voice where a file is named, else espeak-ng.

voice = open_voice(settings)
for audio in voice.say("It is seven degrees. It rains.", "en"): ...     # two pieces of sound
voice.stop()                                                            # from any thread: the rest is not said
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy import int16
    from numpy.typing import NDArray

ESPEAK = "espeak:"
"""A voice in the settings that begins so is one of espeak-ng's own, as in ``espeak:en-gb+f3``."""


@dataclass(frozen=True, slots=True)
class Audio:
    """A piece of speech: one channel of 16-bit samples, `rate` of them a second, and the text that it says."""

    pcm: NDArray[int16]
    rate: int
    text: str = ""

    @property
    def seconds(self) -> float:
        """How long it sounds."""
        return len(self.pcm) / self.rate


class Voice(Protocol):
    """Says texts. For use from several threads."""

    @property
    def name(self) -> str:
        """What it is called in a trace."""
        ...

    def say(self, text: str, lang: str) -> Iterator[Audio]:
        """The sound of a text, sentence by sentence, each made when it is asked for."""
        ...

    def stop(self) -> None:
        """Whatever is being said now ends within one chunk; what is said after this call is not affected."""
        ...


class Voices:
    """A voice for each language; `otherwise` speaks the languages that have none of their own."""

    def __init__(self, by_language: Mapping[str, Voice], otherwise: Voice) -> None:
        self._by_language, self._otherwise = dict(by_language), otherwise

    @property
    def name(self) -> str:
        """The names of all its voices."""
        return "+".join(dict.fromkeys(voice.name for voice in [*self._by_language.values(), self._otherwise]))

    def say(self, text: str, lang: str) -> Iterator[Audio]:
        """In the voice of that language."""
        return self._by_language.get(lang, self._otherwise).say(text, lang)

    def stop(self) -> None:
        """All of them."""
        for voice in {id(voice): voice for voice in [*self._by_language.values(), self._otherwise]}.values():
            voice.stop()


def open_voice(settings: Any) -> Voice:
    """The voice of the settings. Raises an error with its mend when a file or a library is missing."""
    from slipway_assistant.voice.espeak import Espeak

    own = {lang: name.removeprefix(ESPEAK) for lang, name in settings.voices.items() if name.startswith(ESPEAK)}
    plain = Espeak(own)
    others = {lang: path for lang, path in settings.voices.items() if lang not in own}
    if not others:
        return plain
    from slipway_assistant.voice.piper import Piper

    return Voices({lang: Piper(path) for lang, path in others.items()}, plain)
