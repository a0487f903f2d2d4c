"""What an index has to find: the spans of one session, and the projects that only spans name."""

from __future__ import annotations

import pytest
from sqlalchemy import event, inspect

import derived_model as model
from slipway.data import Span
from slipway.store.derived import Builder, Derived, Query
from slipway.store.derived.conditions import Compare, Field


@pytest.fixture
def derived(store):
    derived = Derived(store)
    yield derived
    derived.close()


def spans(count=300):
    """Every third has no session; of each session there are some in another project."""
    return [
        Span(f"{n // 3 + 1:032x}", f"{n + 1:016x}", "s", 1_000 + n, 1, session_id=(None, "a", "b")[n % 3],
             project="other" if n % 7 == 0 else "default")
        for n in range(count)
    ]  # fmt: skip


def test_the_spans_of_a_session_are_found_by_an_index(store, derived):
    store.write(spans())
    Builder(derived, model.derive).catch_up()
    asked = []
    with derived.reading() as connection:
        name, engine = connection.dialect.name, connection.engine
        assert "span_facts_session" in {index["name"] for index in inspect(connection).get_indexes("span_facts")}
    event.listen(engine, "before_cursor_execute", lambda c, cursor, sql, given, *_: asked.append((sql, given)))
    mine = Compare(Field("session"), "=", ("a",))
    query, found, cursor = Query(derived), [], None
    while True:
        page = query.spans("default", mine, cursor=cursor, limit=40)
        found += [span.started_ns for span in page.items]
        if page.cursor is None:
            break
        cursor = page.cursor
    wanted = [span.started_ns for span in spans() if span.session_id == "a" and span.project == "default"]
    assert found == sorted(wanted, reverse=True)
    if name == "sqlite":
        with derived.reading() as connection:
            for sql, given in [pair for pair in asked if "span_facts" in pair[0]]:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given).all()
                assert all("span_facts_session" in step[3] for step in plan if "span_facts" in step[3]), plan


def test_projects_are_those_of_the_traces(store, derived):
    query = Query(derived)
    assert query.projects() == []
    odd = ["b", "a", "a\x00b", "Ä", "z" * 100, "slash/ed"]
    store.write([Span(f"{n + 1:032x}", f"{n + 1:016x}", "s", 5, project=odd[n % 6]) for n in range(30)])
    Builder(derived, model.derive).catch_up()
    assert query.projects() == sorted(odd)
