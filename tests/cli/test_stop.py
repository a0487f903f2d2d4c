"""An evaluation that is stopped from outside: what finished is kept, the run says so, the exit code and the way on are told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = """
import asyncio, os, threading
import slipway as sw

@sw.task
{how} answer(example):
    os.write(2, b"called\\n")
    if example.input >= 5:
        {wait}
    return example.input
"""
HOWS = {"async": ("async def", "await asyncio.Event().wait()"), "thread": ("def", "threading.Event().wait()")}

# A program that starts us may have switched Ctrl-C off for its children, as a shell does for what runs in the background.
START = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN if sys.argv[1] == "ignored" else signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, "-m", "slipway.cli", *sys.argv[2:]])
"""


def project(how, wait):
    Path("slow.py").write_text(SLOW.format(how=how, wait=wait))
    Path("slipway.toml").write_text('[suites.slow]\ndataset = "rows.jsonl"\ntask = "slow:answer"\n')
    lines = [{"id": f"e{i}", "input": i, "expected": i} for i in range(10)]
    Path("rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def started(*options, control_c="on"):
    """`slipway eval slow` with ten samples under way, five of which have ended or are about to."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SLIPWAY_")}
    command = [sys.executable, "-c", START, control_c, "eval", "slow", "--concurrency", "10", "--quiet", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    said = [process.stderr.readline() for _ in range(10)]
    assert said == ["called\n"] * 10, said + process.stderr.readlines()
    return process


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize(
    ("sent", "control_c", "code", "word"),
    [
        (signal.SIGTERM, "on", 143, "terminated"),
        (signal.SIGTERM, "ignored", 143, "terminated"),
        (signal.SIGINT, "on", 130, "interrupted"),
    ],
)
def test_a_signal_keeps_what_finished_and_names_the_command_that_goes_on(slipway, how, sent, control_c, code, word):
    project(*HOWS[how])
    process = started("--json", "--fresh", control_c=control_c)
    process.send_signal(sent)
    out, err = process.communicate(timeout=240)
    assert process.returncode == code, err
    assert f"error: {word}" in err
    assert "Traceback" not in err
    said = json.loads(out)["error"]
    assert (said["kind"], said["exit_code"]) == (word.capitalize(), code)
    again = "slipway eval slow --concurrency 10 --quiet --json"
    assert said["mend"].endswith(again)
    (run,) = slipway("runs", "ls", "--json").json
    assert (run["status"], run["summary"]["reason"]) == ("interrupted", "stopped by hand")
    kept = run["summary"]["samples"]
    assert kept <= 5
    project(HOWS[how][0], "pass")
    done = slipway(*again.split()[1:])
    assert done.code == 0
    (after,) = done.json["runs"]
    assert after["summary"]["samples"] == 10


def test_a_killed_run_is_not_listed_as_running(slipway):
    project(*HOWS["async"])
    process = started()
    listed = slipway("runs", "ls", "--json").json
    assert [run["status"] for run in listed] == ["running"]
    process.kill()
    process.communicate(timeout=240)
    assert [run["status"] for run in slipway("runs", "ls", "--json").json] == ["interrupted"]
    assert "interrupted" in slipway("runs", "ls").out
    assert slipway("runs", "show", "@latest", "--json").json["run"]["status"] == "interrupted"
    gate = slipway("gate", "@latest")
    assert gate.code == 130
    assert "its process is gone" in gate.out


def test_the_handler_of_a_program_that_calls_the_command_line_is_its_own(slipway):
    project("def", "pass")
    calls = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: calls.append(number))
    try:
        ours = signal.getsignal(signal.SIGTERM)
        Path("slow.py").write_text(
            "import os, signal\nimport slipway as sw\n\n@sw.task\ndef answer(example):\n"
            "    if example.input == 3:\n        os.kill(os.getpid(), signal.SIGTERM)\n    return example.input\n"
        )
        assert slipway("eval", "slow", "--quiet").code == 0
        assert calls == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGTERM) is ours
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_handler_is_gone_after_the_evaluation(slipway):
    project("def", "pass")
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert slipway("eval", "slow", "--quiet").code == 0
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
