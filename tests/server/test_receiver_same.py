"""The same span, recorded here or sent over OTLP, is the same `Span` (docs/reference/otlp.md)."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import fields, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.otlp import batch, pairs, post
from slipway.data import Event, Span, new_span_id, new_trace_id
from slipway.server.receiver.batch import Batch
from slipway.server.receiver.spans import convert
from slipway.server.receiver.wire import FORMS, PROTOBUF, TRACES
from slipway.store import open_store
from slipway.store.jsontext import encode
from slipway.store.rows import rows_of

RECORD = """
import sys
from opentelemetry import trace as otel
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from slipway.track import init, flush, shutdown
from slipway.store import open_store

resource = Resource({"service.name": "shop", "process.pid": 7, "tags": ["a", "b"]}, "https://example.org/1.0")
limits = SpanLimits(max_span_attributes=9, max_event_attributes=1, max_link_attributes=1)
provider = TracerProvider(resource=resource, span_limits=limits)
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1] + "/v1/traces")))
otel.set_tracer_provider(provider)
store = open_store(sys.argv[2])
init("default", sink=lambda records: store.write([each for each in records if type(each).__name__ == "Span"]), environment=False)
tracer = otel.get_tracer("theirs", "1.0", schema_url="https://example.org/2.0", attributes={"built": 5})
odd = {"text": "\\u202e \\U0001f600", "big": 2**53 + 1, "yes": False, "half": 0.5, "list": [1, 2], "words": ["a", ""]}
with tracer.start_as_current_span("root", kind=otel.SpanKind.SERVER, attributes=odd) as root:
    with tracer.start_as_current_span("chat small", kind=otel.SpanKind.CLIENT) as call:
        call.set_attributes({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "no-such-model", "gen_ai.usage.input_tokens": 12,
            "gen_ai.response.finish_reasons": ["stop"], "session.id": "s1", "user.id": "u1",
            "gen_ai.input.messages": '[{"role": "user", "parts": [{"content": "why?", "n": 1.50}]}]',
        })
        call.add_event("gen_ai.first_token", {"n": 1})
        call.set_status(otel.StatusCode.OK)
    with tracer.start_as_current_span("llm") as call:
        call.set_attributes({
            "openinference.span.kind": "LLM", "llm.model_name": "none-such", "input.value": "{not json", "output.value": "42",
            "llm.invocation_parameters": '{"temperature": 0.1, "seed": 3}', "llm.token_count.prompt": 5,
        })
    try:
        with tracer.start_as_current_span("broke", links=[otel.Link(root.get_span_context())]):
            raise ValueError("no way")
    except ValueError:
        pass
far = otel.SpanContext(5, 6, True, otel.TraceFlags(1), otel.TraceState([("k", "v"), ("a", "b")]))
above = otel.set_span_in_context(otel.NonRecordingSpan(far))
linked = otel.SpanContext(5, 7, True, otel.TraceFlags(1))  # its trace state the exporter does not send
more = [otel.Link(linked, {"why": "batch", "n": 1})]
with tracer.start_as_current_span("from afar", context=above, links=more, attributes={str(n): n for n in range(12)}):
    pass
with tracer.start_as_current_span("", kind=otel.SpanKind.PRODUCER, start_time=10) as late:
    late.set_status(otel.StatusCode.ERROR)
with tracer.start_as_current_span("backwards", start_time=10**18) as late:
    late.set_status(otel.StatusCode.ERROR, "said so")
    late.end(end_time=10**18 - 5)
