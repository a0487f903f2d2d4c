"""Tables: the schema as SQLAlchemy metadata, the same on SQLite and PostgreSQL.

A record's table has ``position`` (order of arrival) and a column for each of its fields. Metric points are kept apart:
names and runs once, points by their numbers, and the last value of each (name, run) in a table of its own.
A change here needs a migration in migrations/versions; tests/store/test_migrate.py holds it to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.types import TypeEngine

from slipway.data import MetricPoint
from slipway.store.kinds import KINDS, Form, Kind

if TYPE_CHECKING:
    from sqlalchemy import Connection

metadata = MetaData()
Position = BigInteger().with_variant(Integer, "sqlite")  # only "INTEGER PRIMARY KEY" is SQLite's own row number
# The same order and the same prefix search on both: by code point, as SQLite does it.
Words: TypeEngine[Any] = Text().with_variant(Text(collation="C"), "postgresql")
_TYPES: dict[Form, TypeEngine[Any]] = {
    Form.TEXT: Words,
    Form.INTEGER: BigInteger(),
    Form.NUMBER: Double(),
    Form.FLAG: Boolean(),
    Form.JSON: Text(),  # jsonb would refuse NUL and reorder keys
}


def _table(kind: Kind) -> Table:
    columns: list[Column[Any]] = [
        Column(column.name, _TYPES[column.form], nullable=column.optional or column.form is Form.NUMBER)
        for column in kind.columns
    ]
    return Table(
        kind.table,
        metadata,
        Column("position", Position, primary_key=True, autoincrement=True),
        *columns,
        UniqueConstraint(*kind.key, name=f"{kind.table}_key"),
        *[_index(kind, name) for name in kind.indexes],
    )


def _index(kind: Kind, name: str) -> Index:
    # A field that is mostly None is indexed where it is not: most spans belong to no eval run, and pay nothing for it.
    return Index(f"{kind.table}_{name}", name, info=where(f"{name} IS NOT NULL") if kind.column(name).optional else {})


def where(condition: str) -> dict[str, Any]:
    """The ``info`` of an `Index` over some rows only, on whichever database it is made. SQLAlchemy's own ``postgresql_where``
    loads all its drivers for PostgreSQL, a tenth of what starting costs, into processes that have SQLite."""
    return {"where": text(condition)}


def with_conditions(metadata: MetaData, connection: Connection, **_: Any) -> None:
    """Tell the indexes their conditions, in the words of the database that they are about to be made in."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options[connection.dialect.name]["where"] = index.info["where"]


tables = {kind.record: _table(kind) for kind in KINDS.values() if kind.record is not MetricPoint}

metric_names = Table(
    "metric_names",
    metadata,
    Column("id", Position, primary_key=True, autoincrement=True),
    Column("project", Words, nullable=False),
    Column("name", Words, nullable=False),
    UniqueConstraint("project", "name", name="metric_names_key"),
)
metric_runs = Table(
    "metric_runs",
    metadata,
    Column("id", Position, primary_key=True, autoincrement=True),
    Column("run_id", Words, nullable=False),
    UniqueConstraint("run_id", name="metric_runs_key"),
)
metric_points = Table(
    "metric_points",
    metadata,
    Column("position", Position, primary_key=True, autoincrement=True),
    Column("run", BigInteger(), ForeignKey("metric_runs.id"), nullable=False),
    Column("name", BigInteger(), ForeignKey("metric_names.id"), nullable=False),
    Column("step", BigInteger(), nullable=False),
    Column("value", Double()),
    Column("time_ns", BigInteger(), nullable=False),
    UniqueConstraint("run", "name", "step", name="metric_points_key"),
)
metric_last = Table(
    "metric_last",
    metadata,
    Column("name", BigInteger(), ForeignKey("metric_names.id"), primary_key=True, autoincrement=False),
    Column("run", BigInteger(), ForeignKey("metric_runs.id"), primary_key=True, autoincrement=False),
    Column("step", BigInteger(), nullable=False),
    Column("value", Double()),
    Column("time_ns", BigInteger(), nullable=False),
    sqlite_with_rowid=False,
)
blobs = Table(
    "blobs",  # used where there is no folder beside the database
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("data", LargeBinary(), nullable=False),
)
version = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))
event.listen(metadata, "before_create", with_conditions)
