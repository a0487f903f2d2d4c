"""Tasks: their shapes, and the hash of the code that decides their outputs."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path

import pytest
from tests.evals.conftest import capitals

import slipway as sw
from slipway.data import Example, Variant
from slipway.errors import NotFound, UsageError
from slipway.evals.task import Context, Task, as_task


def test_a_task_is_still_the_function():
    @sw.task
    def shout(example):
        """Loudly."""
        return example.input.upper()

    assert isinstance(shout, Task)
    assert shout(Example("1", "a")) == "A"
    assert (shout.name, shout.awaits, shout.wants_context) == ("shout", False, False)


def test_shapes():
    async def both(example, ctx): ...
    def keyword(example, *, more=1): ...
    def optional(example, other=None): ...
    def optional_context(example, ctx=None): ...
    def too_many(a, b, c): ...

    class Callable:
        async def __call__(self, example): ...

    assert as_task(both).wants_context
    assert as_task(both).awaits
    assert not as_task(keyword).wants_context
    assert not as_task(optional).wants_context
    assert as_task(optional_context).wants_context
    assert as_task(Callable()).awaits
    with pytest.raises(UsageError, match="takes 3 arguments"):
        _ = as_task(too_many).wants_context
    with pytest.raises(UsageError, match="a task is a function, not int"):
        as_task(3)


def test_tasks_are_named_by_module_and_name(tmp_path, monkeypatch):
    (tmp_path / "named_app.py").write_text("def shout(example): return 1")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert as_task("named_app:shout").name == "shout"
    with pytest.raises(NotFound, match="did you mean 'shout'"):
        as_task("named_app:shuot")
    with pytest.raises(UsageError, match="no module 'named_ap'"):
        as_task("named_ap:shout")
    with pytest.raises(UsageError, match="write it as"):
        as_task("named_app")


FILES = {
    "code_app.py": "import json\nfrom code_words import say\nimport code_pack.inner as inner\n\n"
    "def shout(example):\n    import code_late\n    return say(example) + inner.add() + code_late.X\n\n"
    "def unrelated():\n    return 1\n",
    "code_words.py": "def say(example):\n    'Says.'\n    return example.input  # so\n",
    "code_pack/__init__.py": "",
    "code_pack/inner.py": "from . import deep\n\ndef add():\n    return deep.VALUE\n",
    "code_pack/deep.py": "VALUE = 'x'\n",
    "code_late.py": "X = 'late'\n",
    "code_other.py": "Y = 1\n",
}


def code_hash(folder: Path, **changes: str) -> str:
    """The hash of shout's code, of modules loaded anew, with some files changed."""
    for name, text in (FILES | changes).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for name in list(sys.modules):
        if name.startswith("code_"):
            del sys.modules[name]
    importlib.invalidate_caches()
    return as_task(importlib.import_module("code_app").shout).code_hash


def test_the_code_hash_follows_own_imports(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = code_hash(tmp_path)
    assert code_hash(tmp_path) == before
    same = {
        "code_words.py": FILES["code_words.py"].replace("'Says.'", "'Says it.'").replace("# so", "# this way"),
        "code_app.py": FILES["code_app.py"].replace("return 1", "return 2"),
        "code_other.py": "Y = 2\n",
    }
    for name, text in same.items():
        assert code_hash(tmp_path, **{name: text}) == before, name
    other = {
        "code_app.py": FILES["code_app.py"].replace("say(example) +", "2 * say(example) +"),
        "code_words.py": FILES["code_words.py"].replace("example.input", "example.id"),
        "code_pack/inner.py": FILES["code_pack/inner.py"].replace("deep.VALUE", "2 * deep.VALUE"),
        "code_pack/deep.py": "VALUE = 'y'\n",
        "code_late.py": "X = 'later'\n",
    }
    hashes = {name: code_hash(tmp_path, **{name: text}) for name, text in other.items()}
    assert len({before, *hashes.values()}) == 1 + len(other), hashes


def test_declared_code_and_versions(tmp_path):
    (tmp_path / "prompts").mkdir()
    prompt = tmp_path / "prompts" / "a.txt"
    prompt.write_text("a")

    def function(example): ...

    def made():
        return sw.task(code=[tmp_path / "prompts"])(function).code_hash

    before = made()
    prompt.write_text("b")
    assert made() != before
    assert sw.task(version="1", name="t")(function).code_hash == sw.task(version="1", name="t")(made).code_hash
    with pytest.raises(UsageError, match="declared as code of a task"):
        _ = sw.task(code=["nix.txt"])(function).code_hash


def test_context():
    variant = Variant("v", {"k": 1})
    one = Context(Example("1", "a"), variant=variant, repeat=2, run_seed=3)
    assert one.config["k"] == 1
    assert 0 <= one.seed < 2**32
    assert one.seed == Context(Example("1", "other"), variant=variant, repeat=2, run_seed=3).seed
    with pytest.raises(UsageError, match="the run has none"):
        _ = one.model


def yields(example):
    yield "WORD"
    yield example.input[4:]


async def yields_later(example):
    yield "WORD"
    await asyncio.sleep(0)
    yield example.input[4:]


async def gives_a_generator(example):
    return yields(example)


class Streams:
    def __call__(self, example):
        return yields_later(example)


@pytest.mark.parametrize("task", [yields, yields_later, gives_a_generator, sw.task(name="s", version="1")(Streams())])
def test_what_a_generator_yields_is_the_output(store, task):
    found = sw.evaluate(task, capitals(3), store=store, progress=False).only
    assert sorted(sample.output for sample in found.samples()) == ["WORD 0", "WORD 1", "WORD 2"]
    assert found.score == 1.0


def test_a_generator_that_fails_half_way_is_a_failed_sample(store):
    def task(example):
        yield "WORD"
        raise ValueError("cut off")

    sample = next(sw.evaluate(task, capitals(1), store=store, progress=False).only.samples())
    assert (sample.status, sample.output) == ("error", None)
    assert "ValueError: cut off" in sample.error


def test_a_generator_of_something_else_is_refused(store):
    def task(example):
        yield {"delta": "WORD"}

    with pytest.raises(UsageError, match="the task yields dict"):
        sw.evaluate(task, capitals(1), store=store, progress=False)


def test_a_callable_without_a_file_has_a_code_hash():
    import operator

    assert as_task(operator.attrgetter("input")).code_hash == as_task(operator.attrgetter("input")).code_hash
    assert len(as_task(len).code_hash) == 64
