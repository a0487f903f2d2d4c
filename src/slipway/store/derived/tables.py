"""Tables of derived data, with no migrations: when `VERSION` is another one, they are dropped and everything is derived again."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from slipway.store.tables import Position, Words, where, with_conditions

VERSION = 2
"""To be raised with every change of these tables, and of what is derived (a dialect, the words of the full text)."""

metadata = MetaData()

span_facts = Table(
    "span_facts",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("trace_id", Words, nullable=False),
    Column("span_id", Words, nullable=False),
    Column("parent_id", Words),
    Column("project", Words, nullable=False),
    Column("started_ns", BigInteger, nullable=False),
    Column("duration_ns", BigInteger, nullable=False),
    Column("name", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("model", Words),
    Column("provider", Words),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cached_tokens", BigInteger),
    Column("cost_usd", Double),
    Column("session_id", Words),
    Column("user_id", Words),
    Column("run_id", Words),
    Column("call", Boolean, nullable=False),
    Column("rollup", BigInteger, nullable=False),  # where it was counted, so that it can be taken back from there
    UniqueConstraint("trace_id", "span_id", name="span_facts_key"),
    # The project first would do as well for reading a tree; so placed, SQLite (which has no statistics here) never prefers
    # the index by time for what belongs to one trace.
    Index("span_facts_tree", "trace_id", "project", "parent_id", "started_ns"),
    Index("span_facts_time", "project", "started_ns", "position"),
    Index(
        "span_facts_session", "project", "session_id", "started_ns", "position", info=where("session_id IS NOT NULL")
    ),
)
traces = Table(
    "traces",
    metadata,
    Column("id", Position, primary_key=True, autoincrement=True),
    Column("project", Words, nullable=False),
    Column("trace_id", Words, nullable=False),
    Column("started_ns", BigInteger, nullable=False),
    Column("ended_ns", BigInteger, nullable=False),
    Column("spans", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("unknown_cost", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("cost_usd", Double, nullable=False),
    Column("models", Text, nullable=False),  # a JSON list
    Column("session_id", Words),
    Column("user_id", Words),
    Column("run_id", Words),
    Column("rooted", Boolean, nullable=False),
    Column("root_position", BigInteger, nullable=False),
    Column("root_started_ns", BigInteger, nullable=False),
    Column("name", Words, nullable=False),
    Column("input", Text),
    Column("output", Text),
    UniqueConstraint("trace_id", "project", name="traces_key"),
    Index("traces_time", "project", "started_ns", "trace_id"),
    Index("traces_session", "project", "session_id", "started_ns", info=where("session_id IS NOT NULL")),
)
rollups = Table(
    "rollups",
    metadata,
    Column("id", Position, primary_key=True, autoincrement=True),
    Column("project", Words, nullable=False),
    Column("hour", BigInteger, nullable=False),  # since 1970
    Column("root", Boolean, nullable=False),
    Column("kind", Words, nullable=False),
    Column("model", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("errors", BigInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("unknown_cost", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("cached_tokens", BigInteger, nullable=False),
    Column("cost_usd", Double, nullable=False),
    Column("sketch", LargeBinary, nullable=False),
    UniqueConstraint("project", "hour", "root", "kind", "model", "name", name="rollups_key"),
)
state = Table(
    "derived_state",
    metadata,
    Column("source", Words, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("key", Words, nullable=False),  # of the last row, to notice that the rows are no longer the same ones
)
version = Table("derived_version", metadata, Column("version", Integer, primary_key=True, autoincrement=False))
event.listen(metadata, "before_create", with_conditions)
