"""A language model as the second opinion: asked under the grammar, by those who are unsure. Start in `Asker`."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

import slipway as sw
from slipway.errors import SlipwayError
from slipway_assistant import prompting
from slipway_assistant.mind import Understanding

T = TypeVar("T")
PATIENCE_S = 10.0
LONGEST_ANSWER = 64


class Asker:
    """Asks a model for the call of a sentence. The confidence is the probability of the answer's tokens, where the model tells
    them, else ``untold``."""

    def __init__(self, model: Any, *, style: prompting.Style = "few-shot", untold: float = 0.5) -> None:
        self.model, self.style, self.untold = model, style, untold

    def __call__(self, text: str, lang: str) -> Understanding | None:
        """What the model makes of the sentence; None when it does not answer, or not with a call."""
        request = sw.Request(
            messages=prompting.messages(text, self.style),
            grammar=prompting.grammar(),
            max_tokens=LONGEST_ANSWER,
            temperature=0.0,
            stop=("\n",),
            logprobs=1,
        )
        try:
            reply = _finished(self.model.complete(request), PATIENCE_S)
        except (SlipwayError, TimeoutError):  # without a second opinion the first one stands
            return None
        readable, call = prompting.read_call(reply.text)
        if not readable:
            return None
        told = [each.logprob for each in reply.logprobs]
        return Understanding(call, math.exp(min(0.0, sum(told))) if told else self.untold)


@cache
def configured() -> Asker | None:
    """An asker of the user's own model (SLIPWAY_GGUF, SLIPWAY_MODEL_URL, SLIPWAY_MODEL); None when there is none."""
    model = sw.default_model()
    return None if model is None else Asker(model)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """A loop on a thread of its own: who asks may be a coroutine of another."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="slipway-assistant-asking", daemon=True).start()
    return loop


def _finished(work: Coroutine[Any, Any, T], seconds: float) -> T:
    future: Future[T] = asyncio.run_coroutine_threadsafe(work, _loop())
    try:
        return future.result(seconds)
    except TimeoutError:
        future.cancel()
        raise
