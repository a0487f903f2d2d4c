"""contains, regex, numeric, latency, cost, consistency, exact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.data import Example, Reply, Sample
from slipway.errors import UsageError
from slipway.scorers import Outcome, Repeats, is_scorer_error, resolve
from slipway.scorers.numeric import numbers


def score(spec, output, expected=None, **more):
    (made,) = resolve(spec).now(Outcome(Example("1", "in", expected), output, **more))
    return made


@pytest.mark.parametrize(
    ("output", "expected", "value"),
    [
        (" a\n", "a", 1),
        ("A", "a", 0),
        ("e\u0301", "\u00e9", 1),
        (Reply(text="a"), "a", 1),
        ({"b": 2.0, "a": [1]}, {"a": [1], "b": 2}, 1),
        ([1, 2], [2, 1], 0),
        (True, 1, 0),
        (None, None, 1),
        ("", None, 0),
        ("1", 1, 0),
    ],
)
def test_exact(output, expected, value):
    assert score("exact", output, expected).value == value


@pytest.mark.parametrize(
    ("spec", "output", "expected", "value"),
    [
        ("contains", "Sunny in OSLO today", "oslo", 1),
        ("contains(case=True)", "Sunny in OSLO today", "oslo", 0),
        ("contains:oslo", "Oslo", "bergen", 1),
        ("contains", "a b", ["a", "b"], 1),
        ("contains", "a", ["a", "b"], 0),
        ("contains(any=True)", "a", ["a", "b"], 1),
        ("contains", "42", 42, 1),
        ("contains", "x", None, None),
        ("contains", "x", [], None),
    ],
)
def test_contains(spec, output, expected, value):
    assert score(spec, output, expected).value == value


@pytest.mark.parametrize(
    ("spec", "output", "expected", "value"),
    [
        ("regex:^a", "abc", None, 1),
        ("regex:^a", "bac", None, 0),
        ("regex:f(x):y", "fx:y", None, 1),
        ("regex", "abc", "b.", 1),
        ("regex", "abc", None, None),
        ({"name": "regex", "pattern": "B", "case": False}, "abc", None, 1),
        ({"name": "regex", "pattern": "b", "full": True}, "abc", None, 0),
        ("regex:.", "\ud800", None, 1),
    ],
)
def test_regex(spec, output, expected, value):
    assert score(spec, output, expected).value == value


def test_a_bad_pattern_is_refused_before_anything_runs():
    for bad in ("(", "(?=a)", r"(a)\1"):
        with pytest.raises(UsageError, match="is not a pattern"):
            resolve(f"regex:{bad}")
    assert is_scorer_error(score("regex", "a", "("))


def test_t38_no_pattern_hangs():
    assert score("regex:(a+)+$", "a" * 100_000 + "b").value == 0


@pytest.mark.parametrize(
    ("spec", "output", "expected", "value"),
    [
        ("numeric", "The answer is 42.", 42, 1),
        ("numeric", "42", "42.0", 1),
        ("numeric", "It is 1,234.50 dollars", 1234.5, 1),
        ("numeric", "1,2,3", 3, 1),
        ("numeric", "from 3-4", 4, 1),
        ("numeric", "minus −7", -7, 1),
        ("numeric", "-.5", -0.5, 1),
        ("numeric", "1e3", 1000, 1),
        ("numeric", "none", 1, 0),
        ("numeric", "5", "five", None),
        ("numeric", 0.1 + 0.2, 0.3, 1),
        ("numeric", "3.15", 3.14159, 0),
        ("numeric:0.01", "3.15", 3.14159, 1),
        ("numeric(relative=0.1)", "105", 100, 1),
        ("numeric(take='first')", "1 2", 1, 1),
        ("numeric(take='any')", "1 2 3", 2, 1),
        ("numeric(take='only')", "1 2", 2, 0),
        ("numeric", True, 1, 0),
        ("numeric", "9" * 10_000, 1, 0),
        ("numeric", "1e999999999999", 1, 0),
        ("numeric", "1" + "0" * 350, 10**351, 0),
        ("numeric", float("nan"), 1, 0),
    ],
)
def test_numeric(spec, output, expected, value):
    assert score(spec, output, expected).value == value


@given(st.integers(-(10**30), 10**30), st.text(" abc:=\n"))
def test_a_number_is_found_in_prose(number, around):
    assert [int(found) for found in numbers(f"{around} {number} {around}")] == [number]
    assert [int(found) for found in numbers(f"{around} {number:,} {around}")] == [number]


@given(st.text())
def test_any_text_can_be_searched_for_numbers(text):
    assert all(number.is_finite() for number in numbers(text))


def test_latency_and_cost():
    assert (score("latency", "", latency_ms=12.5).value, score("latency", "", latency_ms=12.5).better) == (
        12.5,
        "lower",
    )
    assert [score("latency:100", "", latency_ms=ms).value for ms in (100, 100.1, None)] == [1, 0, None]
    assert score("cost", "").value is None
    assert score("cost", "", cost_usd=0.0).value == 0.0
    assert [score("cost(limit_usd=0.01)", "", cost_usd=usd).value for usd in (0.01, 0.02, None)] == [1, 0, None]


def consistency(outputs, spec="consistency", failed=0):
    samples = [Sample("r", "1", n, output=output) for n, output in enumerate(outputs)]
    samples += [Sample("r", "1", 99 + n, status="error") for n in range(failed)]
    (made,) = resolve(spec).now(Repeats(Example("1", "in"), tuple(samples)))
    return made


def test_consistency_is_the_share_of_agreeing_pairs():
    assert consistency(["Yes", " yes ", "no"]).value == pytest.approx(1 / 3)
    assert consistency([{"a": 1}, {"a": 1}]).value == 1
    assert consistency(["a"]).value is None
    made = consistency(["a", "a", "a", "b"], failed=2)
    assert made.value == 0.5
    assert made.metadata == {"different": 2, "majority": 0.75, "repeats": 4, "failed": 2}
    assert consistency(["f(a=1, b=2)", '{"name": "f", "arguments": {"b": 2, "a": 1}}'], "consistency:call").value == 1
    assert consistency(["Yes", "yes"], "consistency(by='exact')").value == 0
    assert is_scorer_error(consistency(["a", "b"], "consistency:sound"))
