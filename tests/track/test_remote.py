"""With an endpoint, what is recorded goes to that server: all of it, once, exactly as it was, whatever happens on the way."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

import slipway
from server.test_receiver_same import ANY, WILD, spans
from slipway.config import Config, Trace
from slipway.data import Drop, Environment, Event, MetricPoint, Span, new_span_id, new_trace_id
from slipway.errors import ConfigError
from slipway.store import open_store, whole
from slipway.store.payloads import reference
from slipway.track import flush, init, record, ship_folder, shutdown, span, status
from slipway.track.remote import Remote
from slipway.track.slot import slot
from slipway.track.spool import Segment, segments
from slipway.track.wire import Away, Endpoint
from track.remote_server import Wire, names_of, ok, scripted
from track.waiting import code_of, forked, until

SRC = Path(__file__).parents[2] / "src"


def client(url: str, **settings) -> Config:
    return Config(root="client", project="shop", endpoint=url, **settings)


def made(number: int, **fields) -> Span:
    return Span(new_trace_id(), new_span_id(), f"s{number}", 1_000 + number, project="shop", **fields)


# -- what arrives


def test_spans_and_everything_else_arrive_as_they_were_recorded(server, recording_to):
    tracer = recording_to(server.url)
    for number in range(500):
        with span(f"s{number}", number=number, session_id="a") as one:
            one.record_input({"n": number})
            one.event("seen", at=number)
    environment = Environment("e" * 64, 5, packages={"a": "1"}, command=("python", "\udcff"), project="shop")
    record(environment)
    slipway.log({"loss": float("nan"), "score": 0.5, "far": float("inf")}, step=3, run_id="r")
    tracer.recorder.drops.count(("capture", "payload cut"), 2)
    until(lambda: flush(30))
    found = list(server.store.find(Span))
    assert {one.name: one.attributes for one in found} == {f"s{number}": {"number": number} for number in range(500)}
    assert {(one.project, one.session_id, one.scope) for one in found} == {("shop", "a", "slipway")}
    assert found[0].events[0].name == "seen"
    assert server.store.get(Environment, "e" * 64).command == ("python", "\\udcff")
    points = {point.name: str(point.value) for point in server.store.find(MetricPoint)}
    assert points == {"loss": "nan", "score": "0.5", "far": "inf"}
    until(lambda: server.store.count(Drop) == 1)
    assert [(drop.where, drop.count, drop.project) for drop in server.store.find(Drop)] == [("capture", 2, "shop")]
    assert status("client/.slipway")["spool.pending"] == 0
    assert not Path("client/.slipway/slipway.db").exists()


def test_a_recorded_span_is_the_same_on_the_server_as_in_a_local_store(start_server):
    server = start_server()
    remote = Remote(client(server.url))

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(one=spans(ANY, WILD, WILD.map(lambda key: {key: 1})))
    def check(one):
        assert remote.write([one]) == 1
        assert server.store.get(Span, one.trace_id, one.span_id) == one

    check()
    remote.close()


def test_a_big_payload_is_a_blob_of_the_server(server, recording_to):
    recording_to(server.url)
    text = "big \N{GRINNING FACE}" * 50_000
    with span("big") as one:
        one.record_input({"text": text})
    until(lambda: flush(30))
    kept = next(iter(server.store.find(Span)))
    assert set(kept.input) == {"$blob", "bytes", "preview"}
    assert whole(server.store, kept.input) == {"text": text}


def test_what_only_looks_like_a_payload_harms_nobody(start_server):
    server = start_server()
    remote = Remote(client(server.url))
    odd = [
        {"$blob": 5, "bytes": 1, "preview": "x", "$data": 7},
        {"$blob": "a", "bytes": 1, "preview": [], "$data": "x"},
        {**reference("x", b'"x"'), "$data": "\ud800"},
    ]
    for number, value in enumerate(odd):
        assert remote.write([made(number, input=value)]) == 1
    assert server.store.count(Span) == 3
    remote.close()


def test_the_blobs_of_the_environment_arrive(start_server):
    server = start_server()
    remote = Remote(client(server.url))
    data = os.urandom(3_000_000)
    assert server.store.get_blob(remote.put_blob(data)) == data
    remote.close()


def test_records_of_several_projects_each_go_to_their_own(start_server):
    server = start_server()
    remote = Remote(client(server.url))
    names = ["default", "shop", "Laden \N{GRINNING FACE}"]
    records = [Span(new_trace_id(), new_span_id(), "s", 5, project=name) for name in names]
    records += [MetricPoint("run", name, 1.0, project="shop") for name in names]
    assert remote.write(records) == 6
    assert {one.project for one in server.store.find(Span)} == set(names)
    assert server.store.count(MetricPoint, {"project": "shop"}) == 3
    remote.close()


def test_no_project_replaces_what_another_one_has(start_server):
    server = start_server()
    counted = []
    remote = Remote(client(server.url), count=lambda why, number: counted.append((why, number)))
    assert remote.write([MetricPoint("run", "loss", 1.0, project="a"), Environment("e", 5, python="x")]) == 2
    assert remote.write([MetricPoint("run", "loss", 2.0, project="b"), Environment("e", 5, project="b")]) == 0
    assert [point.value for point in server.store.find(MetricPoint)] == [1.0]
    assert server.store.get(Environment, "e").python == "x"
    assert counted == [(("server", "refused by it"), 1)] * 2
    remote.close()


def test_what_no_server_takes_is_counted(start_server):
    counted = []
    server = start_server()
    remote = Remote(client(server.url), count=lambda why, number: counted.append(why))
    bad = Span(new_trace_id(), "0" * 16, "zeros", 5)
    assert remote.write([made(1), bad, {"not": "a record"}, made(2)]) == 2
    assert counted == [("store", "refused")] * 2
    remote.close()


def test_a_named_store_goes_before_the_endpoint(tmp_path):
    init(config=client("http://127.0.0.1:9"), store=f"sqlite:///{tmp_path}/x.db", environment=False, instrument=False)
    with span("here"):
        pass
    assert shutdown(60)
    store = open_store(f"sqlite:///{tmp_path}/x.db")
    assert names_of(store) == ["here"]
    store.close()


# -- what the server answers


def test_t04_a_server_that_asks_to_wait_is_left_alone_for_that_long(recording_to):
    answers = iter([429, 503, 507])

    def say(request):
        status = next(answers, 200)
        return status, ({"Retry-After": "1"} if status != 200 else {}), b"{}"

    with scripted(say) as far:
        recording_to(far.url)
        with span("patient"):
            pass
        until(lambda: flush(5))
        times = [request.at for request in far.requests if request.names]
        assert len(times) == 4
        assert all(later - earlier >= 0.99 for earlier, later in itertools.pairwise(times))
        shutdown()
    assert all(request.names == ["patient"] for request in far.requests)


def test_retry_after_may_be_a_date_and_is_not_for_ever():
    from slipway.track.wire import LONGEST_WAIT_S, _seconds

    assert _seconds("7") == 7
    assert _seconds("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert _seconds("999999999") == LONGEST_WAIT_S
    assert _seconds("soon") == _seconds("") == 0


@pytest.mark.parametrize("code", [400, 413, 422])
def test_one_record_that_is_refused_is_counted_and_costs_no_other(recording_to, code):
    def say(request):
        return (code, {}, b'{"message": "no"}') if "s7" in request.names else (200, {}, b"{}")

    with scripted(say) as far:
        tracer = recording_to(far.url)
        for number in range(20):
            with span(f"s{number}"):
                pass
        until(lambda: flush(5))
        assert tracer.recorder.drops.totals() == {("server", "refused by it"): 1}
        shutdown()
    taken = [name for request in far.requests if "s7" not in request.names for name in request.names]
    assert sorted(taken) == sorted(f"s{number}" for number in range(20) if number != 7)
    told = [drop for request in far.requests if request.path == "/api/v1/records" for drop in request.data["drops"]]
    assert [(drop["reason"], drop["count"]) for drop in told] == [("refused by it", 1)]


@pytest.mark.parametrize("code", [401, 403, 404, 302])
def test_with_wrong_settings_nothing_is_lost_and_the_key_goes_nowhere(recording_to, monkeypatch, code, capfd):
    key = "slw_0123456789abcdef_" + "a" * 64
    monkeypatch.setenv("SLIPWAY_API_KEY", key)
    with scripted(ok) as elsewhere, scripted(lambda _: (code, {"Location": elsewhere.url + "/v1/traces"}, b"")) as far:
        tracer = recording_to(far.url)
        with span("kept"):
            pass
        until(lambda: far.requests)
        until(lambda: not flush(0.1) and tracer.recorder._delivery.failing)
        assert far.requests[0].headers["authorization"] == f"Bearer {key}"
        said = str(tracer.recorder._delivery.last_error)
        shutdown()
        assert (str(code) in said, key in said) == (True, False)
    assert elsewhere.requests == []
    found = status("client/.slipway")
    assert (found["spool.pending"], found["spans.dropped"]) == (1, 0)
    written = b"".join(path.read_bytes() for path in Path("client").rglob("*") if path.is_file())
    assert key.encode() not in written
    assert key not in "".join(capfd.readouterr())


# -- faults


def test_t02_an_outage_loses_nothing(start_server, server_url, recording_to):
    server = start_server(store=server_url)
    wire = Wire(int(server.url.rpartition(":")[2]))
    recording_to(f"http://127.0.0.1:{wire.port}")
    beat, count = threading.Event(), 450
    for number in range(count):
        if number == 100:
            wire.drop()
        if number == 400:
            wire.mend()
        with span(f"s{number}"):
            pass
        beat.wait(0.01)
    until(lambda: flush(5))
    assert sorted(names_of(server.store)) == sorted(f"s{number}" for number in range(count))
    assert status("client/.slipway")["spool.pending"] == 0
    shutdown()
    wire.close()
    assert server.store.count(Drop) == 0


def test_t03_at_the_cap_the_oldest_is_kept_and_every_drop_is_counted(start_server, port, recording_to):
    tracer = recording_to(f"http://127.0.0.1:{port}", trace=Trace(spool_bytes=200_000))
    total = 5_000
    for number in range(total):
        with span(f"s{number}", text="x" * 50):
            pass

    def given_up():
        return tracer.recorder.drops.totals().get(("spool", "full"), 0)

    until(lambda: status("client/.slipway")["spool.pending"] + given_up() == total)
    dropped = given_up()  # each is in the spool or counted: nothing more comes
    assert 0 < dropped < total
    server = start_server(port=port)
    until(lambda: flush(5))
    assert server.store.count(Span) == total - dropped
    assert names_of(server.store)[:100] == [f"s{number}" for number in range(100)]
    until(lambda: server.store.count(Drop) == 1)
    assert [(drop.reason, drop.count) for drop in server.store.find(Drop)] == [("full", dropped)]


def test_what_has_waited_too_long_is_given_up_and_counted_but_never_while_somebody_takes_it(
    start_server, port, recording_to
):
    url = f"http://127.0.0.1:{port}"
    folder = client(url).data_folder / "spool" / Endpoint.parse(url).folder

    def leave(age_days):
        left = Segment(folder, process="dead-1-x")
        left.append([made(number) for number in range(1_500)])
        left.close()
        then = time.time() - age_days * 86_400
        os.utime(left.path, (then, then))
        return left.path

    old, young = leave(31), leave(29)
    tracer = recording_to(url)
    # It is counted before it is deleted, so wait for both; what is counted stays as it is.
    until(lambda: tracer.recorder.drops.totals() == {("spool", "too old"): 1_500} and not old.exists())
    assert young.exists()
    server = start_server(port=port)
    until(lambda: server.store.count(Span) == 1_500)
    shutdown()
    leave(365)
    recording_to(url)
    until(lambda: server.store.count(Span) == 3_000)


def test_t19_an_answer_that_was_lost_means_once_more_and_nothing_is_stored_twice(server, recording_to):
    wire = Wire(int(server.url.rpartition(":")[2]))
    wire.cut_answers = 3
    recording_to(f"http://127.0.0.1:{wire.port}")
    for number in range(50):
        with span(f"s{number}"):
            pass
    until(lambda: flush(5))
    shutdown()
    wire.close()
    assert wire.cut == 3
    assert sorted(names_of(server.store)) == sorted(f"s{number}" for number in range(50))


def test_a_server_that_starts_again_gets_what_it_missed(start_server, port, recording_to):
    recording_to(f"http://127.0.0.1:{port}")
    for life in range(3):
        with ExitStack() as leave:
            server = start_server(port=port, leave=leave)
            for number in range(200):
                with span(f"s{life}-{number}"):
                    pass
            until(lambda: flush(5))
            assert server.store.count(Span) == 300 * life + 200
        for number in range(100):
            with span(f"between {life}-{number}"):
                pass
    server = start_server(port=port)
    until(lambda: flush(5))
    assert server.store.count(Span) == 900


CLIENT = """
import sys
from slipway.config import Config
from slipway.track import init, span
init(config=Config(root="client", project="shop", endpoint=sys.argv[1]), environment=False, instrument=False)
for number in range(1_000):
    with span(f"s{number}"): pass
