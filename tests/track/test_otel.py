"""One trace with OpenTelemetry, and clients recorded without a line changed. Each test is a process of its own: OpenTelemetry's
tracer provider and instrumentors are global."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fake_openai import FakeOpenAI
from slipway.track.dialects import describe

SRC = Path(__file__).parents[2] / "src"

HEAD = """
import json, sys
from slipway.track import init, trace, span, flush, shutdown
got = []
init("t", sink=got.extend, environment=False, **json.loads(sys.argv[1]))
def show():
    assert flush(120)
    shutdown()
    keys = "trace_id span_id parent_id name kind status input output attributes scope error first_token_ns events".split()
    rows = [{key: getattr(s, key) for key in keys} for s in got if type(s).__name__ == "Span"]
    for row in rows: row["events"] = [e.name for e in row["events"]]
    print(json.dumps(rows))
"""


def run(body: str, *arguments: str, **options: object) -> list[dict]:
    environ = {**os.environ, "PYTHONPATH": str(SRC)}
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:slipway", "-c", HEAD + body, json.dumps(options), *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def by_name(rows: list[dict]) -> dict[str, dict]:
    return {row["name"]: row for row in rows}


def test_each_side_is_the_parent_of_the_other():
    rows = run("""
from opentelemetry import trace as otel
tracer = otel.get_tracer("theirs")
@trace(name="ours-1")
def one():
    with tracer.start_as_current_span("theirs-1") as s:
        s.set_attribute("k", 1)
        with span("ours-2"):
            with tracer.start_as_current_span("theirs-2"): pass
    with span("ours-3"): pass
one()
with tracer.start_as_current_span("theirs-root"):
    with span("ours-4"): pass
with span("alone"): pass
show()
""")
    spans = by_name(rows)
    names = {row["span_id"]: row["name"] for row in rows}
    parents = {row["name"]: names.get(row["parent_id"]) for row in rows}
    assert parents == {
        "ours-1": None,
        "theirs-1": "ours-1",
        "ours-2": "theirs-1",
        "theirs-2": "ours-2",
        "ours-3": "ours-1",
        "theirs-root": None,
        "ours-4": "theirs-root",
        "alone": None,
    }
    assert len({spans[name]["trace_id"] for name in ("ours-1", "theirs-1", "ours-2", "theirs-2", "ours-3")}) == 1
    assert spans["theirs-1"]["attributes"] == {"k": 1}
    assert spans["theirs-1"]["scope"] == "theirs"


def test_it_holds_over_await_generators_and_errors():
    rows = run("""
import asyncio
from opentelemetry import trace as otel
tracer = otel.get_tracer("theirs")
@trace(name="gen")
def gen():
    with tracer.start_as_current_span("in-gen"): yield 1
    yield 2
@trace(name="task")
async def task(n):
    with tracer.start_as_current_span(f"in-task-{n}"): await asyncio.sleep(0)
async def main():
    with span("main"): await asyncio.gather(task(1), task(2))
asyncio.run(main())
for _ in gen():
    with tracer.start_as_current_span("between"): pass
try:
    with tracer.start_as_current_span("fails"): raise ValueError("no")
except ValueError: pass
show()
""")
    names = {row["span_id"]: row["name"] for row in rows}
    parents = {(row["name"], names.get(row["parent_id"])) for row in rows}
    assert {("in-gen", "gen"), ("in-task-1", "task"), ("in-task-2", "task"), ("task", "main"), ("gen", None)} <= parents
    assert ("between", None) in parents
    assert by_name(rows)["fails"]["status"] == "error"


def test_sampling_is_agreed_on():
    rows = run(
        """
from opentelemetry import trace as otel
tracer = otel.get_tracer("theirs")
for _ in range(200):
    with span("ours"):
        with tracer.start_as_current_span("theirs"):
            with span("inner"): pass
for _ in range(200):
    with tracer.start_as_current_span("theirs-root"):
        with span("ours-child"): pass
