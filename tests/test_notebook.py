"""Results show themselves in notebooks, and nothing of a model's output becomes HTML."""

from __future__ import annotations

import re

import pytest

import slipway as sw

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def runs():
    rows = [{"id": f"e{i}", "input": HOSTILE if i else "0", "expected": HOSTILE} for i in range(12)]

    @sw.task
    def echo(example, ctx):
        return example.input if ctx.config.get("right") else ""

    variants = {"a": {"right": False}, HOSTILE: {"right": True}}
    return sw.evaluate(echo, rows, scorers=["exact"], variants=variants, progress=False)


def test_everything_is_shown_and_escaped(runs):
    from slipway.evals.datasets import load_version

    def answer(example):
        return example.input

    one_row = [{"id": "e", "input": HOSTILE, "expected": HOSTILE}]
    good = runs[HOSTILE]
    shown = {
        "verdict": sw.compare(runs["a"], good),
        "runs": runs,
        "run": good,
        "gate": sw.gate(good, must_pass=1.0),
        "journey": sw.journey(good.store),
        "dataset": load_version(good.store, good.record.dataset_id),
        "estimate": sw.evaluate(answer, one_row, variants={"a": {}, HOSTILE: {}}, dry_run=True),
    }
    for name, thing in shown.items():
        html = thing._repr_html_()
        assert "&lt;script&gt;" in html, name
        assert not re.search(r"<(?!/?(table|caption|thead|tbody|tr|th|td|p|pre)>)", html), name
    assert "is better than a" in shown["verdict"]._repr_html_()
    assert "12 examples, 12 shown" in shown["dataset"]._repr_html_()
