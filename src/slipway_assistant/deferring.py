"""Ask the user's language model what the fast path is not sure of. Without one, or when it fails, nobody is asked.

Which model is `slipway.default_model()`: SLIPWAY_MODEL_URL, SLIPWAY_GGUF or the settings.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from functools import cache
from typing import Any

import slipway as sw
from slipway.errors import SlipwayError
from slipway_assistant import prompting
from slipway_assistant.mind import Understanding

PATIENCE_S = 8.0
SURE = 0.5
"""What the confidence of a language model's call is said to be: nobody has measured the user's model."""
_log = logging.getLogger(__name__)


def defer(text: str, lang: str, *, model: Any = None) -> Understanding | None:
    """The call that the language model makes of the sentence; None without a model, in time, or without a readable call."""
    del lang  # the prompt holds examples in the three languages
    try:
        asked = model if model is not None else _configured()
        if asked is None:
            return None
        answer = asyncio.run_coroutine_threadsafe(_ask(asked, text), _loop()).result()
        readable, call = prompting.read_call(answer)
    except (SlipwayError, TimeoutError, OSError) as error:
        _log.warning("the language model did not answer: %s", error)
        return None
    return Understanding(call, SURE) if readable else None


async def _ask(model: Any, text: str) -> str:
    request = sw.Request(
        messages=prompting.messages(text, "few-shot"),
        grammar=prompting.grammar(),
        max_tokens=prompting.LONGEST_ANSWER,
        temperature=0.0,
        stop=("\n",),
    )
    reply = await asyncio.wait_for(model.complete(request), PATIENCE_S)
    return str(reply.text)


@cache
def _configured() -> Any:
    """The model is opened once: a local one takes seconds to load."""
    return sw.default_model()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop on a thread of its own: who asks may be inside another, and a model's connections belong to the loop that made
    them."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="slipway-defer", daemon=True).start()
    return loop
