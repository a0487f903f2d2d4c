"""The filter language: what it means, where it points when something is wrong, and what it cannot be made to do."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import DataError
from slipway.server.filters import FIELDS, parse
from slipway.store.derived.conditions import And, Compare, Field, Not, Or, Words

NOW = 1_780_000_000_000_000_000
HOUR = 3_600_000_000_000


def condition(text):
    return parse(text, now_ns=NOW)


def compare(field, operator, *values, key=""):
    return Compare(Field(field, key), operator, values)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("model = gpt-4o", compare("model", "=", "gpt-4o")),
        ("model='gpt 4'", compare("model", "=", "gpt 4")),
        ('name != "it\'s"', compare("name", "!=", "it's")),
        (r"name = 'it\'s \\ here'", compare("name", "=", r"it's \ here")),
        ("STATUS = error", compare("status", "=", "error")),
        ("cost > 0.05", compare("cost", ">", 0.05)),
        ("cost >= $1", compare("cost", ">=", 1)),
        ("cost = null", compare("cost", "=", None)),
        ("tokens < 1000", compare("tokens", "<", 1000)),
        ("duration > 2s", compare("duration", ">", 2 * 10**9)),
        ("duration <= 1.5ms", compare("duration", "<=", 1_500_000)),
        ("time > -24h", compare("time", ">", NOW - 24 * HOUR)),
        ("time < now", compare("time", "<", NOW)),
        ("time >= 1970-01-02", compare("time", ">=", 24 * HOUR)),
        ("time >= 1970-01-01T02:00:00+01:00", compare("time", ">=", HOUR)),
        ("time >= '1970-01-01T00:00:00.5Z'", compare("time", ">=", 5 * 10**8)),
        ("model in (a, 'b c', \"d\")", compare("model", "in", "a", "b c", "d")),
        ("name contains chat", compare("name", "contains", "chat")),
        ("name ~ '^chat .*$'", compare("name", "~", "^chat .*$")),
        ("session = 42", compare("session", "=", "42")),
        ("attributes.llm.tier = gold", compare("attributes", "=", "gold", key="llm.tier")),
        ("attributes.'any key!' = 3", compare("attributes", "=", 3, key="any key!")),
        ('attributes."a\'b" = true', compare("attributes", "=", True, key="a'b")),
        ("attributes.x = '3'", compare("attributes", "=", "3", key="x")),
        ("attributes.x = -1.5e3", compare("attributes", "=", -1500.0, key="x")),
        ("resource.'service.name' = web", compare("resource", "=", "web", key="service.name")),
        ("feedback.helpful = 0", compare("feedback", "=", 0, key="helpful")),
        ("text 'rate limit'", Words("rate limit")),
        ("text limit", Words("limit")),
        ("not status = ok", Not(compare("status", "=", "ok"))),
        (
            "user = a or user = b and not (run = c)",
            Or((compare("user", "=", "a"), And((compare("user", "=", "b"), Not(compare("run", "=", "c")))))),
        ),
        (
            "(user = a or user = b) and run = c",
            And((Or((compare("user", "=", "a"), compare("user", "=", "b"))), compare("run", "=", "c"))),
        ),
        ("", None),
        (" \n ", None),
    ],
)
def test_what_a_filter_means(text, meaning):
    assert condition(text) == meaning


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("modle = gpt", 1, "no field 'modle'; did you mean 'model'"),
        ("status = error and dration > 2s", 20, "no field 'dration'; did you mean 'duration'"),
        ("model.name = x", 1, "no field 'model.name'; did you mean 'model'"),
        ("attributes = 3", 1, "attributes wants a key"),
        ("feedback. = 3", 1, "feedback wants a key; write for instance: feedback.helpful"),
        ("model", 6, "no comparison"),
        ("model gpt", 7, "'gpt' is no comparison"),
        ("model = ", 9, "a value is missing"),
        ("= 3", 1, "'=' stands where a field should be"),
        ("model = a model = b", 11, "one too many; put 'and' or 'or'"),
        ("(model = a", 11, "a parenthesis is open"),
        ("model = a)", 10, "one too many"),
        ("model = 'a", 9, "a quotation that does not end"),
        ("model in a", 10, "in wants a list"),
        ("model in (a", 12, "the list is open"),
        ("cost > much", 8, "'much' is no number"),
        ("cost > 1e400", 8, "too large"),
        ("cost > 0x10", 8, "no number"),
        ("cost > 1e300", 8, "too large"),
        ("cost ~ 3", 6, "cost is no text"),
        ("cost > null", 8, "null is only equal or unequal"),
        ("duration > 2", 12, "no duration; give a unit"),
        ("duration > 2 s", 12, "no duration"),
        ("time > yesterday", 8, "no time; write 2026-01-31"),
        ("time > 2026-02-31", 8, "no time"),
        ("name ~ '(a'", 8, "no regular expression"),
        ("name ~ '(?=a)b'", 8, "no look-around"),
        ("text", 5, "text wants words"),
        ("text '!?'", 6, "no word in it"),
        ("model = a and", 14, "it ends where a field should be"),
        ("not", 4, "it ends where a field should be"),
        ("model = a ; DROP TABLE spans", 11, "one too many"),
    ],
)
def test_an_error_names_the_column_and_what_to_do(text, column, words):
    with pytest.raises(DataError) as caught:
        condition(text)
    assert f"column {column} of the filter" in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.mend


def test_t31_nesting_and_size_are_bounded():
    for text in ("(" * 60 + "model = a" + ")" * 60, "not " * 60 + "model = a", "(" * 9_999):
        with pytest.raises(DataError, match="levels deep"):
            condition(text)
    with pytest.raises(DataError, match="more than 100 conditions"):
        condition(" and ".join(["model = a"] * 101))
    with pytest.raises(DataError, match="characters"):
        condition("model = " + "a" * 10_000)
    assert condition("(" * 40 + "model = a" + ")" * 40) == compare("model", "=", "a")


def test_t38_a_long_filter_is_read_in_linear_time():
    begun = time.thread_time()  # of the processor, whatever else it does
    for text in (
        "'" + "\\'" * 4_900,
        "a" * 9_999 + "'",
        " " * 9_990 + "(",
        "0" * 9_990 + "x",
        "cost > " + "9" * 9_900 + ".",
    ):
        with pytest.raises(DataError):
            condition(text)
    assert time.thread_time() - begun < 30  # minutes and more, were it not so


PIECES = (*FIELDS, *"=<>~()',\"", "!=", "in", "and", "or", "not", "null", "3s", ".")


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
def test_any_text_is_a_condition_or_an_error_with_a_column(text):
    problem = None
    try:
        condition(text)
    except DataError as error:
        problem = str(error)
    assert problem is None or "column " in problem


@given(st.text(min_size=1, max_size=30))
def test_any_value_can_be_quoted(value):
    quoted = "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    assert condition(f"attributes.{quoted} = {quoted}") == compare("attributes", "=", value, key=value)


def test_every_field_and_operator_is_on_the_page(root):
    from slipway.server.filters import OPERATORS

    page = (root / "docs/reference/filters.md").read_text(encoding="utf-8")
    for name in FIELDS:
        assert f"`{name}" in page, name
    for name in OPERATORS:
        assert f"`{name}`" in page, name


@pytest.fixture
def root():
    from pathlib import Path

    return Path(__file__).parent.parent.parent
