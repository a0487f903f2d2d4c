"""A span that is still open, and the context variable that knows which one is the innermost.

Everything here runs on the caller's thread, so it does as little as possible: numbers instead of hex, one clock call for
a child, pictures of values by reference. The record is made of it later, on the writer's thread (`convert`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import CodeType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from slipway.track.capture import ATOMS, Budget, exception_text, snapshot, type_name

if TYPE_CHECKING:
    from slipway.track.tracer import Tracer

MOST_ATTRIBUTES = 1_000
MOST_EVENTS = 1_000
MOST_FRAMES = 64
LOW_64 = (1 << 64) - 1


class Remote(NamedTuple):
    """A parent that is not ours: an OpenTelemetry span, or a span of another process."""

    trace_id: int
    span_id: int
    sampled: bool = True


class Bound(NamedTuple):
    """What is copied onto every span made while it holds."""

    session_id: str | None = None
    user_id: str | None = None
    run_id: str | None = None


class Problem(NamedTuple):
    """An exception without holding on to it: a traceback would keep every local variable of the caller alive."""

    type: str
    message: str
    frames: tuple[tuple[CodeType, int], ...]
    causes: tuple[str, ...]


NO_BOUND = Bound()
SEALED = ""
"""The ``run_id`` of `bound` inside samples of held-out suites: of them not even a metric is kept."""
bound_now: ContextVar[Bound] = ContextVar("slipway_bound", default=NO_BOUND)


class LiveSpan:
    """An open span: ``with span("name") as s: s.set(model="m"); s.event("retry"); s.record_output(text)``.

    Made by `slipway.span` and `slipway.trace`. Its methods never raise because of a value; what exceeds the limits is counted on
    the span as ``slipway.attributes_dropped`` or ``slipway.events_dropped``.
    """

    # Class-level defaults: a span that never had an event does not pay for an empty list.
    parent_id: int = 0
    ended: int = -1
    lasting: int = -1
    inputs: Any = None
    output: Any = None
    stream: list[Any] | None = None
    stream_budget: Budget | None = None
    stream_count: int = 0
    problem: Problem | None = None
    events: list[tuple[str, int, dict[str, Any]]] | None = None
    links: tuple[dict[str, Any], ...] = ()
    first: int = -1
    status_set: str | None = None
    attributes_dropped: int = 0
    events_dropped: int = 0
    size: int = 0
    cut: bool = False  # a value was too deep or had too many parts to be kept whole
    scope: str = "slipway"
    otel_before: Any = None
    recorded = True

    def __init__(
        self, tracer: Tracer, name: str, kind: str, trace_id: int, parent_id: int, started: int, offset: int
    ) -> None:
        self.tracer = tracer
        self.otel = tracer.otel
        self.generation = tracer.generation
        self.name = name
        self.kind = kind
        self.trace_id_number = trace_id
        self.span_id_number = tracer.bits(64) or 1
        self.parent_id = parent_id
        self.started = started
        self.offset = offset
        self.attributes: dict[str, Any] | None = None
        self.bound = bound_now.get()
        self.sequence = next(tracer.sequence)

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        return f"{self.trace_id_number:032x}"

    @property
    def span_id(self) -> str:
        """16 hex digits."""
        return f"{self.span_id_number:016x}"

    def set(self, mapping: Mapping[str, Any] | None = None, /, **attributes: Any) -> LiveSpan:
        """Keep attributes, now: later changes of a value do not show. Names with dots go in a mapping."""
        own = self.attributes
        if own is None:
            own = self.attributes = {}
        if type(mapping) is dict:
            attributes = {**mapping, **attributes}
        budget = None
        for name, value in attributes.items():
            if len(own) >= MOST_ATTRIBUTES and name not in own:
                self.attributes_dropped += 1
                continue
            if id(type(value)) in ATOMS and (type(value) is not str or len(value) <= 4_096):
                own[name] = value
                continue
            budget = budget or Budget(self.tracer.max_bytes)
            own[name] = snapshot(value, budget)
        if budget is not None:
            self._weigh(budget)
        return self

    def event(self, name: str, /, **attributes: Any) -> None:
        """Something that happened now."""
        events = self.events
        if events is None:
            events = self.events = []
        if len(events) >= MOST_EVENTS:
            self.events_dropped += 1
            return
        budget = Budget(self.tracer.max_bytes)
        events.append((name, self.tracer.monotonic(), snapshot(attributes, budget)))
        self._weigh(budget)

    def record_input(self, value: Any) -> None:
        """Keep ``value`` as the span's input."""
        if self.tracer.inputs:
            self.inputs = self._picture(value)

    def record_output(self, value: Any) -> None:
        """Keep ``value`` as the span's output."""
        if self.tracer.outputs:
            self.output = self._picture(value)

    def record_error(self, error: BaseException) -> None:
        """Mark the span as failed, with the exception's type, message and stack."""
        self.status_set = "error"
        self.problem = problem_of(error, self.tracer.max_bytes)

    def set_status(self, status: str) -> None:
        """``ok`` or ``error``, instead of what the exception (or its absence) would say."""
        self.status_set = "error" if status == "error" else "ok"

    def began_before(self, seconds: float, *, lasted: float | None = None) -> LiveSpan:
        """What this span stands for began so long before it was opened, when nobody could know it, and ``lasted`` so long
        (by default until the span is closed): the silence that turned out to be the end of what somebody said."""
        self.started -= max(0, round(seconds * 1e9))
        if lasted is not None:
            self.lasting = max(0, round(lasted * 1e9))
        return self

    def first_token(self) -> None:
        """The first part of a streamed answer is here. Later calls change nothing."""
        if self.first < 0:
            self.first = self.tracer.monotonic()

    def add_chunk(self, chunk: Any) -> None:
        """One part of a streamed output: counted always, kept within the limits."""
        if self.first < 0:
            self.first = self.tracer.monotonic()
        self.stream_count += 1
        if not self.tracer.outputs:
            return
        if self.stream is None or self.stream_budget is None:
            self.stream, self.stream_budget = [], Budget(self.tracer.max_bytes)
        budget = self.stream_budget
        if budget.characters > 0 and budget.nodes > 0:
            if type(chunk) is not str:
                self.stream.append(snapshot(chunk, budget))
            else:
                budget.characters -= len(chunk)
                self.stream.append(chunk if budget.characters >= 0 else chunk[: budget.characters])
        else:
            budget.cut = True

    def _picture(self, value: Any) -> Any:
        kind = type(value)
        if kind is str and len(value) <= 4_096:
            self.size += len(value)
            return value
        budget = Budget(self.tracer.max_bytes)
        seen = snapshot(value, budget)
        self._weigh(budget)
        return seen

    def _weigh(self, budget: Budget) -> None:
        self.size += budget.taken()
        self.cut = self.cut or budget.cut

    def finish(self) -> None:
        """Close the span and hand it to the recorder. A second call, or one in a forked child, does nothing."""
        tracer = self.tracer
        if self.ended >= 0 or self.generation != tracer.generation:
            return
        self.ended = tracer.monotonic() if self.lasting < 0 else self.started + self.lasting
        if self.stream_budget is not None:
            self._weigh(self.stream_budget)
        tracer.recorder.put(self)

    def __enter__(self) -> LiveSpan:
        self._previous = current.get()
        enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        leave(self, self._previous)
        if error is not None:
            self.problem = problem_of(error, self.tracer.max_bytes)
        self.finish()

    def __bool__(self) -> bool:
        return True


