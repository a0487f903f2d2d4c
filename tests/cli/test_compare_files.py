"""``slipway compare`` on two files of scores: the verdict, and the figures of 75 against 79 per cent."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

KEYS = {"verdict", "delta", "ci_low", "ci_high", "p_value", "method", "n", "mde", "needed_n"}


def write(name, scores, **more):
    rows = [
        {"example_id": f"e{i}", "score": score} | {k: v[i] for k, v in more.items()} for i, score in enumerate(scores)
    ]
    random.Random(len(name)).shuffle(rows)  # order says nothing: rows are paired by example
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


def pair(n, both, only_a, only_b):
    """Scores of A and B: right in both, in A alone, in B alone, in neither."""
    a = [1] * both + [1] * only_a + [0] * only_b
    b = [1] * both + [0] * only_a + [1] * only_b
    return a + [0] * (n - len(a)), b + [0] * (n - len(b))


@pytest.mark.parametrize(("discordant", "needed"), [(0.06, 292), (0.10, 488), (0.20, 979)])
def test_75_against_79_per_cent_on_200_examples(slipway, discordant, needed):
    differ = round(200 * discordant)
    only_b = (differ + 8) // 2
    a, b = pair(200, 158 - only_b, differ - only_b, only_b)
    assert (sum(a), sum(b)) == (150, 158)
    done = slipway("compare", write("a.jsonl", a), write("b.jsonl", b), "--json")
    found = done.json
    assert set(found) >= KEYS
    assert (found["n"], found["delta"]) == (200, pytest.approx(0.04))
    assert found["needed_n"] == needed
    # At 6 % discordant, 10 against 2 is beyond chance even on 200.
    verdict = ("better", 0) if discordant == 0.06 else ("cannot_tell", 4)
    assert (found["verdict"], done.code) == verdict
    assert (found["ci_low"] < 0 < found["ci_high"]) == (verdict[0] == "cannot_tell")


def test_a_sequential_look_asks_for_more_than_a_single_one(slipway):
    a, b = pair(200, 148, 2, 10)
    files = write("a.jsonl", a), write("b.jsonl", b)
    assert slipway("compare", *files, "--json").json["verdict"] == "better"
    done = slipway("compare", *files, "--sequential", "--json")
    assert (done.json["verdict"], done.code) == ("cannot_tell", 4)
    assert done.json["method"].startswith("anytime")


def test_what_it_says_to_a_person(slipway):
    a, b = pair(200, 134, 16, 24)
    done = slipway("compare", write("a.jsonl", a), write("b.jsonl", b))
    assert done.code == 4
    assert "Cannot tell whether b is better or worse than a." in done.out
    assert "Collect 779 more (979 examples in all)" in done.out
    assert "200 examples, 40 of them differ" in done.out


def test_a_decision_is_exit_0_whichever_way(slipway):
    a, b = pair(200, 100, 5, 60)
    a, b = write("a.jsonl", a), write("b.jsonl", b)
    better, worse = slipway("compare", a, b, "--json"), slipway("compare", b, a, "--json")
    assert (better.code, better.json["verdict"]) == (0, "better")
    assert (worse.code, worse.json["verdict"]) == (0, "worse")


def test_not_worse_than_the_margin(slipway):
    a, b = pair(1000, 900, 5, 5)
    a, b = write("a.jsonl", a), write("b.jsonl", b)
    assert slipway("compare", a, b, "--json").code == 4
    done = slipway("compare", a, b, "--json", "--margin", "0.02")
    assert (done.code, done.json["verdict"]) == (0, "not_worse")
    assert "not worse than a by more than 0.02" in slipway("compare", a, b, "--margin", "0.02").out


def test_clusters_widen_the_interval(slipway):
    drawn = random.Random(3)
    gain = [drawn.random() for _ in range(30)]
    a = [float(drawn.random() < 0.5) for i in range(300)]
    b = [float(drawn.random() < gain[i // 10]) for i in range(300)]
    plain = slipway("compare", write("a.jsonl", a), write("b.jsonl", b), "--json").json
    groups = [f"g{i // 10}" for i in range(300)]
    names = write("a.jsonl", a, cluster=groups), write("b.jsonl", b, cluster=groups)
    clustered = slipway("compare", *names, "--json").json
    assert clustered["n_clusters"] == 30
    assert clustered["ci_high"] - clustered["ci_low"] > plain["ci_high"] - plain["ci_low"]


def test_a_variable_sets_an_option(slipway, monkeypatch):
    a, b = pair(1000, 900, 5, 5)
    monkeypatch.setenv("SLIPWAY_COMPARE_MARGIN", "0.02")
    monkeypatch.setenv("SLIPWAY_COMPARE_JSON", "1")
    assert slipway("compare", write("a.jsonl", a), write("b.jsonl", b)).json["verdict"] == "not_worse"


def test_a_file_and_a_run_do_not_mix(slipway):
    done = slipway("compare", write("a.jsonl", [1, 0]), "baseline")
    assert done.code == 2
    assert "one of the two is a file" in done.err


def test_slices_need_runs(slipway):
    done = slipway("compare", write("a.jsonl", [1, 0]), write("b.jsonl", [1, 0]), "--by", "lang")
    assert done.code == 2
    assert "lang" in done.err


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", 2),
        ("[1]", 2),
        ('{"example_id": "a"}', 2),
        ('{"example_id": "a", "score": "1"}', 2),
        ('{"example_id": "a", "score": 1e999}', 2),
        ('{"example_id": "a", "score": NaN}', 2),
        ("[" * 100_000, 2),
    ],
)
def test_t31_a_bad_line_is_refused_by_number(slipway, line, code):
    good = write("a.jsonl", [1, 0])
    Path("b.jsonl").write_text('{"example_id": "x", "score": 1}\n' + line + "\n")
    done = slipway("compare", good, "b.jsonl", "--json")
    assert done.code == code
    assert "b.jsonl line 2" in done.json["error"]["message"]


def test_an_empty_or_missing_file_is_said_to_be_so(slipway):
    good = write("a.jsonl", [1, 0])
    Path("b.jsonl").write_text("\n")
    assert "b.jsonl has no scores" in slipway("compare", good, "b.jsonl").err
    assert "No such file" in slipway("compare", good, "c.jsonl").err


def test_in_a_shell_of_its_own(tmp_path):
    """The whole way once: a process, two files, JSON on standard output and nothing else."""
    a, b = pair(200, 144, 6, 14)
    command = [sys.executable, "-m", "slipway.cli", "compare", write("a.jsonl", a), write("b.jsonl", b), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert json.loads(done.stdout)["needed_n"] == 488
    assert done.stderr == ""


def test_advice_fits_what_was_seen(slipway):
    one = slipway("compare", write("one-a.jsonl", [0.0]), write("one-b.jsonl", [0.5]))
    assert "One example says nothing of the next" in one.out
    assert "No difference was seen" not in one.out
    alike = [0.0, 1.0] * 10
    files = write("same-a.jsonl", alike), write("same-bb.jsonl", alike)
    assert "say how much is worth it: --margin" in slipway("compare", *files).out
    assert "--margin" not in slipway("compare", *files, "--margin", "0.01").out
