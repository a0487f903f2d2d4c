"""The OpenAI dialect's newer words: raw prompts, grammars, log-probabilities; and that old requests keep their hashes."""

from __future__ import annotations

import asyncio
import json

import pytest

from scripted_provider import Provider, completion, streaming
from slipway.data import Logprob, Message, Reply, Request, Usage, content_hash, plain
from slipway.errors import UsageError
from slipway.models import open_embedder, open_model, remote_calls_forbidden
from slipway.models.wire import logprobs_of, path_of, payload_of

SCHEMA = {"type": "object"}
TOP = [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1}]
CHAT = {"content": [{"token": "a", "logprob": -0.5, "top_logprobs": TOP}]}
ODD = {"content": [{"token": "a", "logprob": "much"}, 7, {"token": "b", "logprob": -1, "top_logprobs": [7]}]}
OLDER = {"tokens": ["a", "b"], "token_logprobs": [None, -2.0], "top_logprobs": [None, {"b": -2.0, "c": -3.0}]}


def test_requests_and_replies_without_the_newer_words_keep_their_hashes():
    """The hashes under which answers were recorded before there were grammar, prompt and logprobs."""
    asked = Request((Message("user", "hi"),))
    assert content_hash(asked) == "396d1675507a1c11aa874ae1bae7f51ddf2226a00469864d7d10d31b2e6adecb"
    assert not {"prompt", "grammar", "logprobs"} & set(plain(asked))
    assert not {"logprobs"} & set(plain(Reply("x")))
    assert set(plain(Usage(1, 2))) == {"input_tokens", "output_tokens", "cost_usd"}
    newer = [Request((Message("user", "hi"),), **each) for each in ({"grammar": "x"}, {"prompt": "x"}, {"logprobs": 1})]
    assert len({content_hash(request) for request in [asked, *newer]}) == 4


def test_a_raw_prompt_goes_where_text_is_continued():
    raw = Request(prompt="once", response_schema=SCHEMA, logprobs=2)
    assert path_of(raw) == "/completions"
    assert payload_of(raw, "m", stream=False) == {"model": "m", "prompt": "once", "json_schema": SCHEMA, "logprobs": 2}
    chat = payload_of(Request((Message("user", "hi"),), grammar="root ::= x", logprobs=2), "m", stream=False)
    assert (chat["grammar"], chat["logprobs"], chat["top_logprobs"]) == ("root ::= x", True, 2)


@pytest.mark.parametrize(
    ("said", "means"),
    [
        (CHAT, (Logprob("a", -0.5, (("a", -0.5), ("b", -1.0))),)),
        (OLDER, (Logprob("b", -2.0, (("b", -2.0), ("c", -3.0))),)),
        ({"tokens": ["a"], "token_logprobs": [-1.0]}, (Logprob("a", -1.0),)),
        (ODD, (Logprob("b", -1.0),)),
        ({"content": {}}, ()),
        (None, ()),
        ([1], ()),
    ],
)
def test_logprobs_are_read_in_either_form_and_what_is_malformed_is_left_out(said, means):
    assert logprobs_of(said) == means


def test_logprobs_and_cached_tokens_of_an_endpoint():
    body = completion("a")
    body["choices"][0]["logprobs"] = CHAT
    body["usage"]["prompt_tokens_details"] = {"cached_tokens": 7}
    text = {"choices": [{"text": "once upon", "finish_reason": "stop", "logprobs": OLDER}], "usage": {}}

    async def go():
        async with Provider(body, text).running() as url:
            model = open_model(f"{url}#m")
            return [
                await model.complete(Request((Message("user", "hi"),))),
                await model.complete(Request(prompt="once")),
            ]

    chat, raw = asyncio.run(go())
    assert (chat.logprobs[0].token, chat.usage.cached_tokens, chat.model) == ("a", 7, "gpt-test")
    assert (raw.text, raw.logprobs[0].token) == ("once upon", "b")


def test_logprobs_of_a_stream_are_gathered():
    events = [
        {"choices": [{"text": "a", "logprobs": CHAT}]},
        {"choices": [{"text": "b", "logprobs": CHAT, "finish_reason": "stop"}]},
    ]

    async def go():
        packets = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
        async with Provider(streaming(*packets)).running() as url:
            return await open_model(f"{url}#m").complete_streamed(Request(prompt="once"))

    reply = asyncio.run(go())
    assert (reply.text, len(reply.logprobs)) == ("ab", 2)


def test_the_fuse_stops_embeddings_and_the_key_goes_only_where_the_environment_points(monkeypatch):
    with remote_calls_forbidden(), pytest.raises(UsageError, match="was stopped"):
        asyncio.run(open_embedder("https://models.example/v1#e")(["a"]))
    monkeypatch.setenv("SLIPWAY_MODEL_KEY", "mine")
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    named, pointed = Provider(completion()), Provider(completion())

    async def go():
        ask = Request((Message("user", "hi"),))
        async with named.running() as url, pointed.running() as other:
            await open_model(f"{url}#m").complete(ask)
            monkeypatch.setenv("SLIPWAY_MODEL_URL", other)
            await open_model("openai/m").complete(ask)

    asyncio.run(go())
    assert "Authorization" not in named.headers[0]
    assert pointed.headers[0]["Authorization"] == "Bearer mine"
