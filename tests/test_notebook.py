"""``%load_ext slipway.notebook``: every type it names exists, and nothing of a model's output becomes HTML."""

from __future__ import annotations

import importlib
import re
from types import SimpleNamespace

import pytest

import slipway as sw
from slipway import notebook
from slipway.data import Span

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


class Formatter:
    """The part of IPython's HTML formatter that an extension talks to."""

    def __init__(self):
        self.deferred_printers, self.type_printers = {}, {}

    def for_type_by_name(self, module, name, show):
        self.deferred_printers[(module, name)] = show


def test_loading_registers_types_that_exist():
    formatter = Formatter()
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"text/html": formatter}))
    notebook.load_ipython_extension(shell)
    for module, name in formatter.deferred_printers:
        found = getattr(importlib.import_module(module), name)
        assert (found.__module__, found.__name__) == (module, name)
    notebook.unload_ipython_extension(shell)
    assert formatter.deferred_printers == {}


@pytest.fixture
def runs():
    rows = [{"id": f"e{i}", "input": HOSTILE if i else "0", "expected": HOSTILE} for i in range(12)]

    @sw.task
    def echo(example, ctx):
        return example.input if ctx.config.get("right") else ""

    variants = {"a": {"right": False}, HOSTILE: {"right": True}}
    return sw.evaluate(echo, rows, scorers=["exact"], variants=variants, progress=False)


def test_everything_is_shown_and_escaped(runs, tmp_path):
    from slipway.evals.datasets import load_version

    good = runs[HOSTILE]
    shown = [
        notebook.verdict(sw.compare(runs["a"], good)),
        notebook.run(good),
        notebook.dataset(load_version(good.store, good.record.dataset_id)),
        notebook.span(
            Span("1" * 32, "2" * 16, HOSTILE, started_ns=1, output={HOSTILE: HOSTILE}, attributes={HOSTILE: 1})
        ),
    ]
    for html in shown:
        assert "&lt;script&gt;" in html
        assert not re.search(r"<(?!/?(table|caption|thead|tbody|tr|th|td|p)>)", html)
    assert "is better than a" in shown[0]
    assert "12 examples" in shown[2]
