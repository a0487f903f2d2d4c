"""Building: what is derived equals what the rows say, whatever happened on the way."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

import pytest
from sqlalchemy import text

import derived_model as model
from slipway.data import LogRecord, Span
from slipway.errors import ConfigError, StoreError
from slipway.store import open_store
from slipway.store.derived import Builder, Derived, Query
from slipway.store.derived import builder as builder_module
from slipway.store.derived import rollups as rolling
from slipway.store.derived.sqlite import derived_path
from store.writers import build_for_ever, forkserver


@pytest.fixture
def derived(store):
    derived = Derived(store)
    yield derived
    derived.close()


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_totals_are_those_of_the_rows_in_any_order_and_batch(store, derived, batch):
    spans = model.some_spans(batch, projects=("default", "other"))
    builder = Builder(derived, model.derive, batch=batch)
    for start in range(0, len(spans), 20):
        store.write(spans[start : start + 20])
        builder.catch_up()
    assert derived.lag() == 0
    assert model.stored(derived) == model.totals(spans)


def test_the_root_names_its_trace_whenever_it_comes(store, derived):
    child = Span("1" * 32, "2" * 16, "child", 50, 10, parent_id="1" * 16, session_id="child's")
    root = Span("1" * 32, "1" * 16, "root", 60, 10, input="question", session_id="root's", user_id="u")
    builder, query = Builder(derived, model.derive), Query(derived)
    store.write([child])
    builder.catch_up()
    found = query.trace("default", "1" * 32)
    assert (found.name, found.rooted, found.session_id) == ("child", False, "child's")
    store.write([root, replace(root, span_id="3" * 16, name="a later root", started_ns=70)])
    builder.catch_up()
    found = query.trace("default", "1" * 32)
    assert (found.name, found.rooted, found.session_id, found.user_id) == ("root", True, "root's", "u")
    assert (found.input, found.started_ns, found.ended_ns, found.spans) == ("question", 50, 80, 3)


def costlier(spans):
    """Another way to derive: what a dialect that was mended, or a late log record, may change."""
    return [
        replace(fact, kind="llm", call=True, cost_usd=1.0, model="found later", text=fact.text + " appended")
        for fact in model.derive(spans)
    ]


def test_deriving_again_takes_back_what_was_counted(store, derived):
    spans = model.some_spans(5)
    store.write(spans)
    Builder(derived, model.derive).catch_up()
    again = Builder(derived, costlier, batch=10)
    keys = [(span.trace_id, span.span_id) for span in spans]
    again.again([*keys, ("f" * 32, "f" * 16)])
    once = model.stored(derived)
    again.again(keys)
    assert model.stored(derived) == once
    wanted = model.totals(spans, costlier)
    assert once["hours"] == wanted["hours"]
    assert {key: row[:4] for key, row in once["traces"].items()} == {k: row[:4] for k, row in wanted["traces"].items()}
    from slipway.store.derived.conditions import Words

    found = [Query(derived).spans("default", Words(text), limit=1000).items for text in ("appended", "rate limit")]
    assert len(found[0]) == len(spans)
    assert len(found[1]) == sum(span.input == {"q": "rate limit"} for span in spans)


def test_a_log_record_that_comes_late_changes_its_span(store, derived):
    def with_logs(spans):
        said = {log.span_id: log.body for log in store.find(LogRecord)}
        return [
            replace(fact, model=said.get(span.span_id)) for span, fact in zip(spans, model.derive(spans), strict=True)
        ]

    builder = Builder(derived, with_logs, batch=2)
    store.write([LogRecord("early", 1, body="first", trace_id="1" * 32, span_id="1" * 16)])
    assert builder.catch_up() == 1
    store.write([Span("1" * 32, f"{number}" * 16, "chat", number, kind="llm") for number in (1, 2, 3)])
    store.write([LogRecord("late", 2, body="second", trace_id="1" * 32, span_id="2" * 16), LogRecord("loose", 3)])
    assert builder.catch_up() == 5
    spans = Query(derived).spans("default").items
    assert [(span.span_id[0], span.model) for span in spans] == [("3", None), ("2", "second"), ("1", "first")]
    assert Query(derived).trace("default", "1" * 32).models == ["first", "second"]
    by_model = Query(derived).summary("default", 0, 10, by="model")
    assert [(row.key, row.count) for row in by_model] == [("", 1), ("first", 1), ("second", 1)]


def test_t10_names_that_never_end_fill_one_hour_and_no_more(store, derived):
    spans = [Span(f"{n + 1:032x}", "1" * 16, f"request {n}", 5, 10) for n in range(rolling.MOST_KEYS + 50)]
    store.write(spans)
    builder = Builder(derived, model.derive, batch=40)
    builder.catch_up()
    rows = Query(derived).summary("default", 0, 10, by="name")
    counted = {row.key: row.count for row in rows}
    assert len(counted) == rolling.MOST_KEYS + 1
    assert counted[rolling.OTHER] == 50
    builder.again([(span.trace_id, span.span_id) for span in spans])  # and each is taken back from where it was counted
    assert {row.key: row.count for row in Query(derived).summary("default", 0, 10, by="name")} == counted


def test_a_store_with_other_rows_is_derived_from_the_beginning(store, derived):
    builder = Builder(derived, model.derive)
    store.write(model.some_spans(1))
    builder.catch_up()
    with store.reading() as connection:  # as when an older copy is put back, and others were written then
        connection.execute(text("DELETE FROM spans"))
    store.write(model.some_spans(2, traces=60))
    if store.url.startswith("postgres"):  # its positions are never given twice
        with store.reading() as connection:
            connection.execute(text("UPDATE spans SET position = position - (SELECT min(position) - 1 FROM spans)"))
    builder.catch_up()
    assert model.stored(derived) == model.totals(model.some_spans(2, traces=60))


def test_traces_that_are_forgotten_are_not_found_and_stay_counted(store, derived):
    spans = model.some_spans(3)
    store.write(spans)
    builder = Builder(derived, model.derive)
    builder.catch_up()
    gone, kept = spans[0].trace_id, {span.trace_id for span in spans[1:]} - {spans[0].trace_id}
    builder.forget([gone])
    builder.forget([])
    from slipway.store.derived.conditions import Words

    query = Query(derived)
    assert {trace.trace_id for trace in query.traces("default", limit=1000).items} == kept
    for phrase in ("weather", "rate limit", "天気"):
        assert gone not in {span.trace_id for span in query.spans("default", Words(phrase), limit=1000).items}
    assert sum(row.count for row in query.summary("default", model.START, model.START + 4 * model.HOUR)) == len(spans)


def test_another_version_is_dropped_and_derived_again(store, url):
    store.write(model.some_spans(4))
    for change in ("UPDATE derived_version SET version = 0", "DELETE FROM derived_version"):
        derived = Derived(store)
        Builder(derived, model.derive).catch_up()
        with derived.writing() as connection:
            connection.execute(text(change))
        derived.close()
    derived = Derived(store)
    assert derived.lag() > 0
    Builder(derived, model.derive).catch_up()
    assert model.stored(derived) == model.totals(model.some_spans(4))
    derived.close()


def test_a_damaged_file_is_made_again(sqlite_store, sqlite_url):
    sqlite_store.write(model.some_spans(4))
    path = derived_path(sqlite_store.backend.path)
    for damage in (b"my holiday photographs" * 1000, b""):
        path.write_bytes(damage)
        derived = Derived(sqlite_store)
        Builder(derived, model.derive).catch_up()
        assert model.stored(derived) == model.totals(model.some_spans(4))
        derived.close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_closed_one_says_so_and_another_store_is_refused(store):
    derived = Derived(store)
    derived.close()
    derived.close()
    with pytest.raises(StoreError, match="closed"):
        derived.lag()
    with pytest.raises(ConfigError, match="only SQLite and PostgreSQL"):
        Derived(object())  # type: ignore[arg-type]


def test_a_problem_of_the_database_is_told_in_words(store, derived):
    with pytest.raises(StoreError), derived.reading() as connection:
        connection.execute(text("SELECT * FROM nowhere"))
    with pytest.raises(StoreError), derived.writing() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (1)"))
    assert derived.lag() == 0


def test_rows_of_concurrent_writers_are_all_derived_once(store, url, derived):
    """PostgreSQL gives positions before the commit: none may appear behind one that was passed."""
    groups = [model.some_spans(seed, traces=25) for seed in range(10, 14)]

    def write(spans):
        own = open_store(url)
        waiting = [own.submit(spans[start : start + 3]) for start in range(0, len(spans), 3)]
        for future in waiting:
            future.result()
        own.close()

    threads = [threading.Thread(target=write, args=(spans,)) for spans in groups]
    builders = [Builder(derived, model.derive, batch=11), Builder(Derived(store), model.derive, batch=5)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for builder in builders:  # two servers that share a database
            builder.step()
    for thread in threads:
        thread.join()
    builders[0].catch_up()
    assert model.stored(derived) == model.totals([span for spans in groups for span in spans])
    builders[1].derived.close()


def test_a_kill_at_any_instant_loses_and_repeats_nothing(store, url, derived):
    spans = model.some_spans(6, traces=60)
    rnd = random.Random(6)
    context = forkserver()
    for start in range(0, len(spans), len(spans) // 12 + 1):
        store.write(spans[start : start + len(spans) // 12 + 1])
        heard, said = context.Pipe(duplex=False)
        child = context.Process(target=build_for_ever, args=(url, said), daemon=True)
        child.start()
        said.close()
        for _ in range(rnd.randrange(1, 5)):
            heard.recv()
        heard.poll(rnd.random() / 100)  # somewhere inside the next one
        child.kill()
        child.join()
    Builder(derived, model.derive).catch_up()
    assert model.stored(derived) == model.totals(spans)


def test_a_batch_of_large_rows_is_a_small_batch(store, derived, monkeypatch):
    """Bounded by bytes: spans may be of megabytes each, and many of them must not be read at once (T04)."""
    monkeypatch.setattr(builder_module, "MOST_BYTES", 3_000)
    large = [Span(f"{n:032x}", "1" * 16, "work", n, attributes={"text": "x" * 1_000}) for n in range(1, 8)]
    larger = [Span(f"{n:032x}", "1" * 16, "work", n, attributes={"text": "x" * 5_000}) for n in range(8, 10)]
    small = [Span(f"{n:032x}", "1" * 16, "work", n) for n in range(10, 300)]
    store.write([*large, *larger, *small])
    builder = Builder(derived, model.derive)
    steps = []
    while done := builder.step():
        steps.append(done)
    # The row before is read again each time, and two rows at least.
    assert steps[:5] == [3, 2, 2, 1, 1]
    assert max(steps[5:]) < 60
    assert (sum(steps), derived.lag()) == (299, 0)
    assert model.stored(derived) == model.totals([*large, *larger, *small])
