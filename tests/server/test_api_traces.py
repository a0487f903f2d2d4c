"""Traces over HTTP: found, opened level by level however large, each span whole; sessions, summary, lineage."""

from __future__ import annotations

import json

import pytest

from slipway.data import (
    DatasetVersion,
    Environment,
    EvalRun,
    Event,
    Feedback,
    LogRecord,
    Prompt,
    Sample,
    Score,
    Span,
    Variant,
)

AT = 1_790_000_000_000_000_000
HOUR = 3600 * 10**9
CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "small",
    "gen_ai.provider.name": "local",
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 4,
    "gen_ai.usage.cost": 0.5,
    "gen_ai.input.messages": '[{"role": "user", "content": "weather in Boston"}]',
}


def trace(number):
    return f"{number:032x}"


def a_span(number, place=1, parent=None, /, **more):
    parent_id = None if parent is None else f"{parent:016x}"
    at = more.pop("started_ns", AT + number * 10**9 + place)
    return Span(trace(number), f"{place:016x}", more.pop("name", "ask"), at, 10**6, parent_id=parent_id, **more)


def test_a_list_newest_first_in_pages_that_do_not_move(api):
    api.write(*(a_span(number) for number in range(1, 8)))
    first = api.get("/traces", limit=3)
    api.write(a_span(99))
    rest = api.pages("/traces", "traces", limit=3)
    assert [t["trace_id"] for t in first["traces"]] == [trace(n) for n in (7, 6, 5)]
    assert [t["trace_id"] for t in rest] == [trace(n) for n in (99, 7, 6, 5, 4, 3, 2, 1)]
    again = api.get("/traces", limit=3, cursor=first["next"])
    assert [t["trace_id"] for t in again["traces"]] == [trace(n) for n in (4, 3, 2)]
    between = api.get("/traces", **{"from": AT + 3 * 10**9, "to": AT + 5 * 10**9})
    assert [t["trace_id"] for t in between["traces"]] == [trace(n) for n in (4, 3)]


def test_filters_full_text_and_regular_expressions(api):
    api.write(
        a_span(1, attributes=CALL, status="error", error="rate limit reached"),
        a_span(2, name="weather.get", input="sunny in Oslo", session_id="s"),
    )

    def found(said):
        return [t["trace_id"] for t in api.get("/traces", filter=said)["traces"]]

    assert found("status = error") == [trace(1)]
    assert found('text "rate limit"') == [trace(1)]
    assert found("name ~ '^weather[.]'") == [trace(2)]
    assert found("cost > 0.1 and model = small") == [trace(1)]
    assert found("session = s or cost > 0.1") == [trace(2), trace(1)]
    said = api.get("/traces", 400, filter="statu = error")["error"]
    assert "column 1" in said["cause"]
    assert "status" in said["mend"]


@pytest.mark.parametrize("cursor", ["x", "é", "AAAA", "bm9uZQ", "W10", "=" * 50])
@pytest.mark.parametrize("path", ["/traces", "/sessions", "/runs", "/datasets"])
def test_a_cursor_that_is_none_is_refused(sqlite_api, path, cursor):
    assert "cursor" in sqlite_api.get(path, 400, cursor=cursor)["error"]["cause"]


def test_a_trace_and_its_levels(api):
    api.write(
        a_span(1, 1, attributes=CALL),
        a_span(1, 2, 1, name="child"),
        a_span(1, 3, 2, name="grandchild"),
        a_span(1, 4, 77, name="orphan"),
    )
    found = api.get(f"/traces/{trace(1)}")
    assert (found["trace"]["spans"], found["trace"]["models"], found["trace"]["cost_usd"]) == (4, ["small"], 0.5)
    assert [(n["span"]["name"], n["children"], n["orphan"]) for n in found["spans"]] == [
        ("ask", 1, False),
        ("orphan", 0, True),
    ]
    below = api.get(f"/traces/{trace(1)}/spans", parent=f"{1:016x}")
    assert [n["span"]["name"] for n in below["spans"]] == ["child"]
    assert api.get(f"/traces/{trace(1)}/spans", parent=f"{3:016x}")["spans"] == []
    api.get(f"/traces/{trace(1)}/spans", 404, parent=f"{5:016x}")
    api.get(f"/traces/{trace(2)}", 404)
    api.get("/traces/xyz", 404)


