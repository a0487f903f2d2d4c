"""Enumerations in OTLP's JSON: numbers as it says, and names as some senders write them."""

from __future__ import annotations

from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Wire
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from server import web
from server.otlp import STARTED
from slipway.data import LogRecord, Span

TRACE = f"{1:032x}"


def sent(served, path, body):
    answer = web.post(f"{served.url}/v1/{path}", json=body)
    assert (answer.status_code, answer.json()) == (200, {})


def test_a_severity_is_a_number_or_its_name(anywhere):
    asked = dict(SeverityNumber.items())
    asked |= {"WARN": 13, "error3": 19, "12": 12, "LOUD": 0, "": 0}
    records = [{"body": {"stringValue": name}, "severityNumber": name} for name in asked]
    records += [{"body": {"stringValue": f"number {number}"}, "severityNumber": number} for number in asked.values()]
    sent(anywhere, "logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
    found = {record.body: record.severity for record in anywhere.store.find(LogRecord)}
    assert found == asked | {f"number {number}": number for number in asked.values()}
    assert len(SeverityNumber.items()) == 25


def test_kind_and_status_are_numbers_or_their_names(anywhere):
    kinds, statuses = Wire.SpanKind.items(), Status.StatusCode.items()
    spans = [
        {
            "traceId": TRACE, "spanId": f"{at + 1:016x}", "name": f"{kind} {status}", "startTimeUnixNano": STARTED,
            "kind": kind, "status": {"code": status},
        }
        for at, (kind, status) in enumerate((kind, status) for kinded in kinds for kind in kinded for stated in statuses
                                            for status in stated)
    ]  # fmt: skip
    sent(anywhere, "traces", {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
    found = {span.name: (span.kind, span.status) for span in anywhere.store.find(Span)}
    assert len(found) == len(spans) == 72
    for kind, number in kinds:
        means = "internal" if number == 0 else kind.removeprefix("SPAN_KIND_").lower()
        for status, code in statuses:
            said = status.removeprefix("STATUS_CODE_").lower()
            for either in (kind, number):
                for each in (status, code):
                    assert found[f"{either} {each}"] == (means, said)
