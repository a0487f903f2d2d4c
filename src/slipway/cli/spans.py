"""Traces as the command line shows them: one line each, or a tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from slipway.data import Span
from slipway.data.text import clean, duration, moment, money, number, one_line, shorten

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from slipway.store.protocol import Store

DEEPEST = 24
"""Levels that are indented; deeper spans stand at this one and say their level."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One trace on one line."""

    trace_id: str
    name: str
    project: str
    started_ns: int
    duration_ms: float
    spans: int
    errors: int


def recent(store: Store, where: Mapping[str, Any], *, limit: int, name: str | None = None) -> list[Summary]:
    """The newest traces with a span that satisfies ``where``, newest first.

    Every span is looked at, not only first spans: of a program that was killed, the first span never arrived.
    """
    found: list[Summary] = []
    seen: set[str] = set()
    for span in store.find(Span, where, newest_first=True):
        if span.trace_id in seen:
            continue
        seen.add(span.trace_id)
        summary = _summary(store, span)
        if name is None or name.casefold() in summary.name.casefold():
            found.append(summary)
            if len(found) == limit:
                break
    return sorted(found, key=lambda summary: summary.started_ns, reverse=True)


def _summary(store: Store, seen: Span) -> Summary:
    trace = {"trace_id": seen.trace_id}
    first = next(store.find(Span, trace | {"parent_id": None}, limit=1), None)
    if first is None:
        first = min(store.find(Span, trace), key=lambda span: (span.started_ns, span.sequence), default=seen)
    return Summary(
        trace_id=first.trace_id,
        name=first.name,
        project=first.project,
        started_ns=first.started_ns,
        duration_ms=first.duration_ns / 1e6,
        spans=store.count(Span, trace),
        errors=store.count(Span, trace | {"status": "error"}),
    )


def load(store: Store, trace_id: str, *, blobs: bool = False) -> dict[str, Any]:
    """A trace and its spans, in order of start. ``blobs`` puts big inputs and outputs back in place."""
    spans = sorted(store.find(Span, {"trace_id": trace_id}), key=lambda span: (span.started_ns, span.sequence))
    if blobs:
        from slipway.store.payloads import whole

        spans = [replace(span, input=whole(store, span.input), output=whole(store, span.output)) for span in spans]
    return {"trace_id": trace_id, "project": spans[0].project, "spans": spans}


def in_tree_order(spans: Sequence[Span]) -> Iterator[tuple[Span, int, str]]:
    """(span, level, indentation) depth first. Spans whose parent is missing stand at the top; a cycle of parents is cut at its
    earliest span."""
    known = {span.span_id for span in spans}
    children: dict[str, list[Span]] = {}
    tops: list[Span] = []
    for span in spans:
        if span.parent_id in known and span.parent_id != span.span_id:
            children.setdefault(span.parent_id or "", []).append(span)
        else:
            tops.append(span)
    done: set[int] = set()
    for top in [*tops, *spans]:  # the second part finds what only a cycle leads to
        if id(top) in done:
            continue
        stack: list[tuple[Span, int, str, str]] = [(top, 0, "", "")]
        while stack:
            span, level, before, bend = stack.pop()
            if id(span) in done:
                continue
            done.add(id(span))
            yield span, level, before + bend
            below = [child for child in children.get(span.span_id, ()) if id(child) not in done]
            stem = before + ("" if level == 0 else "│  " if bend == "├─ " else "   ")
            if level >= DEEPEST:
                stem = before
            last = len(below) - 1
            for place in range(last, -1, -1):
                stack.append((below[place], level + 1, stem, "└─ " if place == last else "├─ "))


def draw(out: Console, trace: Mapping[str, Any], *, full: bool, most: int) -> None:
    """Print the tree."""
    from rich.text import Text

    spans: list[Span] = trace["spans"]
    began = spans[0].started_ns
    took = max(span.started_ns + span.duration_ns for span in spans) - began
    failed = sum(span.status == "error" for span in spans)
    head = Text("trace ", style="dim").append(trace["trace_id"], style="bold not dim")
    out.print(head)
    counted = f"{len(spans):,} span{'s' if len(spans) != 1 else ''}" + (f", {failed} failed" if failed else "")
    project = one_line(trace["project"])
    out.print(Text(f"project {project}, {moment(began)}, {duration(took / 1e6)}, {counted}", style="dim"))
    out.print()
    for place, (span, level, indent) in enumerate(in_tree_order(spans)):
        if most and place == most:
            out.print(Text(f"… {len(spans) - most:,} more spans; all of them: --spans 0", style="dim"))
            break
        for line in _lines(span, level, indent, began, out.width, full):
            out.print(line, no_wrap=not full, overflow="fold" if full else "ellipsis", crop=not full)


def _lines(span: Span, level: int, indent: str, began: int, width: int, full: bool) -> Iterator[Text]:
    from rich.text import Text

    line = Text(indent, style="dim")
    line.append(one_line(span.name), style="bold red not dim" if span.status == "error" else "bold not dim")
    line.append(f"  {duration(span.duration_ns / 1e6)}", style="cyan not dim")
    notes = [span.kind] if span.kind not in ("internal", "") else []
    if span.first_token_ns is not None:
        notes.append(f"first token {duration(span.first_token_ns / 1e6)}")
    if level and span.started_ns >= began:
        notes.append(f"+{duration((span.started_ns - began) / 1e6)}")
    if level > DEEPEST:
        notes.append(f"level {level}")
    notes += _facts(span)
    if notes:
        line.append("  " + one_line(", ".join(notes)), style="dim")
    yield line
    under = indent.replace("├─ ", "│  ").replace("└─ ", "   ") + "   "
    for title, value in _values(span, full):
        room = max(width - len(under) - len(title) - 1, 20)
        text = clean(value if isinstance(value, str) else _json(value)) if full else shorten(value, room)
        if full:
            text = text.replace("\n", "\n" + under + " " * (len(title) + 1))
        style = "red" if title == "error" else ""
        yield Text(under, style="dim").append(f"{title} ", style="dim").append(text, style=f"not dim {style}".strip())


def _facts(span: Span) -> Iterator[str]:
    """What of the attributes one wants to see at once: model, tokens, cost, scores, which example."""
    facts = span.attributes
    model = facts.get("gen_ai.response.model") or facts.get("gen_ai.request.model")
    if model:
        yield str(model)
    tokens = [facts.get(f"gen_ai.usage.{which}_tokens") for which in ("input", "output")]
    if any(tokens):
        yield f"{tokens[0] or 0} -> {tokens[1] or 0} tokens"
    cost = facts.get("slipway.cost_usd")
    if isinstance(cost, int | float):
        yield money(cost)
    if facts.get("slipway.cached"):
        yield "recorded answer"
    if "slipway.example_id" in facts:
        yield f"example {facts['slipway.example_id']} of {facts.get('slipway.variant', '?')}"
    for name, value in facts.items():
        if name.startswith("score."):
            yield f"{name.removeprefix('score.')} {number(value) if isinstance(value, int | float) else value}"


def _values(span: Span, full: bool) -> Iterator[tuple[str, Any]]:
    if span.input is not None:
        yield "in ", span.input
    if span.output is not None:
        yield "out", span.output
    if span.error:
        yield "error", span.error
    if full and span.attributes:
        yield "attributes", dict(span.attributes)
    if full:
        for event in span.events:
            yield f"event {one_line(event.name)}", dict(event.attributes)


def _json(value: Any) -> str:
    import msgspec

    from slipway.data import plain

    return msgspec.json.format(msgspec.json.encode(plain(value)), indent=2).decode()
