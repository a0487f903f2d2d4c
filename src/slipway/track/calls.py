"""One model call, counted once: which OpenTelemetry spans are the same call, seen by several instrumentors.

Two that watch the same SDK (two instrumentors, or one beside the spans that the SDK makes itself) give a span inside a span: the
outer one is kept, the inner one is left out, and what lies under it moves up. A framework's span around an SDK's says something
of its own, so both are kept, and tokens and price stand on the SDK's only: sums over spans are right.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from slipway.track.prices import CALLS

MOST_OPEN, MOST_ENDED = 10_000, 256
COUNTED_ON = "slipway.counted_on"
_COUNTS = ("slipway.tokens.", "slipway.cost_usd")

_SCOPE = re.compile(r"(?:openinference|opentelemetry)\.instrumentation\.([a-z0-9_]+?)(?:_v2|\.v\d)?")
_OWN_SCOPES = {"com.anthropic.sdk.python": "anthropic"}
_SHARED_SCOPE = "opentelemetry.util.genai.handler"  # of several instrumentors: the provider tells whose span it is
_PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "llm.system", "llm.provider")


class Verdict(NamedTuple):
    """``kept``: record it. ``parent`` is the id that its parent is recorded under. ``counted_on`` names the SDK whose span of the
    same call has the tokens."""

    kept: bool = True
    parent: int | None = None
    counted_on: str = ""


@dataclass(slots=True)
class _Open:
    scope: str
    sdk: str
    parent: int
    watched: bool = False
    counted_on: str = ""


class Calls:
    """Told of every span's start and end, on whatever thread; remembers a bounded number."""

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._same: dict[int, int] = {}
        self._ended: dict[str, deque[tuple[int, Any, Any]]] = {}

    def started(self, span: Any) -> None:
        """A span of OpenTelemetry begins."""
        scope = _scope(span)
        sdk = _sdk(scope, span.attributes or {})
        if not sdk:
            return
        number = span.context.span_id
        parent = span.parent.span_id if span.parent is not None else 0
        around = self._open.get(parent)
        if around is not None and around.sdk == sdk and around.scope != scope:
            around.watched = True
            _bounded(self._same)[number] = parent
            return
        if scope in _OWN_SCOPES and (beside := self._beside(sdk, parent)):
            _bounded(self._same)[number] = beside
            return
        _bounded(self._open)[number] = _Open(scope, sdk, parent)

    def _beside(self, sdk: str, parent: int) -> int:
        """The open span of an instrumentor that stands for an SDK's own: a streamed call starts after the instrumentor has let go
        of the context."""
        for number, span in list(self._open.items()):
            if span.sdk == sdk and span.parent == parent and span.scope not in _OWN_SCOPES and not span.watched:
                span.watched = True
                return number
        return 0

    def ended(self, span: Any, kind: str | None, attributes: Mapping[str, Any]) -> Verdict:
        """What to do with a span that is of ``kind`` and has these normalised ``attributes``."""
        number, parent = span.context.span_id, span.parent.span_id if span.parent is not None else None
        if number in self._same:
            return Verdict(kept=False)
        own = self._open.pop(number, None)
        if parent is not None:
            parent = self._same.get(parent, parent)
        if own is None or kind not in CALLS:
            return Verdict(parent=parent)
        tokens = (attributes.get("slipway.tokens.input"), attributes.get("slipway.tokens.output"))
        if not own.counted_on:
            own.counted_on = self._beneath(span, own, tokens)
        if own.counted_on:
            return Verdict(parent=parent, counted_on=own.counted_on)
        around = self._open.get(parent) if parent is not None else None
        if around is not None:
            around.counted_on = own.sdk
        elif any(count is not None for count in tokens):
            self._ended.setdefault(own.sdk, deque(maxlen=MOST_ENDED)).append((span.end_time or 0, *tokens))
        return Verdict(parent=parent)

    def _beneath(self, span: Any, own: _Open, tokens: tuple[Any, Any]) -> str:
        """The SDK that a framework asked meanwhile. LangChain's spans are current for nobody, so the call that it makes through
        an SDK is no child of its own: it is known by the provider, the time and the tokens."""
        for name in _PROVIDERS:
            provider = (span.attributes or {}).get(name)
            if not isinstance(provider, str) or provider == own.sdk:
                continue
            calls = self._ended.get(provider, ())
            for call in list(calls):
                if call[1:] == tokens and (span.start_time or 0) <= call[0] <= (span.end_time or 0):
                    self._ended[provider].remove(call)
                    return provider
        return ""


def uncounted(attributes: Mapping[str, Any], sdk: str) -> dict[str, Any]:
    """``attributes`` without tokens and price, which stand on the span of ``sdk``."""
    left = {name: value for name, value in attributes.items() if not name.startswith(_COUNTS)}
    return {**left, COUNTED_ON: sdk}


def _scope(span: Any) -> str:
    scope = span.instrumentation_scope
    return scope.name if scope is not None else ""


def _sdk(scope: str, attributes: Mapping[str, Any]) -> str:
    if scope == _SHARED_SCOPE:
        provider = attributes.get("gen_ai.provider.name")
        return provider.rpartition(".")[2] if isinstance(provider, str) else ""
    found = _SCOPE.fullmatch(scope)
    return found[1] if found else _OWN_SCOPES.get(scope, "")


def _bounded(kept: dict[int, Any]) -> dict[int, Any]:
    while len(kept) >= MOST_OPEN:  # spans that never end must not fill the memory
        try:
            del kept[next(iter(kept))]
        except (KeyError, RuntimeError, StopIteration):  # another thread did
            continue
    return kept