print("made", flush=True)
sys.stdin.read()
"""


def test_t12_what_a_killed_client_left_is_sent_by_another(start_server, port):
    url = f"http://127.0.0.1:{port}"
    environ = {**os.environ, "PYTHONPATH": str(SRC)}
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
    ) as child:
        assert child.stdout.readline() == b"made\n"
        until(lambda: status("client/.slipway")["spool.pending"] == 1_000)
        child.send_signal(signal.SIGKILL)
    server = start_server(port=port)
    config = client(url)
    remote = Remote(config)
    assert ship_folder(config.data_folder / "spool" / remote.endpoint.folder, remote.write) == 1_000
    remote.close()
    assert server.store.count(Span) == 1_000
    assert status("client/.slipway")["spool.pending"] == 0


def test_the_next_process_sends_what_the_last_one_left(start_server, recording_to):
    server = start_server()
    config = client(server.url)
    left = Segment(config.data_folder / "spool" / Endpoint.parse(server.url).folder, process="dead-1-x")
    left.append([made(number, events=(Event("e", 5),)) for number in range(50)])
    left.close()
    recording_to(server.url)
    until(lambda: server.store.count(Span) == 50)
    until(lambda: segments(left.path.parent) == [])


def test_what_waits_for_one_server_is_never_sent_to_another_nor_to_the_local_store(start_server, recording_to):
    server = start_server()
    config = client("http://127.0.0.1:9")
    left = Segment(config.data_folder / "spool" / Endpoint.parse(config.endpoint).folder, process="dead-1-x")
    left.append([made(1)])
    left.close()
    recording_to(server.url)
    with span("mine"):
        pass
    until(lambda: flush(5))
    assert names_of(server.store) == ["mine"]
    assert status("client/.slipway")["spool.pending"] == 1
    assert ship_folder(config.data_folder / "spool", lambda records: None) == 0


def test_t04_many_clients_of_a_server_with_little_room_lose_nothing(start_server):
    server = start_server(max_pending=300)
    asked = []

    def send(number):
        remote = Remote(client(server.url))
        waiting = [[made(one) for one in range(100)] for _ in range(10)]
        while waiting:
            try:
                remote.write(waiting[-1])
                waiting.pop()
            except Away as error:
                asked.append(error.retry_after_s)
                threading.Event().wait(0.05)
        remote.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert server.store.count(Span) == 4_000
    assert set(asked) <= {1.0}


def test_a_caller_never_waits_for_a_server_that_says_nothing(recording_to):
    silent = threading.Event()

    def say(request):
        silent.wait(300)
        return ok(request)

    with ExitStack() as leave:
        far = leave.enter_context(scripted(say))
        leave.callback(silent.set)
        tracer = recording_to(far.url)
        for number in range(200):
            with span(f"s{number}"):
                pass
        assert flush(0.5) is False
        until(lambda: status("client/.slipway")["spool.pending"] == 200)  # the copies are there long before an answer
        assert tracer.recorder.pending == 0
        silent.set()
        until(lambda: flush(5))


def test_a_forked_child_has_a_connection_of_its_own(start_server, recording_to):
    server = start_server()
    recording_to(server.url)
    with span("before"):
        pass
    until(lambda: flush(5))

    def record_there():
        with span("child"):
            pass
        return until(lambda: flush(5))

    child = forked(record_there)
    with span("parent"):
        pass
    assert code_of(child) == 0
    until(lambda: flush(5))
    assert sorted(names_of(server.store)) == ["before", "child", "parent"]


# -- where


@pytest.mark.parametrize(
    "url",
    ["localhost:4318", "ftp://host", "http://", "http://user:secret@host", "http://host?key=secret", "http://ho st",
     "http://host:port", "http://host/a b", "http://host:99999"],
)  # fmt: skip
def test_an_endpoint_that_is_none_is_refused_at_the_start_without_repeating_its_secrets(url):
    with pytest.raises(ConfigError) as refused:
        init(config=client(url), environment=False)
    assert "secret" not in str(refused.value).replace("?key=secret", "")
    assert slot.tracer is None


def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(monkeypatch):
    monkeypatch.setenv("SLIPWAY_API_KEY", "slw_secret\r\nX-Evil: 1")
    with pytest.raises(ConfigError) as refused:
        init(config=client("http://127.0.0.1:9"), environment=False)
    assert "secret" not in str(refused.value)


def test_proxies_are_for_other_machines_only(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with scripted(ok) as proxy, scripted(ok) as far:
        monkeypatch.setenv("http_proxy", proxy.url)
        for url in (far.url + "/prefix", "http://slipway.example/prefix"):
            remote = Remote(client(url))
            assert remote.write([made(1)]) == 1
            remote.close()
        monkeypatch.setenv("no_proxy", "127.0.0.1,slipway.example")
        remote = Remote(client("http://slipway.example"))
        with pytest.raises(Away):
            remote.write([made(2)])
        remote.close()
    assert [request.path for request in far.requests] == ["/prefix/v1/traces"]
    assert [request.path for request in proxy.requests] == ["http://slipway.example:4318/prefix/v1/traces"]


def test_a_server_with_a_certificate_of_its_own_is_trusted_only_when_told(tmp_path, monkeypatch):
    import ssl

    certificate, secret = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", secret, "-out", certificate]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    with scripted(ok, context) as far:
        url = far.url.replace("http://127.0.0.1", "https://localhost")
        remote = Remote(client(url))
        with pytest.raises(Away, match="certificate"):
            remote.write([made(1)])
        remote.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        remote = Remote(client(url))
        assert remote.write([made(1)]) == 1
        remote.close()
    assert far.requests[0].names == ["s1"]
