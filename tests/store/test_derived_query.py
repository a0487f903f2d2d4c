"""Questions: every answer equals what a walk through all spans gives; pages miss and repeat nothing; projects are strangers."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import derived_model as model
from slipway.data import Feedback, Span
from slipway.errors import DataError
from slipway.store import open_store
from slipway.store.derived import Builder, Derived, Query
from slipway.store.derived.conditions import And, Compare, Field, Not, Or, Words
from slipway.store.derived.values import at_key, holds
from slipway.store.derived.words import spaced, words

SPANS = model.some_spans(21, traces=60, projects=("default", "other"))
OPINIONS = [
    Feedback(f"f{number}", span.trace_id, "helpful", number % 3 if number % 2 else "label", 5, project=span.project)
    for number, span in enumerate(SPANS[::7])
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def query(request, tmp_path_factory):
    """One filled store for all tests here, which only ask."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('query')}/slipway.db"
    else:
        url = request.getfixturevalue("new_database")()
    store = open_store(url)
    store.write([*SPANS, *OPINIONS])
    derived = Derived(store)
    Builder(derived, model.derive).catch_up()
    yield Query(derived)
    derived.close()
    store.close()


def every(ask, *arguments, limit=1000, **options):
    """All items of all pages."""
    found, cursor = [], None
    while True:
        page = ask(*arguments, cursor=cursor, limit=limit, **options)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


# -- the same by walking


def value_of(span, field):
    """A field of one span."""
    fact = model.derive([span])[0]
    simple = {
        "time": span.started_ns,
        "duration": span.duration_ns,
        "name": span.name,
        "kind": span.kind,
        "status": span.status,
    }
    simple |= {
        "model": fact.model,
        "cost": fact.cost_usd,
        "tokens": (fact.input_tokens or 0) + (fact.output_tokens or 0),
    }
    simple |= {"session": span.session_id, "run": span.run_id, "trace": span.trace_id, "user": None, "provider": None}
    return at_key(span.attributes, field.key) if field.name == "attributes" else simple[field.name]


def spoken(span):
    return words(model.derive([span])[0].text)


def found_in(phrase, span):
    said, wanted = spoken(span), words(phrase)
    return any(said[at : at + len(wanted)] == wanted for at in range(len(said)))


def opinion(trace_id, project, comparison):
    said = [
        each.value
        for each in OPINIONS
        if (each.trace_id, each.project, each.name) == (trace_id, project, comparison.field.key)
    ]
    if comparison.values == (None,):
        return (not said) is (comparison.operator == "=")
    if comparison.operator == "!=":
        return not any(value == comparison.values[0] for value in said)
    return any(holds(value, comparison) for value in said)


def span_holds(condition, span):
    if isinstance(condition, And):
        return all(span_holds(part, span) for part in condition.parts)
    if isinstance(condition, Or):
        return any(span_holds(part, span) for part in condition.parts)
    if isinstance(condition, Not):
        return not span_holds(condition.part, span)
    if isinstance(condition, Words):
        return found_in(condition.text, span)
    if condition.field.name == "feedback":
        return opinion(span.trace_id, span.project, condition)
    return holds(value_of(span, condition.field), condition)


OF_SOME_SPAN = ("model", "kind", "attributes")


def trace_holds(condition, spans):
    if isinstance(condition, And):
        return all(trace_holds(part, spans) for part in condition.parts)
    if isinstance(condition, Or):
        return any(trace_holds(part, spans) for part in condition.parts)
    if isinstance(condition, Not):
        return not trace_holds(condition.part, spans)
    if isinstance(condition, Words):
        return any(found_in(condition.text, span) for span in spans)
    if condition.operator == "!=":
        return not trace_holds(Compare(condition.field, "=", condition.values), spans)
    if condition.field.name == "feedback":
        return opinion(spans[0].trace_id, spans[0].project, condition)
    if condition.field.name in OF_SOME_SPAN:
        return any(holds(value_of(span, condition.field), condition) for span in spans)
    return holds(value_of_trace(spans, condition.field.name), condition)


def value_of_trace(spans, name):
    calls = [span for span in spans if span.kind == "llm"]
    costs = [span.attributes["cost_usd"] for span in calls if span.attributes.get("cost_usd") is not None]
    root = min(spans, key=lambda span: (span.parent_id is not None, span.started_ns))
    return {
        "time": min(span.started_ns for span in spans),
        "duration": max(span.started_ns + span.duration_ns for span in spans) - min(span.started_ns for span in spans),
        "status": "error" if any(span.status == "error" for span in spans) else "ok",
        "cost": sum(costs) if costs else None,
        "tokens": sum(value_of(span, Field("tokens")) for span in calls),
        "name": root.name,
        "session": root.session_id,
        "trace": root.trace_id,
    }[name]