def test_a_trace_of_twenty_thousand_spans_opens(api):
    spans = [a_span(1, 1)]
    spans += [a_span(1, place, 1) for place in range(2, 18_002)]
    spans += [a_span(1, place, 2) for place in range(18_002, 20_001)]
    api.write(*spans)
    found = api.get(f"/traces/{trace(1)}")
    assert found["trace"]["spans"] == 20_000
    assert [node["children"] for node in found["spans"]] == [18_000]
    level = api.get(f"/traces/{trace(1)}/spans", parent=f"{1:016x}", limit=200)
    assert (len(level["spans"]), level["spans"][0]["children"]) == (200, 1_999)
    last = api.get(f"/traces/{trace(1)}/spans/{20_000:016x}")
    assert last["path"] == [f"{place:016x}" for place in (1, 2, 20_000)]
    seen = api.pages(f"/traces/{trace(1)}/spans", "spans", parent=f"{2:016x}", limit=200)
    assert sorted(int(node["span"]["span_id"], 16) for node in seen) == list(range(18_002, 20_001))


def test_everything_of_a_span(api):
    store = api.served.store
    big = json.dumps({"text": "long " * 5000}).encode()
    digest = store.put_blob(big)
    span = a_span(
        1,
        attributes={**CALL, "odd": ["\ud800", 2**70, float("nan")]},
        events=(Event("retry", AT, {"wait": 1}),),
        output={"$blob": digest, "bytes": len(big), "preview": "long"},
        resource={"service.name": "shop"},
        scope="lib",
    )
    api.write(
        span,
        LogRecord("log", AT, {"said": "hello"}, trace_id=span.trace_id, span_id=span.span_id),
        LogRecord("other", AT, "not mine", trace_id=span.trace_id, span_id=f"{9:016x}"),
        Feedback("f1", span.trace_id, "helpful", 1, AT, kind="thumb"),
        Feedback("f2", span.trace_id, "helpful", 0, AT, kind="thumb", span_id=f"{9:016x}"),
    )
    path = f"/traces/{span.trace_id}/spans/{span.span_id}"
    found = api.get(path)
    assert found["attributes"]["gen_ai.request.model"] == "small"
    assert found["attributes"]["odd"][0] == "\\ud800"
    said = found["derived"]
    assert (said["model"], said["input_tokens"], said["cost_usd"], said["kind"]) == ("small", 10, 0.5, "llm")
    assert said["messages_in"][0] == {
        "role": "user",
        "content": "weather in Boston",
        "tool_calls": [],
        "tool_call_id": None,
    }
    assert found["events"] == [
        {"name": "retry", "time_ns": AT, "attributes": {"wait": 1}, "dropped_attributes_count": 0}
    ]
    assert [log["id"] for log in found["logs"]] == ["log"]
    assert [each["id"] for each in found["feedback"]] == ["f1"]
    assert (found["resource"], found["scope"]) == ({"service.name": "shop"}, "lib")
    assert found["output"]["bytes"] == len(big)
    assert api.get(f"{path}/payload", which="output") == json.loads(big)
    assert api.get(f"{path}/payload", which="input") == said["input"]
    refused = api.get(f"{path}/payload", 413, which="output", max_bytes=1000)["error"]
    assert f"max_bytes={len(big)}" in refused["mend"]
    api.get(f"/traces/{span.trace_id}/spans/{9:016x}", 404)


def test_what_came_as_log_records_is_a_payload_too(api):
    span = a_span(1, attributes={"gen_ai.operation.name": "chat"})
    mine = {"trace_id": span.trace_id, "span_id": span.span_id}
    noise = [LogRecord(f"noise {n}", AT, "working", **mine) for n in range(1_001)]  # more than are shown
    asked = LogRecord("asked", AT, {"content": "weather in Boston"}, "gen_ai.user.message", **mine)
    told = LogRecord("told", AT, {"index": 0, "message": {"content": "sunny"}}, "gen_ai.choice", **mine)
    foreign = LogRecord("foreign", AT, {"content": "secret"}, "gen_ai.user.message", **mine, project="elsewhere")
    api.write(span, *noise, foreign, asked, told)
    path = f"/traces/{span.trace_id}/spans/{span.span_id}"
    found = api.get(path)
    assert (len(found["logs"]), found["derived"]["messages_in"][0]["content"]) == (1_000, "weather in Boston")
    for which, words in (("input", "weather in Boston"), ("output", "sunny")):
        payload = api.get(f"{path}/payload", which=which)
        assert payload == found["derived"][which]
        assert words in json.dumps(payload)
        assert "secret" not in json.dumps(payload)


