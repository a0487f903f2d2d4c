"""Deriving: what a span and its log records say, by `slipway.track.dialects`, as `Facts` to search it by."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slipway.data import LogRecord, Span
from slipway.data.text import shorten
from slipway.store.derived.facts import Facts
from slipway.store.derived.words import strings
from slipway.track import dialects
from slipway.track.dialects import Derived

if TYPE_CHECKING:
    from slipway.store.protocol import Store

log = logging.getLogger("slipway.server")
PREVIEW = 300
MOST_LOGS = 20_000  # read for a batch of spans at once
OF_A_TRACE = 2_000  # and for each of its traces, where a batch has more
Prices = Mapping[str, tuple[float, float]]
Logs = Mapping[tuple[str, str, str], Sequence[LogRecord]]
"""By project, trace id and span id."""


def derive(spans: Sequence[Span], *, store: Store | None = None, prices: Prices | None = None) -> list[Facts]:
    """Facts of each span, with the log records of the same project that ``store`` has for it."""
    logs = _logs(store, spans) if store is not None else {}
    return [facts(span, logs.get((span.project, span.trace_id, span.span_id), ()), prices=prices) for span in spans]


def facts(span: Span, logs: Sequence[LogRecord] = (), *, prices: Prices | None = None) -> Facts:
    """Facts of one span. Whatever it holds, this does not raise: one span must not stop the indexer for all others."""
    try:
        return _facts(span, dialects.outline(span, logs, prices=prices))
    except Exception:
        log.exception(
            "span %s of trace %s could not be read, it is found by its name alone", span.span_id, span.trace_id
        )
        return Facts(kind=span.kind, text=span.name)


def _facts(span: Span, found: Derived) -> Facts:
    root = span.parent_id is None  # nobody shows a preview of another span
    said = " ".join((span.name, strings(_seen(found.input)), strings(_seen(found.output)), found.error or ""))
    return Facts(
        kind=found.kind,
        call=found.call,
        model=found.model,
        provider=found.provider,
        input_tokens=found.input_tokens,
        output_tokens=found.output_tokens,
        cached_tokens=found.cached_tokens,
        cost_usd=found.cost_usd,
        session_id=found.session_id,
        user_id=found.user_id,
        text=said,
        input=shorten(found.input, PREVIEW) if root and found.input is not None else None,
        output=shorten(found.output, PREVIEW) if root and found.output is not None else None,
    )


def _logs(store: Store, spans: Sequence[Span]) -> Logs:
    """The log records that a dialect may read. Those that an application writes in plenty have no event's name."""
    traces = sorted({span.trace_id for span in spans})
    rows = list(store.find(LogRecord, {"trace_id__in": traces, "event__prefix": "gen_ai."}, limit=MOST_LOGS))
    if len(rows) == MOST_LOGS:
        rows = []
        for trace in traces:
            rows += store.find(LogRecord, {"trace_id": trace, "event__prefix": "gen_ai."}, limit=OF_A_TRACE)
    found = defaultdict(list)
    for row in rows:
        if row.trace_id and row.span_id:
            found[row.project, row.trace_id, row.span_id].append(row)
    return found


def _seen(value: Any) -> Any:
    """What is kept beside a big payload that is elsewhere."""
    if isinstance(value, dict) and "$blob" in value:
        return value.get("preview")
    return value
