"""The statement of the 17 functions, and what `validate` says about calls."""

import json
import os
import runpy
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from slipway_assistant.schema import FUNCTIONS, Function, is_arithmetic, validate

NAMED = os.environ.get("SLIPWAY_NLU_DATA")
REAL = Path(NAMED) if NAMED else Path(__file__).parents[3] / "shared" / "data" / "nlu"


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_functions_are_described_and_consistent(function: Function) -> None:
    names = [argument.name for argument in function.arguments]
    assert len(set(names)) == len(names)
    assert set(function.required) <= set(names)
    for described in (function, *function.arguments):
        assert described.summary.endswith(".")
    for argument in function.arguments:
        assert bool(argument.values) == (argument.kind == "enum")


def test_the_signatures_say_what_the_minds_have_learned() -> None:
    """The functions as they were when they stood in one list. Change the file only with the data that minds learn from."""
    rows = json.loads((Path(__file__).parent / "functions.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps([asdict(function) for function in FUNCTIONS.values()])) == rows


def test_the_schema_is_read_without_what_skills_stand_on() -> None:
    heavy = (
        "numpy dateparser icalendar recurring_ical_events pint feedparser mutagen mpd aiohttp httpx asyncio onnxruntime"
    )
    code = "import sys, slipway_assistant.schema; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(heavy.split()) & set(done.stdout.split())
    assert done.stderr == ""


def test_the_functions_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        FUNCTIONS["door.lock"] = FUNCTIONS["joke.tell"]  # type: ignore[index]


@pytest.mark.skipif(not NAMED and not REAL.is_dir(), reason="set SLIPWAY_NLU_DATA to compare")
def test_it_says_the_same_as_the_proposed_schema() -> None:
    proposed = runpy.run_path(str(REAL / "schema.py"))["SCHEMA"]
    ours = {
        name: {
            "args": {
                a.name: {"match": a.kind} | ({"values": list(a.values)} if a.values else {}) for a in function.arguments
            },
            "required": list(function.required),
        }
        for name, function in FUNCTIONS.items()
    }
    assert ours == proposed


@pytest.mark.parametrize(
    "call",
    [
        None,
        {"name": "music.play", "arguments": {}},
        {"name": "joke.tell"},
        {"name": "timer.set", "arguments": {"minutes": 10, "name": "rice"}},
        {"name": "math.eval", "arguments": {"expression": "sqrt(16) + factorial(3) * -2 / 2**2"}},
        {"name": "home.set", "arguments": {"action": "on", "room": "kitchen"}},
    ],
)
def test_good_calls_have_no_problems(call: dict[str, Any] | None) -> None:
    assert validate(call) == []


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({}, "function name"),
        ({"name": 7, "arguments": {}}, "function name"),
        ({"name": "music.plays", "arguments": {}}, "did you mean 'music.play'?"),
        ({"name": "music.play", "arguments": ["song"]}, "must be an object"),
        ({"name": "music.play", "arguments": {"sonng": "Jolene"}}, "did you mean 'song'?"),
        ({"name": "music.play", "arguments": {"song": "  "}}, "not empty"),
        ({"name": "music.play", "arguments": {"song": 7}}, "must be a text"),
        ({"name": "joke.tell", "arguments": {}, "id": 3}, "no key 'id'"),
        ({"name": "home.set", "arguments": {}}, "needs the argument 'action'"),
        ({"name": "home.set", "arguments": {"action": "oof"}}, "did you mean 'off'?"),
        ({"name": "home.set", "arguments": {"action": "set", "level": True}}, "whole number"),
        ({"name": "timer.set", "arguments": {"minutes": "10"}}, "whole number"),
        ({"name": "math.eval", "arguments": {"expression": "twelve times seven"}}, "must be arithmetic"),
    ],
)
def test_problems_are_told_in_sentences(call: dict[str, Any], says: str) -> None:
    problems = validate(call)
    assert any(says in problem for problem in problems), problems
    assert all(problem[-1] in ".?" for problem in problems)


def test_every_problem_of_a_call_is_told() -> None:
    problems = validate({"name": "volume.set", "arguments": {"level": "loud", "sped": 1}})
    assert len(problems) == 3


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "1 if 2 else 3",
        "True + 1",
        "1j * 2",
        "sqrt(4, 9)",
        "exp(1)",
        "a + b",
        "",
        "(" * 10_000,
        "1 +",
        "\x00",
    ],
)
def test_only_arithmetic_is_arithmetic(text: str) -> None:
    assert not is_arithmetic(text)
