"""Any content a record can have: it comes back as it was, or is refused in words before anything is written."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.data import EvalRun, Event, Feedback, MetricPoint, Response, Sample, Score, Span, new_span_id, new_trace_id
from slipway.errors import DataError
from slipway.store import open_store
from slipway.store.jsontext import DEPTH
from slipway.store.kinds import kind_of

TEXT = st.text(st.characters(), max_size=30)  # every code point there is: NUL, lone surrogates, U+0010
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=4)
TIME = st.integers(0, 2**63 - 1)
SMALL = st.floats(allow_nan=False).map(lambda number: number + 0.0)
SCORES = st.lists(st.builds(Score, TEXT, st.none() | SMALL, TEXT, metadata=OBJECT), max_size=3).map(tuple)
EVENTS = st.lists(st.builds(Event, TEXT, TIME, OBJECT), max_size=3).map(tuple)

SPANS = st.builds(
    lambda **fields: Span(trace_id=new_trace_id(), span_id=new_span_id(), **fields),
    name=TEXT, started_ns=TIME, duration_ns=TIME, parent_id=st.none() | TEXT, error=st.none() | TEXT,
    first_token_ns=st.none() | TIME, input=JSON, output=JSON, attributes=OBJECT, events=EVENTS,
    links=st.lists(OBJECT, max_size=2).map(tuple), session_id=st.none() | TEXT,
)  # fmt: skip
SAMPLES = st.builds(
    lambda **fields: Sample(run_id=new_trace_id(), **fields),
    example_id=TEXT, output=JSON, error=st.none() | TEXT, scores=SCORES, latency_ms=SMALL, cost_usd=st.none() | SMALL,
    cached=st.booleans(), slices=OBJECT,
)  # fmt: skip
RUNS = st.builds(lambda **fields: EvalRun(id=new_trace_id(), variant_id="v", variant="v", dataset_id="d", **fields),
                 experiment=TEXT, started_ns=TIME, seed=st.integers(-(2**63), 2**63 - 1), config=OBJECT)  # fmt: skip
RESPONSES = st.builds(lambda **fields: Response(key=new_trace_id(), latency_ms=0.5, created_ns=5, **fields),
                      source=TEXT, request=JSON, reply=JSON)  # fmt: skip


@pytest.fixture(scope="module")
def shared(request, tmp_path_factory):
    where = f"sqlite:///{tmp_path_factory.mktemp('shared')}/slipway.db"
    if request.param == "postgresql":
        where = request.getfixturevalue("new_database")()
    store = open_store(where)
    yield store
    store.close()


def _comes_back(store, record):
    assert store.write([record]) == 1
    key = [getattr(record, name) for name in kind_of(type(record)).key]
    assert store.get(type(record), *key) == record


@pytest.mark.parametrize("shared", ["sqlite"], indirect=True)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(record=SPANS | SAMPLES | RUNS | RESPONSES)
def test_any_content_comes_back_from_sqlite(shared, record):
    _comes_back(shared, record)


@pytest.mark.parametrize("shared", ["postgresql"], indirect=True)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(record=SPANS | SAMPLES | RUNS | RESPONSES)
def test_any_content_comes_back_from_postgresql(shared, record):
    _comes_back(shared, record)


def span(**fields):
    return replace(Span(new_trace_id(), new_span_id(), "name", 5), **fields)


def kept(store, value):
    one = span(input=value)
    assert store.write([one]) == 1
    return store.get(Span, one.trace_id, one.span_id).input


@pytest.mark.parametrize(
    "value",
    [
        "\ud800", "a\x00b", {"\x00": "\udfff"}, "\u202eabc\u200b", "\x10 0010", 10**400, -(2**63) - 1, 2**64,
        {"__proto__": 1, "constructor": {"__class__": "x"}, "$where": "lc"}, [math.inf, -math.inf], 1e308,
        {"a": None, "b": [math.inf]}, "'; DROP TABLE spans; --", {str(n): n for n in range(20_000)},
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_t31_hostile_json_comes_back(store, value):
    assert kept(store, value) == value


def test_t31_nan_comes_back(store):
    assert math.isnan(kept(store, [math.nan, None])[0])


def test_t31_ten_megabytes_of_text(store):
    text = "ab\x00\ud800é" * 2_000_000
    one = span(input=text)
    store.write([one])
    assert store.get(Span, one.trace_id, one.span_id).input == text


def test_t31_a_million_keys(sqlite_store):
    value = {f"k{n}": n for n in range(1_000_000)}
    one = span(attributes=value)
    sqlite_store.write([one])
    assert sqlite_store.get(Span, one.trace_id, one.span_id).attributes == value


@pytest.mark.parametrize("kind", [list, dict])
def test_t31_nested_100_000_deep_is_kept_as_text_below_a_depth(store, kind):
    value = "core"
    for _ in range(100_000):
        value = [value] if kind is list else {"a": value}
    back = kept(store, value)
    for _ in range(DEPTH):
        back = back[0] if kind is list else back["a"]
    text = back["$json"]
    rest = 100_000 - DEPTH
    assert text == ("[" * rest + '"core"' + "]" * rest if kind is list else '{"a":' * rest + '"core"' + "}" * rest)


def test_t31_an_integer_too_long_for_python_to_print(store):
    number = 16**5000 + 10
    assert int(kept(store, number), 16) == number
    assert kept(store, {number: number})[hex(number)] == hex(number)


def test_t31_what_is_no_json_is_kept_as_its_text(store):
    class Thing:
        def __str__(self):
            return "a thing"

    assert kept(store, {"thing": Thing(), 3: {1.5}, None: b"ab"}) == {"thing": "a thing", "3": [1.5], "null": "YWI="}
    assert kept(store, {(1, 2): "pair"}) == {"(1, 2)": "pair"}
    assert kept(store, (1, (2,))) == [1, [2]]


def test_t31_text_fields_take_every_character_and_are_found_by_it(store):
    odd = "a\x00\ud83d\x10é\u202e"
    store.write([Sample(odd, odd, error=odd), Sample(odd, "b", cluster=odd)])
    assert store.get(Sample, odd, odd, 0).error == odd
    assert [s.example_id for s in store.find(Sample, {"run_id": odd})] == [odd, "b"]
    assert [s.example_id for s in store.find(Sample, {"cluster__prefix": odd[:2]})] == ["b"]
    assert list(store.columns(Sample, ("cluster",), {"example_id": "b"})) == [(odd,)]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("trace_id", "0" * 32, "empty or all zeros"),
        ("span_id", "", "empty or all zeros"),
        ("started_ns", -1, "1970 to 2262"),
        ("started_ns", 253_402_300_799 * 10**9, "1970 to 2262"),  # the last second of the year 9999
        ("duration_ns", -5, "outside 0"),
        ("first_token_ns", 10**400, "bits is outside"),
        ("started_ns", 1.5, "float, not a whole number"),
        ("started_ns", "5", "str, not a whole number"),
        ("name", 5, "int, not text"),
        ("name", None, "NoneType, not text"),
        ("started_ns", None, "NoneType, not a whole number"),
        ("sequence", 2**63, "outside"),
    ],
)
def test_t33_a_span_that_cannot_be_kept_is_refused_whole(store, field, value, says):
    good = span()
    with pytest.raises(DataError, match=says) as refused:
        store.write([good, span(**{field: value})])
    assert field in str(refused.value)
    assert store.count(Span) == 0  # and nothing of that call was stored


def test_t33_the_last_time_there_is(store):
    one = span(started_ns=2**63 - 1)
    store.write([one])
    assert store.get(Span, one.trace_id, one.span_id) == one


def test_t33_duplicate_ids_keep_the_first(store):
    one = span()
    assert store.write([one, replace(one, name="other"), one]) == 1
    assert store.write([replace(one, name="third")]) == 0
    assert store.get(Span, one.trace_id, one.span_id).name == "name"
    assert store.count(Span) == 1


def test_t33_cyclic_parents_are_data(store):
    trace = new_trace_id()
    a, b = new_span_id(), new_span_id()
    spans = [
        Span(trace, a, "a", 5, parent_id=b),
        Span(trace, b, "b", 5, parent_id=a),
        span(trace_id=trace, parent_id="self"),
    ]
    assert store.write(spans) == 3
    assert list(store.find(Span, {"trace_id": trace})) == spans


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, True, 3, 1e-320, 2**53 + 1])
def test_t35_metric_values(store, value):
    store.write([MetricPoint("r", "m", value)])
    (back,) = store.find(MetricPoint)
    (last,) = store.last_values("m")
    for number in (back.value, last.value):
        assert isinstance(number, float)
        assert number == float(value) or (math.isnan(value) and math.isnan(number))
        assert math.copysign(1, number) == 1 or value < 0  # -0.0 is 0.0
    assert store.write([MetricPoint("r", "m", value)]) == 0


@pytest.mark.parametrize(
    ("point", "says"),
    [
        (MetricPoint("r", "m", "0.5"), "str, not a number"),
        (MetricPoint("r", "m", 10**400), "too large for a float"),
        (MetricPoint("r", "m", None), "NoneType, not a number"),
        (MetricPoint("r", "m", 0.5, -1), "step = -1"),
        (MetricPoint("r", "m", 0.5, 10**400), "step = an integer of 1329 bits"),
        (MetricPoint("r", "m", 0.5, 1.5), "not a whole number"),
        (MetricPoint("r", 7, 0.5), "not text"),
        (MetricPoint("r", "m", 0.5, 0, -3), "time_ns = -3"),
    ],
)  # fmt: skip
def test_t35_metrics_that_cannot_be_kept_are_refused_by_name(store, point, says):
    with pytest.raises(DataError, match=says):
        store.write([MetricPoint("r", "fine", 1.0), point])
    assert store.count(MetricPoint) == 0


def test_t35_a_step_that_goes_back_is_kept_and_does_not_change_the_last_value(store):
    store.write([MetricPoint("r", "m", 1.0, 10), MetricPoint("r", "m", 2.0, 5)])
    store.write([MetricPoint("r", "m", 3.0, 7)])
    assert [(point.step, point.value) for point in store.find(MetricPoint)] == [(10, 1.0), (5, 2.0), (7, 3.0)]
    (last,) = store.last_values("m")
    assert (last.step, last.value) == (10, 1.0)
    store.write([MetricPoint("r", "m", 4.0, 10)])  # the same step again: the one written last
    (last,) = store.last_values("m")
    assert (last.step, last.value) == (10, 4.0)
    assert store.get(MetricPoint, "r", "m", 10).value == 4.0


def test_t35_names_and_runs_with_every_character(store):
    names = ["a\nb", "a\x00b", "\ud800", "é/日本", "", " "]
    store.write([MetricPoint(f"run{name}", name, 1.0, project=f"p{name}") for name in names])
    assert store.metric_names("") == sorted(names)
    assert sorted(value.run_id for value in store.last_values("")) == sorted(f"run{name}" for name in names)
    assert store.metric_names("^a") == ["a\x00b", "a\nb"]
    assert store.metric_names("", project="p ") == [" "]


def test_feedback_keeps_a_false_value_apart_from_none(store):
    for number, value in enumerate((0, False, "", [], {}, None)):
        store.write([Feedback(f"f{number}", "t", "thumb", value, 5)])
        back = store.get(Feedback, f"f{number}").value
        assert json.dumps(back) == json.dumps(value)
        assert type(back) is type(value)


def test_recursion_that_never_ends_is_refused(store):
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(DataError, match="input"):
        store.write([span(input=loop)])
    assert sys.getrecursionlimit() >= 1000
