"""A killed run goes on where it was, repeats nothing that was finished, and reports what an uninterrupted one would."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tests.evals.conftest import capitals
from tests.server.patience import until

import slipway as sw
from slipway.data import EvalRun, Sample
from slipway.errors import NotFound, UsageError
from slipway.evals.process import as_it_is, is_alive, this_process
from slipway.evals.results import run_of
from slipway.store import open_store

CONCURRENCY = 8
SIZE = 160

# The task notes every call in a file of its own, so that what was computed twice can be counted after a kill, and says so
# on standard output, so that the one who kills need not poll.
SCRIPT = """
import asyncio, os, sys
import slipway as sw

def main(store, path, say=lambda: None):
    calls = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    @sw.task(version="1")
    async def shout(example):
        os.write(calls, (example.id + "\\n").encode())
        say()
        await asyncio.sleep(0)
        if example.id == "e7":
            raise ValueError("no sevens")
        return example.input.upper() if int(example.id[1:]) % 3 else "wrong"

    rows = [{{"id": f"e{{n}}", "input": f"word {{n}}", "expected": f"WORD {{n}}"}} for n in range({size})]
    data = sw.dataset(rows, name="capitals")
    return sw.evaluate(shout, data, store=store, progress=False, seed=3, limit=sw.Limit(concurrency={concurrency})).only

