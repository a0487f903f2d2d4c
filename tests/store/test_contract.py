"""The contract of a store, the same for each: what slipway.store.protocol promises."""

from __future__ import annotations

import math

import pytest

from slipway.data import (
    RECORDS,
    ApiKey,
    DatasetVersion,
    Drop,
    Environment,
    EvalRun,
    Event,
    Feedback,
    KeyUse,
    LogRecord,
    Look,
    Member,
    MetricPoint,
    Project,
    Prompt,
    Response,
    Sample,
    Score,
    Span,
    Variant,
    Verdict,
    digest,
    new_span_id,
    new_trace_id,
)
from slipway.errors import DataError, NotFound, StoreError
from slipway.store.kinds import KINDS, kind_of

ONE_OF_EACH = (
    Span(
        new_trace_id(),
        new_span_id(),
        "answer",
        1_700_000_000_000_000_000,
        duration_ns=5,
        input={"question": "what is the time?"},
        output=["half past", 3, None, True, 1.5],
        attributes={"gen_ai.request.model": "small", "n": 1},
        events=(Event("token", 7, {"text": "half"}),),
        links=({"trace_id": "ab", "span_id": "cd"},),
        resource={"service.name": "test"},
        run_id="run",
    ),
    Environment("env", 5, commit="abc", dirty=True, packages={"numpy": "2.0"}, command=("python", "-m", "x")),
    DatasetVersion("data", "skills", 2, "00", 5, slices=("lang",), sealed=True, provenance={"from": "a file"}),
    Variant("rules", {"threshold": 0.5}, parent="none", note="first", created_ns=5),
    EvalRun("run", "skills", "v", "rules", "data", 5, config={"seed": 1}, summary={"exact": {"mean": 0.5}}),
    Sample("run", "example", 1, output={"name": "f"}, scores=(Score("exact", 1.0), Score("judge", None, "no answer"))),
    Verdict("verdict", "run", "other", "exact", "better", 5, result={"delta": 0.1}),
    Look("sealed", 1, "somebody", 5, "v", "release", {"better": True}),
    Prompt("prompt", "greet", 1, "Say {word}", 5, {"temperature": 0.0}),
    Response("key", "task", {"text": "a"}, {"text": "b"}, 1.5, 5, cost_usd=0.01),
    Feedback("feedback", "trace", "thumb", 1, 5),
    LogRecord("log", 5, {"a": 1}, "gen_ai.user.message", 9, "INFO", "ab", "cd", {"n": 1}, {"service.name": "x"}),
    MetricPoint("run", "loss", 0.5, 3, 5),
    Drop("process", "queue", "full", 3, 5),
    Project("shop", 5, "the shop's assistant"),
    Member("ada", 5, {"shop": "writer"}),
    ApiKey("key", "0" * 64, "ada", "writer", 5, ("shop",), ("read", "feedback"), expires_ns=9),
    KeyUse("key", 5),
)


def key_of(record):
    return [getattr(record, name) for name in kind_of(type(record)).key]


def test_every_kind_is_tested_here():
    assert {type(record) for record in ONE_OF_EACH} == set(RECORDS) == set(KINDS)


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=lambda record: type(record).__name__)
def test_every_kind_comes_back_as_it_was(store, record):
    assert store.write([record]) == 1
    assert store.get(type(record), *key_of(record)) == record
    assert list(store.find(type(record))) == [record]
    assert store.count(type(record)) == 1


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=lambda record: type(record).__name__)
def test_a_key_that_is_not_there_gives_none(store, record):
    assert store.get(type(record), *key_of(record)) is None


def test_one_write_takes_every_kind_and_is_idempotent(store):
    assert store.write(ONE_OF_EACH) == len(ONE_OF_EACH)
    assert store.write(ONE_OF_EACH) == 0
    assert [store.count(type(record)) for record in ONE_OF_EACH] == [1] * len(ONE_OF_EACH)


def test_the_first_stays_and_for_some_kinds_the_newest_wins(store):
    store.write([Sample("r", "e", output=1), Sample("r", "e", output=2)])
    assert store.get(Sample, "r", "e", 0).output == 1
    run = EvalRun("r", "x", "v", "v", "d", 5)
    store.write([run])
    assert store.write([EvalRun("r", "x", "v", "v", "d", 5, status="finished")]) == 0
    assert store.get(EvalRun, "r").status == "finished"
    store.write([Drop("p", "w", "full", 9, 1), Drop("p", "w", "full", 4, 2)])
    assert store.get(Drop, "p", "w", "full").count == 9
    store.write([MetricPoint("r", "m", 1.0, 0), MetricPoint("r", "m", 2.0, 0)])
    assert store.get(MetricPoint, "r", "m", 0).value == 2.0


def test_futures_resolve_with_the_rows_that_were_new(store):
    first = store.submit([Sample("r", "a"), Sample("r", "b")])
    second = store.submit([Sample("r", "b"), Sample("r", "c")])
    assert (first.result(), second.result()) == (2, 1)
    assert store.submit([]).result() == 0