def test_sessions(api):
    api.write(
        a_span(1, session_id="a/b", user_id="ada"),
        a_span(2, session_id="a/b", attributes=CALL),
        a_span(3, session_id="c"),
        a_span(4),
    )
    assert [s["session_id"] for s in api.pages("/sessions", "sessions", limit=1)] == ["c", "a/b"]
    found = api.get("/sessions/a%2Fb", limit=1)
    assert (found["session"]["traces"], found["session"]["cost_usd"]) == (2, 0.5)
    assert found["traces"][0]["trace_id"] == trace(2)
    assert [t["trace_id"] for t in api.pages("/sessions/a/b", "traces", limit=1)] == [trace(2), trace(1)]
    api.get("/sessions/nobody", 404)


def test_the_summary_adds_up(api):
    start = AT // HOUR * HOUR
    api.write(*(a_span(n, started_ns=start + (n % 3) * HOUR, attributes=CALL) for n in range(1, 10)))
    found = api.get("/summary", **{"from": start, "to": start + 3 * HOUR, "bucket_s": 3600, "by": "model"})
    assert [(r["started_ns"], r["key"], r["count"]) for r in found["rows"]] == [
        (start + hour * HOUR, "small", 3) for hour in range(3)
    ]
    one = api.get("/summary", **{"from": start, "to": start + 3 * HOUR})["rows"]
    assert [(r["count"], r["input_tokens"], r["cost_usd"]) for r in one] == [(9, 90, 4.5)]
    assert one[0]["p95_ns"] == pytest.approx(10**6, rel=0.01)
    assert api.get("/summary", to=start)["rows"] == []
    usual = api.get("/summary")
    assert usual["to"] - usual["from"] == 24 * HOUR  # of the clock, wherever that stands
    api.get("/summary", 400, **{"from": 5, "to": 4})


def test_the_lineage_of_an_answer(api):
    prompt = Prompt("p" * 64, "assistant", 7, "Answer: {text}", AT)
    env = Environment("e" * 64, AT, commit="c0ffee", dirty=True, diff_blob="d" * 64, packages={"x": "1"}, python="3.11")
    version = DatasetVersion("da" * 32, "weather", 1, "0" * 64, AT)
    variant = Variant("base", {"prompt": "assistant@v7", "model": "small"}, note="first")
    run = EvalRun("run1", "exp", variant.id, "base", version.id, AT, suite="quick", environment_id=env.id)
    span = a_span(1, attributes=CALL, run_id="run1", environment_id=env.id, user_id="ada")
    score = Score("exact", 1.0)
    api.write(
        *(prompt, env, version, variant, run, span),
        Sample("run1", "ex1", output="sunny", scores=(score,), trace_id=span.trace_id),
        Feedback("f1", span.trace_id, "helpful", 1, AT, who="bob", kind="thumb"),
    )
    found = api.get(f"/lineage/{span.trace_id}")
    assert found["prompts"][0]["kept"]["template"] == "Answer: {text}"
    assert found["models"] == [{"model": "small", "provider": "local", "calls": 1}]
    assert (found["dataset"]["id"], found["run"]["id"], found["variant"]["note"]) == (version.id, "run1", "first")
    assert found["sample"] == {
        "run_id": "run1", "example_id": "ex1", "repeat": 0, "status": "ok", "scores": {"exact": 1.0},
    }  # fmt: skip
    code = found["environments"][0]["code"]
    assert (code["commit"], code["dirty"], code["diff_blob"]) == ("c0ffee", True, "d" * 64)
    assert found["people"] == {"users": ["ada"], "reviewers": ["bob"]}
    assert [each["who"] for each in found["feedback"]] == ["bob"]
    assert found["complete"]
    api.get(f"/lineage/{trace(2)}", 404)
