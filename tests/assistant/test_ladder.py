"""The ladder of language models: every rung is really run, on a model of the user's."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from fake_openai import FakeOpenAI
from models.tiny_gguf import write_lora, write_random
from slipway import Message, Request, default_model, open_model, open_store
from slipway_assistant import experiment, ladder, prompting
from slipway_assistant.deferring import SURE, defer
from slipway_assistant.mind import Understanding
from slipway_assistant.schema import validate

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("own_data")
NAMES = ["lm-naive", "lm-functions", "lm-few-shot", "lm-grammar", "lm-other", "lm-lora", "lm-cascade"]
CONTEXT = 8192
"""A tiny model's tokens are letters."""


@pytest.fixture(autouse=True)
def few(monkeypatch, tmp_path):
    """As many examples as show that a step runs, in a folder whose slipway.toml names the suite; short answers."""
    monkeypatch.setattr(ladder, "EXAMPLES", 1)
    monkeypatch.setattr(prompting, "LONGEST_ANSWER", 900)
    monkeypatch.setattr("slipway_assistant.deferring.PATIENCE_S", 600.0)
    monkeypatch.setenv(experiment.FOLDER, str(tmp_path / "minds"))
    shutil.copy(ROOT / "slipway.toml", tmp_path)


@pytest.fixture
def files(monkeypatch, tmp_path):
    """Two models that mean nothing, and an adapter for the first."""
    first = write_random(tmp_path / "first.gguf", context=CONTEXT)
    other = write_random(tmp_path / "other.gguf", seed=1, context=CONTEXT)
    lora = write_lora(tmp_path / "lora.gguf")
    monkeypatch.setenv("SLIPWAY_GGUF", f"{first}?ctx={CONTEXT}&threads=1")
    monkeypatch.setenv("SLIPWAY_LORA", str(lora))
    monkeypatch.setenv("SLIPWAY_OTHER_MODEL", f"gguf:{other}?ctx={CONTEXT}&threads=1")


def climbed(tmp_path, *names):
    store = open_store(f"sqlite:///{tmp_path / 'slipway.db'}")
    try:
        runs = ladder.climb_all(store, [step for step in ladder.steps() if step.name in names])
        return {name: [sample.output for sample in run.samples()] for name, run in runs.items()}
    finally:
        store.close()


@pytest.mark.usefixtures("files")
def test_each_rung_changes_one_thing_of_the_one_before():
    steps = ladder.steps()
    assert [step.name for step in steps] == NAMES
    assert [step.parent for step in steps] == [None, *NAMES[:-1]]
    configs = [step.variant().config for step in steps[:-1]]
    changed = [{key for key in before if before[key] != after[key]} for before, after in pairwise(configs)]
    assert changed == [{"style", "prompt"}, {"style", "prompt"}, {"grammar"}, {"model"}, {"model"}]


@pytest.mark.usefixtures("files")
def test_every_rung_runs(tmp_path, monkeypatch):
    # A token of these models is a letter: shown all functions and examples they would read for a minute.
    monkeypatch.setattr(prompting, "functions", lambda: "joke.tell()")
    monkeypatch.setattr(prompting, "examples", lambda: (("make me laugh", "joke.tell()"),))
    outputs = climbed(tmp_path, *NAMES)
    assert {name: len(found) for name, found in outputs.items()} == dict.fromkeys(NAMES, 1)
    assert all(output["said"] for name in NAMES[:-1] for output in outputs[name])


def test_whatever_a_model_would_say_under_the_grammar_is_a_call(tmp_path):
    async def answers(path):
        model = open_model(f"gguf:{path}?ctx={CONTEXT}&threads=1")
        asked = Request(
            messages=(Message("user", "?"),), grammar=prompting.grammar(), temperature=1.0, max_tokens=4_000
        )
        try:
            return [(await model.complete(replace(asked, seed=seed))).text for seed in range(12)]
        finally:
            await model.close()

    found = asyncio.run(answers(write_random(tmp_path / "any.gguf", context=CONTEXT)))
    assert len({answer.partition("(")[0] for answer in found}) > 1
    for answer in found:
        readable, _ = prompting.read_call(answer)
        assert readable, answer


def test_without_a_model_there_is_no_ladder_and_a_rung_without_its_model_is_left_out(monkeypatch):
    assert ladder.steps() == ()
    monkeypatch.setenv("SLIPWAY_MODEL", "scripted/none()")
    assert [step.name for step in ladder.steps()] == [*NAMES[:4], "lm-cascade"]
    assert [step.parent for step in ladder.steps()] == [None, *NAMES[:4]]


def test_an_answer_without_a_call_is_wrong_even_where_nothing_is_to_be_called(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_MODEL", "scripted/It is a fine day.")
    (output, *_) = climbed(tmp_path, "lm-naive")["lm-naive"]
    assert output["call"] == {"name": ladder.UNREADABLE, "arguments": {}}
    assert [score.value for score in experiment.call(output, {"call": None})] == [0.0, 0.0]


def test_the_users_own_model_takes_the_first_rungs(tmp_path, monkeypatch):
    with FakeOpenAI(answer=lambda body: "joke.tell()") as server:
        monkeypatch.setenv("SLIPWAY_MODEL_URL", server.url)
        monkeypatch.setenv("SLIPWAY_MODEL_NAME", "m1")
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        outputs = climbed(tmp_path, "lm-naive", "lm-few-shot", "lm-grammar")
    assert all(
        output["call"] == {"name": "joke.tell", "arguments": {}} for found in outputs.values() for output in found
    )
    naive, grammar = server.requests[0], server.requests[-1]
    assert naive["messages"][0]["content"] == prompting.NAIVE
    assert len(naive["messages"]) == 2
    assert len(grammar["messages"]) == 2 + 2 * len(prompting.examples())
    assert grammar["grammar"] == prompting.grammar()


@pytest.mark.usefixtures("files")
def test_a_local_model_gives_a_second_opinion():
    found = defer("play some jazz", "en", model=default_model())
    assert isinstance(found, Understanding)
    assert validate(found.call) == []


def test_a_second_opinion_is_asked_for_again_and_again_and_may_fail(monkeypatch):
    with FakeOpenAI() as server:
        monkeypatch.setenv("SLIPWAY_MODEL_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        model = default_model()
        for status, said, understood in [
            (500, "joke.tell()", None),
            (200, "I would love to!", None),
            (200, "joke.tell()", Understanding({"name": "joke.tell", "arguments": {}}, SURE)),
            (200, "none()", Understanding(None, SURE)),
        ]:
            server.status, server.answer = status, lambda body, said=said: said
            assert defer("tell me a joke", "en", model=model) == understood