def compares(field, operators, values):
    return st.builds(lambda o, v: Compare(field, o, (v,)), st.sampled_from(operators), st.sampled_from(values))


EQUAL, ORDER = ("=", "!="), ("<", "<=", ">", ">=")
TEXT = (*EQUAL, *ORDER, "contains", "~")
leaves = st.one_of(
    compares(Field("model"), TEXT, ["gpt-4o", "claude", "o'reilly\"; --", "", "x"]),
    compares(Field("name"), TEXT, ["answer", "chat\x00gpt", "検", "look"]),
    compares(Field("kind"), EQUAL, ["llm", "tool"]),
    compares(Field("status"), EQUAL, ["ok", "error", None]),
    compares(Field("cost"), (*EQUAL, *ORDER), [0.25, 0.5, 1]),
    compares(Field("cost"), EQUAL, [None]),
    compares(Field("tokens"), ORDER, [0, 40, 120]),
    compares(Field("duration"), ORDER, [10**8, 5 * 10**8, 10**9]),
    compares(Field("time"), ORDER, [model.START, model.START + model.HOUR]),
    compares(Field("session"), (*EQUAL, "~"), ["s1", "naïve O'Brien", "^s[12]$"]),
    compares(Field("session"), EQUAL, [None]),
    compares(Field("attributes", "tier"), (*EQUAL, *ORDER), ["gold", 3, True, None]),
    compares(Field("attributes", "n.deep"), (*EQUAL, ">"), [2, 4]),
    compares(Field("feedback", "helpful"), (*EQUAL, ">"), [0, 1, "label", None]),
    st.sampled_from(
        [Words(text) for text in ("weather", "RATE limit", "天気", "connection refused", "nobody says this")]
    ),
    st.just(Compare(Field("model"), "in", ("claude", "gpt-4o", None))),
).filter(lambda leaf: not (isinstance(leaf, Compare) and leaf.values == (None,) and leaf.operator not in EQUAL))
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda a, b: And((a, b)), inner, inner),
        st.builds(lambda a, b: Or((a, b)), inner, inner),
        st.builds(Not, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conditions)
def test_any_condition_finds_what_a_walk_finds(query, condition):
    wanted = [span for span in SPANS if span.project == "default" and span_holds(condition, span)]
    wanted.sort(key=lambda span: span.started_ns, reverse=True)
    found = every(query.spans, "default", condition, limit=37)
    assert {(span.trace_id, span.span_id) for span in found} == {(span.trace_id, span.span_id) for span in wanted}
    assert [span.started_ns for span in found] == [span.started_ns for span in wanted]

    traces = {}
    for span in SPANS:
        if span.project == "default":
            traces.setdefault(span.trace_id, []).append(span)
    expected = {trace_id for trace_id, spans in traces.items() if trace_holds(condition, spans)}
    listed = every(query.traces, "default", condition, limit=11)
    assert len(listed) == len(expected)
    assert {trace.trace_id for trace in listed} == expected


def test_without_time_a_page_ends_early_and_its_cursor_goes_on(sqlite_store):
    spans = [Span(f"{n + 1:032x}", "1" * 16, "needle" if n % 1500 == 9 else "hay", n + 1, 1) for n in range(4000)]
    sqlite_store.write(spans)
    derived = Derived(sqlite_store)
    Builder(derived, model.derive).catch_up()
    condition = Compare(Field("name"), "~", ("needl.",))
    first = Query(derived).spans("default", condition, budget_s=0.0)
    assert (first.complete, first.cursor is not None) == (False, True)
    found = every(Query(derived).spans, "default", condition, budget_s=0.0)
    assert [span.started_ns for span in found] == [3010, 1510, 10]
    anything = Compare(Field("name"), "~", (".",))  # nor is anything lost where two parts meet
    found = every(Query(derived).spans, "default", anything, budget_s=0.0)
    assert [span.started_ns for span in found] == list(range(4000, 0, -1))
    derived.close()


def test_feedback_of_another_project_on_the_same_trace_does_not_count(store):
    store.write([Span("1" * 32, "1" * 16, "s", 1), Feedback("f", "1" * 32, "helpful", 1, 5, project="other")])
    derived = Derived(store)
    Builder(derived, model.derive).catch_up()
    assert Query(derived).traces("default", Compare(Field("feedback", "helpful"), "=", (1,))).items == []
    assert len(Query(derived).traces("default", Compare(Field("feedback", "helpful"), "=", (None,))).items) == 1
    derived.close()


