"""Ask the user's language model what the fast path is not sure of. Without one, or when it fails, nobody is asked.

Which model is `slipway.default_model()`: SLIPWAY_MODEL_URL, SLIPWAY_GGUF or the settings.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

import slipway as sw
from slipway.errors import SlipwayError
from slipway_assistant import prompting
from slipway_assistant.mind import Understanding

LONGEST_ANSWER = 64
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
        # On a thread of its own: the caller may be inside a running event loop, where nothing can be waited for.
        waiting: Future[str] = _worker().submit(lambda: asyncio.run(_ask(asked, text)))
        readable, call = prompting.read_call(waiting.result(PATIENCE_S))
    except (SlipwayError, TimeoutError, OSError) as error:
        _log.warning("the language model did not answer: %s", error)
        return None
    return Understanding(call, SURE) if readable else None


async def _ask(model: Any, text: str) -> str:
    request = sw.Request(
        messages=prompting.messages(text, "few-shot"),
        grammar=prompting.grammar(),
        max_tokens=LONGEST_ANSWER,
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
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="slipway-defer")
