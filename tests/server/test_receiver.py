"""The OTLP receiver, asked over HTTP as any SDK asks it."""

from __future__ import annotations

import gzip
import json
import math
import zlib

import pytest
import zstandard
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from server import web
from server.otlp import JSON, PROTOBUF, STARTED, batch, post, span
from slipway.data import Drop, Span

TRACE = f"{1:032x}"


def found(served, number=1):
    return served.store.get(Span, TRACE, f"{number:016x}")


def test_a_batch_is_in_the_store_when_200_is_said(anywhere):
    answer = post(anywhere, batch(span(2, parent_span_id=(1).to_bytes(8, "big")), resource={"service.name": "shop"}))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-protobuf"
    kept = found(anywhere, 2)  # the parent comes later, or never (T20)
    assert (kept.name, kept.kind, kept.parent_id) == ("span 2", "client", f"{1:016x}")
    assert (kept.started_ns, kept.duration_ns, kept.status, kept.scope) == (STARTED, 1_000, "unset", "test")
    assert (kept.resource, kept.project) == ({"service.name": "shop"}, "default")
    assert post(anywhere, batch(span(1))).status_code == 200
    assert found(anywhere, 1).parent_id is None


def test_t19_a_batch_that_comes_twice_is_kept_once(anywhere):
    body = batch(*[span(number) for number in range(1, 51)])
    for _ in range(2):
        assert post(anywhere, body).status_code == 200
    post(anywhere, batch(span(7, name="another"), span(51)))
    assert anywhere.store.count(Span) == 51
    assert found(anywhere, 7).name == "span 7"


ODD = {
    "text": "a\x00b\u202e",
    "yes": True,
    "big": 2**63 - 1,
    "small": -(2**63),
    "half": 0.5,
    "infinite": math.inf,
    "list": ["a", 1, None, [True]],
    "map": {"k": {"deeper": [1.5]}},
    "nothing": None,
    "": "no name",
    "__proto__": 1,
    "constructor": "x",
    "__class__": [],
    "$where": "1=1",
    "lc": {"type": "constructor"},
}


def test_t32_attributes_are_kept_verbatim(anywhere):
    attributes = {**ODD, "nan": math.nan, "bytes": b"\x00\xff"}
    assert post(anywhere, batch(span(1, attributes=attributes))).status_code == 200
    kept = dict(found(anywhere).attributes)
    assert math.isnan(kept.pop("nan"))
    assert kept.pop("bytes") == {"$bytes": "AP8="}
    assert kept == ODD


def test_json_means_the_same_as_protobuf(anywhere):
    values = [
        {"key": "text", "value": {"stringValue": "x"}},
        {"key": "big", "value": {"intValue": "9007199254740993"}},
        {"key": "number", "value": {"intValue": 5}},
        {"key": "nan", "value": {"doubleValue": "NaN"}},
        {"key": "yes", "value": {"boolValue": False}},
        {"key": "bytes", "value": {"bytesValue": "AP8="}},
        {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": ""}, {}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"intValue": "1"}}]}}},
    ]
    sent = {
        "traceId": TRACE.upper(),
        "spanId": "00000000000000AB",
        "parentSpanId": "",
        "name": "json",
        "kind": 2,
        "startTimeUnixNano": str(STARTED),
        "endTimeUnixNano": STARTED + 5,
        "attributes": values,
        "events": [{"name": "e", "timeUnixNano": str(STARTED), "attributes": None}],
        "links": [{"traceId": TRACE, "spanId": "00000000000000ac", "attributes": values[:1]}],
        "status": {"code": 2, "message": "broke"},
        "somethingNew": [{"deep": 1}],
    }
    body = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {"name": "s"}, "spans": [sent]}]}], "new": 1}
    answer = web.post(f"{anywhere.url}/v1/traces", json=body)
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, {}, "application/json")
    kept = found(anywhere, 0xAB)
    attributes = dict(kept.attributes)
    assert math.isnan(attributes.pop("nan"))
    assert attributes == {
        "text": "x", "big": 9007199254740993, "number": 5, "yes": False, "bytes": {"$bytes": "AP8="},
        "list": ["", None], "map": {"k": 1},
    }  # fmt: skip
    assert (kept.kind, kept.duration_ns, kept.status, kept.error) == ("server", 5, "error", "broke")
    assert kept.events[0].name == "e"
    assert kept.links == ({"trace_id": TRACE, "span_id": f"{0xAC:016x}", "attributes": {"text": "x"}},)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress),
        ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
        ("deflate", zlib.compress),
        ("zstd", zstandard.compress),
        ("zstd", lambda body: zstandard.compress(body[:9]) + zstandard.compress(body[9:])),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_compressed_batches(served, coding, packed):
    attributes = {"text": "slipway " * 50_000}
    assert post(served, packed(batch(span(1, attributes=attributes))), content_encoding=coding).status_code == 200
    assert found(served).attributes == attributes


BODY = batch(span(1))


