"""A GGUF file that answers in this process: real files, real inference, no network."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.tiny_gguf import TEMPLATE, write_chain, write_lora, write_random
from slipway.data import Message, Request, ToolCall
from slipway.errors import ConfigError, DataError, ModelError, UsageError
from slipway.models import Model, default_model, default_spec, open_embedder, open_model, remote_calls_forbidden
from slipway.models.llamacpp import LlamaEmbedder, LlamaModel

CALL = {
    "<0x0A>": "<tool_call>",
    "<tool_call>": '\n{"name": "light", "arguments": {"on": "',
    '\n{"name": "light", "arguments": {"on": "': "off",
    "off": '"}}\n</tool_call>',
    '"}}\n</tool_call>': "</s>",
}
LIGHT = {
    "name": "light",
    "parameters": {"type": "object", "properties": {"on": {"enum": ["on", "off"]}}, "required": ["on"]},
}
PROMPTS = [
    "the quick brown fox jumps over the lazy dog and",
    "set a timer for ten minutes please and then",
    "the quick brown fox jumps over the lazy cat",
]


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("gguf")
    write_random(folder / "random.gguf")
    write_chain(folder / "chain.gguf", CALL, template=TEMPLATE)
    write_lora(folder / "a.gguf", seed=1)
    write_lora(folder / "b.gguf", seed=2)
    return folder


def model_of(path: Path, **options) -> LlamaModel:
    return LlamaModel(path, ctx=512, threads=1, **options)


def run(model: LlamaModel, work):
    """``await work(model)``, and the model closed after it."""

    async def go():
        try:
            return await work(model)
        finally:
            await model.close()

    return asyncio.run(go())


def raw(prompt: str, **settings) -> Request:
    return Request(prompt=prompt, **{"max_tokens": 12, "temperature": 0.0, **settings})


@pytest.fixture(scope="module")
def plain(files):
    """One model without an adapter, for the tests that only ask it."""
    model = model_of(files / "random.gguf")
    yield model
    asyncio.run(model.close())


def test_a_raw_prompt_and_a_chat_are_answered_with_usage(plain):
    assert isinstance(plain, Model)
    reply = asyncio.run(plain.complete(raw("hello")))
    assert reply.text
    assert reply.finish_reason == "length"
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cost_usd) == (6, 12, None)
    assert reply.latency_ms >= reply.first_token_ms > 0
    assert reply.model == plain.name
    chat = asyncio.run(plain.complete(Request((Message("user", "hello"),), max_tokens=3, temperature=0.0)))
    assert chat.usage.input_tokens > reply.usage.input_tokens  # the template's own words
    assert chat.usage.output_tokens == 3


def test_the_same_request_has_the_same_answer_and_a_seed_decides_the_sampling(plain):
    def say(**settings) -> str:
        return asyncio.run(plain.complete(raw("hello", **settings))).text

    assert say() == say()
    drawn = [say(temperature=1.5, seed=seed) for seed in (1, 2, 1)]
    assert drawn[0] == drawn[2] != drawn[1]


def test_streamed_pieces_are_the_answer(plain):
    async def go():
        return [piece async for piece in plain.stream(raw("hello", max_tokens=30))]

    pieces = asyncio.run(go())
    assert len(pieces) > 3
    assert "".join(pieces) == asyncio.run(plain.complete(raw("hello", max_tokens=30))).text


def test_logprobs_come_for_each_token(plain):
    letters = 'root ::= "abcd"'
    reply = asyncio.run(plain.complete(raw("hello", logprobs=3, max_tokens=4, grammar=letters)))
    assert "".join(token.token for token in reply.logprobs) == "abcd"
    for token in reply.logprobs:
        assert token.logprob < 0
        assert len(token.top) == 3
        assert token.top == tuple(sorted(token.top, key=lambda pair: -pair[1]))
    assert asyncio.run(plain.complete(raw("hello"))).logprobs == ()
    chat = Request((Message("user", "hello"),), max_tokens=4, temperature=0.0, logprobs=2, grammar=letters)
    assert [len(token.top) for token in asyncio.run(plain.complete(chat)).logprobs] == [2] * 4


@pytest.mark.parametrize("form", ["raw", "chat"])
def test_a_grammar_and_a_schema_bind_the_answer(plain, form):
    def ask(**settings) -> str:
        said = {"prompt": "hello"} if form == "raw" else {"messages": (Message("user", "hello"),)}
        reply = asyncio.run(plain.complete(Request(**said, max_tokens=60, temperature=1.2, **settings)))
        assert reply.finish_reason == "stop"
        return reply.text

    assert {ask(grammar='root ::= "on" | "off"', seed=seed) for seed in range(6)} == {"on", "off"}
    schema = {"type": "object", "properties": {"on": {"enum": ["yes", "no"]}}, "required": ["on"]}
    answers = {ask(response_schema=schema, seed=seed).replace(" ", "") for seed in range(6)}
    assert answers == {'{"on":"yes"}', '{"on":"no"}'}


def test_what_is_wrong_with_a_request_is_said(plain):
    for request, says in [
        (raw("hello", grammar="root ::= ["), "grammar"),
        (raw("x" * 2000), "exceeds the available context"),
        (raw("hello", response_schema={"not": {}}), "no grammar can be made"),
        (raw("hello", extra={"lora": [{"id": 3, "scale": 1.0}]}), "no adapter 3"),
        (raw("hello", extra={"lora": 7}), "lora is a list"),
        (Request((Message("user", "hi"),), tools=(LIGHT,)), "knows no tools"),
        (raw("hello", extra={"max_tokens": "many"}, max_tokens=None), "must be number"),
    ]:
        with pytest.raises(ModelError, match=says) as caught:
            asyncio.run(plain.complete(request))
        assert caught.value.status == 400
        assert not caught.value.retryable
    assert asyncio.run(plain.complete(raw("hello"))).text  # and it goes on


def test_tools_are_called(files):
    model = model_of(files / "chain.gguf")
    ask = Request((Message("user", "light off"),), tools=(LIGHT,), max_tokens=30, temperature=0.0)
    reply = run(model, lambda model: model.complete(ask))
    (call,) = reply.tool_calls
    assert (call.name, call.arguments, reply.finish_reason) == ("light", {"on": "off"}, "tool_calls")
    said = (
        Message("assistant", tool_calls=(ToolCall("light", {"on": "off"}, "c1"),)),
        Message("tool", "done", tool_call_id="c1"),
    )
    told = Request((*ask.messages, *said), max_tokens=1)
    assert run(model, lambda model: model.complete(told)).usage.input_tokens > 0  # a closed model loads again


SCALES = [(1.0, 0.0), (0.0, 0.0), (0.0, 1.0)]


def adapted(files, **options) -> LlamaModel:
    return model_of(files / "random.gguf", lora=[files / "a.gguf", files / "b.gguf"], **options)


@pytest.fixture(scope="module")
def fresh(files) -> dict:
    """What a model that was just loaded answers, by prompt and scales."""

    def ask(prompt, scales):
        return run(adapted(files).at(*scales), lambda model: model.complete(raw(prompt))).text

    return {(prompt, scales): ask(prompt, scales) for prompt in PROMPTS[:2] for scales in SCALES}


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_prefix_is_never_shared_between_scales_of_an_adapter(files, fresh, parallel):
    """Alternating scales answer as a fresh model does at each; a shared prefix would answer for the other adapter."""
    assert len(set(fresh.values())) == len(fresh)  # every scale answers in its own way, or nothing is shown below
    order = [(prompt, scales) for scales in SCALES for prompt in PROMPTS[:2]] * 2
    order += [(PROMPTS[0], scales) for scales in SCALES * 2] + sorted(order)

    async def ask(model):
        read = 0
        for prompt, scales in order:
            reply = await model.at(*scales).complete(raw(prompt))
            assert reply.text == fresh[prompt, scales], f"{prompt!r} at {scales}"
            read += reply.usage.cached_tokens
        together = await asyncio.gather(*[model.at(*scales).complete(raw(prompt)) for prompt, scales in order])
        assert [reply.text for reply in together] == [fresh[each] for each in order]
        return read

    assert run(adapted(files, parallel=parallel), ask) > 0  # and what may be shared, is


def test_a_request_may_name_the_scale_itself(files):
    model = model_of(files / "random.gguf", lora=files / "a.gguf", scale=0.5)

    async def ask(model):
        for scale in (0.0, 1.0, 0.5):
            named = raw(PROMPTS[0], extra={"lora": [{"id": 0, "scale": scale}]})
            assert (await model.complete(named)).text == (await model.at(scale).complete(raw(PROMPTS[0]))).text
        silent = raw(PROMPTS[0], extra={"id_slot": 5, "cache_prompt": True, "stream": False})
        assert (await model.complete(silent)).text == (await model.at(0.5).complete(raw(PROMPTS[0]))).text

    run(model, ask)
    assert len({model.at(scale).name for scale in (0.0, 0.5, 1.0)}) == 3  # recorded answers are kept apart
    with pytest.raises(UsageError, match="has 1 adapters, not 2"):
        model.at(1.0, 2.0)


def test_a_closed_stream_ends_the_work(files):
    """Ten answers of thousands of tokens are begun and left: with one slot, the last question would wait for all of them."""
    model = LlamaModel(files / "random.gguf", ctx=2048, threads=1)
    long = raw("hello", max_tokens=1900, extra={"ignore_eos": True})

    async def ask(model):
        for _ in range(10):
            pieces = model.stream(long)
            assert await anext(pieces)
            await pieces.aclose()
        seen = []
        reply = await model.complete_streamed(raw("hello"), seen.append)
        assert "".join(seen) == reply.text
        task = asyncio.ensure_future(model.complete(long))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return (await model.complete(raw("hello"))).text == reply.text

    assert run(model, ask)


def test_a_deadline_is_kept_and_says_what_had_come(files):
    model = LlamaModel(files / "random.gguf", ctx=2048, threads=1, timeout_s=1e-6)
    with pytest.raises(ModelError, match="did not answer within") as caught:
        run(model, lambda model: model.complete(raw("hello", max_tokens=1900)))
    assert caught.value.retryable


def test_many_at_once_are_each_answered(files):
    model = model_of(files / "random.gguf", parallel=2)
    alone = {prompt: run(model, lambda model, prompt=prompt: model.complete(raw(prompt))).text for prompt in PROMPTS}

    async def ask(model):
        return await asyncio.gather(*[model.complete(raw(prompt)) for prompt in PROMPTS * 4])

    assert [reply.text for reply in run(model, ask)] == [alone[prompt] for prompt in PROMPTS * 4]


def test_embeddings_are_of_length_one_and_tell_texts_apart(files):
    embedder = LlamaEmbedder(files / "random.gguf", ctx=128, threads=1)

    async def go():
        with remote_calls_forbidden():
            vectors = await embedder(["light on", "light off", "light on"])
            assert await embedder([]) == []
            with pytest.raises(ModelError, match="input"):
                await embedder(["x" * 5000])
        await embedder.close()
        return vectors

    one, two, again = asyncio.run(go())
    assert one == pytest.approx(again, abs=1e-5)
    assert one != pytest.approx(two, abs=1e-3)
    assert sum(number * number for number in one) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(ConfigError, match="did you mean 'mean'"):
        open_embedder(f"gguf:{files / 'random.gguf'}", pooling="meen")


def test_what_cannot_be_loaded_is_said_before_the_first_call(files, tmp_path):
    whole = (files / "random.gguf").read_bytes()
    (tmp_path / "cut.gguf").write_bytes(whole[:-100])
    (tmp_path / "page.gguf").write_text("<html>not found</html>")
    for spec, error, says in [
        ("gguf:/nowhere/x.gguf", ConfigError, "there is no model"),
        (f"gguf:{tmp_path / 'cut.gguf'}", DataError, "cut short"),
        (f"gguf:{tmp_path / 'page.gguf'}", DataError, "no GGUF file"),
        (f"gguf:{files / 'a.gguf'}", DataError, "is a LoRA adapter"),
        (f"gguf:{files / 'random.gguf'}?lora={files / 'chain.gguf'}", DataError, "no LoRA adapter"),
        (f"gguf:{files / 'random.gguf'}?context=9", ConfigError, "option of a GGUF model"),
        (f"gguf:{files / 'random.gguf'}?ctx=many", ConfigError, "ctx is a number"),
        (f"gguf:{files / 'random.gguf'}?scale=1&scale=2", ConfigError, "0 adapters have 2 scales"),
        (f"gguf:{files / 'random.gguf'}?batch=1", ConfigError, "batch >= 32"),
    ]:
        with pytest.raises(error, match=says):
            open_model(spec)


def test_a_file_that_llamacpp_refuses_is_an_error_that_another_model_may_mend(files, tmp_path):
    path = tmp_path / "odd.gguf"
    path.write_bytes((files / "random.gguf").read_bytes().replace(b"blk.1.ffn_up.weight", b"blk.1.ffn_xx.weight"))
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        run(model_of(path), lambda model: model.complete(raw("hello")))
    assert not caught.value.retryable
    assert caught.value.status == 424


def test_a_text_names_the_model_and_the_user_names_the_default(files, monkeypatch):
    path = files / "random.gguf"
    adapted = open_model(f"gguf:{path}?lora={files / 'a.gguf'}&scale=0.25&ctx=128")
    assert adapted.scales == (0.25,)
    assert adapted.engine.loading.ctx == 128
    assert default_spec({}) == ""
    assert default_model() is None
    monkeypatch.setenv("SLIPWAY_MODEL_URL", "http://127.0.0.1:9/v1")
    assert default_spec() == "openai/default"
    monkeypatch.setenv("SLIPWAY_MODEL_NAME", "llama-3")
    assert default_model().name == "llama-3"
    monkeypatch.setenv("SLIPWAY_GGUF", str(path))
    assert default_model().scales == ()
    monkeypatch.setenv("SLIPWAY_LORA", f"{files / 'a.gguf'}=0.5")
    assert default_model().scales == (0.5,)
    monkeypatch.setenv("SLIPWAY_LORA", str(files / "b.gguf"))
    assert default_model().scales == (1.0,)
    monkeypatch.setenv("SLIPWAY_MODEL", "scripted/yes")
    assert default_spec() == "scripted/yes"


FORKS = """
import asyncio, os, sys
from slipway.data import Request
from slipway.errors import ModelError
from slipway.models.llamacpp import LlamaEmbedder, LlamaModel
model = LlamaModel(sys.argv[1], ctx=512, threads=1)
ask = lambda: asyncio.run(model.complete(Request(prompt="hello", max_tokens=5, temperature=0.0))).text
if sys.argv[2] != "first":
    ask()
