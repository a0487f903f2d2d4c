"""One trace with OpenTelemetry in the same process: each side's span is the parent of the other's inside it.

Outwards: while a Slipway span is open, OpenTelemetry's context holds a non-recording span with the same ids. Inwards: an
OpenTelemetry span that is current is the parent of ours. What OpenTelemetry records (spans of instrumentors, for instance)
reaches our recorder through a span processor on its tracer provider; one is set up when the application has none. Loaded by
``init`` when ``opentelemetry`` is installed; the base install does not need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from opentelemetry import context as contexts
from opentelemetry import trace as traces
from opentelemetry.context.context import Context

from slipway.data import Event, Span
from slipway.track import drops as reasons
from slipway.track.calls import Calls, uncounted
from slipway.track.dialects import describe
from slipway.track.live import LiveSpan, Remote, Unsampled, bound_now, current
from slipway.track.prices import priced
from slipway.track.slot import slot
from slipway.track.tracer import Tracer

_KEY = traces.propagation._SPAN_KEY
_SAMPLED, _NOT_SAMPLED = traces.TraceFlags(1), traces.TraceFlags(0)
_STATUS = {"UNSET": "unset", "OK": "ok", "ERROR": "error"}


class Ours(traces.NonRecordingSpan):  # type: ignore[misc]
    """What OpenTelemetry sees of a Slipway span. Attributes that OpenTelemetry code sets on it go to the Slipway span."""

    def __init__(self, live: LiveSpan | Unsampled) -> None:
        self._live = live
        number = live.span_id_number if type(live) is LiveSpan else live.trace_id_number & ((1 << 64) - 1)
        flags = _SAMPLED if type(live) is LiveSpan else _NOT_SAMPLED
        super().__init__(traces.SpanContext(live.trace_id_number, number or 1, False, flags))

    def set_attribute(self, key: str, value: Any) -> None:
        """Kept on the Slipway span."""
        self._live.set({key: value})

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Kept on the Slipway span."""
        self._live.set(dict(attributes))

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        """Kept on the Slipway span."""
        self._live.event(name, **dict(attributes or {}))

    def record_exception(self, exception: BaseException, *args: Any, **kwargs: Any) -> None:
        """Kept on the Slipway span."""
        self._live.record_error(exception)


class Bridge:
    """Between one tracer and the OpenTelemetry of this process."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider

    def innermost(self, ours: LiveSpan | Unsampled | None) -> LiveSpan | Unsampled | Remote | None:
        """The parent of a new span: ours, or the OpenTelemetry span inside it."""
        if getattr(traces, "_TRACER_PROVIDER", None) is not self.provider:  # the application has set its own since
            self.provider = getattr(traces, "_TRACER_PROVIDER", None)
            listen(self.provider)
        found = contexts.get_current().get(_KEY)
        if found is None or type(found) is Ours:
            if ours is None and found is not None and type(found._live) is LiveSpan and found._live.ended < 0:
                return found._live  # OpenTelemetry carried the context here (a thread, a callback), Python did not
            return ours
        if not isinstance(found, traces.Span):
            return ours
        theirs = found.get_span_context()
        if not theirs.is_valid:
            return ours
        return Remote(theirs.trace_id, theirs.span_id, theirs.trace_flags.sampled)

    def clear(self) -> bool:
        """Is no OpenTelemetry span current?"""
        return _KEY not in contexts.get_current()

    def enter(self, live: LiveSpan | Unsampled) -> None:
        """OpenTelemetry spans started from now on are children of ``live``."""
        if type(live) is Unsampled and not live.trace_id_number:
            return
        before = contexts.get_current()
        live.otel_before = before
        contexts.attach(Context({**before, _KEY: Ours(live)}))

    def leave(self, live: LiveSpan | Unsampled) -> None:
        """``live`` is no longer current. By value, as on our side."""
        contexts.attach(live.otel_before)
        live.otel_before = None


class Processor:
    """Hands finished OpenTelemetry spans to the recorder of whatever tracer is in place."""

    def __init__(self) -> None:
        self._calls = Calls()

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Remembered, to see which spans are the same call; kept when it ends."""
        try:
            self._calls.started(span)
        except Exception:  # the span is recorded all the same
            return

    def _on_ending(self, span: Any) -> None:
        """Nothing."""

    def on_end(self, span: Any) -> None:
        """Convert and queue; a span that cannot be converted is counted."""
        tracer = slot.tracer
        if tracer is None:
            return
        try:
            record = self._record(span, tracer)
            if record is not None:
                tracer.recorder.put(record)
        except Exception:  # watching never breaks the watched
            tracer.recorder.drops.count(reasons.NOT_CONVERTED)

    def _record(self, span: Any, tracer: Tracer) -> Span | None:
        record = span_of(span, tracer.project)
        verdict = self._calls.ended(span, record.kind, record.attributes)
        if not verdict.kept:
            return None
        changes: dict[str, Any] = {"parent_id": f"{verdict.parent:016x}" if verdict.parent else None}
        if verdict.counted_on:
            changes["attributes"] = uncounted(record.attributes, verdict.counted_on)
        else:
            changes["attributes"] = priced(record.kind, record.attributes, tracer.config.prices)
        if not tracer.inputs:
            changes["input"] = None
        if not tracer.outputs:
            changes["output"] = None
        return replace(record, **changes)

    def shutdown(self) -> None:
        """Nothing to let go of."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Everything recorded so far is stored, or not within the time."""
        tracer = slot.tracer
        return True if tracer is None else tracer.recorder.flush(timeout_millis / 1_000)


