"""What ``@trace`` makes of a function: sync, async, generator, async generator, method, class.

Each wrapper is of the same kind as what it wraps (``inspect.iscoroutinefunction`` and its like still say yes). With tracing
off, a wrapper costs one comparison.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from types import AsyncGeneratorType, CodeType, CoroutineType, FunctionType, GeneratorType
from typing import Any

from slipway.track.capture import ATOMS, Budget, snapshot
from slipway.track.live import UNSAMPLED, LiveSpan, Unsampled, begin, current, enter, leave, problem_of
from slipway.track.slot import active, slot

MARK = "__slipway_traced__"
_SELF = ("self", "cls", "mcs")
_ASYNC, _GENERATOR, _ASYNC_GENERATOR = 0x80, 0x20, 0x200  # inspect.CO_*, without importing it
_STREAMS = frozenset(map(id, (GeneratorType, AsyncGeneratorType, CoroutineType)))


class How:
    """How one function is traced, worked out once when it is decorated."""

    __slots__ = ("attributes", "inputs", "kind", "name", "names", "outputs", "rest", "skip")

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None,
        kind: str,
        inputs: bool,
        outputs: bool,
        attributes: dict[str, Any],
    ) -> None:
        code = getattr(fn, "__code__", None)
        self.name = name or _qualified(fn)
        self.kind, self.inputs, self.outputs, self.attributes = kind, inputs, outputs, attributes
        self.names: tuple[str, ...] = ()
        self.rest = "args"
        if type(code) is CodeType:
            self.names = code.co_varnames[: code.co_argcount]
            if code.co_flags & 0x04:
                self.rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        self.skip = 1 if self.names[:1] and self.names[0] in _SELF else 0

    def open(self, args: tuple[Any, ...], kwargs: dict[str, Any], drawn: int = 0) -> LiveSpan | Unsampled:
        """A span for one call, made current, with a picture of the arguments as they are now."""
        tracer = slot.tracer
        if tracer is None:  # shut down between the check and here
            return Unsampled()
        live = begin(tracer, self.name, self.kind, drawn)
        if type(live) is LiveSpan:
            if self.attributes:
                live.set(self.attributes)
            if self.inputs and tracer.inputs:
                live.inputs = self.picture(live, args, kwargs)
        enter(live)
        return live

    def picture(self, live: LiveSpan, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name, within the limits."""
        budget: Budget | None = None
        size = 0
        found: dict[str, Any] = {}
        names, count = self.names, len(args)
        for index in range(self.skip, min(count, len(names))):
            value = args[index]
            kind = type(value)
            if kind is str and len(value) <= 4_096:
                size += len(value)
                found[names[index]] = value
            elif kind is not str and id(kind) in ATOMS:
                found[names[index]] = value
            else:
                budget = budget or Budget(live.tracer.max_bytes)
                found[names[index]] = snapshot(value, budget)
        if kwargs or count > len(names):
            budget = budget or Budget(live.tracer.max_bytes)
            if count > len(names):
                found[self.rest] = snapshot(args[max(len(names), self.skip) :], budget)
            if kwargs:
                found.update(snapshot(kwargs, budget))
        live.size += size
        if budget is not None:
            live._weigh(budget)
        return found

    def close(self, live: LiveSpan | Unsampled, output: Any) -> None:
        """The call returned ``output``."""
        if type(live) is LiveSpan:
            if self.outputs:
                live.record_output(output)
            live.finish()

    def fail(self, live: LiveSpan | Unsampled, error: BaseException) -> None:
        """The call raised. Leaving a generator early is not a failure."""
        if type(live) is LiveSpan:
            if isinstance(error, GeneratorExit):
                live.set({"slipway.stream.closed": True})
            else:
                live.problem = problem_of(error, live.tracer.max_bytes)
            live.finish()


def wrap_function(fn: Callable[..., Any], how: How) -> Callable[..., Any]:
    """``fn``, traced."""
    code = getattr(fn, "__code__", None)
    flags = code.co_flags if type(code) is CodeType else 0
    if flags & _ASYNC_GENERATOR:
        made = _async_generator(fn, how)
    elif flags & _GENERATOR:
        made = _generator(fn, how)
    elif flags & _ASYNC:
        made = _async(fn, how)
    else:
        made = _sync(fn, how)
    made = functools.update_wrapper(made, fn)
    setattr(made, MARK, True)
    return made


def _sync(fn: Callable[..., Any], how: How) -> Callable[..., Any]:
    def traced(*args: Any, **kwargs: Any) -> Any:
        tracer = slot.tracer
        if tracer is None and not (slot.lazy and active()):
            return fn(*args, **kwargs)
        previous = current.get()
        if type(previous) is Unsampled:
            return fn(*args, **kwargs)
        drawn = 0
        if previous is None and tracer is not None and tracer.draws and (tracer.otel is None or tracer.otel.clear()):
            drawn = tracer.bits(64)
            if drawn >= tracer.draws:  # the way of most calls of a busy service: as short as it can be
                current.set(UNSAMPLED)
                try:
                    return fn(*args, **kwargs)
                finally:
                    current.set(None)
        live = how.open(args, kwargs, drawn)
        try:
            output = fn(*args, **kwargs)
        except BaseException as error:
            leave(live, previous)
            how.fail(live, error)
            raise
        leave(live, previous)
        if id(type(output)) in _STREAMS:
            return _continued(live, output, how)
        if type(live) is LiveSpan:
            if how.outputs:
                live.record_output(output)
            live.finish()
        return output

    return traced