assert flush(120)
shutdown()
provider.shutdown()
store.close()
"""


def test_a_span_of_the_opentelemetry_sdk_is_the_same_here_and_over_otlp(served, tmp_path):
    here = f"sqlite:///{tmp_path}/here/slipway.db"
    command = [sys.executable, "-c", RECORD, served.url, here]
    environ = {**os.environ, "OTEL_EXPORTER_OTLP_TIMEOUT": "120"}  # its 10 s are few on a busy machine
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    store = open_store(here)
    local = {span.span_id: span for span in store.find(Span)}
    store.close()
    sent = {span.span_id: span for span in served.store.find(Span)}
    assert len(local) == 7
    assert sent.keys() == local.keys()
    for key, span in local.items():
        for field in fields(Span):
            if field.name != "sequence":
                assert getattr(sent[key], field.name) == getattr(span, field.name), (span.name, field.name)
    kinds = {span.name: (span.kind, span.session_id, span.error) for span in sent.values()}
    assert kinds["chat small"] == ("llm", "s1", None)
    assert kinds["backwards"] == ("internal", None, "said so")
    [afar] = [span for span in local.values() if span.name == "from afar"]
    assert afar.otlp == {
        "trace_state": "k=v,a=b",
        "flags": 0x300,
        "scope": {"version": "1.0", "attributes": {"built": 5}, "schema_url": "https://example.org/2.0"},
        "resource": {"schema_url": "https://example.org/1.0"},
    }
    assert (afar.links[0]["flags"], afar.links[0]["dropped_attributes_count"]) == (0x300, 1)
    assert afar.attributes["otel.dropped_attributes_count"] == 3
    [broke] = [span for span in local.values() if span.name == "broke"]
    assert broke.events[0].dropped_attributes_count > 0


def native(span):
    """A span of Slipway with as much as there is a place for in OTLP."""
    fields = sent(span)
    own = fields["attributes"]
    for name in ("attributes", "events", "links"):
        own.pop(f"slipway.span.{name}")
    own.update(span.attributes)
    fields["events"] = [
        {
            "name": event.name,
            "time_unix_nano": event.time_ns,
            "attributes": pairs(event.attributes),
            "dropped_attributes_count": event.dropped_attributes_count,
        }
        for event in span.events
    ]
    fields["links"] = [
        {
            "trace_id": bytes.fromhex(link["trace_id"]),
            "span_id": bytes.fromhex(link["span_id"]),
            "attributes": pairs(link.get("attributes", {})),
            **{name: link[name] for name in ("flags", "dropped_attributes_count", "trace_state") if name in link},
        }
        for link in span.links
    ]
    return fields


def sent(span):
    """A span of Slipway as the table in docs/reference/otlp.md says, with JSON text wherever that is allowed."""
    own = {"slipway.span.version": 1, "slipway.span.kind": span.kind, "slipway.span.status": span.status}
    for name in ("input", "output", "attributes", "events", "links", "otlp"):
        value = getattr(span, name)
        if value is not None:
            own[f"slipway.span.{name}"] = encode(value)
    for name in ("error", "parent_id", "first_token_ns", "session_id", "user_id", "run_id", "environment_id"):
        if getattr(span, name) is not None:
            own[f"slipway.span.{name}"] = getattr(span, name)
    if span.sequence:
        own["slipway.span.sequence"] = span.sequence
    return {
        "trace_id": bytes.fromhex(span.trace_id),
        "span_id": bytes.fromhex(span.span_id),
        "name": span.name,
        "start_time_unix_nano": span.started_ns,
        "end_time_unix_nano": span.started_ns + span.duration_ns,
        "attributes": own,
    }


def body_of(span, form):
    resource = {**span.resource, "slipway.project": span.project}
    return batch(form(span), resource=resource, scope=span.scope)


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
ID = st.none() | TEXT
WIRE = TEXT | st.sampled_from(["", "\x00", "\x10", "a\x10000", "\U0001f600", "x" * 600])
COUNT = st.integers(0, 2**32 - 1)
TIME = st.integers(0, 2**63 - 1)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
SIMPLE = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False) | TEXT
KEYS = TEXT.filter(lambda text: not text.startswith("slipway.span."))


def trees(leaves, keys):
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
    )


def spans(leaves, keys, links):
    tree = trees(leaves, keys)
    objects = st.dictionaries(keys, tree, max_size=3)
    events = st.lists(st.builds(Event, TEXT, TIME, objects, COUNT), max_size=2).map(tuple)
    return st.builds(
        lambda **given: Span(trace_id=new_trace_id(), span_id=new_span_id(), **given),
        name=TEXT, started_ns=TIME, duration_ns=TIME, parent_id=st.just("00000000000000ab") | ID, kind=TEXT, status=TEXT,
        project=TEXT.map(lambda text: f"p{text}"), error=ID, first_token_ns=st.none() | TIME, input=tree, output=tree,
        attributes=objects, events=events, links=st.lists(links, max_size=2).map(tuple),
        resource=st.dictionaries(KEYS.filter(lambda key: key != "slipway.project"), trees(SIMPLE, TEXT), max_size=2),
        scope=TEXT, session_id=ID, user_id=ID, run_id=ID, environment_id=ID, sequence=TIME,
        otlp=st.none() | objects,
    )  # fmt: skip


WILD = st.text(st.characters(), max_size=10)  # lone surrogates, and anything else that text may have
ANY = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WILD
LINK = st.builds(
    lambda attributes: {"trace_id": new_trace_id(), "span_id": new_span_id(), **attributes},
    st.just({})
    | st.builds(lambda key: {"attributes": {key: 1}}, KEYS)
    | st.builds(lambda n: {"flags": n, "dropped_attributes_count": n, "trace_state": "a=b"}, st.integers(1, 2**32 - 1)),
)


def test_a_span_of_slipway_arrives_exactly_as_it_was_recorded(served, tmp_path):
    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        case=st.tuples(st.just(sent), spans(ANY, WILD, st.dictionaries(WILD, ANY, max_size=2)))
        | st.tuples(st.just(native), spans(SIMPLE, KEYS, LINK))
    )
    def check(case):
        form, span = case
        assert post(served, body_of(span, form)).content == b""
        assert served.store.get(Span, span.trace_id, span.span_id) == span

    check()


def test_what_a_span_of_slipway_says_about_itself_is_checked(served):
    span = Span(new_trace_id(), new_span_id(), "n", 5)
    for name, value in (
        ("input", "{"),
        ("sequence", "x"),
        ("session_id", 5),
        ("events", '[{"name": 5}]'),
        ("links", "5"),
    ):
        said = sent(span)
        said["attributes"][f"slipway.span.{name}"] = value
        assert b"malformed" in post(served, batch(said)).content, name
    assert served.store.count(Span) == 0


def test_nothing_is_derived_from_a_span_of_slipway(served):
    attributes = {"gen_ai.request.model": "m", "session.id": "not this one", "n": math.inf}
    span = Span(new_trace_id(), new_span_id(), "n", 5, attributes=attributes, kind="my-kind")
    for form in (sent, native):
        span = replace(span, span_id=new_span_id())
        assert post(served, body_of(span, form)).status_code == 200
        assert served.store.get(Span, span.trace_id, span.span_id) == span


@settings(max_examples=200, deadline=None)
@given(
    values=st.tuples(WIRE, WIRE, WIRE, WIRE, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2)),
    attributes=st.dictionaries(WIRE, trees(SIMPLE | st.just(math.nan), WIRE), max_size=3),
)
def test_the_row_that_is_made_at_once_is_the_row_of_the_span(values, attributes):
    name, scope, message, session, started, ended, code = values
    attributes |= {"session.id": session, "input.value": f'["{len(name)}", 1.0]', "llm.model_name": message}
    fields = {"name": name, "start_time_unix_nano": started, "end_time_unix_nano": ended}
    fields |= {"trace_id": bytes([7] * 16), "span_id": bytes([1] * 8), "status": {"code": code, "message": message}}
    fields["events"] = [{"name": "gen_ai.first_token", "time_unix_nano": ended, "attributes": pairs(attributes)}]
    form = FORMS[PROTOBUF]
    request = form.decode(TRACES, batch(fields | {"attributes": attributes}, scope=scope, resource=attributes))
    found = Batch(lambda resource: name)
    convert(request, form, found)
    [made] = found.records
    rows = rows_of(Span)
    assert rows.row(rows.record(made)) == made
