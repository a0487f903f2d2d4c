"""The stages of a turn as spans of one trace, each with the time it may take and whether it kept to it.

    invoke_agent                the whole turn, from the end of speech (or from the text) to the end of the answer
      end_of_speech             from the last sound of speech until it was clear that no more would follow
      speech_to_text            from then until the text was there; recognition has gone on during speech
      chat                      text to call: the mind and the dialogue
      execute_tool              the skill
      text_to_speech            answer to sound, until it was played (or made, where nothing plays it)
      first_audio               from the end of speech (or from the text) to the first sound of the answer

Names and attributes are those of OpenTelemetry's GenAI conventions where these have one. Nothing here raises: a turn that cannot
be recorded is a turn all the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import slipway as sw

BUDGETS_MS: Mapping[str, float] = MappingProxyType(
    {
        "end_of_speech": 400.0,
        "speech_to_text": 150.0,
        "chat": 20.0,
        "execute_tool": 400.0,
        "text_to_speech": 50.0,
        "first_audio": 1_000.0,
        "to_skill": 500.0,
    }
)
"""What each stage may take. text_to_speech: until its first sound. to_skill: from the end of speech until the skill starts."""

_KINDS = {
    "end_of_speech": "internal",
    "speech_to_text": "stt",
    "chat": "llm",
    "execute_tool": "tool",
    "text_to_speech": "tts",
    "first_audio": "internal",
}
AGENT = "slipway-assistant"


class Stages:
    """The open trace of one turn; `ms` has what each stage took so far."""

    def __init__(
        self,
        root: Any,
        session: str,
        *,
        before_s: float,
        budgets: Mapping[str, float] = BUDGETS_MS,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.ms: dict[str, float] = {}
        self.root, self.session, self._budgets, self._clock = root, session, budgets, clock
        self._began = clock() - before_s
        # Open until the first sound of the answer. A turn without one has no such span.
        self._first = sw.span("first_audio", kind=_KINDS["first_audio"], session_id=session)
        self._first.began_before(before_s)

    @property
    def trace_id(self) -> str:
        """Of the turn; empty where nothing is recorded."""
        return self.root.trace_id if self.root else ""

    @property
    def over(self) -> tuple[str, ...]:
        """The stages that took longer than they may."""
        return tuple(name for name, took in self.ms.items() if took > self._budgets.get(name, float("inf")))

    @contextmanager
    def stage(self, name: str) -> Iterator[Any]:
        """A span around one stage."""
        with sw.span(name, kind=_KINDS[name], session_id=self.session) as span:
            span.set({"gen_ai.operation.name": name, "gen_ai.conversation.id": self.session})
            began = self._clock()
            try:
                yield span
            finally:
                if name not in self.ms:  # text_to_speech has told it already, at its first sound
                    self.told(span, name, (self._clock() - began) * 1e3)

    def past(self, name: str, *, ago_s: float, lasted_s: float) -> None:
        """A stage that is over by the time that it is known of, such as the wait for the end of speech."""
        with sw.span(name, kind=_KINDS[name], session_id=self.session) as span:
            span.began_before(ago_s, lasted=lasted_s)
            self.told(span, name, lasted_s * 1e3)

    def passed(self, name: str) -> float:
        """Remember how long it took from the end of speech (or from the text) until now, in milliseconds."""
        self.ms[name] = (self._clock() - self._began) * 1e3
        return self.ms[name]

    def told(self, span: Any, name: str, ms: float) -> None:
        """Remember what a stage took, and say on its span whether that was within its budget."""
        self.ms[name] = ms
        allowed = self._budgets.get(name)
        if allowed is not None:
            span.set(
                {"slipway.took_ms": round(ms, 3), "slipway.budget_ms": allowed, "slipway.budget_kept": ms <= allowed}
            )

    def heard_first(self, span: Any, began: float) -> None:
        """The first sound of the answer is on its way: text_to_speech has done its part, and the person hears something."""
        if "text_to_speech" in self.ms:
            return
        span.first_token()
        self.told(span, "text_to_speech", (self._clock() - began) * 1e3)
        self.told(self._first, "first_audio", (self._clock() - self._began) * 1e3)
        self._first.finish()


@contextmanager
def turn(
    session: str,
    *,
    before_s: float = 0.0,
    budgets: Mapping[str, float] = BUDGETS_MS,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Stages]:
    """The trace of one turn, which began `before_s` ago."""
    with sw.span("invoke_agent", kind="agent", session_id=session) as root:
        root.began_before(before_s)
        root.set(
            {
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": AGENT,
                "gen_ai.conversation.id": session,
            }
        )
        stages = Stages(root, session, before_s=before_s, budgets=budgets, clock=clock)
        try:
            yield stages
        finally:
            root.set({f"slipway.stage.{name}_ms": round(took, 3) for name, took in stages.ms.items()})
            root.set({"slipway.budgets_kept": not stages.over, "slipway.over_budget": list(stages.over)})


def messages(role: str, *parts: Mapping[str, Any]) -> str:
    """One message as the GenAI conventions write it into an attribute."""
    return json.dumps([{"role": role, "parts": list(parts)}], ensure_ascii=False)


def called(call: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A call as a part of a message."""
    if call is None:
        return {"type": "text", "content": ""}
    return {"type": "tool_call", "name": call["name"], "arguments": dict(call["arguments"])}
