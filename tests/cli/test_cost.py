"""Where it costs money: dry runs, the cost cap, a second run that is free, a run that is stopped by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fake_openai import FakeOpenAI

TASK = """
import slipway as sw

@sw.task
async def answer(example, ctx):
    return await ctx.model.chat(f"What is {example.input} and 1?")
"""
SETTINGS = """
model = "openai/tiny"

[prices]
tiny = [10.0, 20.0]

[suites.sums]
dataset = "rows.jsonl"
task = "asks:answer"
"""
SLOW = """
import os
import threading
import slipway as sw

@sw.task
def answer(example):
    os.write(2, b"called\\n")
    if example.input >= 5:
        threading.Event().wait()
    return example.input
"""


def rows(count):
    lines = [{"id": f"e{i}", "input": i, "expected": f"{i + 1}"} for i in range(count)]
    Path("rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def model(monkeypatch):
    """A project whose task asks a model on the loopback once for each of 20 rows."""
    with FakeOpenAI(answer=lambda body: "7") as server:
        monkeypatch.setenv("SLIPWAY_MODEL_URL", server.url)
        Path("asks.py").write_text(TASK)
        Path("slipway.toml").write_text(SETTINGS)
        rows(20)
        yield server


def test_a_dry_run_knows_the_calls_and_what_is_recorded(slipway, model):
    first = slipway("eval", "sums", "--dry-run", "--json").json
    assert (first["calls"], first["cached"], first["to_run"]) == (20, 0, 20)
    assert model.requests == []
    assert slipway("eval", "sums", "--quiet").code == 0
    assert len(model.requests) == 20
    again = slipway("eval", "sums", "--dry-run", "--json").json
    assert (again["calls"], again["to_run"]) == (0, 0)
    fresh = slipway("eval", "sums", "--dry-run", "--fresh", "--json").json
    assert fresh["calls"] == 20
    assert 0 < fresh["cost_low"] <= fresh["cost_high"]
    said = slipway("eval", "sums", "--dry-run", "--fresh").out
    assert "20 model calls, 0 answers recorded, cost $" in said
    assert len(model.requests) == 20


def test_a_second_run_is_free(slipway, model):
    slipway("eval", "sums", "--quiet")
    run = slipway("eval", "sums", "--quiet", "--json").json["runs"][0]
    assert run["summary"]["cached"] == 20
    assert len(model.requests) == 20


def test_the_cost_cap_ends_it_with_6(slipway, model):
    done = slipway("eval", "sums", "--limit-usd", "0.000001", "--concurrency", "3", "--quiet", "--json")
    assert done.code == 6
    assert done.json["runs"][0]["status"] == "capped"
    assert 1 <= len(model.requests) <= 3
    assert slipway("gate", "@latest").code == 6


def test_a_model_that_is_down_is_3(slipway, model):
    model.status = 401
    done = slipway("eval", "sums", "--quiet", "--json")
    assert done.code == 3


def test_reproducing_live_says_first_what_it_would_cost(slipway, model):
    slipway("eval", "sums", "--quiet")
    assert slipway("reproduce", "@latest", "--dry-run", "--json").json["calls"] == 0
    live = slipway("reproduce", "@latest", "--live", "--dry-run", "--json").json
    assert live["calls"] == 20
    assert 0 < live["cost_low"] <= live["cost_high"]
    assert len(model.requests) == 20


def test_control_c_is_130_and_the_same_command_goes_on(slipway):
    Path("slow.py").write_text(SLOW)
    Path("slipway.toml").write_text('[suites.slow]\ndataset = "rows.jsonl"\ntask = "slow:answer"\n')
    rows(10)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    command = [sys.executable, "-m", "slipway.cli", "eval", "slow", "--concurrency", "10", "--quiet", "--json"]
    # A shell's background job ignores SIGINT and hands that on to what it starts.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert process.stderr is not None
    said = [process.stderr.readline() for _ in range(10)]
    assert said == ["called\n"] * 10
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert json.loads(out)["error"]["exit_code"] == 130
    before = slipway("runs", "ls", "--json").json
    assert [run["status"] for run in before] == ["interrupted"]
    kept = before[0]["summary"]["samples"]
    Path("slow.py").write_text(SLOW.replace("threading.Event().wait()", "pass"))
    done = slipway("eval", "slow", "--quiet", "--json")
    assert done.code == 0
    assert done.json["runs"][0]["summary"]["samples"] == 10
    assert kept <= 5
