"""The seam of all skills: signatures become the schema, and a call is done or its failure is said."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from slipway.errors import NotFound
from slipway_assistant import skill as seam
from slipway_assistant.settings import Settings
from slipway_assistant.signature import read
from slipway_assistant.skill import Answer, Context, Free, Math, SkillError, Soft, Span, find, functions, run, skill


def make(
    ctx: Context, *, size: Literal["big", "small"], to: Soft = "", when: Span = "", of: int | None = None, x: Free = ""
) -> Answer:
    """Make something
    of a size.

    size: How big it becomes,
        which one must know.
    to: For whom.
    when: When.
    of: How many.
    x: Anything.
    """
    return Answer(f"{size} {of} {to}")


def test_a_signature_is_a_function() -> None:
    function = read("thing.make", make)
    assert function.summary == "Make something of a size."
    assert [(a.name, a.kind, a.values) for a in function.arguments] == [
        ("size", "enum", ("big", "small")),
        ("to", "soft", ()),
        ("when", "span", ()),
        ("of", "int", ()),
        ("x", "free", ()),
    ]
    assert function.arguments[0].summary == "How big it becomes, which one must know."
    assert function.required == ("size",)


def test_a_signature_that_says_too_little_is_refused() -> None:
    def silent(ctx: Context, *, to: Soft = "") -> Answer:
        """Do it."""
        return Answer(to)

    def untyped(ctx: Context, *, to: list[str]) -> Answer:
        """Do it.

        to: For whom.
        """
        return Answer(str(to))

    with pytest.raises(TypeError, match="no line 'to: "):
        read("a.b", silent)
    with pytest.raises(TypeError, match="argument to must be Span"):
        read("a.b", untyped)


@pytest.fixture
def ctx(tmp_path: Path) -> Context:
    return Context(lang="en", now=datetime(2026, 11, 21, 19, 0, tzinfo=UTC), settings=Settings(), folder=tmp_path)


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The skills of this file in place of all others: what `run` does with a skill is asked, not what is installed."""

    @skill("thing.make", ask={"size": {"en": "How big?", "fr": "Grand comment ?", "ja": "大きさは？"}})
    def thing(ctx: Context, *, size: Literal["big", "small"], of: int | None = None, sum_: Math = "") -> Answer:
        """Make.

        size: Size.
        of: Number.
        sum_: Sum.
        """
        return Answer(f"{size} {of} {sum_}")

    @skill("thing.break")
    def breaks(ctx: Context) -> Answer:
        """Break."""
        raise ZeroDivisionError("secret detail")

    @skill("thing.refuse")
    def refuses(ctx: Context) -> Answer:
        """Refuse."""
        raise SkillError({"en": "There is no tea.", "fr": "Il n'y a plus de thé.", "ja": "お茶がありません。"})

    @skill("thing.hang", timeout_s=0.05)
    def hangs(ctx: Context) -> Answer:
        """Hang."""
        threading.Event().wait(60)
        return Answer("at last")

    made = {f.__skill__.name: f.__skill__ for f in (thing, breaks, refuses, hangs)}  # type: ignore[attr-defined]
    monkeypatch.setattr(seam, "skills", lambda: made)
    monkeypatch.setattr(seam, "find", lambda name: made[name] if name in made else find(name))


@pytest.mark.usefixtures("only")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"size": "big"}, "big None "),
        ({"size": " Big ", "of": "12"}, "big 12 "),
        ({"size": "small", "of": 3.0, "sum_": "2*3"}, "small 3 2*3"),
        ({"size": "small", "of": None, "sum_": "  "}, "small None "),
    ],
)
def test_arguments_are_taken_as_the_skill_needs_them(ctx: Context, arguments: dict[str, object], said: str) -> None:
    assert run({"name": "thing.make", "arguments": arguments}, ctx).text == said


@pytest.mark.usefixtures("only")
@pytest.mark.parametrize(
    ("call", "error"),
    [
        ({"name": "thing.mak"}, "did you mean 'thing.make'?"),
        ({"name": "timer.sett"}, "no skill"),
        ({"name": "../x"}, "no skill"),
        ({}, "no skill ''"),
        ({"name": "thing.make", "arguments": {"size": "bigg"}}, "did you mean 'big'?"),
        ({"name": "thing.make", "arguments": {"siz": "big"}}, "did you mean 'size'?"),
        ({"name": "thing.make", "arguments": {"size": "big", "of": "many"}}, "whole number"),
        ({"name": "thing.make", "arguments": {"size": "big", "of": True}}, "whole number"),
        ({"name": "thing.make", "arguments": {"size": "big", "of": float("inf")}}, "whole number"),
        ({"name": "thing.make", "arguments": {"size": "big", "of": 2.5}}, "whole number"),
        ({"name": "thing.make", "arguments": ["big"]}, "no object"),
        ({"name": "thing.break"}, "ZeroDivisionError"),
    ],
)
def test_what_goes_wrong_is_said_and_nothing_is_raised(ctx: Context, call: dict[str, object], error: str) -> None:
    answer = run(call, ctx)
    assert not answer.ok
    assert answer.text == "Sorry, that did not work."
    assert error in answer.data["error"]


@pytest.mark.usefixtures("only")
def test_a_missing_argument_is_asked_for(ctx: Context) -> None:
    answer = run({"name": "thing.make", "arguments": {"of": 2}}, ctx)
    assert (answer.ask, answer.text, answer.ok) == ("size", "How big?", False)


@pytest.mark.usefixtures("only")
def test_an_error_is_said_in_the_language_of_the_person(ctx: Context) -> None:
    from dataclasses import replace

    said = [run({"name": "thing.refuse"}, replace(ctx, lang=lang)).text for lang in ("en", "fr", "ja")]
    assert said == ["There is no tea.", "Il n'y a plus de thé.", "お茶がありません。"]


@pytest.mark.usefixtures("only")
def test_a_skill_that_hangs_is_given_up(ctx: Context) -> None:
    answer = run({"name": "thing.hang"}, ctx)
    assert (answer.ok, answer.data["error"]) == (False, "timeout")


def test_a_mistyped_skill_is_answered_with_the_nearest() -> None:
    if functions():
        with pytest.raises(NotFound, match="did you mean"):
            find(functions()[0].name[:-1])