class NoSpan:
    """Stands where no span is recorded: takes everything, keeps nothing, is false."""

    trace_id = "0" * 32
    span_id = "0" * 16
    recorded = False
    otel: Any = None
    otel_before: Any = None

    def set(self, mapping: Mapping[str, Any] | None = None, /, **attributes: Any) -> NoSpan:
        """Nothing."""
        return self

    def began_before(self, seconds: float, *, lasted: float | None = None) -> NoSpan:
        """Nothing."""
        return self

    def event(self, name: str, /, **attributes: Any) -> None:
        """Nothing."""

    def _nothing(self, value: Any = None) -> None:
        """Nothing."""

    record_input = record_output = record_error = set_status = first_token = add_chunk = _nothing

    def finish(self) -> None:
        """Nothing."""

    def __enter__(self) -> NoSpan:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing."""

    def __bool__(self) -> bool:
        return False


class Unsampled(NoSpan):
    """The root of a trace that sampling left out; what runs inside it is left out too."""

    def __init__(self, trace_id: int = 0, otel: Any = None) -> None:
        self.trace_id_number = trace_id
        self.otel = otel

    def __enter__(self) -> Unsampled:
        self._previous = current.get()
        enter(self)
        return self

    def __exit__(self, *error: object) -> None:
        leave(self, self._previous)


NO_SPAN = NoSpan()
UNSAMPLED = Unsampled()
"""Shared: marks the context of calls that sampling left out without making anything for them."""

current: ContextVar[LiveSpan | Unsampled | None] = ContextVar("slipway_span", default=None)


def begin(tracer: Tracer, name: str, kind: str, drawn: int = 0) -> LiveSpan | Unsampled:
    """Open a span under the innermost one. It is not current until `enter`. ``drawn``: the low half of a new trace's id,
    which sampling has already let through."""
    parent: LiveSpan | Unsampled | Remote | None = current.get()
    otel = tracer.otel
    if otel is not None:
        parent = otel.innermost(parent)
    if parent is None:
        now, wall = tracer.monotonic(), tracer.wall()
        trace_id = tracer.new_trace(wall, drawn)
        if tracer.threshold is not None and trace_id & LOW_64 >= tracer.threshold:
            return Unsampled(trace_id, otel)
        return LiveSpan(tracer, name, kind, trace_id, 0, now, wall - now)
    now = tracer.monotonic()
    if type(parent) is LiveSpan:
        # Times of one trace hang on its root: a step of the wall clock cannot put a child before its parent.
        return LiveSpan(tracer, name, kind, parent.trace_id_number, parent.span_id_number, now, parent.offset)
    if type(parent) is Remote and parent.sampled:
        return LiveSpan(tracer, name, kind, parent.trace_id, parent.span_id, now, tracer.wall() - now)
    return Unsampled(0, otel)


def enter(live: LiveSpan | Unsampled) -> None:
    """Make ``live`` the innermost span, for us and for OpenTelemetry."""
    current.set(live)
    if live.otel is not None:
        live.otel.enter(live)


def leave(live: LiveSpan | Unsampled, previous: LiveSpan | Unsampled | None) -> None:
    """Make ``previous`` current again. By value, not by token: a generator may be finished in another context."""
    current.set(previous)
    if live.otel_before is not None:
        live.otel.leave(live)


def problem_of(error: BaseException, max_bytes: int) -> Problem:
    """What is kept of an exception: its type, message, innermost frames and causes. Runs none of its code."""
    frames: list[tuple[CodeType, int]] = []
    trace = BaseException.__dict__["__traceback__"].__get__(error)
    while trace is not None:
        frames.append((trace.tb_frame.f_code, trace.tb_lineno))
        if len(frames) > 4 * MOST_FRAMES:  # a recursion: keep the way in and the place
            del frames[MOST_FRAMES // 2 : -MOST_FRAMES // 2]
        trace = trace.tb_next
    if len(frames) > MOST_FRAMES:
        del frames[MOST_FRAMES // 2 : -MOST_FRAMES // 2]
    causes: list[str] = []
    seen = BaseException.__dict__["__cause__"].__get__(error) or _context_of(error)
    while seen is not None and len(causes) < 4:
        causes.append(f"{type_name(seen)[1:-1]}: {exception_text(seen, Budget(1_024))}")
        seen = BaseException.__dict__["__cause__"].__get__(seen) or _context_of(seen)
    return Problem(type_name(error)[1:-1], exception_text(error, Budget(max_bytes)), tuple(frames), tuple(causes))


def _context_of(error: BaseException) -> BaseException | None:
    if BaseException.__dict__["__suppress_context__"].__get__(error):
        return None
    found: BaseException | None = BaseException.__dict__["__context__"].__get__(error)
    return found
