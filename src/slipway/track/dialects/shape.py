"""What a dialect is, what it reads, and what is derived.

To add one: a module beside this with ``DIALECT = Dialect(...)``. Tables say which attribute holds which field; what tables
cannot say two functions say, which are run only for spans with an attribute under one of ``heads``: ``converse`` gives messages
and tools, which take most of the time and only who looks at a span needs; ``read`` gives everything else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from slipway.data import LogRecord, Message, Span, ToolCall

MOST_JSON = 4_000_000  # characters of an attribute that is read as JSON; a longer one is text
DEEPEST = 10
_DETAILS = "gen_ai.client.inference.operation.details"


@dataclass(frozen=True, slots=True)
class Derived:
    """What a span says about itself. None or empty: it does not say.

    ``call``: it is one call of a model whose tokens and cost count in sums; a span around calls that repeats their totals, or
    whose call is counted on another span, is none. ``tools`` are those offered to the model, each as ``{"name",
    "description", "parameters"}``; ``tool_calls`` those that it asked for, or the one that this span ran. ``input`` and
    ``output`` are the span's own, or else what the messages say. ``dialects`` are those that the span has words of.
    """

    kind: str
    call: bool = False
    model: str | None = None
    request_model: str | None = None
    provider: str | None = None
    messages_in: tuple[Message, ...] = ()
    messages_out: tuple[Message, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    first_token_ms: float | None = None
    finish_reason: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    error: str | None = None
    input: Any = None
    output: Any = None
    dialects: tuple[str, ...] = ()


class Said:
    """A span as a dialect reads it."""

    def __init__(self, span: Span, logs: Sequence[LogRecord] = ()) -> None:
        self.span, self.attributes = span, span.attributes
        self.logs = sorted(logs, key=lambda log: (log.time_ns, log.id)) if logs else ()
        names: Iterable[str] = self.attributes
        if span.events or logs:
            names = [*names, *(event.name for event in span.events), *(log.event for log in self.logs)]
        self.heads = frozenset([name.partition(".")[0] for name in names])
        """What the names of its attributes, events and log records begin with, up to the first dot."""
        self.details: Mapping[str, Any] = self._details() if "gen_ai" in self.heads else {}
        """Attributes that came beside the span, in an event or log record that holds nothing else."""

    def _details(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for event in self.span.events:
            if event.name == _DETAILS:
                found.update(event.attributes)
        for log in self.logs:
            if log.event == _DETAILS:
                found.update({**(log.body if isinstance(log.body, Mapping) else {}), **log.attributes})
        return found

    def get(self, *names: str) -> Any:
        """The first of these attributes that is there, JSON text decoded."""
        for name in names:
            value = self.attributes.get(name)
            if value is None:
                value = self.details.get(name)
            if value is not None:
                return decoded(value)
        return None

    def tree(self, prefix: str) -> Any:
        """Attributes ``prefix.0.role``, ``prefix.0.content`` ... as the list or mapping that they spell; None for none."""
        root: dict[str, Any] = {}
        start = f"{prefix}."
        for name, value in self.attributes.items():
            if name.startswith(start):
                node = root
                *path, last = name[len(start) :].split(".", DEEPEST)
                for step in path:
                    below = node.setdefault(step, {})
                    if not isinstance(below, _Node):
                        below = node[step] = _Node()
                    node = below
                node.setdefault(last, value)
        return _listed(root) if root else None


class _Node(dict[str, Any]):
    """Made by `Said.tree`, in contrast to a mapping that is a value."""


def _listed(node: Any) -> Any:
    below = {name: _listed(value) if isinstance(value, _Node) else value for name, value in node.items()}
    if all(name.isascii() and name.isdecimal() and len(name) < 10 for name in below):
        return [below[name] for name in sorted(below, key=int)]
    return below


Read: TypeAlias = Callable[[Said], Mapping[str, Any]]
Names: TypeAlias = Mapping[str, tuple[str, ...]]
AS_SAID = "*"
"""In `Dialect.kinds`: a value that is in no table is a kind itself."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One convention.

    ``names``: a field of `Derived` (also ``input``, ``output``, ``first_token_s``) -> attributes that hold it, the first that is
    there wins. ``kinds``: an attribute -> its values in lower case -> kinds. ``parameters``: attributes with a JSON object of the
    request's parameters. ``read`` gives fields that no table can. ``converse`` gives messages, ``system``, which go before those
    to the model, tools and calls of them, and what else is not searched by. The dialect of lower ``rank`` goes first.
    """

    name: str
    rank: int
    names: Names = field(default_factory=dict)
    kinds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    heads: frozenset[str] = frozenset()
    read: Read | None = None
    converse: Read | None = None


def decoded(value: Any) -> Any:
    """What JSON text stands for when it is an object or a list; anything else as it is."""
    if not isinstance(value, str) or len(value) > MOST_JSON or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return msgspec.json.decode(value)
    except (ValueError, RecursionError):
        return _unusual(value)


def _unusual(value: str) -> Any:
    """What Python writes as JSON and msgspec does not read: NaN, infinities, lone surrogates."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def text(value: Any) -> str | None:
    """Text of at most 1,000 characters that is not empty; the first of a list of such."""
    if isinstance(value, list | tuple) and value:
        value = value[0]
    return value[:1000] if isinstance(value, str) and value else None


def label(value: Any) -> str | None:
    """As `text`; a number, such as a version, is text too."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return str(value)
    return text(value)


def count(value: Any) -> int | None:
    """A number of things: not negative, below 2^53."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
        return int(value)
    found = number(value)
    return int(found) if found is not None and 0 <= found < 2**53 else None


def number(value: Any) -> float | int | None:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def whole(value: Any) -> int | None:
    """An integer of 64 bits."""
    found = number(value)
    return int(found) if found is not None and abs(found) < 2**63 else None


def amount(value: Any) -> float | None:
    """An amount of money or time: not negative, below 10^12."""
    found = number(value)
    return float(found) if found is not None and 0 <= found < 1e12 else None