def link(tracer: Tracer) -> None:
    """Connect ``tracer`` and OpenTelemetry's global tracer provider, made here when there is none."""
    provider = traces.get_tracer_provider()
    if not hasattr(provider, "add_span_processor"):
        provider = _own_provider(tracer.config.trace.sample) or provider
    tracer.otel = Bridge(provider)
    listen(provider)


def listen(provider: Any) -> None:
    """Hear what ``provider`` records, once."""
    if hasattr(provider, "add_span_processor") and not getattr(provider, "_slipway_linked", False):
        provider.add_span_processor(Processor())
        provider._slipway_linked = True


def ours(tracer: Tracer) -> bool:
    """Do OpenTelemetry's spans go to Slipway alone, because the application has set no provider of its own?"""
    return tracer.otel is not None and getattr(tracer.otel.provider, "_slipway_own", False)


def _own_provider(sample: float) -> Any:
    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import Decision, ParentBased, SamplingResult, TraceIdRatioBased
    except ImportError:
        return None  # the API alone: nothing can be recorded there, parents still agree

    class Ratio(TraceIdRatioBased):  # type: ignore[misc]
        """By trace id, as ours; nothing where a Slipway trace around it was left out."""

        def should_sample(self, *args: Any, **kwargs: Any) -> Any:
            if type(current.get()) is Unsampled:
                return SamplingResult(Decision.DROP)
            return super().should_sample(*args, **kwargs)

    provider = TracerProvider(sampler=ParentBased(Ratio(min(max(sample, 0.0), 1.0))), shutdown_on_exit=False)
    provider._slipway_own = True
    if hasattr(traces, "_TRACER_PROVIDER"):
        # Not through set_tracer_provider: that can be called once, and the call is the application's, perhaps later.
        traces._TRACER_PROVIDER = provider
    else:
        traces.set_tracer_provider(provider)
    return provider


def span_of(span: Any, project: str) -> Span:
    """A `Span` of an ended OpenTelemetry span: attributes verbatim, GenAI ones also under one name each (`describe`)."""
    context, parent = span.context, span.parent
    attributes = dict(span.attributes or {})
    for what in ("attributes", "events", "links"):
        if dropped := getattr(span, f"dropped_{what}", 0):  # by OpenTelemetry's own limits
            attributes[f"otel.dropped_{what}_count"] = dropped
    started, ended = span.start_time or 0, span.end_time or 0
    seen = describe(attributes)
    bound = bound_now.get()
    error = span.status.description if span.status.status_code.name == "ERROR" else None
    events = tuple(
        Event(event.name, event.timestamp, dict(event.attributes or {}), getattr(event, "dropped_attributes", 0))
        for event in span.events
    )
    first = next(
        (event.time_ns for event in events if event.name in ("First Token Stream Event", "gen_ai.first_token")), None
    )
    return Span(
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        name=span.name,
        started_ns=started,
        duration_ns=max(0, ended - started),
        parent_id=f"{parent.span_id:016x}" if parent is not None and parent.is_valid else None,
        project=project,
        kind=seen.kind or span.kind.name.lower(),
        status=_STATUS.get(span.status.status_code.name, "unset"),
        error=error,
        first_token_ns=max(0, first - started) if first is not None else None,
        input=seen.input,
        output=seen.output,
        attributes={**attributes, **seen.attributes},
        events=events,
        links=tuple(_link(link) for link in span.links),
        resource=dict(span.resource.attributes) if span.resource is not None else {},
        scope=span.instrumentation_scope.name if span.instrumentation_scope is not None else "",
        session_id=bound.session_id or _text(attributes.get("session.id")),
        user_id=bound.user_id or _text(attributes.get("user.id")),
        run_id=bound.run_id,
        otlp=_besides(span),
    )


def _link(link: Any) -> dict[str, Any]:
    dropped = getattr(link, "dropped_attributes", 0)
    said = {
        "trace_state": _state(link.context),
        "attributes": dict(link.attributes or {}),
        "flags": _flags(link.context),
        "dropped_attributes_count": dropped,
    }
    kept = {name: value for name, value in said.items() if value}
    return {"trace_id": f"{link.context.trace_id:032x}", "span_id": f"{link.context.span_id:016x}", **kept}


def _besides(span: Any) -> dict[str, Any]:
    """What OTLP would say beside the fields of a `Span` (slipway.server.receiver.besides)."""
    found: dict[str, Any] = {"trace_state": _state(span.context), "flags": _flags(span.parent)}
    scope = span.instrumentation_scope
    if scope is not None:
        said = {"version": scope.version, "attributes": dict(scope.attributes or {}), "schema_url": scope.schema_url}
        found["scope"] = {name: value for name, value in said.items() if value}
    if span.resource is not None and span.resource.schema_url:
        found["resource"] = {"schema_url": span.resource.schema_url}
    return {name: value for name, value in found.items() if value}


def _state(context: Any) -> str:
    return context.trace_state.to_header() if context.trace_state else ""


def _flags(context: Any) -> int:
    """OTLP's: whether it is known that the context came from elsewhere, which it always is here; and whether it did."""
    return 0x300 if context is not None and context.is_remote else 0x100


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
