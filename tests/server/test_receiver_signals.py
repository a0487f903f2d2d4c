"""Log records and metrics over OTLP."""

from __future__ import annotations

import math
import random
import time

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from server import web
from server.otlp import STARTED, any_value, pairs, post
from slipway.data import Drop, LogRecord, MetricPoint

TRACE = f"{1:032x}"


def logs(*records):
    request = ExportLogsServiceRequest()
    of_resource = request.resource_logs.add()
    of_resource.resource.attributes.extend(pairs({"service.name": "shop"}))
    of_scope = of_resource.scope_logs.add()
    of_scope.scope.name = "instrumentation"
    for fields in records:
        fields = dict(fields)
        body, attributes = fields.pop("body", None), fields.pop("attributes", {})
        record = of_scope.log_records.add(**fields)
        record.body.CopyFrom(any_value(body))
        record.attributes.extend(pairs(attributes))
    return bytes(request.SerializeToString())


MESSAGE = {
    "time_unix_nano": STARTED,
    "severity_number": 9,
    "severity_text": "INFO",
    "trace_id": (1).to_bytes(16, "big"),
    "span_id": (2).to_bytes(8, "big"),
    "body": {"role": "user", "content": "wie ist das Wetter?", "parts": [1, None]},
    "attributes": {"gen_ai.system": "openai"},
    "event_name": "gen_ai.user.message",
}


def test_a_log_record_keeps_its_body_and_its_span(anywhere):
    assert post(anywhere, logs(MESSAGE), "logs").status_code == 200
    [kept] = anywhere.store.find(LogRecord, {"trace_id": TRACE})
    assert kept.body == MESSAGE["body"]
    assert (kept.span_id, kept.time_ns, kept.event) == (f"{2:016x}", STARTED, "gen_ai.user.message")
    assert (kept.severity, kept.severity_text, kept.scope) == (9, "INFO", "instrumentation")
    assert (kept.attributes, kept.resource) == ({"gen_ai.system": "openai"}, {"service.name": "shop"})


def test_t19_log_records_that_come_twice_are_kept_once(anywhere):
    said_twice = {"time_unix_nano": STARTED, "body": "tick"}
    for _ in range(2):
        post(anywhere, logs(MESSAGE, said_twice, said_twice), "logs")
    assert anywhere.store.count(LogRecord) == 3


def test_a_log_record_needs_neither_span_nor_time(served):
    before = time.time_ns()
    body = logs({"body": "a"}, {"observed_time_unix_nano": 7, "trace_id": b"short", "attributes": {"event.name": "e"}})
    assert post(served, body, "logs").status_code == 200
    first, second = served.store.find(LogRecord)
    assert before <= first.time_ns <= time.time_ns()
    assert (first.trace_id, first.span_id) == (None, None)
    assert (second.time_ns, second.trace_id, second.event) == (7, None, "e")


def test_logs_in_json_mean_the_same(served):
    record = {
        "timeUnixNano": str(STARTED), "severityNumber": 9, "severityText": "INFO", "traceId": TRACE, "spanId": f"{2:016x}",
        "body": {"kvlistValue": {"values": [
            {"key": "role", "value": {"stringValue": "user"}},
            {"key": "content", "value": {"stringValue": "wie ist das Wetter?"}},
            {"key": "parts", "value": {"arrayValue": {"values": [{"intValue": 1}, {}]}}},
        ]}},
        "attributes": [{"key": "gen_ai.system", "value": {"stringValue": "openai"}}], "eventName": "gen_ai.user.message",
    }  # fmt: skip
    of_resource = {
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeLogs": [{"scope": {"name": "instrumentation"}, "logRecords": [record]}],
    }
    assert web.post(f"{served.url}/v1/logs", json={"resourceLogs": [of_resource]}).status_code == 200
    post(served, logs(MESSAGE), "logs")
    [kept] = served.store.find(LogRecord)  # one hash, so one record
    assert kept.body == MESSAGE["body"]


def metrics(shape, *points, name="requests", resource=None):
    request = ExportMetricsServiceRequest()
    of_resource = request.resource_metrics.add()
    of_resource.resource.attributes.extend(pairs({"service.name": "shop", **(resource or {})}))
    metric = of_resource.scope_metrics.add().metrics.add(name=name)
    getattr(metric, shape).SetInParent()
    for fields in points:
        fields = {"time_unix_nano": STARTED, **fields}
        attributes = fields.pop("attributes", {})
        getattr(metric, shape).data_points.add(**fields).attributes.extend(pairs(attributes))
    return bytes(request.SerializeToString())


def values(served):
    return {point.name: point.value for point in served.store.find(MetricPoint)}


