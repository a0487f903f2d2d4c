"""The public face: init, trace, span, current_span, bound, record, flush, shutdown.

A traced call opens a `LiveSpan` (live.py) through a wrapper (wrappers.py), which is put on the queue of the one recorder
(recorder.py); its writer makes a `Span` of it (convert.py, redact.py) and hands batches to the store or the spool (delivery.py).
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, TypeVar, overload

import msgspec

from slipway.config import Config, load
from slipway.errors import ConfigError
from slipway.track.live import NO_SPAN, LiveSpan, NoSpan, Unsampled, begin, bound_now, current
from slipway.track.redact import Hook
from slipway.track.slot import active, slot
from slipway.track.tracer import Tracer
from slipway.track.wrappers import MARK, How, wrap_class, wrap_function

F = TypeVar("F")
EXIT_TIMEOUT_S = 5.0
FORK_WAIT_S = 5.0
ENVIRONMENT_WAIT_S = 2.0
STORE_CLOSE_S = 1.0


def init(
    project: str | None = None,
    *,
    store: Any = None,
    config: Config | None = None,
    sample: float | None = None,
    redactors: Sequence[Hook] = (),
    personal: bool | None = None,
    sink: Callable[[Sequence[Any]], Any] | None = None,
    environment: bool = True,
    instrument: bool | None = None,
) -> Tracer:
    """Start recording; returns the tracer of this process. A second call returns the same one and changes nothing.

    ``store`` is a SQLAlchemy URL or an open store; by default what slipway.toml and SLIPWAY_* say. ``sample`` is the part of
    traces to keep. ``redactors`` are functions text -> text that run after the built-in ones; ``personal=False`` keeps
    e-mail addresses, telephone, card and account numbers (default: ``capture.personal``). ``sink`` takes batches of records
    instead of a store. With neither, and an ``endpoint`` (slipway.toml, SLIPWAY_ENDPOINT), records go to that server; the key
    is in SLIPWAY_API_KEY. ``environment`` captures commit, diff and packages in the background; ``instrument`` switches on
    installed OpenInference and OpenTelemetry GenAI instrumentors.
    Raises `ConfigError` for settings that make no sense, and nothing later: what cannot be stored is counted.
    """
    with slot.lock:
        if slot.tracer is not None:
            return slot.tracer
        slot.lazy = False
        url = store if isinstance(store, str) else None
        settings = config or load(project=project, store=url)
        if config is not None:
            changes = {"project": project, "store": url}
            settings = msgspec.structs.replace(settings, **{key: value for key, value in changes.items() if value})
        if sample is not None:
            if not 0 <= sample <= 1:
                raise ConfigError(f"sample={sample!r} is no part of the traces", mend="give 0 (none) to 1 (all)")
            settings = msgspec.structs.replace(settings, trace=msgspec.structs.replace(settings.trace, sample=sample))
        if settings.capture.presidio:
            from slipway.track.presidio import require

            require()
        if store is not None or sink is not None:  # whoever names a place means it, not the server in the settings
            settings = msgspec.structs.replace(settings, endpoint="")
        if settings.endpoint:
            from slipway.track.wire import Endpoint, api_key

            Endpoint.parse(settings.endpoint)
            api_key()
        opened = _Opener(settings, None if isinstance(store, str) else store, sink)
        tracer = opened.tracer = Tracer(settings, open_sink=opened, redactors=redactors, personal=personal)
        if settings.trace.enabled:
            _prepare_exit_and_fork()
            slot.tracer = tracer
    if settings.trace.enabled:
        from slipway.track.start import after_init

        after_init(tracer, opened, environment=environment, instrument=instrument)
    return tracer


class _Opener:
    """Opens the store in the process that calls it, once in each."""

    def __init__(self, config: Config, store: Any, sink: Callable[[Sequence[Any]], Any] | None) -> None:
        self.config, self.given, self.sink = config, store, sink
        self.pid = os.getpid()
        self.store: Any = store
        self.tracer: Tracer | None = None
        self.lock = threading.Lock()
        self.left_behind: list[Any] = []
        self.keeps_blobs = sink is None

    def __call__(self) -> Callable[[Sequence[Any]], Any]:
        if self.sink is not None:
            return self.sink
        opened = self.open()
        if self.config.endpoint:
            return opened  # type: ignore[no-any-return]
        from slipway.store.payloads import Keeping

        return Keeping(opened)

    def open(self) -> Any:
        """The store or the server, opened on first use. A forked child opens its own and never touches the parent's."""
        with self.lock:
            if self.pid != os.getpid():
                self.left_behind.append(self.store)
                self.store, self.pid = None, os.getpid()
            if self.store is None and self.config.endpoint:
                from slipway.track.remote import Remote

                self.store = Remote(self.config, count=self._count)
            if self.store is None:
                from slipway.store import open_store

                self.store = open_store(self.given.url if self.given is not None else self.config.store_url)
            return self.store

    def _count(self, reason: tuple[str, str], number: int) -> None:
        if self.tracer is not None:
            self.tracer.recorder.drops.count(reason, number)

    def forked(self) -> None:
        self.lock = threading.Lock()

    def close(self) -> None:
        if self.store is not None and self.store is not self.given and self.pid == os.getpid():
            self.store.close()
            self.store = None


def flush(timeout: float = 5.0) -> bool:
    """Wait until everything recorded so far is stored. False: the time is out, or the store is away and the spool has it."""
    tracer = slot.tracer
    if tracer is None:
        return True
    tracer.environment_known.wait(min(timeout, ENVIRONMENT_WAIT_S))
    end = time.monotonic() + timeout
    return tracer.recorder.flush(timeout) and tracer.environment_saved.wait(max(0.0, end - time.monotonic()))