def test_words_of_other_projects_are_not_found(query):
    for ask in (query.spans, query.traces):
        by_name, by_tier = Compare(Field("name"), "~", ("",)), Compare(Field("attributes", "tier"), "!=", ("x",))
        for condition in (None, Words("weather"), by_name, by_tier):
            ours = {row.trace_id for row in every(ask, "default", condition)}
            theirs = {row.trace_id for row in every(ask, "other", condition)}
            assert ours
            assert theirs
            assert not ours & theirs
            assert every(ask, "nobody's", condition) == []
    trace_id = next(span.trace_id for span in SPANS if span.project == "other")
    assert query.trace("default", trace_id) is None
    assert query.children("default", trace_id).items == []
    assert query.ancestors("default", trace_id, "1" * 16) == []


# What a tool that looks for SQL injection sends, and a few of its relatives.
HOSTILE = [
    "'",
    "''",
    '"',
    "';--",
    "' OR '1'='1",
    "' OR 1=1--",
    "') OR ('1'='1",
    "1; DROP TABLE spans",
    "'; DELETE FROM span_facts; --",
    "' UNION SELECT sql FROM sqlite_master--",
    "%' AND 1=randomblob(1000000000)--",
    "1 AND pg_sleep(10)",
    "$(id)",
    "%s%s%n",
    ":words",
    "?",
    "\\",
    "\\'",
    "\x00",
    "\ud800",
    "{{7*7}}",
    "*",
    "NEAR(a b)",
    '"a" OR b',
    "words:a",
    "a' <-> 'b",
    "' || 'x",
    "a:*",
    "!a & b",
    "^a",
    "-a",
    "(a",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_t46_values_are_never_sql(query, hostile):
    fields = [Field(name) for name in ("model", "name", "session", "trace", "status")]
    fields += [Field("attributes", hostile), Field("feedback", hostile), Field("resource", "x")]
    for field in fields:
        for operator in ("=", "in", "contains", ">"):
            condition = Compare(field, operator, (hostile,))
            for ask in (query.spans, query.traces):
                found = ask("default", condition)
                if operator == "=":
                    assert found.items == []
    if words(hostile):
        assert len(query.spans("default", Words(hostile + " nowhere")).items) == 0
    else:
        with pytest.raises(DataError, match="no word"):
            query.spans("default", Words(hostile))
    assert query.traces(hostile).items == []
    assert query.summary(hostile, 0, 10**18, model=hostile, name=hostile) == []
    assert query.trace("default", hostile) is None
    assert query.children("default", hostile, hostile).items == []
    assert len(query.spans("default", limit=1000).items) == sum(span.project == "default" for span in SPANS)


FOREIGN = ["", "x", "bnVsbA", "WzEsMl0x", "WzEsICJhIl0", "W10", "'; --", "é", "W1sxXSwxXQ", "WzFlNDAwLDFd"]


@pytest.mark.parametrize("cursor", FOREIGN)
def test_a_cursor_of_somebody_else_is_refused(query, cursor):
    with pytest.raises(DataError, match="no cursor"):
        query.spans("default", cursor=cursor)


def test_sessions_are_summed_from_their_traces(query):
    traces = every(query.traces, "default")
    found = every(query.sessions, "default", limit=1)
    by_session = {}
    for trace in traces:
        if trace.session_id:
            by_session.setdefault(trace.session_id, []).append(trace)
    assert [each.session_id for each in found] == list(by_session)  # by the newest trace of each
    for each in found:
        members = by_session[each.session_id]
        assert (each.traces, each.spans) == (len(members), sum(trace.spans for trace in members))
        assert (each.started_ns, each.ended_ns) == (
            min(t.started_ns for t in members),
            max(t.ended_ns for t in members),
        )
        assert each.cost_usd == sum(trace.cost_usd or 0 for trace in members)


def test_summaries_add_up_whatever_they_are_cut_into(query):
    mine = [span for span in SPANS if span.project == "default"]
    whole = (model.START, model.START + 4 * model.HOUR)
    (total,) = query.summary("default", *whole)
    exact = sorted(span.duration_ns for span in mine)
    assert total.count == len(mine)
    for q, told in ((0.5, total.p50_ns), (0.9, total.p90_ns), (0.95, total.p95_ns), (0.99, total.p99_ns)):
        assert abs(told - exact[int(q * (len(exact) - 1))]) <= 0.0101 * exact[int(q * (len(exact) - 1))]
    for options in (
        {"bucket_s": 1},
        {"bucket_s": 7200},
        {"by": "model"},
        {"by": "name", "bucket_s": 3600},
        {"by": "kind"},
    ):
        rows = query.summary("default", *whole, **options)
        for name in ("count", "errors", "input_tokens", "output_tokens", "unknown_cost"):
            assert sum(getattr(row, name) for row in rows) == getattr(total, name), (options, name)
    roots = query.summary("default", *whole, roots=True)
    assert sum(row.count for row in roots) == sum(span.parent_id is None for span in mine)
    chats = query.summary("default", *whole, name="chat\x00gpt", kind="llm", by="name")
    assert [row.key for row in chats] == ["chat\x00gpt"]
    assert chats[0].count == sum(span.name == "chat\x00gpt" and span.kind == "llm" for span in mine)
    assert query.summary("default", 0, 10) == []


# -- the tree


def tree(query, trace_id, limit=1000, parent=None):
    """(span_id, [children]) of everything that is reached, checking the counts of children on the way."""
    found = []
    for node in every(query.children, "default", trace_id, parent, limit=limit):
        below = tree(query, trace_id, limit, node.span.span_id) if node.children else []
        assert len(below) == node.children
        found.append((node, below))
    return found


def flat(nodes):
    return [name for node, below in nodes for name in [node.span.span_id, *flat(below)]]


def written(store, parents):
    """A trace of spans by number, each with the number of its parent (None: a root)."""
    store.write(
        [
            Span("a" * 32, f"{number:016x}", "s", number + 1, 1, parent_id=None if parent is None else f"{parent:016x}")
            for number, parent in parents.items()
        ]
    )
    derived = Derived(store)
    Builder(derived, model.derive).catch_up()
    return derived


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.integers(1, 12), st.none() | st.integers(1, 14), min_size=1), st.integers(1, 3))
def test_t33_every_span_is_reached_once_whatever_the_parents_say(tmp_path_factory, parents, limit):
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('tree')}/slipway.db")
    derived = written(store, parents)
    query = Query(derived)
    reached = flat(tree(query, "a" * 32, limit))
    assert sorted(reached) == sorted(f"{number:016x}" for number in parents)
    for span_id in reached:
        path = [span.span_id for span in query.ancestors("default", "a" * 32, span_id)]
        assert path[-1] == span_id
        level = None
        for step in path:  # each is found below the one before
            assert step in {node.span.span_id for node in every(query.children, "default", "a" * 32, level)}
            level = step
    derived.close()
    store.close()


