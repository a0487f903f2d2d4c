"""The journal: raw bodies of late, from which a damaged store is mended (T17), and doctor beside a server."""

from __future__ import annotations

import gzip
import json
import os
import signal

import pytest

from server import web
from server.otlp import JSON, PROTOBUF, batch, post, span
from server.patience import PATIENCE_S
from server.test_operation import up
from slipway.cli.main import main
from slipway.data import LogRecord, MetricPoint, Span
from slipway.server.journal import Damage, read, segments
from slipway.server.replay import replay
from slipway.store import open_store

MOST = 1 << 26
LOGS = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hello"}, "timeUnixNano": "5"}]}]}]}
POINT = {"name": "load", "gauge": {"dataPoints": [{"asDouble": 0.5, "timeUnixNano": "1700000000000000000"}]}}
METRICS = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [POINT]}]}]}


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request, start, tmp_path):
    """A server that received each signal, in both encodings, packed and not; (its journal, its store)."""
    served = start(store=request.getfixturevalue("new_database")() if request.param == "postgresql" else "")
    assert post(served, batch(span(1), span(2), resource={"slipway.project": "shop"})).status_code == 200
    assert post(served, gzip.compress(batch(span(3))), content_encoding="gzip").status_code == 200
    assert post(served, batch(span(4)), **{"x-slipway-project": "other"}).status_code == 200
    for path, body in (("logs", LOGS), ("metrics", METRICS)):
        assert web.post(f"{served.url}/v1/{path}", content=json.dumps(body), headers=JSON).status_code == 200
    assert post(served, b"no protobuf").status_code == 400  # was not accepted, and is not kept
    return tmp_path / ".slipway/journal", served.store


def everything(store):
    return {kind: {repr(record) for record in store.find(kind)} for kind in (Span, LogRecord, MetricPoint)}


def test_t17_the_journal_gives_back_what_was_stored(filled, tmp_path):
    journal, store = filled
    empty = open_store(f"sqlite:///{tmp_path}/mended/slipway.db")
    done = replay(journal, empty, most=MOST)
    assert (done.bodies, done.records, done.lost) == (5, 6, ())
    assert everything(empty) == everything(store)
    assert replay(journal, empty, most=MOST).records <= 1  # a metric point is written again, the rest is there
    assert everything(empty) == everything(store)
    empty.close()


def test_every_file_is_for_its_owner_alone(filled):
    journal, _ = filled
    assert [path.stat().st_mode & 0o777 for path in (journal, *segments(journal))] == [0o700, 0o600]  # T61


def test_a_damaged_journal_gives_back_what_is_whole_and_says_the_rest(filled, tmp_path):
    journal, _ = filled
    [path] = segments(journal)
    whole = path.read_bytes()
    second = whole.index(b"\xf5SJ\x01", 5)
    path.write_bytes(whole[: second + 60] + b"\xff\xff" + whole[second + 62 : -1])
    damage = Damage()
    assert len(list(read(journal, damage))) == 3
    assert len(damage.reasons) == 2
    for cut in range(0, len(whole), 7):
        path.write_bytes(whole[:cut])
        list(read(journal, Damage()))


def test_it_takes_no_more_than_its_share_and_forgets_the_oldest(start, tmp_path):
    served = start(journal_bytes=64_000)
    for number in range(1, 60):
        noise = os.urandom(1500).hex()
        assert post(served, batch(span(number, attributes={"noise": noise}))).status_code == 200
    journal = tmp_path / ".slipway/journal"
    sizes = [path.stat().st_size for path in segments(journal)]
    assert sum(sizes) <= 64_000
    assert len(sizes) > 1
    kept = open_store(f"sqlite:///{tmp_path}/mended/slipway.db")
    replay(journal, kept, most=MOST)
    found = {int(row[0], 16) for row in kept.columns(Span, ["span_id"])}
    assert found == set(range(60 - len(found), 60))
    kept.close()


def test_what_retention_does_not_keep_goes_from_the_journal_too(start, tmp_path):
    served = start(journal_bytes=64_000)
    for number in range(1, 12):
        assert post(served, batch(span(number, attributes={"noise": os.urandom(1500).hex()}))).status_code == 200
    assert len(segments(tmp_path / ".slipway/journal")) > 1
    for path in segments(tmp_path / ".slipway/journal"):
        os.utime(path, (1, 1))
    served.state.journal.expire(10**10)
    assert len(segments(tmp_path / ".slipway/journal")) <= 1  # the one that is written to
    assert post(served, batch(span(9))).status_code == 200
    assert served.state.journal.failed == 0


def test_0_keeps_none(start, tmp_path):
    served = start(journal_bytes=0)
    assert post(served, batch(span(1))).status_code == 200
    assert not (tmp_path / ".slipway/journal").exists()


def test_a_journal_that_cannot_be_written_refuses_no_span(start, tmp_path):
    (tmp_path / ".slipway").mkdir(mode=0o700)
    (tmp_path / ".slipway/journal").write_text("in the way")
    served = start()
    assert post(served, batch(span(1))).status_code == 200
    assert served.store.count(Span) == 1
    assert "slipway_journal_failed_total 1" in web.get(f"{served.url}/metrics").text


@pytest.mark.parametrize("harm", ["page", "first page", "cut", "gone"])
def test_t17_doctor_mends_from_the_file_and_the_journal(tmp_path, capsys, harm):
    with up(tmp_path) as (process, url):
        for start in range(1, 2001, 100):
            spans = [span(number, attributes={"text": f"{number} " * 50}) for number in range(start, start + 100)]
            assert web.post(f"{url}/v1/traces", content=batch(*spans), headers=PROTOBUF).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    path = tmp_path / "data/slipway.db"
    size = path.stat().st_size
    with path.open("r+b") as file:
        if harm == "page":
            file.seek(size // 2 // 8192 * 8192)
            file.write(os.urandom(8192 * 5))
        elif harm == "first page":
            file.write(os.urandom(8192))
        elif harm == "cut":
            file.truncate(size // 2)
    if harm == "gone":
        path.unlink()
    assert main(["doctor", "--recover", "rescued", "--data", "data", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["replayed"] > 0
    assert not [lost for lost in said["lost"] if lost.startswith("Span (")]
    rescued = open_store(f"sqlite:///{tmp_path / 'rescued/slipway.db'}")
    assert rescued.count(Span) == 2000
    rescued.close()


def test_doctor_counts_beside_a_server_and_after_a_kill(tmp_path, capsys):
    with up(tmp_path) as (process, url):
        assert web.post(f"{url}/v1/traces", content=batch(span(1), span(2)), headers=PROTOBUF).status_code == 200
        for _ in ("it runs", "it was killed"):
            assert main(["doctor", "--data", str(tmp_path / "data"), "--json"]) == 0
            said = json.loads(capsys.readouterr().out)
            assert said["spans"] == {"stored": 2, "dropped": 0}
            assert said["spool"]["pending"] == 0
            assert (said["spans.stored"], said["spans.dropped"], said["spool.pending"]) == (2, 0, 0)
            process.kill()
            process.wait()
