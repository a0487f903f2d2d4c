"""What derived data should be, computed from the spans in a few plain lines, and spans to compute it of."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from slipway.data import Span
from slipway.store.derived import Derived, Facts
from slipway.store.derived import sketch as sketches
from slipway.store.derived.tables import rollups, span_facts
from slipway.store.derived.words import strings

HOUR = 3_600_000_000_000
START = 480_000 * HOUR
SUMS = ("errors", "calls", "unknown_cost", "input_tokens", "output_tokens", "cached_tokens", "cost_usd")


def derive(spans: Sequence[Span]) -> list[Facts]:
    """Facts straight from attributes of the same name."""
    return [
        Facts(
            kind=span.kind,
            call=span.kind == "llm",
            **{
                name: span.attributes.get(name)
                for name in ("model", "provider", "input_tokens", "output_tokens", "cost_usd")
            },
            session_id=span.session_id,
            user_id=span.user_id,
            text=" ".join((span.name, strings(span.input), strings(span.output), span.error or "")),
            input=str(span.input) if span.parent_id is None else None,
        )
        for span in spans
    ]


def some_spans(seed: int, traces: int = 30, projects: Sequence[str] = ("default",), hours: int = 3) -> list[Span]:
    """Spans of traces with 1 to 9 spans, in any order, some without root, all exact in binary so that sums can be compared."""
    rnd = random.Random(seed)
    found = []
    for number in range(traces):
        trace_id, started = f"{seed:016x}{number + 1:016x}", START + rnd.randrange(hours * HOUR)
        project, session = rnd.choice(projects), rnd.choice((None, "s1", "s2", "naïve O'Brien"))
        size = rnd.randrange(1, 10)
        for child in range(size):
            kind = rnd.choice(("llm", "tool", "agent"))
            model = rnd.choice(("gpt-4o", "claude", "o'reilly\"; --", None)) if kind == "llm" else None
            attributes: dict[str, Any] = {"tier": rnd.choice(("gold", "free", 3, True, None)), "n": {"deep": child}}
            if model:
                attributes |= {"model": model, "input_tokens": rnd.randrange(100), "output_tokens": rnd.randrange(50)}
                attributes |= {"cost_usd": rnd.choice((None, 0.25, 0.5))}
            found.append(
                Span(
                    trace_id,
                    f"{number * 100 + child + 1:016x}",
                    rnd.choice(("answer", "look up", "chat\x00gpt", "検索")),
                    started + child * 1000,
                    rnd.randrange(10**9),
                    parent_id=None if child == 0 else f"{number * 100 + rnd.randrange(child) + 1:016x}",
                    project=project,
                    kind=kind,
                    status=rnd.choice(("ok", "ok", "error")),
                    error=rnd.choice((None, "Connection refused")),
                    input={"q": rnd.choice(("what is the weather", "rate limit", "天気はどうですか"))},
                    attributes=attributes,
                    session_id=session,
                    run_id=rnd.choice((None, "run-1")),
                )
            )
    left_out = {span.span_id for span in found if span.parent_id is None and rnd.random() < 0.2}
    found = [span for span in found if span.span_id not in left_out]
    rnd.shuffle(found)
    return found


def totals(spans: Iterable[Span], made: Any = derive) -> dict[str, Any]:
    """What rollups and traces must hold for these spans."""
    hours: dict[Any, Any] = defaultdict(lambda: [0, dict.fromkeys(SUMS, 0), defaultdict(int)])
    traces: dict[Any, Any] = {}
    for span in spans:
        fact = made([span])[0]
        adds = {"errors": int(span.status == "error"), "calls": int(fact.call), "cached_tokens": 0}
        adds |= {
            "unknown_cost": int(fact.call and fact.cost_usd is None),
            "cost_usd": (fact.call and fact.cost_usd) or 0,
        }
        adds |= {name: (fact.call and getattr(fact, name)) or 0 for name in ("input_tokens", "output_tokens")}
        key = (span.project, span.started_ns // HOUR, span.parent_id is None, fact.kind, fact.model or "", span.name)
        trace = traces.setdefault((span.project, span.trace_id), [0, dict.fromkeys(SUMS, 0), [], [], set()])
        for counted in (hours[key], trace):
            counted[0] += 1
            for name in SUMS:
                counted[1][name] += adds[name]
        hours[key][2][sketches.bucket(span.duration_ns)] += 1
        trace[2].append(span.started_ns)
        trace[3].append(span.started_ns + span.duration_ns)
        trace[4] |= {fact.model} - {None}
    return {
        "hours": {key: (n, sums, dict(buckets)) for key, (n, sums, buckets) in hours.items()},
        "traces": {
            key: (n, sums, min(first), max(last), sorted(models))
            for key, (n, sums, first, last, models) in traces.items()
        },
        "spans": len({(span.trace_id, span.span_id) for span in spans}),
    }


def stored(derived: Derived) -> dict[str, Any]:
    """The same, as it is in the database."""
    import json

    from slipway.store.derived.tables import traces
    from slipway.store.rows import unsafe

    with derived.reading() as connection:
        hours = {
            (row.project, row.hour, bool(row.root), row.kind, unsafe(row.model), unsafe(row.name)): (
                row.count,
                {name: getattr(row, name) for name in SUMS},
                sketches.unpack(row.sketch),
            )
            for row in connection.execute(rollups.select())
            if row.count
        }
        found = {
            (row.project, row.trace_id): (
                row.spans,
                {name: getattr(row, name) for name in SUMS},
                row.started_ns,
                row.ended_ns,
                json.loads(row.models),
            )
            for row in connection.execute(traces.select())
        }
        spans = len(connection.execute(select(span_facts.c.position)).all())
    return {"hours": hours, "traces": found, "spans": spans}
