"""The scorer contract."""

import asyncio
import os
import subprocess
import sys

import pytest

from slipway.data import Example, Reply, Sample, Score
from slipway.errors import NotFound, UsageError
from slipway.registry import register
from slipway.scorers import Outcome, Repeats, Scorer, is_scorer_error, resolve, resolve_all, score_all


def outcome(output, expected=None, **more):
    return Outcome(Example("1", "in", expected, {"lang": "en"}), output, **more)


@register("scorer", "brief")
def brief(output: str, expected: str) -> Score:
    """1 when the answer fits in a breath."""
    return Score(name="brief", value=float(len(output) <= 80))


def test_a_function_is_given_what_it_names():
    def nosy(output, expected, input, example, metadata, latency_ms, cost_usd):  # noqa: A002
        assert (expected, input, example.id, metadata, latency_ms, cost_usd) == (
            "b",
            "in",
            "1",
            {"lang": "en"},
            5.0,
            0.1,
        )
        return output == "a"

    (score,) = resolve(nosy).now(outcome("a", "b", latency_ms=5.0, cost_usd=0.1))
    assert (score.name, score.value, score.scorer, len(score.scorer_version)) == ("nosy", 1.0, "nosy", 12)


def test_text_parameters_get_text():
    assert resolve(brief).now(outcome(Reply(text="x" * 81)))[0].value == 0.0
    assert resolve(brief).now(outcome({"a": 1}))[0].value == 1.0

    def shown(output: str):
        return {"length": len(output)}

    assert resolve(shown).now(outcome({"a": 1}))[0] == Score(
        "length", 7.0, scorer="shown", scorer_version=resolve(shown).version
    )


@pytest.mark.parametrize(
    ("returned", "values"),
    [
        (True, [("f", 1.0)]),
        (0.25, [("f", 0.25)]),
        (None, [("f", None)]),
        (float("nan"), [("f", None)]),
        (float("inf"), [("f", None)]),
        ([Score("f.a", 1), Score("f.b", 0)], [("f.a", 1), ("f.b", 0)]),
        ((True, {"x": 2}), [("f", 1.0), ("x", 2.0)]),
        ({"x": None}, [("x", None)]),
        ([], []),
    ],
)
def test_what_a_function_may_return(returned, values):
    def f(output):
        return returned

    assert [(s.name, s.value) for s in resolve(f).now(outcome("a"))] == values


@pytest.mark.parametrize("bad", ["text", object(), b"1", ["x"]])
def test_a_scorer_that_fails_gives_a_score_without_value(bad):
    def f(output):
        return bad

    def g(output):
        raise ZeroDivisionError("by zero")

    for scorer in (resolve(f), resolve(g)):
        (score,) = scorer.now(outcome("a"))
        assert score.value is None
        assert is_scorer_error(score)
    assert "ZeroDivisionError: by zero" in score.explanation
    assert not is_scorer_error(resolve(lambda output: None).now(outcome("a"))[0])


def test_async_scorers_and_aggregates():
    async def slow(output):
        await asyncio.sleep(0)
        return output == "a"

    def agreed(outputs, expected):
        return len(set(outputs)) == 1

    scorers = resolve_all([slow, agreed, "exact"])
    assert [s.aggregate for s in scorers] == [False, True, False]
    got = asyncio.run(score_all(scorers, outcome("a", "a")))
    assert [(s.name, s.value) for s in got] == [("slow", 1.0), ("exact", 1.0)]
    samples = tuple(
        Sample("r", "1", n, output=o, status=st) for n, (o, st) in enumerate([("a", "ok"), (None, "error")])
    )
    got = asyncio.run(score_all(scorers, Repeats(Example("1", "in"), samples)))
    assert [(s.name, s.value) for s in got] == [("agreed", 1.0)]
    with pytest.raises(UsageError, match="await"):
        scorers[0].now(outcome("a"))

    async def broken(output):
        raise KeyError("k")

    assert is_scorer_error(asyncio.run(resolve(broken).score(outcome("a")))[0])


def test_a_scorer_without_its_model_says_so():
    async def asks(output, judge):
        return True

    assert resolve(asks).needs_model
    (score,) = asyncio.run(resolve(asks).score(outcome("a")))
    assert is_scorer_error(score)
    assert "pass judge=" in score.explanation


