"""From sound to what was said: recordings and microphones through the ears. Start in `said_in`."""

from __future__ import annotations

from typing import Any

from slipway_assistant.app import Said


def said_in(ears: Any, pcm: Any, lang: str) -> Said:
    """A recording as speech that has just ended."""

    def recognise() -> Any:
        hearing = ears.listen(lang or "en")
        hearing.feed(pcm)
        return hearing.finish()

    return Said(recognise, lang or "en", pcm=pcm)