def shutdown(timeout: float = EXIT_TIMEOUT_S) -> bool:
    """Stop recording and flush. What the store has not taken by then lies in the spool and is shipped by the next process."""
    with slot.lock:
        tracer, slot.tracer, slot.lazy = slot.tracer, None, False
    if tracer is None:
        return True
    tracer.environment_known.wait(min(timeout, ENVIRONMENT_WAIT_S))
    if not tracer.environment_saved.is_set():
        end = time.monotonic() + timeout
        if tracer.recorder.flush(timeout):  # the store answers: it gets the blobs of the environment as well
            tracer.environment_saved.wait(max(0.0, end - time.monotonic()))
        timeout = max(1.0, end - time.monotonic())
    whole = tracer.recorder.close(timeout)
    closer = getattr(tracer._open_sink, "close", None)
    if closer is not None:
        # A store that has not answered so far may take a minute more. What it has not confirmed lies in the spool by now.
        ending = threading.Thread(target=closer, name="slipway-close", daemon=True)
        with suppress(RuntimeError):  # no thread can be started while the interpreter ends
            ending.start()
            ending.join(None if whole else STORE_CLOSE_S)
            return whole
        closer()
    return whole


def span(
    name: str,
    /,
    *,
    kind: str = "internal",
    session_id: str | None = None,
    user_id: str | None = None,
    run_id: str | None = None,
    **attributes: Any,
) -> LiveSpan | Unsampled | NoSpan:
    """A span around a ``with`` block: ``with span("retrieve", k=5) as s: s.set(hits=3); s.record_output(rows)``.

    ``session_id``, ``user_id`` and ``run_id`` are copied onto it; use `bound` to copy them onto everything inside too.
    """
    if not active():
        return NO_SPAN
    tracer = slot.tracer
    if tracer is None or type(current.get()) is Unsampled:
        return NO_SPAN
    live = begin(tracer, name, kind)
    if type(live) is LiveSpan:
        if attributes:
            live.set(attributes)
        if session_id or user_id or run_id:
            given = {"session_id": session_id, "user_id": user_id, "run_id": run_id}
            live.bound = live.bound._replace(**{key: value for key, value in given.items() if value})
    return live


def current_span() -> LiveSpan | NoSpan:
    """The innermost open span; outside of any, a stand-in that takes everything, keeps nothing and is false."""
    live = current.get()
    return live if type(live) is LiveSpan else NO_SPAN


@contextmanager
def bound(*, session_id: str | None = None, user_id: str | None = None, run_id: str | None = None) -> Iterator[None]:
    """Copy these onto every span opened inside: ``with bound(run_id=run.id): ...``"""
    given = {"session_id": session_id, "user_id": user_id, "run_id": run_id}
    before = bound_now.get()
    bound_now.set(before._replace(**{key: value for key, value in given.items() if value is not None}))
    try:
        yield
    finally:
        bound_now.set(before)


def record(item: Any) -> None:
    """Put a ready-made record (a `Span` of somebody else, for instance) on the way of our own: redacted, queued, stored."""
    tracer = slot.tracer
    if tracer is not None:
        if hasattr(item, "project") and item.project == "default" and tracer.project != "default":
            item = replace(item, project=tracer.project)
        tracer.recorder.put(item)


@overload
def trace(fn: F, /) -> F: ...
@overload
def trace(
    *, name: str | None = None, kind: str = "internal", inputs: bool = True, outputs: bool = True, **attributes: Any
) -> Callable[[F], F]: ...
def trace(
    fn: Any = None,
    /,
    *,
    name: str | None = None,
    kind: str = "internal",
    inputs: bool = True,
    outputs: bool = True,
    **attributes: Any,
) -> Any:
    """Record each call of a function, method, generator or of a class's public methods: ``@trace`` or ``@trace(kind="llm")``.

    Arguments and results are kept within the limits of ``capture``; ``inputs=False`` or ``outputs=False`` keep them out.
    Exceptions mark the span and pass unchanged. Without `init` nothing is recorded.
    """
    if fn is None:
        return lambda decorated: trace(decorated, name=name, kind=kind, inputs=inputs, outputs=outputs, **attributes)  # type: ignore[call-overload]

    def make(thing: Any, called: str | None) -> Any:
        if isinstance(thing, staticmethod | classmethod):
            return type(thing)(make(thing.__func__, called))
        if isinstance(thing, property):
            return property(thing.fget and make(thing.fget, called), thing.fset, thing.fdel, thing.__doc__)
        if isinstance(thing, type):
            return wrap_class(thing, make, called)
        if getattr(thing, MARK, False):
            return thing
        return wrap_function(thing, How(thing, called, kind, inputs, outputs, attributes))

    return make(fn, name)


class _Process:
    """Whether this process's exit and forks are looked after; once is enough."""

    prepared = False
    quiet = False


def _prepare_exit_and_fork() -> None:
    if _Process.prepared:
        return
    _Process.prepared = True
    atexit.register(shutdown)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
        )


def _before_fork() -> None:
    slot.lock.acquire()
    if slot.tracer is not None:
        _Process.quiet = slot.tracer.loading.acquire(timeout=FORK_WAIT_S)
        slot.tracer.recorder.before_fork()


def _after_fork_in_parent() -> None:
    if slot.tracer is not None:
        slot.tracer.recorder.after_fork_in_parent()
        if _Process.quiet:
            slot.tracer.loading.release()
    slot.lock.release()


def _after_fork_in_child() -> None:
    slot.lock = threading.RLock()
    tracer = slot.tracer
    if tracer is not None:
        forked = getattr(tracer._open_sink, "forked", None)
        if forked is not None:
            forked()
        tracer.fork()
