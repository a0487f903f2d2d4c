"""``slipway trace``: lists, trees, and what hostile spans cannot do to a terminal."""

from __future__ import annotations

import pytest

from slipway.cli.trace import moment_ns
from slipway.data import Event, Span, new_span_id, new_trace_id
from slipway.errors import UsageError
from slipway.store import open_store

SECOND = 1_000_000_000
NOW = 1_795_000_000 * SECOND


@pytest.fixture
def store(tmp_path):
    (tmp_path / ".slipway").mkdir()
    store = open_store(f"sqlite:///{tmp_path}/.slipway/slipway.db")
    yield store
    store.close()


def span(name, *, trace, parent=None, at=0.0, took=0.1, **more):
    """A span ``at`` seconds into the trace."""
    return Span(
        trace_id=trace,
        span_id=more.pop("span_id", None) or new_span_id(),
        name=name,
        parent_id=parent,
        started_ns=NOW + int(at * SECOND),
        duration_ns=int(took * SECOND),
        **more,
    )


def conversation(store, *, name="assistant", trace=None, at=0.0, **more):
    """A trace of three spans; returns its id."""
    trace = trace or new_trace_id()
    root = span(name, trace=trace, took=0.412, at=at, input={"text": "wetter in boston"}, output="sunny", **more)
    mind = span("mind", trace=trace, parent=root.span_id, at=at + 0.1, took=0.2, kind="client")
    call = span(
        "weather.get_weather",
        trace=trace,
        parent=mind.span_id,
        at=at + 0.2,
        took=0.05,
        status="error",
        error="TimeoutError: no answer",
    )
    store.write([call, mind, root])
    return trace


def test_the_newest_traces(slipway, store):
    older, newer = conversation(store), conversation(store, name="batch", at=60)
    found = slipway("trace", "ls", "--json").json
    assert [t["trace_id"] for t in found] == [newer, older]
    assert found[0] | {"started_ns": 0} == {
        "trace_id": newer,
        "name": "batch",
        "project": "default",
        "started_ns": 0,
        "duration_ms": 412.0,
        "spans": 3,
        "errors": 1,
    }
    said = slipway("trace", "ls").out
    assert newer[:12] in said
    assert "1 failed" in said
    assert f"slipway trace show {newer[:12]}" in said


def test_filters(slipway, store):
    conversation(store, name="Assistant")
    conversation(store, name="batch", at=3600)
    fine = new_trace_id()
    store.write([span("fine", trace=fine, at=7200)])
    other = new_trace_id()
    store.write([span("other", trace=other, project="elsewhere")])

    def names(*options):
        return [t["name"] for t in slipway("trace", "ls", "--json", *options).json]

    assert names() == ["fine", "batch", "Assistant"]
    assert names("--limit", "1") == ["fine"]
    assert names("--name", "assist") == ["Assistant"]
    assert names("--error") == ["batch", "Assistant"]
    assert names("--project", "elsewhere") == ["other"]
    assert names("--since", "2026-11-18T12:00+00:00") == ["fine", "batch"]


def test_of_a_killed_program_the_spans_that_arrived_are_listed(slipway, store):
    trace = new_trace_id()
    store.write(
        [
            span("inner", trace=trace, parent="00f067aa0ba902b7"),
            span("inner 2", trace=trace, parent="00f067aa0ba902b7", at=1),
        ]
    )
    assert [(t["name"], t["spans"]) for t in slipway("trace", "ls", "--json").json] == [("inner", 2)]
    assert "inner 2" in slipway("trace", "show", trace).out


def test_a_tree_with_durations_inputs_and_outputs(slipway, store):
    trace = conversation(store)
    said = slipway("trace", "show", trace[:8]).out.splitlines()
    assert said[0] == f"trace {trace}"
    assert "3 spans, 1 failed" in said[1]
    assert said[3:] == [
        "assistant  412 ms",
        '   in  {"text": "wetter in boston"}',
        "   out sunny",
        "└─ mind  200 ms  client, +100 ms",
        "   └─ weather.get_weather  50 ms  +200 ms",
        "         error TimeoutError: no answer",
    ]
    found = slipway("trace", "show", trace, "--json").json
    assert [s["name"] for s in found["spans"]] == ["assistant", "mind", "weather.get_weather"]


def test_what_one_wants_to_know_of_a_model_call_stands_beside_its_name(slipway, store):
    trace = new_trace_id()
    facts = {"gen_ai.request.model": "small", "gen_ai.usage.input_tokens": 120, "gen_ai.usage.output_tokens": 8}
    facts |= {"slipway.cost_usd": 0.0021, "score.exact": 1.0, "slipway.example_id": "e7", "slipway.variant": "v2"}
    store.write([span("chat", trace=trace, attributes=facts, kind="llm")])
    line = slipway("trace", "show", trace).out.splitlines()[3]
    assert line == "chat  100 ms  llm, small, 120 -> 8 tokens, $0.0021, example e7 of v2, exact 1"