@trace(name="fn")
def fn():
    with tracer.start_as_current_span("in-fn"):
        with span("deep"): pass
for _ in range(200): fn()
show()
""",
        sample=0.5,
    )
    traces: dict[str, list[str]] = {}
    for row in rows:
        traces.setdefault(row["trace_id"], []).append(row["name"])
    kinds = {tuple(sorted(names)) for names in traces.values()}
    assert kinds == {("inner", "ours", "theirs"), ("ours-child", "theirs-root"), ("deep", "fn", "in-fn")}
    assert 200 < len(traces) < 400


def test_the_application_may_still_set_its_own_provider():
    rows = run("""
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider
mine = TracerProvider()
otel.set_tracer_provider(mine)
assert otel.get_tracer_provider() is mine
with span("ours"):
    with otel.get_tracer("x").start_as_current_span("theirs"): pass
show()
""")
    assert {row["name"] for row in rows} == {"ours", "theirs"}


CLIENT = """
import openai
client = openai.OpenAI(base_url=sys.argv[2], api_key="sk-test-0123456789abcdefghij", max_retries=0)
ask = dict(model="m1", messages=[{"role": "user", "content": "what is a slipway"}], temperature=0.25, max_tokens=9)
"""


def test_the_real_openai_client_is_recorded_without_a_line_changed():
    with FakeOpenAI() as server:
        rows = run(
            CLIENT
            + """
with span("root"):
    client.chat.completions.create(**ask)
show()
""",
            server.url,
        )
    names = by_name(rows)
    (call,) = [row for row in rows if row["kind"] == "llm"]
    assert call["parent_id"] == names["root"]["span_id"]
    assert call["attributes"]["slipway.model"] == "m1-0001"
    assert call["attributes"]["slipway.tokens.input"] == 4
    assert call["attributes"]["slipway.tokens.output"] == 4
    assert call["attributes"]["slipway.temperature"] == 0.25
    assert call["input"]["messages"] == [{"role": "user", "content": "what is a slipway"}]
    assert "a ramp for ships" in json.dumps(call["output"])
    assert "sk-test" not in json.dumps(rows)


def test_streams_and_errors_of_the_real_client():
    with FakeOpenAI() as server:
        rows = run(
            CLIENT
            + """
parts = [c.choices[0].delta.content for c in client.chat.completions.create(stream=True, **ask) if c.choices]
assert "".join(p or "" for p in parts) == "a ramp for ships"
show()
""",
            server.url,
        )
        server.status = 500
        failed = run(
            CLIENT
            + """
try: client.chat.completions.create(**ask)
except openai.InternalServerError: pass
show()
""",
            server.url,
        )
    (call,) = rows
    assert "a ramp for ships" in json.dumps(call["output"])
    assert call["first_token_ns"] is not None
    assert failed[0]["status"] == "error"
    assert "refused with 500" in failed[0]["error"]


def test_a_broken_instrumentor_does_not_break_init(tmp_path):
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[opentelemetry_instrumentor]\njson = openinference.broken:Broken\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    environ = {**os.environ, "PYTHONPATH": str(SRC)}
    body = code + HEAD + "from slipway.track.slot import slot; print(slot.tracer.recorder.drops.totals()); show()"
    done = subprocess.run(
        [sys.executable, "-c", body, "{}"], env=environ, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "('instrumentor', 'failed'): 1" in done.stdout


@pytest.mark.parametrize(
    ("attributes", "kind", "tokens"),
    [
        ({"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 3}, "llm", 3),
        ({"openinference.span.kind": "LLM", "llm.token_count.prompt": 4}, "llm", 4),
        ({"traceloop.span.kind": "workflow", "gen_ai.usage.prompt_tokens": 5}, "chain", 5),
        ({"gen_ai.operation.name": "embeddings"}, "embedding", None),
        ({}, None, None),
    ],
)
def test_dialects(attributes, kind, tokens):
    seen = describe(attributes)
    assert seen.kind == kind
    assert seen.attributes.get("slipway.tokens.input") == tokens