if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], lambda: os.write(1, b"."))
"""


def script(tmp_path: Path) -> Path:
    path = tmp_path / "shout.py"
    path.write_text(SCRIPT.format(size=SIZE, concurrency=CONCURRENCY))
    return path


def finish(tmp_path: Path, name: str) -> str:
    """The same evaluation in this process, to its end; the run's id."""
    spec = importlib.util.spec_from_file_location("shout", script(tmp_path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run = module.main(f"sqlite:///{tmp_path / name}.db", str(tmp_path / f"{name}.calls"))
    run.store.close()
    return run.id


def calls(tmp_path: Path, name: str) -> list[str]:
    path = tmp_path / f"{name}.calls"
    return path.read_text().split() if path.exists() else []


def report(tmp_path: Path, name: str, run_id: str) -> dict:
    store = open_store(f"sqlite:///{tmp_path / name}.db")
    record = store.get(EvalRun, run_id)
    summary = {key: value for key, value in record.summary.items() if key not in ("latency_ms", "session")}
    samples = {
        (sample.example_id, sample.repeat): (sample.status, sample.output, sample.error, sample.scores)
        for sample in store.find(Sample, {"run_id": run_id})
    }
    store.close()
    same = (record.status, record.planned, record.variant_id, record.dataset_id, record.seed, record.repeats)
    return {"summary": summary, "samples": samples, "run": same}


def committed(path: Path) -> set[str]:
    """The samples on disk, read while nobody else has the file open."""
    store = open_store(f"sqlite:///{path}")
    found = {sample.example_id for sample in store.find(Sample)}
    store.close()
    return found


def kill_at(tmp_path: Path, name: str, count: int, delay_s: float) -> set[str]:
    """Kill a run ``delay_s`` after its task was called ``count`` times; the samples that were on disk then."""
    process = subprocess.Popen(
        [sys.executable, str(script(tmp_path)), f"sqlite:///{tmp_path / name}.db", str(tmp_path / f"{name}.calls")],
        stdout=subprocess.PIPE,
    )
    seen = 0
    while seen < count and (more := os.read(process.stdout.fileno(), count - seen)):
        seen += len(more)
    threading.Event().wait(delay_s)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return committed(tmp_path / f"{name}.db")


def check_kills(tmp_path: Path, times: int) -> None:
    """Kill at random instants: between any two steps, in a commit, while the run is being opened or summed up."""
    seed = int(os.environ.get("KILL_SEED", random.SystemRandom().randrange(2**32)))
    sys.stdout.write(f"KILL_SEED={seed} repeats these instants as far as the machine lets it\n")
    chance = random.Random(seed)
    whole = finish(tmp_path, "whole")
    expected = report(tmp_path, "whole", whole)
    for number in range(times):
        name, count, delay_s = f"killed{number}", chance.randrange(SIZE + 1), chance.expovariate(1 / 0.005)
        kept = kill_at(tmp_path, name, count, delay_s)
        made = len(calls(tmp_path, name))
        run_id = finish(tmp_path, name)
        found = report(tmp_path, name, run_id)
        when = f"after a kill {delay_s * 1000:.2f} ms after call {count} (KILL_SEED={seed})"
        assert found == expected, when
        again = calls(tmp_path, name)[made:]
        assert not kept & set(again), f"a sample that was on disk was computed again {when}"
        repeated = len(calls(tmp_path, name)) - SIZE
        assert 0 <= repeated <= CONCURRENCY, f"{repeated} calls were repeated {when}"
        store = open_store(f"sqlite:///{tmp_path / name}.db")
        assert store.count(EvalRun) == 1, when
        store.close()


def test_e6_killed_at_four_random_instants(tmp_path):
    check_kills(tmp_path, 4)


@pytest.mark.slow
def test_e6_killed_at_a_hundred_random_instants(tmp_path):
    check_kills(tmp_path, 100)


def test_interrupting_keeps_what_ran_and_the_same_call_goes_on(tmp_path, store):
    script = tmp_path / "slow.py"
    script.write_text(
        """
import asyncio, signal, sys
import slipway as sw
signal.signal(signal.SIGINT, signal.default_int_handler)  # what was started in the background may ignore it

@sw.task(version="1")
async def wait(example):
    if example.id == "e3":
        print("waiting", flush=True)
        await asyncio.sleep(600)
    return example.input.upper()

rows = [{"id": f"e{n}", "input": f"w{n}", "expected": f"W{n}"} for n in range(20)]
sw.evaluate(wait, sw.dataset(rows, name="w"), store=sys.argv[1], progress=False, limit=sw.Limit(timeout=None))
"""
    )
    process = subprocess.Popen(
        [sys.executable, str(script), store.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "waiting\n"
    until(lambda: store.count(Sample) == 19)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=240)
    assert "KeyboardInterrupt" in err
    record = next(store.find(EvalRun))
    assert record.status == "interrupted"
    assert record.summary["samples"] == 19

    @sw.task(version="1", name="wait")
    async def quick(example):
        return example.input.upper()

    rows = [{"id": f"e{n}", "input": f"w{n}", "expected": f"W{n}"} for n in range(20)]
    run = sw.evaluate(quick, sw.dataset(rows, name="w"), store=store, progress=False, limit=sw.Limit(timeout=None)).only
    assert (run.id, run.status, run.summary["samples"]) == (record.id, "finished", 20)
    assert run.summary["session"]["samples"] == 1


def evaluate(store, rows, **more):
    @sw.task(version="1")
    async def shout(example):
        return example.input.upper()

    return sw.evaluate(shout, sw.dataset(rows, name="capitals"), store=store, progress=False, **more).only


def test_a_run_is_resumed_by_name_only_when_it_is_the_same(store):
    run = evaluate(store, capitals(5))
    assert evaluate(store, capitals(5), resume=run.id).id == run.id
    with pytest.raises(UsageError, match="not of the same"):
        evaluate(store, capitals(6), resume=run.id)
    with pytest.raises(UsageError, match="not of the same"):
        evaluate(store, capitals(5), resume=run.id, seed=1)
    with pytest.raises(UsageError, match="not of the same"):
        evaluate(store, capitals(5), resume=run.id, scorers=["contains"])
    with pytest.raises(NotFound):
        evaluate(store, capitals(5), resume="nix")


def test_a_run_of_a_live_process_is_left_alone(store):
    run = evaluate(store, capitals(5))
    alive = {**run.record.config, "process": this_process()}
    store.write([_running(run, alive)])
    other = evaluate(store, capitals(5))
    assert other.id != run.id
    dead = {**run.record.config, "process": {**this_process(), "started": "another boot"}}
    store.write([_running(run, dead)])
    assert evaluate(store, capitals(5)).id == run.id


def _running(run, config):
    return replace(run.record, status="running", config=config)


def test_whether_a_process_is_alive():
    assert is_alive(this_process())
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    assert not is_alive({**this_process(), "pid": int(ended.stdout)})
    assert is_alive({**this_process(), "host": "another"})  # nothing here can tell
    assert not is_alive({})
    assert not is_alive({**this_process(), "boot": "before"})  # this machine was started again
    assert is_alive({**this_process(), "pid": int(ended.stdout), "space": "pid:[1]"})  # another container of that name
    assert not is_alive({**this_process(), "started": "1"})  # the pid is another process's by now
    assert is_alive(
        {key: value for key, value in this_process().items() if key not in ("boot", "space")}
    )  # an old record


def test_a_killed_run_is_seen_as_interrupted(store):
    run = evaluate(store, capitals(5))
    dead = {**run.record.config, "process": {**this_process(), "started": "1"}}
    seen = as_it_is(_running(run, dead))
    assert (seen.status, seen.summary["reason"]) == (
        "interrupted",
        "its process is gone; the same command goes on with it",
    )
    store.write([_running(run, dead)])
    found = run_of(run.id, store)
    assert (found.status, found.exit_code) == ("interrupted", 130)
    assert store.get(EvalRun, run.id).status == "running"  # looking changes nothing
    alive = _running(run, {**run.record.config, "process": this_process()})
    assert as_it_is(alive) is alive


@pytest.mark.slow
def test_e6_of_100_000_samples_only_the_missing_one_runs(tmp_path):
    whole, rows = open_store(f"sqlite:///{tmp_path / 'whole.db'}"), capitals(100_000)
    run = evaluate(whole, rows)
    # The same run in another store, one sample short of its end, as if killed there.
    store = open_store(f"sqlite:///{tmp_path / 'killed.db'}")
    store.write([replace(run.record, status="interrupted", summary={})])
    kept = [sample for sample in whole.find(Sample, {"run_id": run.id}) if sample.example_id != "e99"]
    for at in range(0, len(kept), 10_000):
        store.write(kept[at : at + 10_000])
    started: list[str] = []

    @sw.task(version="1")
    async def shout(example):
        started.append(example.id)
        return example.input.upper()

    again = sw.evaluate(shout, sw.dataset(rows, name="capitals"), store=store, progress=False).only
    assert again.id == run.id
    assert started == ["e99"]
    assert again.summary["scores"] == run.summary["scores"]
