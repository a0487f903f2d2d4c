"""A held-out suite through the runner: what is on disk, on the terminal and in the answer tells nothing of its rows."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout

import pytest

import slipway as sw
from slipway.config import load
from slipway.data import EvalRun, Look, MetricPoint, Response, Sample, Span
from slipway.errors import NotFound, SealedError, UsageError
from slipway.evals.datasets import dataset
from slipway.evals.run import evaluate
from slipway.evals.sealed import ledger, seal
from slipway.evals.suites import Suite
from slipway.models.scripted import ScriptedModel
from slipway.store import open_store

MARKS = (b"zebra", b"ZEBRA", b"plaid", b"PLAID")


def rows(size=30):
    return [
        {
            "id": f"zebra-{n}",
            "input": f"paint zebra {n} in plaid",
            "expected": f"PAINT ZEBRA {n} IN PLAID",
            "template": f"zebra-{n % 5}",
            "skill": f"zebra-{n % 2}",
        }
        for n in range(size)
    ]


async def asks(example, ctx):
    """Right for most; says the row in its error for one in ten, and gives a model the whole row."""
    if example.input.endswith("7 in plaid"):
        raise ValueError(f"cannot do {example.input!r}")
    reply = await ctx.model.chat(example.input)
    sw.log({f"seen/{example.input}": 1.0}, run_id="5" * 32)
    return reply.text


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A store in a data folder, a sealed suite with two looks, the key elsewhere."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("SLIPWAY_DATA", str(folder))
    store = open_store(f"sqlite:///{folder / 'slipway.db'}")
    seal(dataset(rows(), cluster="template", slices=["skill"]), suite="held-out", looks=2, store=store)
    yield store, folder
    store.close()


def run(store, variant, why="the test", **more):
    model = ScriptedModel(lambda request: request.messages[-1].content.upper(), name="upper")
    suite = Suite("held-out", tier="held-out", scorers=["exact"], slices=["skill"], looks=2)
    options = {
        "suite": suite,
        "variants": {variant: {"n": variant}},
        "store": store,
        "model": model,
        "why": why,
        **more,
    }
    return evaluate(asks, config=load(), **options)


def clean(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        data = path.read_bytes()
        assert not any(mark in data for mark in MARKS), path


def test_a_run_of_a_held_out_suite_leaves_nothing_of_its_rows(world):
    store, folder = world
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        runs = run(store, "a", trace=True)
    record = runs["a"].record
    assert record.summary["look"]["number"] == 1
    assert record.summary["look"]["shown"] == pytest.approx(0.9)  # three of thirty raise
    clean(folder)  # with the write-ahead log still there
    assert store.count(Sample) == 0
    assert store.count(Response) == 0
    assert store.count(MetricPoint) == 0
    told = [out.getvalue(), err.getvalue(), json.dumps(record.summary), repr(record), str(ledger(store, "held-out"))]
    told += [repr(one) for kind in (EvalRun, Look, Span) for one in store.find(kind)]
    assert not any(mark.decode() in text for mark in MARKS for text in told)
    # The control: of a suite that is not sealed, all of that is found on disk.
    evaluate(
        asks,
        rows(33)[30:],
        store=store,
        model=ScriptedModel(["PLAID"] * 3, name="upper"),
        config=load(),
        progress=False,
    )
    store.close()
    with pytest.raises(AssertionError):
        clean(folder)


def test_the_runner_keeps_to_the_budget(world):
    store, _ = world
    first = run(store, "a")["a"].record
    again = run(store, "a")["a"].record
    assert again.summary["look"]["recorded"]
    assert again.summary["look"]["shown"] == first.summary["look"]["shown"]
    with pytest.raises(UsageError, match="reason"):
        run(store, "b", why="")
    run(store, "b")
    with pytest.raises(SealedError, match="locked"):
        run(store, "c")
    assert ledger(store, "held-out").used == 2


def test_a_suite_that_was_never_sealed_is_not_run(world):
    store, _ = world
    suite = Suite("other", tier="held-out", scorers=["exact"])
    with pytest.raises(NotFound, match="sealed suite"):
        run(store, "a", suite=suite)


def test_sealed_rows_are_not_evaluated_in_the_open(world, monkeypatch, tmp_path):
    store, folder = world

    def attempt(data, name="open"):
        return evaluate(lambda example: "x", dataset(data, name=name), store=store, progress=False)

    fresh = [{"id": f"f{n}", "input": f"draw fox {n}", "expected": "x"} for n in range(1000)]
    for data in (rows(), rows(3), rows()[:20] + fresh):  # all, some, a fiftieth of a big file that is most of the suite
        with pytest.raises(SealedError, match="are in the sealed suite 'held-out'"):
            attempt(data)
    path = tmp_path / "h.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    with pytest.raises(SealedError):
        evaluate(lambda example: "x", suite=Suite("quick", path), store=store, progress=False)
    assert not list(store.find(Sample))
    for file in folder.rglob("*"):
        assert not file.is_file() or not any(mark in file.read_bytes() for mark in MARKS), file
    assert attempt(rows(1) + fresh[:30]).only.status == "finished"
    # Somebody without the key cannot tell, and is not stopped.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nowhere"))
    assert attempt(rows(3)).only.status == "finished"


def test_more_new_variants_than_looks_spend_none(world):
    store, _ = world

    def task(example, ctx):
        return example.input.upper()

    def look(*names):
        return evaluate(
            sw.task(name="t", version="1")(task),
            suite=Suite("held-out", tier="held-out"),
            variants=[{"name": name, "config": {"n": name}} for name in names],
            store=store,
            progress=False,
            why="all",
        )

    with pytest.raises(UsageError, match="has 2 looks left, and there are 4 new variants: a, b, c, d"):
        look("a", "b", "c", "d")
    assert ledger(store, "held-out").used == 0
    look("a")
    with pytest.raises(UsageError, match="1 looks left, and there are 2 new variants: b, c"):
        look("a", "b", "c")
    look("a", "b")  # the one told before costs nothing
    assert ledger(store, "held-out").locked
    with pytest.raises(SealedError, match="locked"):
        look("c")
