"""Suites: from slipway.toml and in Python; held-out ones are run without leaving a trace of their rows."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from tests.evals.conftest import capitals

import slipway as sw
from slipway.config import Gate, load
from slipway.data import EvalRun, Look, Response, Sample, Span
from slipway.errors import ConfigError, NotFound, SealedError, UsageError
from slipway.evals.sealed import ledger, seal
from slipway.evals.suites import Suite, find_suite, suites
from slipway.models import ScriptedModel
from slipway.models.scripted import failed

SETTINGS = """
project = "talk"
[limit]
concurrency = 3
timeout = 7.0

[suites.quick]
dataset = "rows.jsonl"
task = "talk_app:shout"
slices = ["parity"]
cluster = "parity"
where = { parity = "odd" }
repeats = 2
gate = { at-least = 0.5 }

[suites.nightly]
dataset = "rows.jsonl"
tier = "nightly"
limit = { concurrency = 9, seconds = 600.0 }

[suites.stored]
dataset = "capitals"
tier = "nightly"

[variants.plain]
note = "as it is"
config = { mark = "" }

[variants.loud]
parent = "plain"
config = { mark = "!" }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "slipway.toml").write_text(SETTINGS)
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, capitals(20))))
    (tmp_path / "talk_app.py").write_text(
        "async def shout(example, ctx): return example.input.upper() + ctx.config['mark']"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_suite_of_the_file_brings_everything(folder):
    runs = sw.evaluate(suite="quick", variants=["plain", "loud"], progress=False)
    record = runs["plain"].record
    assert (record.project, record.suite, record.tier, record.experiment) == ("talk", "quick", "quick", "quick/shout")
    assert (record.planned, record.repeats) == (20, 2)  # ten odd rows, twice
    assert record.config["limit"] == {
        "usd": None,
        "seconds": 30.0,  # a quick suite has a time budget whether it says so or not
        "concurrency": 3,
        "timeout": 7.0,
        "retries": 2,
        "per_second": None,
    }
    assert set(record.summary["slices"]) == {"parity"}
    assert record.summary["scores"]["exact"]["n_clusters"] == 1
    assert runs["loud"].score == 0.0
    assert (folder / ".slipway" / "slipway.db").is_file()


def test_suites_of_the_file_by_name(folder):
    known = suites()
    assert set(known) == {"quick", "nightly", "stored"}
    assert (known["nightly"].limit.concurrency, known["nightly"].limit.seconds) == (9, 600.0)
    assert known["nightly"].limit.timeout == 7.0
    with pytest.raises(NotFound, match="did you mean 'quick'"):
        find_suite("quik", load())


def test_a_suite_may_name_a_version_in_the_store(folder, store):
    sw.dataset(capitals(5), name="capitals").save(store)
    assert len(suites()["stored"].load(store)) == 5


def test_a_suite_in_python_and_what_is_refused(store):
    with pytest.raises(NotFound, match="did you mean 'must-pass'"):
        Suite("s", tier="must-pas")
    with pytest.raises(ConfigError, match=r"gate\.on"):
        Suite("s", gate=Gate(on="high"))
    with pytest.raises(ConfigError, match="has no dataset"):
        Suite("s").load(store)
    data = sw.dataset(capitals(6), name="capitals")
    assert len(Suite("s", data, where={"parity": "even"}).load(store)) == 3
    assert len(Suite("s", capitals(4)).load(store)) == 4
    with pytest.raises(UsageError, match="int is no suite; give a name"):
        find_suite(7)


SECRET = "zanzibar"
KEY = base64.b64encode(b"a" * 32).decode()


def held_out(store, size=40, **more):
    rows = [{"id": f"{SECRET}{n}", "input": f"{SECRET} {n}", "expected": f"{SECRET} {n}".upper()} for n in range(size)]
    seal(sw.dataset(rows, name="final"), suite="final", looks=3, store=store, key=KEY)
    return sw.Suite("final", tier="held-out", looks=3, **more)


@sw.task(version="1")
async def asks(example, ctx):
    with sw.span("inside") as inside:
        inside.record_input(example.input)
    reply = await ctx.model.chat(text=example.input)
    if ctx.config.get("wrong"):
        raise ValueError(f"no answer to {example.input}")
    return reply


def look(store, made, variant, why="to see", **more):
    model = ScriptedModel(lambda request: request.messages[-1].content.upper(), name="up")
    return sw.evaluate(
        asks, suite=made, variants={variant: more}, model=model, store=store, progress=False, why=why, trace=True
    ).only


def test_a_held_out_suite_is_looked_at_and_leaves_nothing(store, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SLIPWAY_SEAL_KEY", KEY)
    made = held_out(store)
    found = look(store, made, "good")
    assert "first" in str(found)
    assert found.summary["look"]["looks_left"] == 2
    worse = look(store, made, "bad", wrong=True)
    assert "not shown better" in str(worse)
    assert [look.who != "" and look.why for look in ledger(store, "final").looks] == ["to see", "to see"]
    assert store.count(Sample) == store.count(Response) == store.count(Span) == 0
    assert store.count(EvalRun) == store.count(Look) == 2
    kept = "".join(str(run) for run in store.find(EvalRun))
    assert "failed" not in json.dumps(worse.record.summary)
    assert not worse.scores
    store.close()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes().lower(), path
    assert SECRET not in kept.lower() + capsys.readouterr().err.lower()


def test_the_same_variant_again_spends_no_look(store, monkeypatch):
    monkeypatch.setenv("SLIPWAY_SEAL_KEY", KEY)
    made = held_out(store)
    look(store, made, "good")
    again = look(store, made, "good")
    assert "no look was spent" in str(again)
    assert ledger(store, "final").left == 2


def test_a_look_needs_a_reason_and_a_look_left(store, monkeypatch):
    monkeypatch.setenv("SLIPWAY_SEAL_KEY", KEY)
    made = held_out(store)
    with pytest.raises(UsageError, match="needs a reason"):
        look(store, made, "a", why="")
    for name in "abc":
        look(store, made, name)
    with pytest.raises(SealedError, match="locked"):
        look(store, made, "d")
    with pytest.raises(UsageError, match="brings its own rows"):
        sw.evaluate(asks, capitals(3), suite=made, store=store, progress=False)


def test_a_model_that_is_down_costs_no_look(store, monkeypatch):
    monkeypatch.setenv("SLIPWAY_SEAL_KEY", KEY)
    made = held_out(store)
    model = ScriptedModel(lambda request: failed(503))
    found = sw.evaluate(
        asks, suite=made, model=model, store=store, progress=False, why="x", limit=sw.Limit(retries=0)
    ).only
    assert found.status == "failed"
    assert "no look was taken" in found.summary["reason"]
    assert ledger(store, "final").used == 0


def test_a_run_that_was_cut_short_takes_no_look(store, monkeypatch):
    monkeypatch.setenv("SLIPWAY_SEAL_KEY", KEY)
    made = held_out(store)
    model = ScriptedModel("x", usd_per_1k=(1, 1))
    found = sw.evaluate(
        asks, suite=made, model=model, store=store, progress=False, why="x", limit=sw.Limit(usd=0.01, concurrency=1)
    ).only
    assert found.status == "capped"
    assert found.exit_code == 6
    assert ledger(store, "final").used == 0
