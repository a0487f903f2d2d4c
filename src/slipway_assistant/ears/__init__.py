"""Ears: from a microphone or a WAV file to text. Start in ears.py; what it is made of is in hearing.py.

from slipway_assistant.ears import open_ears
for speech in open_ears(settings).utterances(source):
    print(speech.heard.text)
"""

from slipway_assistant.ears.ears import Ears, Speech, open_ears
from slipway_assistant.ears.hearing import Heard

__all__ = ["Ears", "Heard", "Speech", "open_ears"]
