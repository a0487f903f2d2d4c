"""OpenAIModel against a real HTTP server on loopback."""

import asyncio
import sys
from pathlib import Path

import pytest

from scripted_provider import Provider, chunk, completion, streaming
from slipway.data import Message, Request, ToolCall, Usage
from slipway.errors import ConfigError, MissingExtra, ModelError, NotFound, UsageError
from slipway.models import open_embedder, open_model, remote_calls_forbidden
from slipway.models.fuse import is_loopback
from slipway.models.openai import OpenAIModel
from slipway.scorers.similarity import similarity

ASK = Request((Message("system", "be brief"), Message("user", "hi")))


def talk(server, work, **options):
    """``await work(model)`` against a running provider."""

    async def go():
        async with server.running() as url:
            return await work(OpenAIModel("gpt-test", base_url=url, **options))

    return asyncio.run(go())


def complete(server, request=ASK, **options):
    return talk(server, lambda model: model.complete(request), **options)


def fails(server, request=ASK, **options):
    with pytest.raises(ModelError) as caught:
        complete(server, request, **options)
    return caught.value


def test_a_completion_with_usage_price_and_latency():
    server = Provider(completion("hello"))
    reply = complete(server, prices={"gpt-test": (1.0, 4.0)}, api_key="k")
    assert (reply.text, reply.model, reply.finish_reason) == ("hello", "gpt-test", "stop")
    assert reply.usage == Usage(10, 5, pytest.approx(30e-6))
    assert reply.latency_ms > 0
    assert complete(Provider(completion())).usage.cost_usd is None
    assert server.headers[0]["Authorization"] == "Bearer k"
    assert server.bodies == [
        {
            "model": "gpt-test",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        }
    ]


def test_everything_in_a_request_is_sent():
    tool = {"name": "weather", "parameters": {"type": "object"}}
    request = Request(
        (
            Message("assistant", tool_calls=(ToolCall("f", {"a": "é"}, "c1"), ToolCall("g"))),
            Message("tool", "42", tool_call_id="c1"),
        ),
        model="other",
        temperature=0.0,
        max_tokens=7,
        seed=3,
        stop=("x",),
        tools=(tool, {"type": "function", "function": tool}),
        response_schema={"type": "object"},
        extra={"top_p": 0.5, "model": "smuggled"},
    )
    server = Provider(completion())
    complete(server, request)
    (body,) = server.bodies
    assert {key: body[key] for key in ("model", "temperature", "max_tokens", "seed", "stop", "top_p")} == {
        "model": "other",
        "temperature": 0.0,
        "max_tokens": 7,
        "seed": 3,
        "stop": ["x"],
        "top_p": 0.5,
    }
    assert body["tools"] == [{"type": "function", "function": tool}] * 2
    assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
    first, second = body["messages"]
    assert first["content"] is None
    assert [call["id"] for call in first["tool_calls"]] == ["c1", "call_1"]
    assert first["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": "\\u00e9"}'}
    assert second == {"role": "tool", "content": "42", "tool_call_id": "c1"}


def test_tool_calls_are_read_and_bad_arguments_kept():
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{x"}},
        {"id": "c3", "type": "function", "function": {"name": "h", "arguments": ""}},
    ]
    reply = complete(Provider(completion(None, tool_calls=calls)))
    assert reply.text == ""
    assert reply.tool_calls == (
        ToolCall("f", {"x": 1}, "c1"),
        ToolCall("g", {"$raw": "{x"}, "c2"),
        ToolCall("h", {}, "c3"),
    )


@pytest.mark.parametrize(
    ("status", "headers", "retry_after", "retryable", "says"),
    [
        (429, {"Retry-After": "2.5"}, 2.5, True, "lower the rate"),
        (429, {"retry-after-ms": "1500", "Retry-After": "9"}, 1.5, True, ""),
        (503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0, True, ""),
        (503, {"Retry-After": "soon"}, None, True, ""),
        (529, {}, None, True, "answered 529: too bad"),
        (400, {}, None, False, "too bad"),
        (401, {}, None, False, "check the API key"),
        (404, {}, None, False, "check the model's name"),
    ],
)
def test_t23_errors_carry_status_and_what_the_provider_asks(status, headers, retry_after, retryable, says):
    error = fails(Provider((status, {"error": {"message": "too bad"}}, headers)), api_key="sk-secret")
    assert (error.status, error.retry_after_s, error.retryable) == (status, retry_after, retryable)
    assert says in str(error)
    assert "sk-secret" not in str(error)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<html>", "no JSON"),
        ("[]", "no chat completion"),
        ({"choices": []}, "no chat completion"),
        ("[" * 99_999, "no JSON"),
    ],
)
def test_an_answer_that_is_none_says_so(body, says):
    error = fails(Provider(body))
    assert says in str(error)
    assert not error.retryable


