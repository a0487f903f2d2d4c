"""The OpenAPI document: valid, complete, and what the server does (Schemathesis asks it things nobody thought of)."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from server.patience import PATIENCE_S
from slipway.data import EvalRun, Example, Feedback, LogRecord, MetricPoint, Prompt, Sample, Score, Span
from slipway.evals.datasets import Dataset

AT = 1_790_000_000_000_000_000
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
EXAMPLES = 8  # of each route


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
    return {
        "trace_id": "a" * 32, "span_id": "b" * 16, "session_id": "s", "run_id": "run1", "dataset_id": version.id,
        "feedback_id": "f", "name": "ask", "key_id": "none",
    }  # fmt: skip


def ask(operation, parts):
    """Requests made at random from the document, each answer held to it. Always the same ones."""

    @settings(
        max_examples=EXAMPLES, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def asked(case):
        case.path_parameters.update(parts)
        case.call_and_validate(checks=list(CHECKS), timeout=PATIENCE_S)

    asked()


def test_every_answer_is_as_the_document_says(served):
    known = filled(served)
    schema = schemathesis.openapi.from_url(f"{served.url}/api/v1/openapi.json")
    asked = []
    for result in schema.exclude(path="/api/v1/events").get_all_operations():
        operation = result.ok()
        # Once an admin key is made, everything needs one: what makes keys has tests of its own.
        if operation.method != "get" and operation.path != "/api/v1/feedback":
            continue
        parts = {name: value for name, value in known.items() if f"{{{name}}}" in operation.path}
        for fixed in [parts, {}] if parts else [{}]:
            ask(operation, fixed)
            asked.append(operation.path)
    assert len(asked) > 30
