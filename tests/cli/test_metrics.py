"""``slipway metrics``: names and last values by regular expression."""

from __future__ import annotations

import pytest

from slipway.data import MetricPoint
from slipway.store import open_store

RUNS = ["1" * 32, "2" * 32]


@pytest.fixture(autouse=True)
def points(tmp_path):
    (tmp_path / ".slipway").mkdir()
    store = open_store(f"sqlite:///{tmp_path}/.slipway/slipway.db")
    names = ["eval/en/exact", "eval/fr/exact", "loss", "sys/\x1b[2Jgpu"]
    store.write(
        [
            MetricPoint(run, name, step / 4 + i, step, 1)
            for i, run in enumerate(RUNS)
            for name in names
            for step in range(3)
        ]
    )
    store.close()


def test_names(slipway):
    assert slipway("metrics", "--json").json == ["eval/en/exact", "eval/fr/exact", "loss", "sys/\x1b[2Jgpu"]
    assert slipway("metrics", "^eval/(en|de)/", "--json").json == ["eval/en/exact"]
    assert slipway("metrics", "exact", "--limit", "1").out == "eval/en/exact\n"
    assert "\x1b" not in slipway("metrics", "sys").out
    assert "No metric matches" in slipway("metrics", "nothing").out


def test_values(slipway):
    found = slipway("metrics", "en/exact", "--values", "--json").json
    assert [(v["run_id"], v["value"], v["step"]) for v in sorted(found, key=lambda v: v["run_id"])] == [
        (RUNS[0], 0.5, 2),
        (RUNS[1], 1.5, 2),
    ]
    only = slipway("metrics", "en/exact", "--values", "--run", RUNS[1], "--json").json
    assert [v["value"] for v in only] == [1.5]
    said = slipway("metrics", "exact", "--values").out
    assert RUNS[0][:12] in said
    assert "\x1b" not in slipway("metrics", "--values").out


def test_t38_a_pattern_that_hangs_others_answers(slipway):
    assert slipway("metrics", "(a+)+$", "--json").code == 0


def test_a_broken_pattern_is_a_usage_error(slipway):
    done = slipway("metrics", "(")
    assert done.code == 2
    assert done.out == ""