def test_redirects_are_not_followed():
    elsewhere = Provider(completion())

    async def go():
        async with elsewhere.running() as url:
            server = Provider((307, "", {"Location": f"{url}/chat/completions"}))
            async with server.running() as first:
                await OpenAIModel("m", base_url=first, api_key="k").complete(ASK)

    with pytest.raises(ModelError, match="answered 307"):
        asyncio.run(go())
    assert elsewhere.bodies == []


def test_t23_no_connection_and_no_name():
    for url in ("http://127.0.0.1:9/v1", "http://localhost:1/v1"):
        with pytest.raises(ModelError, match=r"cannot be reached.*is it running") as caught:
            asyncio.run(OpenAIModel("m", base_url=url).complete(ASK))
        assert caught.value.status is None
        assert caught.value.retryable


def test_a_provider_that_never_answers_is_given_up():
    async def never(request):
        await asyncio.Event().wait()

    assert "did not answer in time" in str(fails(Provider(never), timeout_s=2))


async def collect(model, into):
    async for piece in model.stream(ASK):
        into.append(piece)


def test_a_stream():
    server = Provider(
        streaming(
            chunk({"role": "assistant", "content": ""}),
            chunk({"content": "hel"}),
            chunk({"content": "lo"}),
            chunk({}, "stop"),
            chunk(usage={"prompt_tokens": 3, "completion_tokens": 2}),
            b"data: [DONE]\n\n",
        )
    )
    pieces: list[str] = []
    talk(server, lambda model: collect(model, pieces))
    assert pieces == ["hel", "lo"]
    assert server.bodies[0]["stream"] is True
    seen: list[str] = []
    reply = talk(server, lambda model: model.complete_streamed(ASK, seen.append), prices={"gpt-test": (1.0, 1.0)})
    assert (reply.text, seen) == ("hello", ["hel", "lo"])
    assert reply.usage == Usage(3, 2, pytest.approx(5e-6))
    assert 0 < reply.first_token_ms <= reply.latency_ms


def test_tool_calls_come_in_pieces():
    server = Provider(
        streaming(
            chunk({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "f", "arguments": ""}}]}),
            chunk(
                {
                    "tool_calls": [
                        {"index": 0, "function": {"arguments": '{"x"'}},
                        {"index": 1, "function": {"name": "g"}},
                    ]
                }
            ),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}, "tool_calls"),
        )
    )
    reply = talk(server, lambda model: model.complete_streamed(ASK))
    assert reply.tool_calls == (ToolCall("f", {"x": 1}, "c1"), ToolCall("g", {}, None))
    assert reply.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("packets", "then", "says"),
    [
        ([chunk({"content": "half"})], None, "broke off before the answer was complete"),
        ([chunk({"content": "half"})], "cut", "cannot be reached"),
        ([chunk({"content": "half"})], "hang", "did not answer in time"),
        ([chunk({"content": "half"}), b"data: {oops\n\n"], None, "an event that is no JSON"),
        ([chunk({"content": "half"}), b"data: 3\n\n"], None, "an event that is no object"),
        ([chunk({"content": "half"}), b'data: {"error": {"message": "overloaded"}}\n\n'], None, "overloaded"),
    ],
)
def test_t24_t25_a_stream_that_breaks_off_is_an_error_with_what_came(packets, then, says):
    pieces: list[str] = []
    # Only where the provider falls silent may the patience end; what is sent may take its time on a busy machine.
    patience = 3 if then == "hang" else 240
    with pytest.raises(ModelError, match=says) as caught:
        talk(Provider(streaming(*packets, then=then)), lambda model: collect(model, pieces), idle_s=patience)
    assert pieces == ["half"]
    assert caught.value.partial == "half"


def test_t26_a_stream_that_is_left_is_closed_at_the_provider():
    server = Provider(streaming(chunk({"content": "a"}), then="hang"))

    async def leave(model):
        pieces = model.stream(ASK)
        assert await anext(pieces) == "a"
        await pieces.aclose()
        async with asyncio.timeout(240):
            while not server.gone:
                await asyncio.sleep(0.005)

    talk(server, leave)
    assert server.gone == 1


