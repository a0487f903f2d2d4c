"""What OTLP says beside the fields that have a column of their own: kept too, in both encodings, and shown."""

from __future__ import annotations

from base64 import b64encode

import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from server import web
from server.otlp import JSON, STARTED, batch, pairs, post, span
from slipway.data import Event, LogRecord, Span
from slipway.track.otlpjson import parcel, request

TRACE, PARENT = f"{1:032x}", f"{9:016x}"
SCOPE = {"version": "2.1", "attributes": {"built": "today"}, "dropped_attributes_count": 3, "schema_url": "urn:scope"}
RESOURCE = {"dropped_attributes_count": 4, "schema_url": "urn:resource"}


def sourced(around, name):
    """A resource and a scope inside it that say all they can."""
    of_resource = getattr(around, f"resource_{name}").add(schema_url="urn:resource")
    of_resource.resource.dropped_attributes_count = 4
    of_scope = getattr(of_resource, f"scope_{name}").add(schema_url="urn:scope")
    of_scope.scope.name, of_scope.scope.version, of_scope.scope.dropped_attributes_count = "lib", "2.1", 3
    of_scope.scope.attributes.extend(pairs({"built": "today"}))
    return of_scope


def spans():
    made = ExportTraceServiceRequest()
    of_scope = sourced(made, "spans")
    whole = of_scope.spans.add(**span(1), trace_state="a=b,c=d", flags=0x301)
    whole.status.code, whole.status.message = 1, "all well"
    whole.events.add(name="e", time_unix_nano=STARTED, dropped_attributes_count=5)
    link = {"trace_id": bytes([7] * 16), "span_id": bytes([8] * 8)}
    whole.links.add(**link, trace_state="x=y", flags=0x100, dropped_attributes_count=6)
    of_scope.spans.add(**span(2))
    return made


def logs():
    made = ExportLogsServiceRequest()
    of_scope = sourced(made, "logs")
    ids = {"trace_id": bytes.fromhex(TRACE), "span_id": (1).to_bytes(8, "big")}
    more = {"observed_time_unix_nano": STARTED + 5, "flags": 1, "dropped_attributes_count": 7}
    of_scope.log_records.add(time_unix_nano=STARTED, **ids, **more)
    return made


def as_json(message):
    """OTLP's JSON: as protobuf's, with ids in hexadecimal."""

    def hexed(value, name=""):
        if isinstance(value, dict):
            return {key: hexed(member, key) for key, member in value.items()}
        if isinstance(value, list):
            return [hexed(member) for member in value]
        return ids[value] if name in ("traceId", "spanId") else value

    raw = [bytes.fromhex(TRACE), bytes([7] * 16), bytes([8] * 8), *(n.to_bytes(8, "big") for n in (1, 2))]
    ids = {b64encode(one).decode(): one.hex() for one in raw}
    return hexed(MessageToDict(message))


def send(served, path, message, encoding):
    if encoding == "protobuf":
        answer = post(served, message.SerializeToString(), path)
    else:
        answer = web.post(f"{served.url}/v1/{path}", json=as_json(message))
    assert (answer.status_code, answer.content) == (200, b"" if encoding == "protobuf" else b"{}")


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_a_span_keeps_all_that_otlp_says(anywhere, encoding):
    send(anywhere, "traces", spans(), encoding)
    whole, plain = (anywhere.store.get(Span, TRACE, f"{number:016x}") for number in (1, 2))
    shared = {"scope": SCOPE, "resource": RESOURCE}
    assert whole.otlp == {"trace_state": "a=b,c=d", "flags": 0x301, "status_message": "all well", **shared}
    assert (plain.otlp, whole.scope) == (shared, "lib")
    assert whole.events == (Event("e", STARTED, {}, 5),)
    assert whole.links == (
        {
            "trace_id": "07" * 16,
            "span_id": "08" * 8,
            "trace_state": "x=y",
            "flags": 0x100,
            "dropped_attributes_count": 6,
        },
    )


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_a_log_record_keeps_all_that_otlp_says(anywhere, encoding):
    send(anywhere, "logs", logs(), encoding)
    send(anywhere, "logs", logs(), "protobuf")
    [kept] = anywhere.store.find(LogRecord)
    said = {"observed_ns": STARTED + 5, "flags": 1, "dropped_attributes_count": 7}
    assert kept.otlp == {**said, "scope": SCOPE, "resource": RESOURCE}


def test_it_is_shown(api):
    send(api.served, "traces", spans(), "protobuf")
    send(api.served, "logs", logs(), "protobuf")
    api.write()
    found = api.get(f"/traces/{TRACE}/spans/{1:016x}")
    assert (found["otlp"]["trace_state"], found["otlp"]["scope"]) == ("a=b,c=d", SCOPE)
    assert found["events"][0]["dropped_attributes_count"] == 5
    assert found["logs"][0]["otlp"]["flags"] == 1


def test_a_span_that_says_nothing_besides_has_nothing(anywhere):
    assert post(anywhere, batch(span(1), scope="")).status_code == 200
    anywhere.store.write([Span(TRACE, f"{2:016x}", "ours", STARTED)])
    assert [found.otlp for found in anywhere.store.find(Span)] == [None, None]


def test_it_travels_with_a_span_that_another_process_recorded(anywhere):
    events = (Event("e", STARTED, {}, 5),)
    given = Span(TRACE, f"{3:016x}", "bridged", STARTED, events=events, otlp={"flags": 0x100, "scope": SCOPE})
    answer = web.post(f"{anywhere.url}/v1/traces", content=request([parcel(given)]), headers=JSON)
    assert answer.status_code == 200
    assert anywhere.store.get(Span, given.trace_id, given.span_id) == given
