"""The OpenAPI document: valid, complete, and what the server does (Schemathesis asks it things nobody thought of)."""

from __future__ import annotations

import json

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from server import web
from server.patience import PATIENCE_S
from slipway.data import EvalRun, Example, Feedback, LogRecord, MetricPoint, Prompt, Sample, Score, Span
from slipway.evals.datasets import Dataset
from slipway.server.keys import issue
from slipway.server.receiver import jsonwire

AT = 1_790_000_000_000_000_000
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
EXAMPLES = 8  # of each route
OTLP = {"/v1/traces": jsonwire.Traces, "/v1/logs": jsonwire.Logs, "/v1/metrics": jsonwire.Metrics}
AROUND = {f"{around}{signal}" for around in ("Resource", "Scope") for signal in ("Spans", "Logs", "Metrics")}
AROUND |= {"Traces", "Logs", "Metrics"}
STREAM = "/api/v1/events"
TAKEN = {
    "/v1/traces": {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {"spans": [{"traceId": "a" * 32, "spanId": "c" * 16, "name": "s", "startTimeUnixNano": str(AT)}]}
                ]
            }
        ]
    },
    "/v1/logs": {
        "resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": str(AT), "body": {"stringValue": "l"}}]}]}]
    },
    "/v1/metrics": {
        "resourceMetrics": [
            {
                "scopeMetrics": [
                    {"metrics": [{"name": "m", "gauge": {"dataPoints": [{"timeUnixNano": str(AT), "asDouble": 0.5}]}}]}
                ]
            }
        ]
    },
}


@schemathesis.serializer("application/x-protobuf")
def as_bytes(context, value):
    """Whatever was made: most of it is no protobuf."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


def filled(served):
    """One of each kind, found under ids that a document cannot know."""
    version = Dataset("d", (Example("e1", {"a": 1}, "b"),)).save(served.store)
    served.store.write(
        [
            Span("a" * 32, "b" * 16, "ask", AT, 5, input={"x": None}, session_id="s", run_id="run1"),
            LogRecord("log", AT, "said", trace_id="a" * 32, span_id="b" * 16),
            Feedback("f", "a" * 32, "helpful", 1, AT, kind="thumb"),
            EvalRun("run1", "exp", "v", "base", version.id, AT, suite="quick", status="finished"),
            Sample("run1", "e1", output="b", scores=(Score("exact", None),)),
            Prompt("p" * 64, "ask", 1, "text", AT),
            MetricPoint("run1", "loss", float("inf"), 0, AT),
        ]
    )
    served.state.indexer.builder.catch_up()
    other, _ = issue(served.store, member="somebody", role="viewer", projects=("default",))
    return {
        "trace_id": "a" * 32, "span_id": "b" * 16, "session_id": "s", "run_id": "run1", "dataset_id": version.id,
        "feedback_id": "f", "name": "ask", "key_id": other.id,
    }  # fmt: skip


@pytest.fixture
def asked_by_admin(served):
    """(schema, ids that there are, the headers of an admin): making a key is asked too, so it takes one from the start."""
    _, key = issue(served.store, member="the admin", role="admin", projects=("*",))
    known = filled(served)
    served.state.keys.forget()
    said = web.get(f"{served.url}/api/v1/openapi.json").json()
    for path, message in OTLP.items():  # the document leaves it to OTLP what is in there
        _, parts = msgspec.json.schema_components(
            [message], ref_template=f"#/components/schemas/{message.__name__}.{{name}}"
        )
        for name in AROUND & parts.keys():  # full ones, since an empty request asks nothing
            parts[name]["required"] = list(parts[name]["properties"])
            for each in parts[name]["properties"].values():
                options = [option for option in each.get("anyOf", ()) if option.get("type") != "null"]
                if options:
                    each["anyOf"] = [one | {"minItems": 1} if one.get("type") == "array" else one for one in options]
        said["components"]["schemas"] |= {f"{message.__name__}.{name}": part for name, part in parts.items()}
        body = said["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        body["schema"] = {"$ref": f"#/components/schemas/{message.__name__}.{message.__name__}"}
    schema = schemathesis.openapi.from_dict(said)
    schema.config.update(base_url=served.url)
    return schema, known, {"Authorization": f"Bearer {key}"}


def ask(operation, parts, headers, check=None):
    """Requests made at random from the document, each answer held to it. Always the same ones."""

    @settings(
        max_examples=EXAMPLES, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def asked(case):
        case.path_parameters.update(parts)
        if check is not None:
            check(case)
        else:
            case.call_and_validate(checks=list(CHECKS), timeout=PATIENCE_S, headers=headers)

    asked()


def test_every_answer_is_as_the_document_says(served, asked_by_admin):
    schema, known, headers = asked_by_admin
    asked = set()
    for result in schema.exclude(path=STREAM).get_all_operations():
        operation = result.ok()
        parts = {name: value for name, value in known.items() if f"{{{name}}}" in operation.path}
        for fixed in [parts, {}] if parts else [{}]:
            ask(operation, fixed, headers)
        asked.add((operation.method, operation.path))
    assert len(asked) > 40
    for method, path in (
        ("post", "/api/v1/keys"),
        ("delete", "/api/v1/keys/{key_id}"),
        ("put", "/api/v1/members/{name}"),
    ):
        assert (method, path) in asked
    assert asked >= {("post", path) for path in OTLP}
    for path, body in TAKEN.items():  # chance makes few that are in order
        case = schema[path]["POST"].Case(body=body, media_type="application/json")
        answer = case.call_and_validate(checks=list(CHECKS), timeout=PATIENCE_S, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {})
    for signal in ("spans", "log records", "data points"):
        assert served.state.counts[f"otlp {signal} stored"] > 0, signal


def test_a_stream_begins_as_the_document_says(asked_by_admin):
    schema, _, headers = asked_by_admin
    operation = schema[STREAM]["GET"]
    statuses = set()

    def begins(case):
        """It never ends, so only its beginning is read."""
        given = case.as_transport_kwargs()
        with web.stream("GET", given["url"], params=given.get("params"), headers=headers) as answer:
            statuses.add(answer.status_code)
            if answer.status_code == 200:
                assert answer.headers["content-type"].startswith("text/event-stream")
                lines = answer.iter_lines()
                assert any(next(lines) == "event: ready" for _ in range(3))
            else:
                assert answer.headers["content-type"] == "application/json"
                assert set(json.loads(answer.read())["error"]) == {"cause", "mend", "page"}

    ask(operation, {}, headers, begins)
    assert 200 in statuses
