"""The assistant put together from its settings: `open_assistant(load())`. The only file that builds all its parts."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import slipway as sw
from slipway.errors import SlipwayError
from slipway_assistant.app import Assistant
from slipway_assistant.listening import ears_for
from slipway_assistant.mind import BEST, answer
from slipway_assistant.settings import Settings

PROJECT = "assistant"
_log = logging.getLogger(__name__)


def ready_mind(name: str = "", minds: Path | None = None) -> Any:
    """The mind of that name (the best for none), fitted when it is first wanted. Says on standard error that it was."""
    from slipway_assistant import experiment

    if minds is not None:
        os.environ[experiment.FOLDER] = str(minds.absolute())
    ready = experiment.ready(name or BEST)
    if not ready.cached:
        print(f"fitted {ready.variant.name} in {ready.seconds:.0f} s; next time it is loaded", file=sys.stderr)  # noqa: T201
    return ready.mind


def open_assistant(
    settings: Settings,
    *,
    variant: str = "",
    minds: Path | None = None,
    ears: bool = False,
    voice: bool = True,
    sink: Any = None,
) -> Assistant:
    """An assistant with its mind, memory and dialogue; with ears and a voice where they are wanted.

    Raises what a missing part raises, which says how to get it. A memory that cannot be opened is done without.
    """
    from slipway_assistant.voice import open_voice

    memory, mind = _memory(settings), ready_mind(variant, minds)
    dialogue = None
    if memory is not None:
        from slipway_assistant.dialogue import Dialogue

        dialogue = Dialogue(memory, partial(answer, mind))
    return Assistant(
        settings,
        mind,
        ears_for(settings, mind, memory) if ears else None,
        open_voice(settings) if voice else None,
        name=variant or BEST,
        memory=memory,
        dialogue=dialogue,
        sink=sink,
    )


def record_turns() -> None:
    """Record turns from here on, where slipway.toml says. Where that cannot be, the assistant works without."""
    try:
        sw.init(project=PROJECT)
    except SlipwayError as error:
        _log.warning("turns are not recorded: %s", error)


def _memory(settings: Settings) -> Any:
    from slipway_assistant.memory import Memory

    try:
        return Memory(settings.folder / "memory.db")
    except SlipwayError as error:
        _log.warning("nothing is remembered: %s", error)
        return None