def test_gauges_and_sums_become_points(anywhere):
    body = metrics("sum", {"as_int": 7, "attributes": {"route": "/b", "method": "GET", "ok": True}}, {"as_double": 0.5})
    for _ in range(2):
        assert post(anywhere, body, "metrics").status_code == 200
    assert values(anywhere) == {"requests{method=GET,ok=true,route=/b}": 7.0, "requests": 0.5}
    [point] = anywhere.store.find(MetricPoint, {"name": "requests"})
    assert (point.run_id, point.step, point.time_ns) == ("otlp:shop", STARTED // 1_000_000, STARTED)


def test_t35_any_number_is_a_value(served):
    odd = [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7e308]
    points = [{"as_double": value, "time_unix_nano": STARTED + n * 10**6} for n, value in enumerate(odd)]
    assert post(served, metrics("gauge", *points), "metrics").status_code == 200
    kept = [point.value for point in served.store.find(MetricPoint)]
    assert math.isnan(kept[0])
    assert kept[1:] == odd[1:]
    earlier = metrics("gauge", {"as_double": 9.0, "time_unix_nano": STARTED - 10**9})  # a step that goes back
    assert post(served, earlier, "metrics").status_code == 200
    assert [last.value for last in served.store.last_values("requests")] == [odd[-1]]


def test_histograms_become_totals_and_quantiles(served):
    explicit = {
        "count": 100, "sum": 50.0, "min": 0.0, "max": 2.0, "bucket_counts": [50, 50, 0], "explicit_bounds": [0.5, 1.0],
    }  # fmt: skip
    post(served, metrics("histogram", explicit), "metrics")
    assert values(served) == {
        "requests.count": 100.0, "requests.sum": 50.0, "requests.min": 0.0, "requests.max": 2.0,
        "requests.p50": 0.5, "requests.p95": 0.95, "requests.p99": 0.99,
    }  # fmt: skip
    exponential = {"count": 3, "scale": 0, "zero_count": 1, "positive": {"offset": 1, "bucket_counts": [0, 2]}}
    post(served, metrics("exponential_histogram", exponential, name="exp"), "metrics")
    found = values(served)
    assert found["exp.count"] == 3.0
    assert 4.0 <= found["exp.p50"] <= found["exp.p99"] <= 8.0
    quantiles = {"count": 2, "sum": 3.0, "quantile_values": [{"quantile": 0.9, "value": 2.5}]}
    post(served, metrics("summary", quantiles, name="sum"), "metrics")
    assert values(served)["sum.p90"] == 2.5


def test_metrics_in_json_mean_the_same(served):
    points = [
        {"timeUnixNano": STARTED, "asInt": "9007199254740993"},
        {"timeUnixNano": str(STARTED + 10**6), "asDouble": "NaN"},
        {"timeUnixNano": STARTED, "flags": 1},
        {"asInt": 1},
        {"timeUnixNano": STARTED},
    ]
    sent = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": points}}]}]}]}
    answer = web.post(f"{served.url}/v1/metrics", json=sent)
    assert answer.json()["partialSuccess"]["rejectedDataPoints"] == "2"
    first, second = served.store.find(MetricPoint)
    assert (first.value, first.run_id) == (float(9007199254740993), "otlp:unknown_service")
    assert math.isnan(second.value)


def test_t10_the_names_of_metrics_are_bounded_and_the_rest_is_counted(start):
    served = start(max_series=20)
    points = [{"as_int": 1, "attributes": {"user": f"u{n}"}} for n in range(100)]
    answer = post(served, metrics("sum", *points), "metrics")
    assert b"too many metric names" in answer.content
    names = served.store.metric_names("")
    assert 10 <= len(names) <= 20
    assert sum(drop.count for drop in served.store.find(Drop)) == 100 - len(names)
    known = metrics("sum", {"as_int": 2, "attributes": {"user": "u0"}, "time_unix_nano": STARTED + 10**9})
    assert post(served, known, "metrics").content == b""


def test_long_names_and_odd_labels(anywhere):
    body = metrics("gauge", {"as_int": 1, "attributes": {"a": "x\x00\u202e" * 3_000, "b": [1, {"c": None}]}})
    assert post(anywhere, body, "metrics").status_code == 200
    [name] = values(anywhere)
    assert len(name) == 500


def test_names_and_projects_of_any_text_fit_into_the_keys(anywhere):
    """PostgreSQL's index takes no key of more than 2,704 bytes; a batch that it refuses would come again for ever."""
    rng = random.Random(1)
    odd = "".join(chr(rng.randrange(0x10000, 0x110000)) for _ in range(1_000))
    body = metrics(
        "gauge", {"as_int": 1, "attributes": {"a": odd}}, resource={"slipway.project": odd, "service.name": odd}
    )
    assert post(anywhere, body, "metrics").content == b""
    [point] = anywhere.store.find(MetricPoint)
    assert (len(point.name), len(point.run_id), point.project) == (500, 500, odd[:100])
    answer = post(anywhere, body, "metrics", x_slipway_project="p" * 101)
    assert answer.status_code == 400