def test_one_model_in_several_loops_leaves_nothing_open(recwarn):
    server = Provider(completion())

    async def serve_and(url_ready, stop):
        async with server.running() as url:
            url_ready.set_result(url)
            await stop.wait()

    import gc
    import threading
    from concurrent.futures import Future

    ready: Future = Future()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve_and(ready, stop),))
    thread.start()
    model = OpenAIModel("m", base_url=ready.result(240))
    for _ in range(3):
        assert asyncio.run(model.complete(ASK)).text == "hello"

    async def closing():
        await model.complete(ASK)
        await model.close()

    asyncio.run(closing())
    loop.call_soon_threadsafe(stop.set)
    thread.join(240)
    loop.close()
    gc.collect()
    assert [str(warning.message) for warning in recwarn if "nclosed" in str(warning.message)] == []


def test_embeddings_feed_the_similarity_scorer():
    from slipway.data import Example
    from slipway.scorers import Outcome

    rows = [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 1]}]

    async def go(server):
        async with server.running() as url:
            return await similarity(open_embedder("openai/e", base_url=url)).score(Outcome(Example("1", "", "b"), "a"))

    (score,) = asyncio.run(go(Provider({"data": rows})))
    assert score.value == pytest.approx(0.5**0.5)
    assert asyncio.run(go(Provider({"data": rows[:1]})))[0].metadata["scorer_error"] == "ModelError"
    with pytest.raises(NotFound):
        open_embedder("opena/e")


def test_opening_by_name(monkeypatch):
    model = open_model("openai/meta/llama-3", base_url="http://127.0.0.1:9/v1")
    assert model.name == "meta/llama-3"
    assert asyncio.run(open_model("scripted/always this").complete(ASK)).text == "always this"
    monkeypatch.setenv("SLIPWAY_MODEL", "scripted/from the environment")
    assert asyncio.run(open_model().complete(ASK)).text == "from the environment"
    for spec, error, says in [
        ("opnai/x", NotFound, "did you mean 'openai'"),
        ("gpt-x", ConfigError, "write provider/name"),
        ("openai/", ConfigError, "names no model"),
    ]:
        with pytest.raises(error, match=says):
            open_model(spec)
    with pytest.raises(ConfigError, match="unexpected keyword argument 'colour'"):
        open_model("openai/x", colour=1)
    with pytest.raises(ConfigError, match="no address"):
        open_model("openai/x", base_url="file:///etc/passwd")
    monkeypatch.delenv("SLIPWAY_MODEL")
    Path("slipway.toml").write_text('[prices]\n"gpt-x" = [1, 2.5]\n')
    assert open_model("openai/gpt-x").prices == {"gpt-x": (1.0, 2.5)}
    assert open_model("openai/gpt-x", prices={}).prices == {}
    with pytest.raises(ConfigError, match="no model is chosen"):
        open_model()


def test_the_key_of_the_environment_goes_only_where_the_environment_points(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    server = Provider(completion())

    async def go():
        async with server.running() as url:
            await OpenAIModel("m", base_url=url).complete(ASK)
            monkeypatch.setenv("SLIPWAY_MODEL_URL", url)
            await OpenAIModel("m").complete(ASK)

    asyncio.run(go())
    assert ["Authorization" in headers for headers in server.headers] == [False, True]


def test_the_fuse_stops_calls_to_other_machines(monkeypatch):
    with pytest.raises(UsageError, match=r"a call to api.openai.com was stopped.*ScriptedModel"):
        asyncio.run(open_model("openai/gpt-x").complete(ASK))
    monkeypatch.delenv("SLIPWAY_FORBID_REMOTE")
    with remote_calls_forbidden(), pytest.raises(UsageError, match="was stopped"):
        asyncio.run(OpenAIModel("m", base_url="http://192.0.2.1/v1").complete(ASK))
    hosts = [
        "localhost",
        "127.0.0.1",
        "127.8.9.1",
        "::1",
        "localhost.example.com",
        "0.0.0.0",
        "2130706433",
        "10.0.0.1",
        "",
    ]
    assert [is_loopback(host) for host in hosts] == [True] * 4 + [False] * 5


def test_without_aiohttp_the_install_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(MissingExtra, match=r"pip install 'slipway\[models\]'"):
        open_model("openai/x")
