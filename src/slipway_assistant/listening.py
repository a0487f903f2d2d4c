"""From sound to what was said: what the ears need to know of this person, and what they give. Start in `said_in`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slipway.errors import SlipwayError
from slipway_assistant.app import Said
from slipway_assistant.mind import Mind, answer
from slipway_assistant.schema import validate
from slipway_assistant.settings import Settings

if TYPE_CHECKING:
    from slipway_assistant.ears import Ears, Speech


def ears_for(settings: Settings, mind: Mind, memory: Any) -> Ears:
    """The ears of the settings, which know this person's names and what the mind takes for a whole command."""
    from slipway_assistant.ears import open_ears

    return open_ears(settings, names=names(settings, memory), complete=whole(mind))


def whole(mind: Mind) -> Callable[[str, str], float]:
    """How surely a text is a command that lacks nothing, as far as the mind can tell."""

    def told(text: str, lang: str) -> float:
        understood = answer(mind, text, lang or None)
        return understood.confidence if understood.call is not None and not validate(understood.call) else 0.0

    return told


def names(settings: Settings, memory: Any) -> Mapping[str, Sequence[str]]:
    """The person's own names by argument: what they asked for and like, and the music that is there."""
    found: dict[str, dict[str, None]] = {}
    try:
        for item in memory.items() if memory is not None else ():
            found.setdefault(_ARGUMENTS.get(item.kind, item.kind), {})[item.value] = None
        for kind, value in _music(settings):
            found.setdefault(kind, {})[value] = None
    except (SlipwayError, OSError):
        return {kind: list(values) for kind, values in found.items()}  # those that could be read
    return {kind: list(values) for kind, values in found.items()}


_ARGUMENTS = {"place": "location", "name": "title"}


def _music(settings: Settings) -> list[tuple[str, str]]:
    """What the index of the music holds by now; it is made when music is first asked for."""
    from pathlib import Path

    from slipway_assistant.backends.library import Library

    index = settings.folder / "music.db"
    if not index.is_file():
        return []
    tracks = Library(Path(settings.music_folder).expanduser(), index=index).tracks()
    said = [(kind, getattr(track, field)) for track in tracks for kind, field in _TAGS]
    return [(kind, value) for kind, value in said if value]


_TAGS = (("song", "title"), ("artist", "artist"), ("album", "album"))


def said_in(ears: Ears, pcm: Any, lang: str) -> Said:
    """A recording of one sentence as speech that has just ended."""

    def recognise() -> Any:
        from slipway_assistant.ears import Heard

        speech = ears.hear(pcm, lang or None)
        return speech.heard if speech is not None else Heard("", lang or "en", 0.0, 0.0)

    return Said(recognise, lang or "en", pcm=pcm)


def said_now(speech: Speech) -> Said:
    """An utterance of a stream, which the ears recognised while it was said."""
    heard = speech.heard
    return Said(lambda: heard, heard.lang, waited_s=speech.wait_ms / 1e3, took_s=heard.ms / 1e3, pcm=speech.pcm)