def test_specifications():
    assert resolve("exact").now(outcome("a", "a"))[0].value == 1.0
    assert resolve("exact(case=False)").now(outcome("A", "a"))[0].value == 1.0
    assert resolve({"name": "exact", "case": False}).parameters == {"case": False, "strip": True}
    assert resolve(resolve("exact")) == resolve("exact")
    renamed = resolve({"name": "exact", "as": "same"})
    assert (renamed.name, renamed.now(outcome("a", "a"))[0].name) == ("same", "same")
    assert resolve(f"{__name__}:brief").name == "brief"
    assert [s.name for s in resolve_all(["exact", {"name": "exact", "case": False, "as": "loose"}])] == [
        "exact",
        "loose",
    ]


@pytest.mark.parametrize(
    ("spec", "error", "says"),
    [
        ("exat", NotFound, "did you mean 'exact'"),
        ("exact(cas=1)", UsageError, "did you mean 'case'"),
        ({"name": "exact", "cas": 1}, UsageError, "did you mean 'case'"),
        ({"pattern": "a"}, UsageError, "no name"),
        ("exact(1+)", UsageError, "cannot read"),
        ("exact(open('x'))", UsageError, "cannot read"),
        ("exact(1, 2, 3)", UsageError, "takes 2 settings"),
        ("exact:maybe", UsageError, "cannot be 'maybe'"),
        ("nowhere.at_all:f", NotFound, "no module"),
        (f"{__name__}:bref", NotFound, "did you mean 'brief'"),
        (lambda o, e: 1, UsageError, "asks for 'o'"),
        (lambda *o: 1, UsageError, r"takes \*o"),
        (3, UsageError, "is not a scorer"),
    ],
)
def test_bad_specifications_say_what_to_do(spec, error, says):
    with pytest.raises(error, match=says):
        resolve(spec)


def test_two_scorers_of_one_name_are_refused():
    with pytest.raises(UsageError, match="two scorers are called 'exact'"):
        resolve_all(["exact", "exact(case=False)"])


LIMIT = 3


def inner(text):
    return len(text) > LIMIT


def uses_inner(output):
    # a comment
    return inner(output)


def test_the_version_follows_code_settings_and_what_is_called(monkeypatch):
    assert resolve("exact").version != resolve("exact(case=False)").version
    before = resolve(uses_inner).version
    assert resolve(uses_inner).version == before
    monkeypatch.setitem(uses_inner.__globals__, "LIMIT", 4)
    assert resolve(uses_inner).version != before

    def made(n):
        return Scorer.of(lambda output: n, name="n")

    assert made(1).version != made(2).version
    assert Scorer.of(uses_inner, version="7").version == "7"


def test_versions_are_the_same_in_every_process(tmp_path):
    program = """
from slipway.registry import names
from slipway.scorers import resolve
print([resolve(name).version for name in names("scorer")])
print(resolve(eval("lambda output: output in {'a', 'b', 'c', 'd'} and {n for n in output}")).version)
print(resolve(eval("lambda output: output.upper()")).version, resolve(eval("lambda output: output.lower()")).version)
"""
    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    upper, lower = said[0].splitlines()[-1].split()
    assert upper != lower


def test_a_renamed_scorer_renames_its_scores():
    async def parts(output):
        return [Score("parts", 1), Score("parts.a", 0), Score("other", 0)]

    def now(output):
        return [Score("now", 1), Score("now.a", 0)]

    assert [s.name for s in asyncio.run(resolve(parts).named("x").score(outcome("")))] == ["x", "x.a", "other"]
    assert [s.name for s in resolve(now).named("x").now(outcome(""))] == ["x", "x.a"]
    assert resolve(now).named("x").version == resolve(now).version


def test_comments_docstrings_and_layout_do_not_change_the_version(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "scoring_a.py").write_text("def f(output):\n    return output == 'a'\n")
    (tmp_path / "scoring_b.py").write_text('def f(output):\n    """Doc."""\n    # why\n    return output  ==  "a"\n')
    (tmp_path / "scoring_c.py").write_text("def f(output):\n    return output == 'b'\n")
    a, b, c = (resolve(f"scoring_{name}:f").version for name in "abc")
    assert a == b != c