NO_OTLP = [
    (BODY[:-3], {}, 400),
    (b"\xff" * 50, {}, 400),
    (b"{}", {}, 400),
    (BODY, JSON, 400),
    (b"", JSON, 400),
    (b"[]", JSON, 400),
    (b'{"resourceSpans": 1, "resourceLogs": 1, "resourceMetrics": 1}', JSON, 400),
    (b'{"resourceSpans": [{"scopeSpans": [{"spans": ' + b"[" * 100_000, JSON, 400),
    (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", JSON, 400),
    (BODY, {"Content-Type": "text/plain"}, 415),
    (BODY, {"Content-Type": ""}, 415),
    (BODY, {"Content-Encoding": "br"}, 415),
    (BODY, {"Content-Encoding": "gzip"}, 400),
    (gzip.compress(BODY)[:-9], {"Content-Encoding": "gzip"}, 400),
    (gzip.compress(BODY) + b"rubbish", {"Content-Encoding": "gzip"}, 400),
    (b"", {"Content-Encoding": "gzip"}, 400),
    (zlib.compress(BODY)[:-1], {"Content-Encoding": "deflate"}, 400),
    (zstandard.compress(BODY)[:-1], {"Content-Encoding": "zstd"}, 400),
    (zstandard.compress(BODY) + b"\x00\x00", {"Content-Encoding": "zstd"}, 400),
    (zstandard.compress(BODY * 1000)[:14], {"Content-Encoding": "zstd"}, 400),
    (b"", {"Content-Encoding": "zstd"}, 400),
]


@pytest.mark.parametrize("path", ["traces", "logs", "metrics"])
def test_t29_what_is_no_otlp_is_refused_with_a_status(served, path):
    for body, headers, status in NO_OTLP:
        answer = web.post(f"{served.url}/v1/{path}", content=body, headers=PROTOBUF | headers)
        assert answer.status_code == status, (body[:50], headers)
        if headers.get("Content-Type", "application/x-protobuf") == "application/x-protobuf":
            assert answer.content[:1] == b"\x08"  # google.rpc.Status.code
            assert answer.headers["content-type"] == "application/x-protobuf"
        else:
            assert answer.json()["message"]
    assert served.store.count(Span) == 0


def test_t33_what_can_be_kept_is_kept_and_what_cannot_is_counted(anywhere):
    huge = 2**64 - 1
    body = batch(
        span(1, start_time_unix_nano=5, end_time_unix_nano=2),
        span(2, start_time_unix_nano=huge, end_time_unix_nano=huge),
        span(3, parent_span_id=(3).to_bytes(8, "big")),
        span(4, parent_span_id=b"short"),
        span(5, kind=99, name=""),
        span(6, attributes={"session.id": "s" * 5_000, "user.id": 7}),
        span(0),
        span(8, trace_id=b""),
        span(9, trace_id=bytes(16)),
        span(10, span_id=b"123"),
    )
    answer = post(anywhere, body)
    assert answer.status_code == 200
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (partial.rejected_spans, partial.error_message) == (
        4,
        "4 rejected: a trace or span id is malformed or all zeros",
    )
    assert [found(anywhere, number).duration_ns for number in range(1, 4)] == [0, 0, 1_000]
    assert found(anywhere, 2).started_ns == 2**63 - 1
    assert found(anywhere, 3).parent_id == f"{3:016x}"
    assert (found(anywhere, 4).parent_id, found(anywhere, 5).kind) == (None, "internal")
    assert found(anywhere, 6).session_id == "s" * 512
    assert found(anywhere, 6).user_id is None
    assert anywhere.store.count(Span) == 6
    post(anywhere, body)
    [drop] = anywhere.store.find(Drop)
    assert (drop.where, drop.count, drop.project) == ("server", 8, "default")


def test_nothing_but_rejected_spans_is_still_an_answer_and_a_drop(served):
    sent = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "zz"}, {"kind": "SPAN_KIND_CLIENT"}]}]}]}
    answer = web.post(f"{served.url}/v1/traces", json=sent)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "2"
    assert sum(drop.count for drop in served.store.find(Drop)) == 2


def test_t31_json_with_lone_surrogates_and_nan_is_kept(anywhere):
    attributes = (
        '{"key": "a", "value": {"stringValue": "\\ud800 \\u0000"}}, {"key": "n", "value": {"doubleValue": NaN}}'
    )
    sent = f'{{"traceId": "{TRACE}", "spanId": "{1:016x}", "name": "\\udfff", "attributes": [{attributes}]}}'
    body = '{"resourceSpans": [{"scopeSpans": [{"spans": [%s]}]}]}' % sent  # noqa: UP031
    assert web.post(f"{anywhere.url}/v1/traces", content=body, headers=JSON).status_code == 200
    kept = found(anywhere)
    assert (kept.name, kept.attributes["a"]) == ("\udfff", "\ud800 \x00")
    assert math.isnan(kept.attributes["n"])


def test_the_project_is_the_requests_or_the_resources(served):
    post(served, batch(span(1), resource={"slipway.project": "ours"}))
    post(served, batch(span(2), resource={"openinference.project.name": "theirs", "service.name": "s"}))
    post(served, batch(span(3), resource={"slipway.project": "ours"}), x_slipway_project="asked")
    post(served, batch(span(4), resource={"slipway.project": 5}))
    assert [found(served, number).project for number in range(1, 5)] == ["ours", "theirs", "asked", "default"]


def test_json_of_many_keys_and_long_text(served):
    """T31: 10 MB of text, 100,000 keys, the same key twice."""
    values = [{"key": f"k{number % 99_999}", "value": {"intValue": number}} for number in range(100_000)]
    values.append({"key": "long", "value": {"stringValue": "x" * 10_000_000}})
    sent = {"traceId": TRACE, "spanId": f"{1:016x}", "attributes": values}
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [sent]}]}]})
    assert web.post(f"{served.url}/v1/traces", content=body, headers=JSON).status_code == 200
    kept = found(served).attributes
    assert (len(kept), kept["k0"], len(kept["long"])) == (100_000, 99_999, 10_000_000)
