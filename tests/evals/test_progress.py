"""Progress on standard error, and nothing on standard output."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from tests.evals.conftest import capitals
from tests.terminal import ESCAPE, environ, typed

import slipway as sw
from slipway.data import Sample, Score
from slipway.evals.progress import Counter, Lines, Silent, choose


def shout(example):
    return example.input.upper()


def test_lines_where_there_is_no_terminal(store, capsys):
    sw.evaluate(shout, sw.dataset(capitals(10), name="c"), store=store)
    said = capsys.readouterr()
    assert said.out == ""
    # The last line: one more comes for every five seconds that it takes.
    assert said.err.splitlines()[-1] == "shout default  10/10  exact 1  finished"


def test_quiet(store, capsys):
    sw.evaluate(shout, sw.dataset(capitals(10), name="c"), store=store, progress=False)
    assert capsys.readouterr() == ("", "")


def sample(number, value=1.0, status="ok"):
    return Sample("r", f"e{number}", status=status, scores=(Score("exact", value),), cost_usd=0.01)


def test_a_line_every_few_seconds():
    now, out = [0.0], io.StringIO()
    lines = Lines(out, clock=lambda: now[0])
    lines.begin("quick", 100, 0)
    for number in range(30):
        now[0] += 0.25
        lines.seen(sample(number, value=float(number % 2), status="error" if number == 3 else "ok"))
    lines.end("timed_out")
    assert out.getvalue().splitlines() == [
        "quick  20/100  exact 0.45  1 failed  $0.20",
        "quick  30/100  exact 0.467  1 failed  $0.30  timed_out",
    ]


def test_the_mean_is_the_one_in_the_table(store, capsys):
    def task(example):
        number = int(example.id[1:])
        if number < 8:
            raise ValueError("no")
        return "wrong" if number < 12 else example.input.upper()

    found = sw.evaluate(task, sw.dataset(capitals(40), name="c"), store=store).only
    assert found.score == 0.7
    assert capsys.readouterr().err.splitlines()[-1] == "task default  40/40  exact 0.7  8 failed  finished"


def test_no_mean_of_a_part_of_the_run():
    out = io.StringIO()
    lines = Lines(out)
    lines.begin("quick", 100, 20)
    lines.seen(sample(1))
    lines.end("finished")
    assert out.getvalue() == "quick  21/100  $0.01  finished\n"


def test_what_the_infrastructure_lost_counts_in_no_mean():
    counter = Counter()
    counter.begin("quick", 3, 0)
    counter.seen(sample(0))
    counter.seen(Sample("r", "e1", status="error", error="infrastructure: HTTP 500"))
    assert counter.text == "exact 1  1 failed  $0.01"
    counter.seen(Sample("r", "e2", status="timeout", error="TimeoutError"))
    assert counter.text == "exact 0.5  2 failed  $0.01"


SCRIPT = """
import slipway as sw

def shout(example):
    return example.input.upper()

rows = [{"id": f"e{n}", "input": "word", "expected": "WORD"} for n in range(40)]
runs = sw.evaluate(shout, rows, scorers=["exact"], variants={"plain": {}, "[b]another_long_name": {}})
print("result", runs["plain"].score)
"""


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_bar_for_each_run_on_a_terminal(tmp_path, monkeypatch, columns):
    monkeypatch.chdir(tmp_path)
    Path("script.py").write_text(SCRIPT)
    shown, out = typed([sys.executable, "script.py"], environ(), columns=columns, piped=True)
    assert out == "result 1.0\n"
    assert "\x1b[" in shown
    # What is left to see: every redraw begins where the one before it began.
    last = [line for line in ESCAPE.sub("", shown.replace("\r", "\n")).splitlines() if line.strip()][-2:]
    room = max(columns - 50, 12)
    for line, label in zip(last, ("shout plain", "shout [b]another_long_name"), strict=True):
        assert line.startswith(label if len(label) <= room else label[: room - 1] + "…")
        assert "40/40 exact 1" in line
        assert len(line) <= columns


def test_no_bar_where_standard_error_is_no_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], env=environ(), capture_output=True, text=True, check=True)
    assert done.stdout == "result 1.0\n"
    assert "shout plain  40/40  exact 1  finished" in done.stderr.splitlines()
    assert "\x1b" not in done.stderr


def test_one_may_pass_ones_own(store):
    class Mine(Silent):
        def __init__(self):
            self.events = []

        def begin(self, label, total, done):
            self.events.append((label, total, done))

        def seen(self, sample):
            self.events.append(sample.example_id)

        def end(self, status):
            self.events.append(status)

    mine = Mine()
    sw.evaluate(shout, sw.dataset(capitals(2), name="c"), store=store, progress=mine)
    assert mine.events[0] == ("shout default", 2, 0)
    assert sorted(mine.events[1:3]) == ["e0", "e1"]
    assert mine.events[3] == "finished"
    assert isinstance(choose(False), Silent)