def test_t33_orphans_and_circles_are_named(store):
    derived = written(store, {1: None, 2: 1, 3: 99, 4: 5, 5: 6, 6: 4, 7: 7, 8: 6})
    query = Query(derived)
    top = {int(node.span.span_id, 16): node for node in query.children("default", "a" * 32).items}
    assert {number: (node.orphan, node.cyclic) for number, node in top.items()} == {
        1: (False, False),
        3: (True, False),
        4: (False, True),
        7: (False, True),
    }
    assert flat(tree(query, "a" * 32)) == [f"{number:016x}" for number in (1, 2, 3, 4, 6, 5, 8, 7)]
    assert query.ancestors("default", "a" * 32, "f" * 16) == []
    derived.close()


@pytest.mark.parametrize(
    "said",
    [
        "",
        " .,",
        "Fine weather, 20 °C",
        "It's FINE: a-b_c\n\t(1.5)",
        "x" * 64,
        "x" * 65,
        "a" * 300 + " b",
        "b " * 90,
        "日本 x",
    ],
)
def test_what_is_indexed_are_the_words_however_it_is_cut(said):
    assert spaced(said, 50).split() == words(said, 50)
    assert spaced(said, 50) == spaced(said, 50).strip()


def test_words_are_letters_and_digits_without_case_and_accents():
    assert words("Déjà-vu: ETA=1.5e3 日本語 foo_bar ½") == [
        "deja",
        "vu",
        "eta",
        "1",
        "5e3",
        "日",
        "本",
        "語",
        "foo",
        "bar",
        "1",
        "2",
    ]
    assert words("ガラス") == words("ガラス")
    assert all(re.fullmatch(r"\w+", word) for word in words("".join(map(chr, range(1, 0x3000)))))
    assert len(words("x" * 1000)[0]) == 64
