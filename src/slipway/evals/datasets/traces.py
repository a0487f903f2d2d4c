"""Traces as examples: what production was asked, what it answered, and what people said the answer should have been."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from slipway.data import Feedback, Span
from slipway.evals.datasets.rows import Place, Row
from slipway.store.payloads import whole

if TYPE_CHECKING:
    from slipway.store.protocol import Store

CORRECTION = "correction"


def span_rows(store: Store, where: Mapping[str, Any]) -> Iterator[Row]:
    """A row for each span that satisfies ``where``: its input, and its output as expected.

    A `Feedback` named "correction" on the span, or on its trace when ``where`` finds only one span of it, replaces what is
    expected (the newest one wins). ``provenance`` keeps trace and span id, project, and who corrected it. The id is the
    trace's, and ``trace:span`` when several spans of one trace are chosen.
    """
    spans = list(store.find(Span, where))
    several = _repeated(span.trace_id for span in spans)
    for number, span in enumerate(spans, start=1):
        alone = span.trace_id not in several
        expected, provenance = whole(store, span.output), {"trace_id": span.trace_id, "span_id": span.span_id}
        for said in store.find(Feedback, {"trace_id": span.trace_id, "name": CORRECTION}):
            if said.span_id == span.span_id or (said.span_id is None and alone):
                expected = said.value
                provenance |= {"corrected_by": said.who, "feedback_id": said.id}
        yield (
            Place(f"traces of {store.url}", number, "span"),
            {
                "id": span.trace_id if alone else f"{span.trace_id}:{span.span_id}",
                "input": whole(store, span.input),
                "expected": expected,
                "name": span.name,
                "project": span.project,
                "provenance": provenance,
            },
        )


def _repeated(ids: Iterator[str]) -> set[str]:
    seen: set[str] = set()
    return {each for each in ids if each in seen or seen.add(each)}  # type: ignore[func-returns-value]
