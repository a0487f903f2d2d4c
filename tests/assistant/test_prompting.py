"""Prompts, grammar and reader of calls are made from the same signatures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway_assistant import data, prompting
from slipway_assistant.grade import grade_call
from slipway_assistant.schema import FUNCTIONS, validate

OURS = data.own()
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30).filter(
    str.split
)


def values(argument):
    if argument.values:
        return st.sampled_from(argument.values)
    if argument.kind == "math":
        return st.sampled_from(["2 + 3", "7 * (8 - 1)", "sqrt(16)"])
    return st.integers(-(10**6), 10**6) if argument.kind == "int" else WORDS


@st.composite
def calls(draw):
    function = draw(st.sampled_from(list(FUNCTIONS.values())))
    given = {
        argument.name: draw(values(argument))
        for argument in function.arguments
        if argument.name in function.required or draw(st.booleans())
    }
    return {"name": function.name, "arguments": given}


def test_a_call_is_read_as_it_was_written():
    for row in OURS:
        readable, call = prompting.read_call(prompting.write_call(row.call))
        assert readable, row.text
        assert grade_call(row.call, call).right, row.text


@given(calls())
def test_whatever_is_written_can_be_read(call):
    readable, found = prompting.read_call(prompting.write_call(call))
    assert readable
    assert found["name"] == call["name"]
    assert set(found["arguments"]) == set(call["arguments"])


@given(st.text())
def test_any_answer_is_read_or_refused(answer):
    readable, call = prompting.read_call(answer)
    assert validate(call) == []
    assert readable or call is None


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        ("none()", (True, None)),
        ("`joke.tell()`", (True, {"name": "joke.tell", "arguments": {}})),
        ("weather.get('boston')", (False, None)),
        ("weather.get(place='boston')", (False, None)),
        ("__import__('os').system('true')", (False, None)),
        ("Sure! Here is the weather.", (False, None)),
        ("", (False, None)),
        ("(" * 5000, (False, None)),
    ],
)
def test_only_a_call_that_fits_the_schema_counts(answer, read):
    assert prompting.read_call(answer) == read


def test_each_prompt_says_more_than_the_one_before():
    naive, listed, shown = (
        "\n".join(str(message.content) for message in prompting.messages("hello", style))
        for style in ("naive", "functions", "few-shot")
    )
    assert not any(name in naive for name in FUNCTIONS)
    assert all(f"{name}(" in listed for name in FUNCTIONS)
    assert shown.startswith(listed.removesuffix("hello"))
    assert {call.partition("(")[0] for _, call in prompting.examples()} == {*FUNCTIONS, "none"}


def test_no_example_is_one_of_those_that_are_asked():
    asked = {row.text for row in data.own("dev")} | {row.text for row in data.load("dev")}
    assert not asked & {text for text, _ in prompting.examples()}
