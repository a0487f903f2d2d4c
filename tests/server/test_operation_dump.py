"""Backup of PostgreSQL by pg_dump while others write, and restore into an empty database by pg_restore: all of it or nothing."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

import postgres
from server import web
from server.otlp import PROTOBUF, batch, post, span
from server.patience import PATIENCE_S, until
from slipway.cli.main import main
from slipway.data import Feedback, Span
from slipway.store import open_store


@pytest.fixture
def database(postgres_server, monkeypatch):
    """Makes an empty database and gives its URL. PostgreSQL's own programs are on the PATH."""
    monkeypatch.setenv("PATH", f"{Path(postgres.program('pg_dump')).parent}{os.pathsep}{os.environ['PATH']}")
    made = []
    with psycopg.connect(postgres_server + "postgres", autocommit=True) as connection:

        def make():
            made.append(f"d{uuid.uuid4().hex[:12]}")
            connection.execute(f"CREATE DATABASE {made[-1]}")
            return postgres_server + made[-1]

        yield make
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def saved(database, tmp_path):
    """A finished backup of a store with one span."""
    url = database()
    with closing(open_store(url)) as store:
        store.write([Span("1" * 32, "1" * 16, "work", 1, 5)])
    assert main(["backup", "saved", "--store", url]) == 0
    return tmp_path / "saved"


def tables(url):
    """How many tables a database has."""
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()[0]


def test_what_was_acknowledged_before_the_backup_is_in_it_while_others_write(start, database, tmp_path, capsys):
    first, second = database(), database()
    acknowledged: list[str] = []
    served, ended = start(store=first), threading.Event()

    def send():
        with web.client() as client:
            for number in range(1, 100_000):
                body = batch(span(number, attributes={"text": "x" * 2000}))
                answer = client.post(f"{served.url}/v1/traces", content=body, headers=PROTOBUF)
                assert answer.status_code == 200
                acknowledged.append(f"{number:016x}")
                if ended.is_set():
                    return

    sender = threading.Thread(target=send)
    with ExitStack() as leave:
        leave.callback(sender.join, PATIENCE_S)
        leave.callback(ended.set)
        sender.start()
        until(lambda: len(acknowledged) > 20)
        served.store.write([Feedback("f", f"{1:032x}", "thumb", True, 5)])
        blob = served.store.put_blob(b"a large payload")
        before = set(acknowledged)
        assert main(["backup", "saved", "--store", first, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["missing"] == ""
    assert main(["restore", "saved", "--data", "fresh", "--store", second, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["then"] == ""

    restored = start(store=second)
    found = {row[0] for row in restored.store.columns(Span, ["span_id"])}
    assert before <= found <= set(acknowledged)
    assert restored.store.get(Feedback, "f") is not None
    assert restored.store.get_blob(blob) == b"a large payload"
    assert restored.store.health(deep=True).problems == ()
    # It goes on: what is new has a place of its own, and all of it is searched.
    assert post(restored, batch(span(1, trace_id=(2).to_bytes(16, "big")))).status_code == 200
    restored.state.indexer.builder.catch_up()
    listed = {row["trace_id"]: row["spans"] for row in web.get(f"{restored.url}/api/v1/traces").json()["traces"]}
    assert listed == {f"{1:032x}": len(found), f"{2:032x}": 1}


def test_a_database_with_a_store_is_left_alone(saved, database, tmp_path):
    url = database()
    with closing(open_store(url)) as store:
        store.write([Span("2" * 32, "2" * 16, "mine", 1, 5)])
    assert main(["restore", "saved", "--data", "fresh", "--store", url]) == 2
    assert not (tmp_path / "fresh").exists()
    with closing(open_store(url)) as store:
        assert [row[0] for row in store.columns(Span, ["name"])] == ["mine"]


def test_a_dump_is_not_put_into_sqlite(saved, tmp_path):
    assert main(["restore", "saved", "--data", "fresh"]) == 2
    assert not (tmp_path / "fresh").exists()


@pytest.mark.parametrize("sealed", [False, True], ids=["as it was saved", "and the manifest says so"])
def test_a_damaged_dump_restores_nothing(saved, database, tmp_path, sealed):
    dump, url = saved / "store.pgdump", database()
    dump.write_bytes(dump.read_bytes()[: dump.stat().st_size * 3 // 4])
    if sealed:  # nobody noticed when it was saved: pg_restore does
        manifest = json.loads((saved / "manifest.json").read_text())
        [file] = [each for each in manifest["files"] if each["path"] == dump.name]
        file |= {"bytes": dump.stat().st_size, "sha256": hashlib.sha256(dump.read_bytes()).hexdigest()}
        (saved / "manifest.json").write_text(json.dumps(manifest))
    assert main(["restore", "saved", "--data", "fresh", "--store", url]) == (3 if sealed else 2)
    assert tables(url) == 0
    assert not (tmp_path / "fresh").exists()


def test_without_the_programs_it_says_what_to_run(saved, database, tmp_path, monkeypatch, capsys):
    url = database()
    monkeypatch.setenv("PATH", str(tmp_path))
    capsys.readouterr()
    assert (
        main(["restore", "saved", "--data", "fresh", "--store", url.replace("slipway@", "slipway:secret@"), "--json"])
        == 0
    )
    then = json.loads(capsys.readouterr().out)["then"]
    assert then.startswith("pg_restore ")
    assert "secret" not in then
    assert tables(url) == 0
