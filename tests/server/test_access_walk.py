"""Every route there is, with every method: without a key, with a key of another project, with too small a role, and none of
them starts a process or connects anywhere. Routes come from `all_routes`, so that nobody has to think of this who adds one."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from server import web
from server.otlp import PROTOBUF, batch, span
from server.patience import PATIENCE_S, until
from server.walk import EVIL, METHODS, address, body, methods_of, queried
from slipway.data import (
    DatasetVersion,
    EvalRun,
    Event,
    Example,
    Feedback,
    LogRecord,
    Look,
    MetricPoint,
    Prompt,
    Sample,
    Score,
    Span,
    Variant,
    Verdict,
    canonical_json,
)
from slipway.data.access import ApiKey, Member, Project
from slipway.server.deriving import derive
from slipway.server.keys import issue, scopes_of
from slipway.server.routing import all_routes
from slipway.store import open_store
from slipway.store.derived import Builder, Derived

ROUTES = all_routes()
GUARDED = [found for found in ROUTES if found.needs is not None]
OPEN = {found.path for found in ROUTES if found.needs is None}
MARK, NAME = "what-only-project-a-may-see", "name-in-a"
TRACE, SPAN = "a1" * 16, "a2" * 8
IDS = [
    TRACE,
    SPAN,
    NAME,
    "f" * 16,
    "ann",
    *(f"{kind}-of-a" for kind in ["run", "dataset", "prompt", "variant", "feedback", "log"]),
]
IDS += [f"{kind}-of-a" for kind in ("verdict", "suite", "session", "user", "example")]


RIGHT = {"trace_id": TRACE, "span_id": SPAN, "key_id": "f" * 16} | {
    f"{kind}_id": f"{kind}-of-a" for kind in ("run", "dataset", "feedback", "session")
}
"""What the parts of paths are called in project a."""
NAMED = {"/api/v1/members/{name}": "ann", "/api/v1/prompts/{name:path}": NAME}
ASKED = {
    "/api/v1/compare": {"a": "run-of-a", "b": "other-run-of-a"},
    "/api/v1/summary": {"from": 0, "to": 2**62, "by": "name"},
    "/api/v1/exports/traces": {"filter": f"name = {NAME!r}"},
    "/api/v1/feedback": {"trace_id": TRACE},
    "/api/v1/metrics/values": {"run": "run-of-a", "name": NAME},
}
"""Query parameters without which a route shows nothing of the records below."""
SILENT = {"/metrics", "/api/v1/events"}  # counts of the whole server; what is new, which has tests of its own


def records(key_id, rows_blob="0" * 64):
    """One of each kind, in project a."""
    at, attributes = 1_790_000_000_000_000_000, {"note": MARK, "session.id": "session-of-a", "user.id": "user-of-a"}
    return [
        Span(
            trace_id=TRACE, span_id=SPAN, name=NAME, started_ns=at, duration_ns=5, input=MARK, output=MARK,
            attributes=attributes, events=(Event(MARK, at, {}),), session_id="session-of-a", project="a",
        ),
        Feedback("feedback-of-a", TRACE, NAME, MARK, at, comment=MARK, project="a"),
        LogRecord("log-of-a", at, MARK, trace_id=TRACE, span_id=SPAN, project="a"),
        Variant(NAME, {"note": MARK}, project="a", id="variant-of-a"),
        DatasetVersion("dataset-of-a", NAME, 1, rows_blob, at, source=MARK, project="a"),
        *(
            EvalRun(
                run, NAME, "variant-of-a", NAME, "dataset-of-a", at, suite="suite-of-a", task=MARK, project="a",
                status="finished", ended_ns=at + 1, planned=1, summary={"metric": "exact"},
            )
            for run in ("run-of-a", "other-run-of-a")
        ),
        *(
            Sample(run, "example-of-a", output=MARK, scores=(Score("exact", 1.0, MARK),), trace_id=TRACE)
            for run in ("run-of-a", "other-run-of-a")
        ),
        Verdict("verdict-of-a", "run-of-a", "run-of-a", MARK, "better", at, result={"note": MARK}),
        Prompt("prompt-of-a", NAME, 1, MARK, at, project="a"),
        Look("suite-of-a", 1, MARK, at, "variant-of-a", MARK, {"note": MARK}, project="a"),
        MetricPoint("run-of-a", NAME, 0.5, 1, at, project="a"),
        Project("a", at, MARK),
        Member("ann", at, {"a": "admin"}),
        ApiKey(key_id, "0" * 64, "ann", "admin", at, ("a",), scopes_of("admin"), note=MARK),
    ]  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def walked(request, tmp_path, start):
    """A server with a project full of records, derived from too, and the keys of others."""
    here = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/walked/slipway.db" if here else request.getfixturevalue("new_database")()
    store = open_store(url)
    rows = store.put_blob(canonical_json(Example("example-of-a", MARK, MARK)) + b"\n")
    store.write(records("f" * 16, rows))
    keys = {role: issue(store, member=role, role=role, projects=("b",))[1] for role in ("viewer", "writer", "admin")}
    keys["of a"] = issue(store, member="ann", role="admin", projects=("a",))[1]
    keys["feedback"] = issue(store, member="page", role="writer", projects=("b",), scopes=("feedback",))[1]
    Builder(Derived(store), derive).catch_up()
    store.close()
    served = start(store=url)
    with web.client(served.url) as client:
        yield client, keys


def asked(client, method, path, *, key=None, content=b"", **more):
    """(status, the answer's text; nothing of one that goes on for ever)."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    with client.stream(method, path, headers=headers, content=content, **more) as answer:
        endless = answer.headers.get("content-type", "").startswith("text/event-stream")
        return answer.status_code, "" if endless else answer.read().decode(errors="replace")


def test_t41_without_a_key_every_route_says_401(walked):
    client, _ = walked
    assert GUARDED
    for path in {found.path for found in GUARDED}:
        here = [found for found in ROUTES if found.path == path]
        reached = set().union(*map(methods_of, here))
        for method in METHODS:
            status, said = asked(client, method, address(here[0]), content=b"{}")
            assert status == (401 if method in reached else 405), (method, path, status)
            assert MARK not in said


def test_t41_what_is_open_to_everybody_shows_nothing(walked):
    client, _ = walked
    for path in OPEN:
        for method in METHODS:
            status, said = asked(client, method, path)
            assert status in ((200,) if method in ("GET", "HEAD") else (405,)), (method, path, status)
            assert MARK not in said


def test_t42_a_key_of_another_project_finds_no_project_a(walked):
    client, keys = walked
    for found in GUARDED:
        for method in methods_of(found):
            path = address(found, TRACE)
            for more in ({"params": {"project": "a"}}, {"params": {**queried(found), "project": "a"}}):
                status, said = asked(client, method, path, key=keys["admin"], content=body(found), **more)
                assert (status, MARK in said) == (404, False), (method, found.path, status)


def test_t42_no_id_of_another_project_is_found(walked):
    client, keys = walked
    for found in GUARDED:
        for identity in IDS if found.parts else [""]:
            for params in ({}, queried(found, identity or TRACE)):
                path, content = address(found, identity), body(found, identity or TRACE)
                status, said = asked(client, found.method, path, key=keys["admin"], content=content, params=params)
                assert status < 500, (found.method, path, status, said)
                assert not any(word in said for word in {MARK, NAME} - {identity}), (found.method, path, params)
                if found.method != "GET" and found.parts:
                    assert status >= 400, (found.method, path, status)


def test_t42_the_project_itself_finds_them(walked):
    """Otherwise the walk above would find nothing however wrong the routes were."""
    client, keys = walked
    reading = [found for found in GUARDED if found.method == "GET" and found.path not in SILENT]
    removing = [found for found in GUARDED if found.method == "DELETE"]
    assert len(reading) > 25
    for found in [*reading, *removing]:
        path = found.path
        for part in found.parts:
            right = NAMED[found.path] if part == "name" else RIGHT[part]
            path = path.replace(f"{{{part}}}", right).replace(f"{{{part}:path}}", right)
        status, said = asked(client, found.method, path, key=keys["of a"], params=ASKED.get(found.path, {}))
        assert status == 200, (found.method, path, said)
        words = {MARK, NAME, *RIGHT.values(), *NAMED.values()} - set(path.split("/"))
        assert any(word in said for word in words) or found.method == "DELETE", (found.method, path, said)


@pytest.mark.parametrize(
    ("key", "allowed"),
    [("viewer", {"viewer"}), ("writer", {"viewer", "writer"}), ("feedback", set())],
)
def test_t41_too_small_a_role_is_a_403(walked, key, allowed):
    client, keys = walked
    for found in GUARDED:
        if found.needs in allowed or (key == "feedback" and found.scope == "feedback"):
            continue
        for method in methods_of(found):
            status, said = asked(client, method, address(found), key=keys[key], content=body(found))
            assert status == 403, (method, found.path, status, said)


class Ear:
    """Hears what the interpreter is asked to do, by any thread but those that it was told not to mind: what another test left
    running is no doing of the server. An audit hook cannot be taken out again."""

    STARTS = frozenset(
        ["subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn"]
    )
    CONNECTS = frozenset(
        ["socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"]
    )

    def __init__(self):
        self.events, self.heard, self.lock, self.others = frozenset(), [], threading.Lock(), frozenset()
        sys.addaudithook(self.hear)

    def hear(self, event, arguments):
        if event in self.events and threading.get_ident() not in self.others:
            with self.lock:
                self.heard.append((event, str(arguments)[:200]))

    @contextmanager
    def on(self, events, others=frozenset()):
        """What was heard meanwhile."""
        self.heard, self.others, self.events = [], others, events
        try:
            yield self.heard
        finally:
            self.events = frozenset()


EAR = Ear()


@pytest.fixture
def before():
    """The threads that were there before the server."""
    return frozenset(thread.ident for thread in threading.enumerate())


def everywhere(client, key, text):
    """Ask every route, with ``text`` in the path, the parameters and the body."""
    for found in ROUTES:
        for fill in {"0" * 32, quote(text, safe="")}:
            path = address(found, fill)
            content, params = body(found, text), queried(found, text)
            status, _ = asked(client, found.method, path, key=key, content=content, params=params)
            assert status < 500, (found.method, path, status)


@pytest.mark.parametrize("text", [EVIL, "$(id)", ";id;", "|id"])
def test_t52_no_route_starts_a_process(before, walked, text):
    client, keys = walked
    with EAR.on(Ear.STARTS, before) as heard:
        everywhere(client, keys["admin"], text)
    assert heard == []


INSIDE = (
    "http://169.254.169.254/latest/meta-data",
    "http://2130706433:9/",
    "http://[::1]:9/",
    "https://rebinding.example/",
)


@pytest.mark.parametrize("address", INSIDE)
def test_t49_no_route_connects_anywhere(before, walked, address):
    client, keys = walked
    with EAR.on(Ear.CONNECTS, before) as heard:
        everywhere(client, keys["admin"], address)
    assert heard == []


@pytest.mark.parametrize("address", INSIDE)
def test_t47_what_a_client_names_in_a_span_is_never_asked(before, served, address):
    """Base URLs, images and headers of the traced program are kept and shown, and nobody goes there."""
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": address}}]}]
    named = ("api_base", "base_url", "llm.api_base", "extra_headers", "url.full", "server.address", "organization")
    attributes = {"gen_ai.input.messages": json.dumps(image), **dict.fromkeys(named, address)}
    with EAR.on(Ear.CONNECTS, before) as heard, web.client(served.url) as client:
        sent = client.post("/v1/traces", content=batch(span(1, attributes=attributes)), headers=PROTOBUF)
        assert sent.status_code == 200
        shown = until(lambda: [found["trace_id"] for found in client.get("/api/v1/traces").json()["traces"]])
        for path in ("", f"/spans/{1:016x}", f"/spans/{1:016x}/payload?which=input"):
            answer = client.get(f"/api/v1/traces/{shown[0]}{path}")
            assert answer.status_code == 200
        assert address in answer.text
    assert heard == []


def test_the_ear_hears():
    import socket
    import subprocess

    with EAR.on(Ear.STARTS) as heard:
        subprocess.run(["true"], check=True)
    assert any(event == "subprocess.Popen" for event, _ in heard)
    with EAR.on(Ear.CONNECTS) as heard, socket.socket() as one, pytest.raises(OSError):
        one.connect(("127.0.0.1", 0))
    assert [event for event, _ in heard] == ["socket.connect"]


PATHS = """/../etc/passwd /%2e%2e/etc/passwd /%252e%252e/etc/passwd //etc/passwd /..%5c..%5cetc%5cpasswd /feedback.js%00
    /feedback.js/../keys.py /feedback.js/.. /%2ffeedback.js /static/../keys.py /feedback%2ejs/x /./../feedback.py"""


@pytest.mark.parametrize("path", PATHS.split())
def test_t50_no_path_leads_out(served, path):
    host, port = served.url.removeprefix("http://").split(":")
    import http.client

    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
    connection.putrequest("GET", path)
    connection.endheaders()
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    assert answer.status in (400, 404), path
    assert b"root:" not in said
    assert b"import" not in said