def test_siblings_have_branches(slipway, store):
    trace, root = new_trace_id(), new_span_id()
    spans = [span("root", trace=trace, span_id=root)]
    first = span("a", trace=trace, parent=root, at=0.01)
    spans += [
        first,
        span("a1", trace=trace, parent=first.span_id, at=0.02),
        span("b", trace=trace, parent=root, at=0.03),
    ]
    store.write(spans)
    said = slipway("trace", "show", "@latest").out.splitlines()[3:]
    assert [line.split("  ")[0] if line[0] != "│" else "│  └─ a1" for line in said] == [
        "root",
        "├─ a",
        "│  └─ a1",
        "└─ b",
    ]


@pytest.mark.parametrize("width", ["80", "120"])
def test_long_values_are_cut_to_the_terminal_and_whole_with_full(slipway, store, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    trace = new_trace_id()
    digest = store.put_blob(b"the whole story")
    big = {"$blob": digest, "bytes": 15, "preview": "the whole"}
    event = Event("retry", NOW, {"attempt": 2})
    store.write(
        [
            span(
                "long",
                trace=trace,
                input="x" * 5000,
                output=big,
                attributes={"gen_ai.request.model": "m"},
                events=(event,),
            )
        ]
    )
    said = slipway("trace", "show", trace).out
    assert max(map(len, said.splitlines())) <= int(width)
    assert "the whole (15 B)" in said
    full = slipway("trace", "show", trace, "--full").out
    assert full.count("x") == 5000
    assert "the whole story" in full
    assert "gen_ai.request.model" in full
    assert "event retry" in full


def test_t31_escape_sequences_do_not_reach_the_terminal(slipway, store):
    trace = new_trace_id()
    hostile = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e[red]x[/red]\r\n\x00"
    store.write(
        [span(hostile, trace=trace, input=hostile, output={hostile: [hostile]}, status="error", error=hostile,
              attributes={hostile: hostile}, events=(Event(hostile, NOW, {"a": hostile}),), kind=hostile)]
    )  # fmt: skip
    for command in (("ls",), ("show", trace), ("show", trace, "--full")):
        done = slipway("trace", *command)
        assert done.code == 0
        assert not set(done.out) & set("\x1b\x07\x9b\u202e\r\x00")
        assert "\\x1b[2J" in done.out
        assert "[red]x[/red]" in done.out


def test_t33_cycles_orphans_and_odd_times_are_shown(slipway, store):
    trace = new_trace_id()
    a, b = new_span_id(), new_span_id()
    odd = [
        span("first of a cycle", trace=trace, span_id=a, parent=b),
        span("second of it", trace=trace, span_id=b, parent=a, at=1),
        span("own parent", trace=trace, span_id="00000000000000aa", parent="00000000000000aa"),
        Span(trace, new_span_id(), "far future", started_ns=2**63 - 1),
        Span(trace, new_span_id(), "at the epoch", started_ns=0),
    ]
    store.write(odd)
    said = slipway("trace", "show", trace).out
    for each in odd:
        assert sum(each.name in line for line in said.splitlines()) == 1
    assert slipway("trace", "ls").code == 0


def test_a_deep_trace_is_shown_without_recursion(slipway, store):
    trace, parent, spans = new_trace_id(), None, []
    for level in range(3000):
        spans.append(span(f"s{level}", trace=trace, parent=parent, at=level / 1e6))
        parent = spans[-1].span_id
    store.write(spans)
    said = slipway("trace", "show", trace, "--spans", "0").out
    assert "s2999" in said
    assert max(map(len, said.splitlines())) <= 120
    assert "2,800 more spans" in slipway("trace", "show", trace).out


def test_what_is_not_there(slipway, store):
    assert slipway("trace", "show", "@latest").code == 2
    done = slipway("trace", "show", "abc")
    assert (done.code, "slipway trace ls" in done.err) == (2, True)
    conversation(store, trace="ab" * 16)
    conversation(store, trace="ab" * 15 + "cd")
    assert "several traces" in slipway("trace", "show", "ab").err
    assert "Record one" in slipway("trace", "ls", "--project", "empty").out


def test_moments():
    assert moment_ns("2h", now=10_000) == 2_800 * SECOND
    assert moment_ns("1.5m", now=100) == 10 * SECOND
    assert moment_ns("2026-11-21T00:00:00+00:00") == 1_795_219_200 * SECOND
    with pytest.raises(UsageError):
        moment_ns("yesterday")


def test_the_first_token_is_told_from_the_start(slipway, store):
    """``first_token_ns`` counts from the span's start, as `slipway.data.Span` says."""
    store.write([span("words", trace=(trace := new_trace_id()), took=0.4, first_token_ns=SECOND // 4)])
    assert "first token 250 ms" in slipway("trace", "show", trace).out
