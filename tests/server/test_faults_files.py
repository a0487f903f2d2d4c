"""T17: the files of a killed server are damaged. What is lost is told, and the journal gives back what was acknowledged."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from contextlib import closing

import pytest

from server import web
from server.otlp import PROTOBUF, batch, span
from server.patience import PATIENCE_S
from server.test_operation import up
from slipway.cli.main import main
from slipway.data import Span
from slipway.errors import StoreError
from slipway.store import open_store

CLIENTS, BATCHES, SPANS = 3, 25, 4
PAGE = 8192
LOST = "the log was deleted after a crash"


def send(url, client, acknowledged, first=0):
    """Send batches one after the other; keep the ids of those that were acknowledged."""
    with web.client() as connection:
        for number in range(first, first + BATCHES):
            ids = [client * 100_000 + number * SPANS + each + 1 for each in range(SPANS)]
            body = batch(*[span(each, attributes={"text": f"{each} " * 100}) for each in ids])
            if connection.post(f"{url}/v1/traces", content=body, headers=PROTOBUF).status_code == 200:
                acknowledged.update(f"{each:016x}" for each in ids)


def killed(folder):
    """The data folder of a server that was killed, and what it had acknowledged."""
    acknowledged: set[str] = set()
    with up(folder) as (process, url):
        clients = [threading.Thread(target=send, args=(url, number, acknowledged)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(PATIENCE_S)
        process.kill()
        process.wait()
    assert len(acknowledged) == CLIENTS * BATCHES * SPANS
    return folder / "data", acknowledged


def rescued(capsys):
    """What `slipway doctor --recover` said, and the ids of the spans that it saved."""
    assert main(["doctor", "--recover", "rescued", "--data", "data", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    with closing(open_store("sqlite:///rescued/slipway.db")) as store:
        assert store.health(deep=True).problems == ()
        return said, {row[0] for row in store.columns(Span, ["span_id"])}


def readable(path):
    """The ids of the spans that the database has by itself."""
    with closing(sqlite3.connect(path)) as database:
        try:
            return {row[0] for row in database.execute("SELECT span_id FROM spans")}
        except sqlite3.DatabaseError:
            return set()


def test_a_log_deleted_after_a_kill_is_given_back_by_the_journal(tmp_path, capsys):
    data, acknowledged = killed(tmp_path)
    (data / "slipway.db-wal").unlink()
    said, found = rescued(capsys)
    assert acknowledged <= found
    assert not acknowledged <= readable(data / "slipway.db")  # else nothing was put to the test
    assert said["replayed"] > 0
    assert said["lost"] == []


def test_a_server_that_goes_on_without_its_log_counts_the_loss_and_loses_nothing_for_good(tmp_path, capsys):
    data, acknowledged = killed(tmp_path)
    (data / "slipway.db-wal").unlink()
    with up(tmp_path) as (process, url):
        send(url, CLIENTS, acknowledged)
        assert main(["doctor", "--data", str(data), "--json"]) == 0
        drops = json.loads(capsys.readouterr().out)["drops"]
        assert [count for why, count in drops.items() if LOST in why] == [1]
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    assert not acknowledged <= readable(data / "slipway.db")
    _, found = rescued(capsys)
    assert acknowledged <= found


@pytest.mark.parametrize("log", ["with its log", "without its log"])
@pytest.mark.parametrize("seed", range(2))
def test_pages_of_a_killed_server_rot(tmp_path, capsys, log, seed):
    data, acknowledged = killed(tmp_path)
    path = data / "slipway.db"
    if log == "without its log":
        (data / "slipway.db-wal").unlink()
    chance = random.Random(seed)
    pages = path.stat().st_size // PAGE
    with path.open("r+b") as file:
        for page in chance.sample(range(pages), min(3, pages)):
            file.seek(page * PAGE)
            file.write(chance.randbytes(PAGE))
    check_that_it_is_told(path)
    said, found = rescued(capsys)
    assert acknowledged <= found
    assert not [lost for lost in said["lost"] if lost.startswith("Span (")]


def check_that_it_is_told(path):
    """Whoever reads gets what is there, or a clear error with what to do."""
    try:
        with closing(open_store(f"sqlite:///{path}")) as store:
            told = store.health(deep=True).problems or list(store.find(Span)) or "it is empty"
    except StoreError as error:
        told = error.mend
    assert told


def test_the_journal_too_has_lost_its_end(tmp_path, capsys):
    """A body that was being written when the power went is told; what was whole before it is there."""
    data, acknowledged = killed(tmp_path)
    (data / "slipway.db-wal").unlink()
    [segment] = (data / "journal").glob("*.journal")
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-10])
    said, found = rescued(capsys)
    assert len(acknowledged - found) <= SPANS
    assert [lost for lost in said["lost"] if "no whole body" in lost]