def _async(fn: Callable[..., Awaitable[Any]], how: How) -> Callable[..., Any]:
    async def traced(*args: Any, **kwargs: Any) -> Any:
        tracer = slot.tracer
        if tracer is None and not (slot.lazy and active()):
            return await fn(*args, **kwargs)
        previous = current.get()
        if type(previous) is Unsampled:
            return await fn(*args, **kwargs)
        drawn = 0
        if previous is None and tracer is not None and tracer.draws and (tracer.otel is None or tracer.otel.clear()):
            drawn = tracer.bits(64)
            if drawn >= tracer.draws:  # the way of most calls of a busy service: as short as it can be
                current.set(UNSAMPLED)
                try:
                    return await fn(*args, **kwargs)
                finally:
                    current.set(None)
        live = how.open(args, kwargs, drawn)
        try:
            output = await fn(*args, **kwargs)
        except BaseException as error:
            leave(live, previous)
            how.fail(live, error)
            raise
        leave(live, previous)
        how.close(live, output)
        return output

    return traced


def _generator(fn: Callable[..., Generator[Any, Any, Any]], how: How) -> Callable[..., Any]:
    def traced(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        if slot.tracer is None and not (slot.lazy and active()):
            return (yield from fn(*args, **kwargs))
        previous = current.get()
        if type(previous) is Unsampled:
            return (yield from fn(*args, **kwargs))
        live = how.open(args, kwargs)
        leave(live, previous)
        return (yield from _steps(fn(*args, **kwargs), live, how))

    return traced


def _async_generator(fn: Callable[..., AsyncGenerator[Any, Any]], how: How) -> Callable[..., Any]:
    async def traced(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        previous = current.get()
        if (slot.tracer is None and not (slot.lazy and active())) or type(previous) is Unsampled:
            steps = _async_steps(fn(*args, **kwargs), Unsampled(), how)
        else:
            live = how.open(args, kwargs)
            leave(live, previous)
            steps = _async_steps(fn(*args, **kwargs), live, how)
        # An async generator cannot "yield from": what the consumer sends or throws is passed on by hand.
        try:
            chunk = await steps.__anext__()
            while True:
                try:
                    sent = yield chunk
                except GeneratorExit:
                    raise
                except BaseException as error:
                    chunk = await steps.athrow(error)
                else:
                    chunk = await steps.asend(sent)
        except StopAsyncIteration:
            return
        finally:
            await steps.aclose()

    return traced


def _steps(inner: Generator[Any, Any, Any], live: LiveSpan | Unsampled, how: How) -> Generator[Any, Any, Any]:
    """Run ``inner`` step by step: the span is current while it runs, and not while its consumer does."""
    sent: Any = None
    thrown: BaseException | None = None
    while True:
        previous = current.get()
        enter(live)
        try:
            chunk = inner.send(sent) if thrown is None else inner.throw(thrown)
        except StopIteration as stop:
            leave(live, previous)
            _close_stream(live, stop.value, how)
            return stop.value
        except BaseException as error:
            leave(live, previous)
            how.fail(live, error)
            raise
        leave(live, previous)
        if how.outputs:
            live.add_chunk(chunk)
        sent, thrown = None, None
        try:
            sent = yield chunk
        except BaseException as error:  # GeneratorExit too: the inner generator cleans up inside its span
            thrown = error


async def _async_steps(
    inner: AsyncGenerator[Any, Any], live: LiveSpan | Unsampled, how: How
) -> AsyncGenerator[Any, Any]:
    sent: Any = None
    thrown: BaseException | None = None
    while True:
        previous = current.get()
        enter(live)
        try:
            chunk = await (inner.asend(sent) if thrown is None else inner.athrow(thrown))
        except StopAsyncIteration:
            leave(live, previous)
            _close_stream(live, None, how)
            return
        except BaseException as error:
            leave(live, previous)
            how.fail(live, error)
            raise
        leave(live, previous)
        if how.outputs:
            live.add_chunk(chunk)
        sent, thrown = None, None
        try:
            sent = yield chunk
        except BaseException as error:
            thrown = error


def _close_stream(live: LiveSpan | Unsampled, value: Any, how: How) -> None:
    if type(live) is LiveSpan:
        if value is not None and how.outputs and live.stream is None:
            live.record_output(value)
        live.finish()


def _continued(live: LiveSpan | Unsampled, output: Any, how: How) -> Any:
    """A plain function answered with something that still has to run: the span stays open until that ends."""
    if isinstance(output, GeneratorType):
        return _steps(output, live, how)
    if isinstance(output, AsyncGeneratorType):
        return _async_steps(output, live, how)

    async def awaited() -> Any:
        previous = current.get()
        enter(live)
        try:
            value = await output
        except BaseException as error:
            leave(live, previous)
            how.fail(live, error)
            raise
        leave(live, previous)
        how.close(live, value)
        return value

    return awaited()


def wrap_class(cls: type, make: Callable[[Any, str], Any], name: str | None) -> type:
    """Trace the public methods that ``cls`` itself defines, and ``__call__``. Properties and dunders stay as they are."""
    for key, value in list(vars(cls).items()):
        if key.startswith("_") and key != "__call__":
            continue
        if isinstance(value, FunctionType | staticmethod | classmethod) and not getattr(value, MARK, False):
            setattr(cls, key, make(value, f"{name or _qualified(cls)}.{key}"))
    return cls


def _qualified(fn: Callable[..., Any]) -> str:
    name = getattr(fn, "__qualname__", None) or getattr(fn, "__name__", None) or type(fn).__qualname__
    return str(name).replace("<locals>.", "")
