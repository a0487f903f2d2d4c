"""A traced call becomes a span, whatever kind of callable it is, and the call does not notice."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from contextvars import Context

import pytest

from slipway.config import Capture, Config, Trace
from slipway.data import Span
from slipway.errors import ConfigError
from slipway.testing import recording
from slipway.track import ThreadPoolExecutor, bound, current_span, init, span, trace, wrap
from slipway.track.tracer import RandomIds


def test_a_trace_is_a_literal():
    @trace(kind="chain", model="m1")
    def answer(question, *, k=1):
        with span("lookup", k=k) as s:
            s.event("cache", hit=False)
            s.record_output(["a slip", "a way"])
        return "a ramp for ships"

    with recording(project="docs") as recorded:
        assert answer("what is it?", k=2) == "a ramp for ships"
    lookup, root = recorded.spans
    assert root == Span(
        trace_id=f"{1:032x}",
        span_id=f"{2:016x}",
        name="test_a_trace_is_a_literal.answer",
        started_ns=1_700_000_000_001_000_000,
        duration_ns=4_000_000,
        project="docs",
        kind="chain",
        status="ok",
        input={"question": "what is it?", "k": 2},
        output="a ramp for ships",
        attributes={"model": "m1"},
        resource=root.resource,
        scope="slipway",
        sequence=0,
    )
    assert (lookup.parent_id, lookup.trace_id, lookup.output) == (root.span_id, root.trace_id, ["a slip", "a way"])
    assert [(event.name, event.attributes) for event in lookup.events] == [("cache", {"hit": False})]
    assert root.started_ns < lookup.started_ns < lookup.events[0].time_ns


def test_without_init_nothing_is_recorded_and_nothing_changes():
    @trace
    def double(x):
        with span("inside", x=x) as s:
            s.set(y=1).event("e")
            assert not s
        assert not current_span()
        return 2 * x

    assert Context().run(double, 4) == 8  # not in the context of a test before, which may have left a span open


def test_arguments_are_kept_by_name():
    @trace(name="f")
    def f(a, b=2, *rest, c, **others):
        return None

    with recording() as recorded:
        f(1, 2, 3, 4, c=5, d=6)
    assert recorded.one("f").input == {"a": 1, "b": 2, "rest": [3, 4], "c": 5, "d": 6}


def test_inputs_are_as_they_were_at_the_call():
    @trace(name="f")
    def f(items):
        items.append("later")
        return items

    with recording() as recorded:
        out = f(["now"])
        out.append("after")
    assert recorded.one("f").input == {"items": ["now"]}
    assert recorded.one("f").output == ["now", "later"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), asyncio.CancelledError(), SystemExit(3)])
def test_an_exception_passes_unchanged_and_is_kept(error):
    @trace(name="f")
    def f():
        raise error

    with recording() as recorded:
        with pytest.raises(type(error)) as caught:
            f()
        assert caught.value is error
    kept = recorded.one("f")
    assert kept.status == "error"
    assert kept.error.startswith(type(error).__name__) or kept.error.startswith("asyncio")
    (event,) = kept.events
    assert event.attributes["exception.stacktrace"].splitlines()[-3:-1][1].strip() == "raise error"
    assert "wrappers.py" not in event.attributes["exception.stacktrace"]


def test_causes_are_kept():
    with recording() as recorded, contextlib.suppress(RuntimeError), span("s"):
        try:
            raise KeyError("k")
        except KeyError as error:
            raise RuntimeError("r") from error
    (event,) = recorded.one("s").events
    assert event.attributes["exception.causes"] == ["builtins.KeyError: 'k'"]


def test_async_functions_keep_their_kind_and_place():
    @trace(name="child")
    async def child(n):
        await asyncio.sleep(0)
        return n

    @trace(name="parent")
    async def parent():
        return await asyncio.gather(child(1), child(2))

    assert inspect.iscoroutinefunction(parent)
    with recording() as recorded:
        assert asyncio.run(parent()) == [1, 2]
    assert recorded.tree() == [("parent", [("child", []), ("child", [])])]


def test_a_generator_is_open_until_it_ends():
    @trace(name="words")
    def words(n):
        for index in range(n):
            with span("inside"):
                yield f"w{index} "
        return "end"

    assert inspect.isgeneratorfunction(words)
    with recording() as recorded, span("consumer"):
        for _ in words(2):
            with span("between"):
                pass
    kept = recorded.one("words")
    assert kept.output == "w0 w1 "
    assert kept.attributes["slipway.stream.chunks"] == 2
    assert 0 < kept.first_token_ns < kept.duration_ns
    # What the consumer does between two chunks is the consumer's.
    names = {span.span_id: span.name for span in recorded.spans}
    assert {(s.name, names.get(s.parent_id)) for s in recorded.spans} >= {("between", "consumer"), ("inside", "words")}


def test_generators_take_what_is_sent_and_thrown():
    @trace(name="g")
    def g():
        try:
            got = yield 1
            assert got == "sent"
            yield 2
        except ValueError:
            yield 3
        return 4

    with recording() as recorded:
        it = g()
        assert (next(it), it.send("sent"), it.throw(ValueError())) == (1, 2, 3)
        with pytest.raises(StopIteration) as stop:
            next(it)
        assert stop.value.value == 4
        early = g()
        next(early)
        early.close()
    first, second = recorded.spans
    assert (first.status, first.output) == ("ok", [1, 2, 3])
    assert (second.status, second.attributes["slipway.stream.closed"]) == ("ok", True)


def test_a_generator_that_raises():
    @trace(name="g")
    def g():
        yield "a"
        raise OSError(28, "No space left on device")

    with recording() as recorded:
        it = g()
        next(it)
        with pytest.raises(OSError):
            next(it)
    assert recorded.one("g").error == "OSError: [Errno 28] No space left on device"
    assert recorded.one("g").output == "a"


def test_async_generators():
    @trace(name="ag")
    async def ag(n):
        try:
            for index in range(n):
                await asyncio.sleep(0)
                got = yield {"delta": index}
                if got:
                    yield got
        except KeyError:
            yield "caught"

    async def consume():
        async for _ in ag(3):
            with span("between"):
                pass
        it = ag(3)
        assert await it.__anext__() == {"delta": 0}
        assert await it.asend("hello") == "hello"
        assert await it.athrow(KeyError()) == "caught"
        await it.aclose()

    assert inspect.isasyncgenfunction(ag)
    with recording() as recorded:
        asyncio.run(consume())
    first, second = [s for s in recorded.spans if s.name == "ag"]
    assert first.output == [{"delta": 0}, {"delta": 1}, {"delta": 2}]
    assert second.output == [{"delta": 0}, "hello", "caught"]
    assert all(s.parent_id is None for s in recorded.spans if s.name == "between")


def test_a_plain_function_that_answers_with_a_stream_or_coroutine():
    async def later():
        return "done"

    @trace(name="stream")
    def stream():
        return (x for x in "ab")

    @trace(name="soon")
    def soon():
        return later()

    with recording() as recorded:
        assert list(stream()) == ["a", "b"]
        assert asyncio.run(soon()) == "done"
    assert recorded.one("stream").output == "ab"
    assert recorded.one("soon").output == "done"


def test_classes_methods_and_properties():
    @trace
    class Bot:
        limit = 3

        def __init__(self, name):
            self.name = name

        def ask(self, text):
            return self._secret(text)

        def _secret(self, text):
            return text.upper()

        @staticmethod
        def parse(text):
            return text

        @classmethod
        def make(cls, name):
            return cls(name)

        @property
        def title(self):
            return "Bot " + self.name

        def __call__(self, text):
            return self.ask(text)

        @trace(name="own")
        def once(self):
            return 1

    with recording() as recorded:
        bot = Bot.make("b")
        assert (bot("hi"), Bot.parse("x"), bot.title, bot.once(), Bot.limit) == ("HI", "x", "Bot b", 1, 3)
    prefix = "test_classes_methods_and_properties.Bot."
    assert [s.name.removeprefix(prefix) for s in recorded.spans] == ["make", "ask", "__call__", "parse", "own"]
    assert recorded.spans[1].input == {"text": "hi"}  # self is not an input
    assert recorded.spans[0].input == {"name": "b"}


def test_trace_around_descriptors():
    class C:
        @trace(name="s")
        @staticmethod
        def s(x):
            return x

        @trace(name="p")
        @property
        def p(self):
            return 7

    with recording() as recorded:
        assert (C.s(1), C().p) == (1, 7)
    assert [s.name for s in recorded.spans] == ["s", "p"]


def test_threads_keep_their_place_when_wrapped():
    @trace(name="work")
    def work(n):
        return n

    with recording() as recorded:
        with span("root"):
            thread = threading.Thread(target=wrap(work), args=(1,))
            thread.start()
            thread.join()
            with ThreadPoolExecutor(2) as pool:
                assert list(pool.map(work, [2, 3])) == [2, 3]
            same = wrap(work)
            with ThreadPoolExecutor(2) as pool:
                assert sorted(f.result() for f in [pool.submit(same, n) for n in (4, 5)]) == [4, 5]
        bare = threading.Thread(target=work, args=(6,))
        bare.start()
        bare.join()
    assert [len(children) for _, children in recorded.tree()] == [5, 0]


def test_session_user_and_run_are_copied_onto_each_span():
    with recording() as recorded:
        with bound(run_id="r1", user_id="u"), span("a"), span("b", session_id="s"):
            pass
        with span("c"):
            pass
    got = {s.name: (s.run_id, s.user_id, s.session_id) for s in recorded.spans}
    assert got == {"a": ("r1", "u", None), "b": ("r1", "u", "s"), "c": (None, None, None)}


def test_sampling_keeps_whole_traces():
    @trace(name="root")
    def root():
        with span("child") as s:
            s.set(x=1)
            return bool(s)

    with recording(trace=Trace(sample=0.3), ids=RandomIds()) as recorded:
        kept = sum(root() for _ in range(1000))
    names = [s.name for s in recorded.spans]
    assert names.count("root") == names.count("child") == kept
    assert 200 < kept < 400  # 0.3 of 1,000, seven standard deviations either way
    assert all(int(s.trace_id, 16) & (1 << 64) - 1 < 0.3 * 2**64 for s in recorded.spans)


def test_capture_can_be_switched_off():
    @trace(name="a")
    def a(x):
        return x

    @trace(name="b", inputs=False, outputs=False)
    def b(x):
        return x

    with recording() as recorded:
        b("secret")
    assert (recorded.one("b").input, recorded.one("b").output) == (None, None)
    with recording(capture=Capture(inputs=False, outputs=False)) as recorded:
        a("secret")
    assert (recorded.one("a").input, recorded.one("a").output) == (None, None)


def test_a_span_may_have_begun_before_it_could_be_opened():
    with recording() as recorded:
        with span("speech") as turn, span("silence") as waited:
            turn.began_before(0.5)
            assert waited.began_before(0.5) is waited
        outer, inner = recorded.one("speech"), recorded.one("silence")
        assert outer.started_ns <= inner.started_ns
        assert 500_000_000 < inner.duration_ns < 600_000_000
        with span("later") as later:
            later.began_before(-9.0)
        assert 0 <= recorded.one("later").duration_ns < 100_000_000
        with span("between") as between:
            between.began_before(0.5, lasted=0.25)
        assert recorded.one("between").duration_ns == 250_000_000
    with span("nowhere") as nothing:
        assert not nothing.began_before(0.5)


def test_a_span_ends_once_and_takes_errors_by_hand():
    with recording() as recorded:
        with span("s") as s:
            s.record_error(ValueError("handled"))
            s.record_input({"q": 1})
        s.finish()
    kept = recorded.one("s")
    assert (kept.status, kept.error, kept.input) == ("error", "ValueError: handled", {"q": 1})


@pytest.mark.parametrize("sample", [3, -0.5, float("nan")])
def test_a_sample_that_is_no_part_is_refused(sample, tmp_path):
    with pytest.raises(ConfigError, match="sample="):
        init(config=Config(root=str(tmp_path)), sample=sample)