child = os.fork()
if child == 0:
    try:
        sys.exit(0 if sys.argv[2] == "quiet" or ask() else 8)
    except ModelError as error:
        sys.exit(7 if "forked process" in str(error) else 9)
_, status = os.waitpid(child, 0)
assert ask()
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize(("how", "status"), [("first", 0), ("quiet", 0), ("asks", 7)])
def test_a_forked_child_ends_well_and_is_told_when_it_may_not_ask(files, how, status):
    command = [sys.executable, "-c", FORKS, str(files / "random.gguf"), how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout.strip()) == (0, str(status)), done.stderr


BRIEF = """
import asyncio, sys
from slipway.models.llamacpp import LlamaModel
for _ in range(20):
    model = LlamaModel(sys.argv[1], ctx=64, threads=1)
    asyncio.run(model.load())
    asyncio.run(model.close())
"""


def test_a_model_may_be_closed_as_soon_as_it_is_loaded(files):
    command = [sys.executable, "-c", BRIEF, str(files / "random.gguf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_it_listens_only_where_this_user_comes(files):
    model = model_of(files / "random.gguf")
    asyncio.run(model.load())
    folder = Path(model.engine._folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.listdir(folder) == ["s.sock"]
    assert model.engine.server().listening_address.startswith("unix:")
    asyncio.run(model.close())
    assert not folder.exists()
