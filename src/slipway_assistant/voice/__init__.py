"""Voice: text in, sound out, a sentence at a time. Start in voice.py.

`open_voice(settings)` gives the voice that the settings name; `Loudspeaker` and `Tape` are where its sound goes.
"""

from __future__ import annotations

from slipway_assistant.voice.loudspeaker import Loudspeaker, Sink, Tape, play
from slipway_assistant.voice.voice import Audio, Voice, open_voice

__all__ = ["Audio", "Loudspeaker", "Sink", "Tape", "Voice", "open_voice", "play"]
