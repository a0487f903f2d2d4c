"""Progress on standard error, and nothing on standard output."""

from __future__ import annotations

import io

from tests.evals.conftest import capitals

import slipway as sw
from slipway.data import Sample, Score
from slipway.evals.progress import Bar, Counter, Lines, Silent, choose


def shout(example):
    return example.input.upper()


def test_lines_where_there_is_no_terminal(store, capsys):
    sw.evaluate(shout, sw.dataset(capitals(10), name="c"), store=store)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "shout default  10/10  exact 1  finished\n"


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
    assert capsys.readouterr().err == "task default  40/40  exact 0.7  8 failed  finished\n"


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


def test_a_bar_on_a_terminal(capsys, monkeypatch):
    now = [0.0]
    bar = Bar(clock=lambda: now[0])
    bar.begin("quick plain", 3, 1)
    for number in range(2):
        now[0] += 1
        bar.seen(sample(number))
    bar.end("finished")
    said = capsys.readouterr()
    assert said.out == ""
    assert "quick plain" in said.err
    assert "3/3" in said.err


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