def test_find_filters_orders_limits_and_pages(store):
    store.write([Sample("r", f"e{n:02}", status="ok" if n % 3 else "error", input_tokens=n) for n in range(30)])
    store.write([Sample("other", "e00", trace_id="t")])

    def ids(**more):
        where = more.pop("where", {"run_id": "r"})
        return [sample.example_id for sample in store.find(Sample, where, **more)]

    assert ids() == [f"e{n:02}" for n in range(30)]
    assert ids(newest_first=True, limit=2) == ["e29", "e28"]
    assert ids(where={"run_id": "r", "status": "error", "input_tokens__ge": 20}) == ["e21", "e24", "e27"]
    assert ids(where={"run_id": "r", "input_tokens__gt": 2, "input_tokens__lt": 5}) == ["e03", "e04"]
    assert ids(where={"run_id": "r", "input_tokens__le": 1, "status__ne": "error"}) == ["e01"]
    assert ids(where={"example_id__in": ["e01", "e05", "none"]}) == ["e01", "e05"]
    assert ids(where={"example_id__in": []}) == []
    assert ids(where={"run_id": "r", "example_id__prefix": "e1"}) == [f"e{n}" for n in range(10, 20)]
    assert ids(where={"trace_id": None, "input_tokens": 7}) == ["e07"]
    assert ids(where={"trace_id__ne": None}) == ["e00"]
    assert ids(limit=0) == []
    positions = list(store.columns(Sample, ("position", "example_id", "scores"), {"run_id": "r"}, limit=10))
    assert [row[1:] for row in positions] == [(f"e{n:02}", ()) for n in range(10)]
    assert ids(after=positions[-1][0], limit=1) == ["e10"]
    assert ids(after=positions[2][0], newest_first=True) == ["e01", "e00"]
    assert store.count(Sample, {"run_id": "r", "status": "error"}) == 10


def test_find_streams_past_one_page_and_sees_what_arrives(store):
    store.write([Sample("r", str(n)) for n in range(2500)])
    found = store.find(Sample)
    next(found)
    store.write([Sample("r", "late")])
    assert [sample.example_id for sample in found] == [str(n) for n in range(1, 2500)] + ["late"]


def test_wrong_questions_are_answered_with_what_would_be_right(store):
    with pytest.raises(NotFound, match="did you mean 'run_id'"):
        list(store.find(Sample, {"run_ids": "r"}))
    with pytest.raises(NotFound, match="__gt"):
        list(store.find(Sample, {"input_tokens__gte": 1}))
    with pytest.raises(DataError, match="JSON"):
        list(store.find(Sample, {"output": {"a": 1}}))
    with pytest.raises(DataError, match="not text"):
        list(store.find(Sample, {"run_id": 5}))
    with pytest.raises(NotFound, match="kind of record"):
        store.write(["not a record"])
    with pytest.raises(DataError, match=r"run_id, example_id, repeat"):
        store.get(Sample, "r")


def test_blobs_are_kept_under_their_hash(store):
    data = bytes(range(256)) * 40_000
    assert store.put_blob(data) == store.put_blob(data) == digest(data)
    assert store.get_blob(digest(data)) == data
    assert store.get_blob(store.put_blob(b"")) == b""
    with pytest.raises(StoreError, match="missing"):
        store.get_blob("0" * 64)
    for name in ("../../etc/passwd", "0" * 63, "A" * 64, "0" * 64 + "/x"):
        with pytest.raises(DataError, match="digest"):
            store.get_blob(name)


def test_metrics_are_found_by_expression_with_their_last_values(store):
    store.write(
        [
            MetricPoint(run, name, step / 2, step, 7)
            for run in ("a", "b")
            for name in ("loss", "acc/x")
            for step in range(4)
        ]
    )
    assert store.metric_names("o.s") == ["loss"]
    assert store.metric_names("") == ["acc/x", "loss"]
    assert store.metric_names("", limit=1) == ["acc/x"]
    assert store.metric_names("", runs=["c"]) == []
    assert store.metric_names("", project="other") == []
    assert [(v.run_id, v.name, v.value, v.step) for v in store.last_values("^acc")] == [
        ("a", "acc/x", 1.5, 3),
        ("b", "acc/x", 1.5, 3),
    ]
    assert [v.run_id for v in store.last_values("", runs=["b"])] == ["b", "b"]
    assert [point.step for point in store.find(MetricPoint, {"run_id": "a", "name": "loss"})] == [0, 1, 2, 3]


def test_health_counts(store):
    store.write([*ONE_OF_EACH, Drop("other", "queue", "full", 4, 5)])
    store.put_blob(b"x")
    health = store.health(deep=True)
    assert health.problems == ()
    assert health.counts["Sample"] == 1
    assert health.counts["Drop"] == 2
    assert health.drops == {"queue: full": 7}
    assert health.details["blobs"] == 1
    assert health.size_bytes > 0


def test_a_closed_store_says_so(store):
    store.write([Sample("r", "e")])
    store.close()
    store.close()
    for use in (lambda: store.write([Sample("r", "f")]), lambda: store.get(Sample, "r", "e", 0)):
        with pytest.raises(StoreError, match="closed"):
            use()


def test_numbers_that_json_has_not_survive(store):
    sample = Sample("r", "e", output={"a": math.inf, "b": [-math.inf]}, latency_ms=math.inf)
    store.write([sample])
    assert store.get(Sample, "r", "e", 0) == sample
