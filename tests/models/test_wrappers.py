"""Retry, Fallback, RateLimited, Cached: models that hold a model."""

import asyncio

import pytest

from slipway.data import Message, Request, Response
from slipway.errors import ModelError, StoreError, UsageError
from slipway.models import Cached, Fallback, Model, RateLimited, Retry, ScriptedModel
from slipway.models.scripted import cut, failed, rate_limited, timed_out
from slipway.store import open_store

ASK = Request((Message("user", "hi"),))


class Time:
    """A clock that moves only when somebody sleeps."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def retry(script, time=None, **settings):
    time = time or Time()
    model = ScriptedModel(script)
    return Retry(model, sleep=time.sleep, clock=time, uniform=lambda low, high: high, **settings), model, time


async def collect(model, into, request=ASK):
    async for piece in model.stream(request):
        into.append(piece)


def test_every_wrapper_is_a_model():
    model = ScriptedModel("a", name="m")
    wrapped = [Retry(model), Fallback(model), RateLimited(model), Cached(model, None)]
    assert all(isinstance(each, Model) and each.name == "m" for each in wrapped)


def test_t23_retry_waits_longer_each_time_and_as_long_as_it_is_told():
    wrapper, model, time = retry([failed(500), rate_limited(7), timed_out(), "ok"], retries=3, first_s=1)
    assert asyncio.run(wrapper.complete(ASK)).text == "ok"
    assert time.slept == [1, 7, 4]
    assert model.call_count == 4
    wrapper, _, time = retry([failed(500)] * 9 + ["ok"], retries=9, first_s=1, longest_s=5)
    asyncio.run(wrapper.complete(ASK))
    assert time.slept == [1, 2, 4, 5, 5, 5, 5, 5, 5]


def test_retry_gives_up_on_what_will_not_pass_and_after_its_attempts():
    wrapper, model, _ = retry([failed(400), "ok"])
    with pytest.raises(ModelError, match="400"):
        asyncio.run(wrapper.complete(ASK))
    assert model.call_count == 1
    wrapper, model, _ = retry(failed(503))
    with pytest.raises(ModelError, match="503") as caught:
        asyncio.run(wrapper.complete(ASK))
    assert caught.value.__notes__ == ["after 3 attempts"]
    assert model.call_count == 3


def test_t23_the_total_deadline_is_kept():
    wrapper, model, time = retry([rate_limited(60), "ok"], deadline_s=30)
    with pytest.raises(ModelError, match="too many"):
        asyncio.run(wrapper.complete(ASK))
    assert (model.call_count, time.slept) == (1, [])

    async def never(request):
        await asyncio.Event().wait()

    slow = Retry(ScriptedModel(never), deadline_s=0.3)
    with pytest.raises(ModelError, match="within the deadline"):
        asyncio.run(slow.complete(ASK))
    assert slow.model.running == 0


def test_jitter_is_drawn_between_zero_and_the_bound():
    drawn = []
    time = Time()
    model = Retry(
        ScriptedModel([failed(), "ok"]),
        first_s=2,
        sleep=time.sleep,
        clock=time,
        uniform=lambda low, high: drawn.append((low, high)) or 0.5,
    )
    asyncio.run(model.complete(ASK))
    assert (drawn, time.slept) == ([(0.0, 2)], [0.5])


def test_t25_a_stream_is_retried_only_before_its_first_piece():
    wrapper, model, _ = retry([failed(), "one two"])
    pieces: list[str] = []
    asyncio.run(collect(wrapper, pieces))
    assert ("".join(pieces), model.call_count) == ("one two", 2)
    wrapper, model, _ = retry([cut("one two", 4), "one two"])
    pieces = []
    with pytest.raises(ModelError, match="broke off"):
        asyncio.run(collect(wrapper, pieces))
    assert ("".join(pieces), model.call_count) == ("one ", 1)


def test_fallback_asks_the_next_one():
    first, second = ScriptedModel(failed(500), name="a"), ScriptedModel("ok", name="b")
    assert asyncio.run(Fallback(first, second).complete(ASK)).text == "ok"
    pieces: list[str] = []
    asyncio.run(collect(Fallback(first, second), pieces))
    assert pieces == ["ok"]
    with pytest.raises(ModelError, match="429") as caught:
        asyncio.run(Fallback(first, ScriptedModel(failed(429))).complete(ASK))
    assert caught.value.__notes__ == ["before that, a: scripted: HTTP 500"]
    with pytest.raises(UsageError):
        Fallback()


def test_t25_no_answer_is_made_of_two_halves_and_a_wrong_request_goes_nowhere_else():
    second = ScriptedModel("ok")
    pieces: list[str] = []
    with pytest.raises(ModelError, match="broke off"):
        asyncio.run(collect(Fallback(ScriptedModel(cut("one two", 3)), second), pieces))
    with pytest.raises(ModelError, match="400"):
        asyncio.run(Fallback(ScriptedModel(failed(400)), second).complete(ASK))
    assert (pieces, second.call_count) == (["one"], 0)


def test_calls_are_spaced_and_counted():
    time = Time()
    limited = RateLimited(ScriptedModel("a b"), per_second=4, sleep=time.sleep, clock=time)

    async def five():
        for _ in range(4):
            await limited.complete(ASK)
        await collect(limited, [])

    asyncio.run(five())
    assert time.now == pytest.approx(1.0)
    model = ScriptedModel("a", latency_ms=1)

    async def many():
        narrow = RateLimited(model, concurrency=3)
        await asyncio.gather(*(narrow.complete(ASK) for _ in range(10)), *(collect(narrow, []) for _ in range(5)))

    asyncio.run(many())
    assert (model.call_count, model.most_running) == (15, 3)
    with pytest.raises(UsageError):
        RateLimited(model, per_second=0)


@pytest.fixture
def store(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'slipway.db'}")
    yield opened
    opened.close()


def test_an_answer_is_recorded_and_recalled_exactly(store):
    model = ScriptedModel(["one", "two"], usd_per_1k=(1.0, 1.0), latency_ms=1)
    first = asyncio.run(Cached(model, store).complete(ASK))
    again = asyncio.run(Cached(model, store).complete(ASK))
    assert model.call_count == 1
    assert (first.cached, again.cached) == (False, True)
    assert (again.text, again.usage, again.latency_ms) == (first.text, first.usage, first.latency_ms)
    pieces: list[str] = []
    asyncio.run(collect(Cached(model, store), pieces))
    assert (pieces, model.call_count) == (["one"], 1)
    (record,) = store.find(Response)
    assert (record.source, record.cost_usd) == ("model:scripted", first.usage.cost_usd)


def test_t60_the_key_holds_everything_that_decides_the_answer(store):
    model = ScriptedModel("a")
    keys = [
        Cached(model, store).key(request)
        for request in (ASK, Request(ASK.messages, temperature=0.5), Request(ASK.messages, seed=1))
    ]
    keys.append(Cached(model, store).key(Request(ASK.messages, tools=({"name": "f"},))))
    keys += [Cached(model, store, repeat=1).key(ASK), Cached(model, store, scope="tenant").key(ASK)]
    keys.append(Cached(ScriptedModel("a", name="other"), store).key(ASK))
    assert len(set(keys)) == 7
    asyncio.run(Cached(model, store, scope="a").complete(ASK))
    assert not asyncio.run(Cached(model, store, scope="b").complete(ASK)).cached


def test_t27_a_hundred_at_once_ask_once_and_errors_are_not_kept(store):
    model = ScriptedModel([failed(500), "fine"], latency_ms=5)

    async def hundred():
        cached = Cached(model, store)
        return await asyncio.gather(*(cached.complete(ASK) for _ in range(100)), return_exceptions=True)

    broken = asyncio.run(hundred())
    assert all(isinstance(each, ModelError) for each in broken)
    assert model.call_count == 1
    assert store.count(Response) == 0
    fine = asyncio.run(hundred())
    assert [reply.text for reply in fine] == ["fine"] * 100
    assert sum(not reply.cached for reply in fine) == 1
    assert model.call_count == 2


def test_one_who_leaves_does_not_stop_the_others_and_the_last_stops_the_call(store):
    gate = {}

    async def wait(request):
        await gate["open"].wait()
        return "late"

    model = ScriptedModel(wait)

    async def go():
        gate["open"] = asyncio.Event()
        cached = Cached(model, store)
        first, second = (asyncio.ensure_future(cached.complete(ASK)) for _ in range(2))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        gate["open"].set()
        assert (await second).text == "late"
        gate["open"].clear()
        lonely = asyncio.ensure_future(cached.complete(Request((Message("user", "other"),))))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        lonely.cancel()
        with pytest.raises(asyncio.CancelledError):
            await lonely
        for _ in range(3):
            await asyncio.sleep(0)
        return model.running

    assert asyncio.run(go()) == 0
    assert store.count(Response) == 1


def test_a_whole_stream_is_recorded_and_a_broken_one_is_not(store):
    model = ScriptedModel([cut("one two", 4), "one two"])
    with pytest.raises(ModelError):
        asyncio.run(collect(Cached(model, store), []))
    assert store.count(Response) == 0
    asyncio.run(collect(Cached(model, store), []))
    assert asyncio.run(Cached(model, store).complete(ASK)).text == "one two"
    assert model.call_count == 2


def test_an_answer_that_cannot_be_recorded_is_still_given():
    from concurrent.futures import Future

    class FullDisk:
        def get(self, kind, *key):
            return None

        def submit(self, records):
            future: Future[int] = Future()
            future.set_exception(StoreError("disk full"))
            return future

    cached = Cached(ScriptedModel("paid for"), FullDisk())
    assert asyncio.run(cached.complete(ASK)).text == "paid for"
    assert cached.unrecorded == 1
