"""The schema: every older one is migrated to what tables.py says, a newer one is refused and left alone (T21)."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from slipway.data import DatasetVersion, Event, Sample, Span
from slipway.errors import StoreError
from slipway.store import migrate, open_store
from slipway.store.postgresql import PostgresqlBackend
from slipway.store.sqlite import SqliteBackend
from slipway.store.tables import metadata

REVISIONS = migrate.revisions()


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request):
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_url")
        backend = SqliteBackend(url)
        backend.path.parent.mkdir()
        return backend
    return PostgresqlBackend(request.getfixturevalue("new_database")())


def migrated(backend, revision):
    """The database as it was at ``revision``, made by its migrations alone."""
    engine = backend.engine()
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        migrate.run(connection, revision)
        connection.exec_driver_sql("COMMIT")
    return engine


def schema(engine):
    """Tables, columns, keys and indexes, as the database says them."""
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)
        if engine.dialect.name == "sqlite":
            query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' OR name NOT LIKE 'sqlite%' ORDER BY name"
            rows = connection.exec_driver_sql(query).all()
            found = {name: _parts(sql or "") for name, sql in rows}
            found.pop("alembic_version", None)
        else:
            query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1"
            found = {n: d.split(" ON ")[1].split(".", 1)[1] for n, d in connection.exec_driver_sql(query).all()}
            found = {name: sql for name, sql in found.items() if not name.startswith("alembic_version")}
    return differences, found


def _parts(sql):
    """A statement whatever the order and the spaces inside its brackets: a column that is added later stands last."""
    head, _, rest = " ".join(sql.split()).partition("(")
    inner, _, tail = rest.rpartition(")")
    return head.strip(), sorted(part.strip() for part in re.split(r",(?![^()]*\))", inner)), tail


def test_head_is_the_newest_script_and_they_form_one_line():
    script = ScriptDirectory(str(migrate.SCRIPTS))
    assert script.get_heads() == [migrate.HEAD]
    assert [revision.revision for revision in script.walk_revisions()] == list(reversed(REVISIONS))


@pytest.mark.parametrize("revision", REVISIONS)
def test_t21_an_old_database_becomes_what_a_new_one_is(backend, revision, tmp_path):
    engine = migrated(backend, revision)
    store = open_store(_full(backend))
    store.close()
    differences, after = schema(engine)
    assert differences == []
    fresh = SqliteBackend(f"sqlite:///{tmp_path}/fresh/slipway.db") if engine.dialect.name == "sqlite" else None
    if fresh:
        open_store(fresh.url).close()
        assert schema(fresh.engine()) == ([], after)


def test_t21_postgresql_migrations_and_metadata_agree_on_indexes(new_database):
    made, walked = new_database(), PostgresqlBackend(new_database())
    open_store(made).close()
    assert schema(PostgresqlBackend(made).engine()) == schema(migrated(walked, migrate.HEAD))


def test_t21_records_of_an_old_database_are_read_by_the_new_code(backend):
    engine = migrated(backend, REVISIONS[0])
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO samples (run_id, example_id, repeat, status, output, scores, latency_ms, input_tokens, output_tokens, "
            "attempts, cached, slices, example_hash, finished_ns) "
            "VALUES ('r', 'e', 0, 'ok', '{\"a\":1}', '[]', 1.5, 0, 0, 1, false, '{}', '', 5)"
        )
        connection.exec_driver_sql(
            "INSERT INTO spans (trace_id, span_id, name, started_ns, duration_ns, project, kind, status, attributes, events, "
            "links, resource, scope, sequence) VALUES "
            """('a', 'b', 'n', 5, 1, 'default', 'internal', 'ok', '{}', '[{"name":"e","time_ns":5,"attributes":{}}]', '[]', """
            "'{}', '', 0)"
        )
        connection.exec_driver_sql(
            "INSERT INTO dataset_versions (id, name, size, rows_blob, created_ns, source, slices, sealed, project, provenance) "
            "VALUES ('d', 'set', 1, 'blob', 5, '', '[]', false, 'a', '{}')"
        )
    store = open_store(_full(backend))
    version = DatasetVersion("d", "set", 1, "blob", 5, project="a")
    assert store.write([replace(version, size=2), replace(version, project="b")]) == 1
    assert list(store.find(DatasetVersion)) == [version, replace(version, project="b")]
    assert store.get(Span, "a", "b") == Span("a", "b", "n", 5, 1, status="ok", events=(Event("e", 5),))
    assert store.get(Sample, "r", "e", 0) == Sample("r", "e", output={"a": 1}, latency_ms=1.5, finished_ns=5)
    assert store.write([Sample("r", "f")]) == 1
    assert store.health().schema == migrate.HEAD
    store.close()


def test_t21_a_newer_database_is_refused_and_not_touched(backend):
    url = _full(backend)
    open_store(url).close()
    engine = backend.engine()
    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        connection.exec_driver_sql("ALTER TABLE spans ADD COLUMN from_the_future TEXT")
    _, before = schema(engine)
    with pytest.raises(StoreError, match=r"schema 9999; this Slipway knows up to .*upgrade Slipway"):
        open_store(url)
    assert schema(engine)[1] == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "slipway.db"
    path.write_bytes(b"my holiday photographs" * 100)
    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == b"my holiday photographs" * 100


def test_a_half_made_database_without_revision_is_refused(sqlite_url):
    backend = SqliteBackend(sqlite_url)
    backend.path.parent.mkdir()
    with sqlite3.connect(backend.path) as connection:
        connection.execute("CREATE TABLE spans (a)")
    with pytest.raises(StoreError, match="no revision"):
        open_store(sqlite_url)


def test_opening_an_up_to_date_store_does_not_import_alembic(sqlite_url):
    code = "import sys; from slipway.store import open_store; open_store(sys.argv[1]).close(); print('alembic' in sys.modules)"
    for _ in range(2):  # a new one, and one that is there
        done = subprocess.run([sys.executable, "-c", code, sqlite_url], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"


def test_many_processes_may_make_one_store_at_once(url):
    code = (
        "import sys; from slipway.data import Sample; from slipway.store import open_store\n"
        "store = open_store(sys.argv[1]); print(store.write([Sample('r', sys.argv[2])]))"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, url, str(n)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for n in range(4)
    ]
    for child in children:
        out, err = child.communicate(timeout=240)
        assert (out, err) == ("1\n", "")
    store = open_store(url)
    assert store.count(Sample) == 4
    assert store.count(Span) == 0
    store.close()


def _full(backend):
    """The URL that opens it (PostgreSQL's hides passwords, not options)."""
    return backend.url
