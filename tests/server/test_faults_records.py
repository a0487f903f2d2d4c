"""One record that the database refuses: it alone is refused; its neighbours and those after it are kept from nothing."""

from __future__ import annotations

import random

import pytest

from server import web
from server.otlp import batch, post, span
from slipway.data import Drop, MetricPoint, Sample, Span
from slipway.errors import DataError
from slipway.server.receiver.batch import REFUSED

REFUSED_BY_SQLITE = (
    "CREATE TRIGGER refused BEFORE INSERT ON {table} WHEN NEW.name = 'refused' "
    "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
)
REFUSED_BY_POSTGRESQL = "ALTER TABLE {table} ADD CHECK (name <> 'refused')"


def noise(characters, seed=1):
    """Text that no compression makes shorter, of four bytes a character."""
    rng = random.Random(seed)
    return "".join(chr(rng.randrange(0x10000, 0x1F000)) for _ in range(characters))


def refuse(served, table):
    """From now on the database refuses rows of that name."""
    backend = served.store.backend
    statement = REFUSED_BY_SQLITE if served.store.url.startswith("sqlite") else REFUSED_BY_POSTGRESQL
    place = served.state.derived.writing() if table == "span_facts" else backend.engine().connect()
    with place as connection:
        connection.exec_driver_sql(statement.format(table=table))


def test_a_refused_span_is_rejected_and_counted_and_its_neighbours_are_stored(api):
    refuse(api.served, "spans")
    spans = [span(number, **({"name": "refused"} if number == 3 else {})) for number in range(1, 9)]
    answer = post(api.served, batch(*spans))
    assert answer.status_code == 200
    assert b"1 rejected" in answer.content
    assert api.served.store.count(Span) == 7
    assert [(drop.reason, drop.count) for drop in api.served.store.find(Drop)] == [(REFUSED, 1)]
    assert api.served.state.counts["otlp spans stored"] == 7
    assert post(api.served, batch(span(9))).content == b""
    assert post(api.served, batch(span(3, name="refused"), span(10))).status_code == 200
    assert [drop.count for drop in api.served.store.find(Drop)] == [2]
    assert api.served.store.count(Span) == 9


def test_a_batch_of_nothing_else_is_rejected_whole(api):
    refuse(api.served, "spans")
    assert b"2 rejected" in post(api.served, batch(span(1, name="refused"), span(2, name="refused"))).content
    assert api.served.store.count(Span) == 0


def test_a_key_that_is_too_long_for_an_index_is_an_error_of_the_record(start, new_database):
    store = start(store=new_database()).store
    for record in (
        MetricPoint("r", noise(1000), 1.0),
        Drop("p", noise(1000), noise(1000), 1, 1),
        Sample(noise(3000), "e"),
    ):
        with pytest.raises(DataError, match="index row"):
            store.write([record])
        others = [store.submit([Sample("r", f"{type(record).__name__} {number}")]) for number in range(5)]
        refused = store.submit([record])
        assert [future.result(60) for future in others] == [1] * 5
        assert isinstance(refused.exception(60), DataError)
    assert store.count(Sample) == 15


def test_over_http_such_a_record_is_a_400_that_is_not_sent_again(start, new_database):
    served = start(store=new_database())
    point = {"run_id": "r", "value": 1, "name": "loss"}
    for body in (
        {"metric_points": [point | {"name": noise(1000)}]},
        {"drops": [{"process": noise(500), "where": "w", "reason": noise(1000), "count": 1, "time_ns": 1}]},
    ):
        answer = web.post(f"{served.url}/api/v1/records", json=body)
        assert (answer.status_code, "index row" in answer.json()["error"]["cause"]) == (400, True)
    assert web.post(f"{served.url}/api/v1/records", json={"metric_points": [point]}).status_code == 200


OURS = {"slipway.span.version": 1}


@pytest.mark.parametrize(
    ("field", "attributes"),
    [
        ("name", {}),
        ("name", {"gen_ai.request.model": noise(5000), "gen_ai.operation.name": "chat"}),
        ("name", {"session.id": noise(5000)}),
        ("name", {"gen_ai.conversation.id": noise(5000), "gen_ai.operation.name": "chat"}),
        ("name", OURS | {"slipway.span.parent_id": noise(5000)}),
        ("name", OURS | {"slipway.span.kind": noise(5000), "gen_ai.request.model": noise(5000)}),
        ("name", OURS | {"slipway.span.session_id": noise(5000), "slipway.span.user_id": noise(5000)}),
    ],
)
def test_long_values_do_not_stop_the_indexer(api, field, attributes):
    named = {"slipway.project": noise(100)}
    assert (
        post(api.served, batch(span(1, **{field: noise(5000)}, attributes=attributes), resource=named)).content == b""
    )
    assert post(api.served, batch(span(2))).content == b""
    api.served.state.indexer.builder.catch_up()
    assert len(api.pages("/traces", "traces", project=noise(100))) == 1
    assert len(api.pages("/traces", "traces")) == 1


def test_a_span_that_cannot_be_searched_leaves_all_others_searchable(api, caplog):
    refuse(api.served, "span_facts")
    traces = {number: f"{number:032x}" for number in range(1, 40)}
    found = [
        Span(trace, f"{number:016x}", "refused" if number in (7, 21) else "asked", number, 5)
        for number, trace in traces.items()
    ]
    api.write(*found)
    seen = {row["trace_id"] for row in api.pages("/traces", "traces")}
    assert seen == {trace for number, trace in traces.items() if number not in (7, 21)}
    assert api.served.store.count(Span) == 39
    said = [record for record in caplog.records if "a span cannot be searched" in record.message]
    assert len(said) == 2
    api.write(Span(f"{99:032x}", f"{99:016x}", "asked", 99, 5))
    assert len(api.pages("/traces", "traces")) == 38
