"""Summary: counts, errors, tokens, cost and latency over time, from the hourly rollups."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from slipway.errors import DataError
from slipway.server.pages import LARGEST, From, Name, To
from slipway.server.routing import Call, route
from slipway.store.derived.answers import Summary

DAY_NS = 24 * 3600 * 10**9


class SummaryQuery(msgspec.Struct):
    """Of which time and which spans. Hours count wholly."""

    from_ns: From = msgspec.field(name="from", default=None)
    to_ns: To = msgspec.field(name="to", default=None)
    bucket_s: Annotated[
        Annotated[int, Meta(ge=1, le=LARGEST)] | None,
        Meta(description="Seconds of one bucket, rounded up to hours; nothing: one bucket for the whole time."),
    ] = None
    by: Annotated[Literal["model", "name", "kind"] | None, Meta(description="A row for each value of this.")] = None
    kind: Annotated[Name | None, Meta(description="Only spans of this kind: llm, tool, agent ...")] = None
    model: Annotated[Name | None, Meta(description="Only spans of this model.")] = None
    name: Annotated[Name | None, Meta(description="Only spans of this name.")] = None
    roots: Annotated[bool, Meta(description="Only root spans, one for each trace.")] = False


class SummaryAnswer(msgspec.Struct):
    """Buckets in the order of time; empty ones are left out. ``behind`` stored spans are not counted yet."""

    from_ns: int = msgspec.field(name="from")
    to_ns: int = msgspec.field(name="to")
    rows: Sequence[Summary]
    behind: int


@route("GET", "/api/v1/summary", needs="viewer")
def summary(call: Call, query: SummaryQuery) -> SummaryAnswer:
    """What happened: the last 24 hours, unless times are given."""
    to_ns = time.time_ns() if query.to_ns is None else query.to_ns
    from_ns = max(0, to_ns - DAY_NS) if query.from_ns is None else query.from_ns
    if from_ns > to_ns:
        raise DataError("`from` is after `to`", mend="give the earlier time as from")
    behind = call.state.indexer.prompt()
    rows = call.state.query.summary(
        call.project,
        from_ns,
        to_ns,
        bucket_s=query.bucket_s,
        by=query.by,
        kind=query.kind,
        model=query.model,
        name=query.name,
        roots=query.roots,
    )
    return SummaryAnswer(from_ns=from_ns, to_ns=to_ns, rows=rows, behind=behind)
