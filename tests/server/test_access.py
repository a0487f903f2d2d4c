"""Keys: how they are made, kept, sent, revoked; what a bind without them does."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from server import web
from slipway.config import Server
from slipway.data.access import ApiKey, KeyUse, Member
from slipway.errors import ConfigError, DataError, NotFound
from slipway.server.access import is_loopback, refuse_open_bind
from slipway.server.keys import FORM, FRESH_S, NOTED_S, Keys, issue, revoke
from slipway.store import open_store

PROJECTS = "/api/v1/projects"


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/keys/slipway.db")
    yield store
    store.close()


def made(store, role="admin", projects=("*",), member="ada", **more):
    return issue(store, member=member, role=role, projects=projects, **more)


def get(served, key=None, path=PROJECTS, **headers):
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return web.get(served.url + path, headers=headers)


def test_on_loopback_without_keys_nobody_is_asked(anywhere):
    assert get(anywhere).status_code == 200
    assert get(anywhere).json()["projects"] == [{"name": "default", "role": "admin", "created_ns": None, "note": ""}]


def test_a_key_does_what_it_is_for_and_its_absence_is_a_401(anywhere):
    _, admin = made(anywhere.store)
    anywhere.state.keys.forget()
    refused = get(anywhere)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert "slipway key create" in refused.json()["error"]["mend"]
    assert get(anywhere, admin).status_code == 200
    assert anywhere.state.counts["refused: no key"] == 1


@pytest.mark.parametrize("header", ["Authorization: Bearer {}", "authorization: bearer {}", "x-api-key: {}"])
@pytest.mark.parametrize("twice", [False, True])
def test_the_headers_that_exporters_can_send(start, header, twice):
    served = start(auth="auto")
    _, key = made(served.store)
    served.state.keys.forget()
    name, value = header.format(key).split(": ")
    headers = [(name, value)] + [("x-api-key", key)] * twice
    assert web.get(served.url + PROJECTS, headers=headers).status_code == 200
    other = [(name, value), ("x-api-key", f"slw_{'0' * 16}_{'0' * 64}")]
    assert web.get(served.url + PROJECTS, headers=other).status_code == 401


WRONG = """changeme sk-1234 admin password test slw_ slw_changeme slw_0000000000000000_{zeros} ' '-- 1'OR'1'='1
    ";DROP/**/TABLE/**/api_keys;-- %00 ../../etc/passwd null None * admin'/* Bearer"""


@pytest.mark.parametrize("wrong", WRONG.split())
def test_t45_well_known_keys_and_t46_sql_are_refused_like_any_other_wrong_key(locked, wrong):
    for headers in ({"Authorization": f"Bearer {wrong}"}, {"x-api-key": wrong}, {"Authorization": wrong}):
        headers = {name: value.format(zeros="0" * 64) for name, value in headers.items()}
        answer = web.get(locked.url + PROJECTS, headers=headers)
        assert (answer.status_code, "sqlite" in answer.text) == (401, False)
    assert get(locked, locked.key).status_code == 200


@pytest.fixture
def locked(start):
    """A server that asks for keys, with one for every purpose."""
    served = start()
    _, key = made(served.store)
    served.state.keys.forget()
    return SimpleNamespace(url=served.url, store=served.store, key=key)


def test_a_key_is_256_bits_kept_as_a_hash_and_never_in_the_files(tmp_path):
    url = f"sqlite:///{tmp_path}/there/slipway.db"
    store = open_store(url)
    key, text = made(store)
    assert FORM.fullmatch(text)
    assert (len(text.split("_")[2]) * 4, text.split("_")[1]) == (256, key.id)
    assert made(store)[1] != text
    store.close()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "there").rglob("*") if path.is_file())
    assert key.digest.encode() in kept
    assert text.split("_")[2].encode() not in kept


def test_t57_a_key_is_in_no_log_and_no_answer(locked, caplog):
    with caplog.at_level(logging.DEBUG):
        answers = [get(locked, locked.key, path).text for path in (PROJECTS, "/api/v1/keys", "/api/v1/members", "/no")]
        answers.append(get(locked, locked.key[:-1] + "x").text)
    secret = locked.key.split("_")[2][:32]
    assert secret not in "".join(answers)
    assert secret not in caplog.text


def test_t57_a_key_in_the_address_is_refused(locked):
    for address in (f"{PROJECTS}?api_key={locked.key}", f"/x/{locked.key}/y", f"{PROJECTS}?a=b&token={locked.key}"):
        answer = get(locked, locked.key, address)
        assert (answer.status_code, "revoke" in answer.json()["error"]["mend"]) == (400, True)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_t57_a_key_that_another_process_revokes_fails_within_a_second(kind, start, request):
    url = request.getfixturevalue("new_database")() if kind == "postgresql" else ""
    served = start(store=url)
    made(served.store)
    key, text = made(served.store)
    served.state.keys.forget()
    assert get(served, text).status_code == 200
    store = ["--store", served.state.config.store_url]
    done = subprocess.run(
        [sys.executable, "-m", "slipway.cli", "key", "revoke", key.id, *store],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # The promise is about the age of what the server remembers, which test_what_is_remembered holds; here: it does end.
    until = time.monotonic() + 60
    while get(served, text).status_code == 200:
        assert time.monotonic() < until
    assert get(served, text).status_code == 401


def test_what_is_remembered_is_younger_than_a_second(store):
    now = [100.0]
    keys = Keys(store, tick=lambda: now[0])
    key, text = made(store)
    assert keys.identity(text).name == "ada"
    revoke(store, key.id)
    now[0] += FRESH_S - 0.01
    assert keys.identity(text) is not None
    now[0] += 0.02
    assert keys.identity(text) is None
    assert FRESH_S < 1


def test_an_expired_key_and_one_of_a_removed_member_fail(store):
    now = [1_000]
    keys = Keys(store, clock=lambda: now[0])
    _, text = made(store, expires_ns=2_000, clock=lambda: 1_000)
    assert keys.identity(text) is not None
    keys.forget()
    now[0] = 2_000
    assert keys.identity(text) is None
    _, other = made(store, member="bob")
    store.write([Member("bob", 5, {}, removed_ns=6)])
    assert keys.identity(other) is None


def test_a_key_allows_no_more_than_its_member_may(store):
    keys = Keys(store)
    _, text = made(store, "writer", ("shop", "bank"))
    store.write([Member("ada", 5, {"shop": "viewer", "other": "admin"})])
    assert dict(keys.identity(text).projects) == {"shop": "viewer"}


def test_last_use_is_written_at_most_once_a_minute_and_revokes_nothing_back(store):
    now = [100.0]
    keys = Keys(store, clock=lambda: int(now[0] * 1e9), tick=lambda: now[0])
    key, _ = made(store)
    keys.note_use(key.id)
    now[0] += 30
    revoke(store, key.id)
    keys.note_use(key.id)
    assert [use.used_ns for use in store.find(KeyUse)] == [100_000_000_000]
    now[0] += NOTED_S
    keys.note_use(key.id)
    keys.note_use(key.id)
    made(store)  # commits are in order
    assert [use.used_ns for use in store.find(KeyUse)] == [190_000_000_000]
    assert store.get(ApiKey, key.id).revoked_ns is not None


def test_t45_a_public_bind_needs_an_admin_key(store):
    keys = Keys(store)
    refuse_open_bind(Server(), keys)
    for server in (Server(host="0.0.0.0"), Server(host="192.0.2.1"), Server(host="::"), Server(auth="required")):
        with pytest.raises(ConfigError, match=r"slipway key create --role admin"):
            refuse_open_bind(server, keys)
    made(store, "writer")
    keys.forget()
    with pytest.raises(ConfigError):
        refuse_open_bind(Server(host="0.0.0.0"), keys)
    made(store)
    keys.forget()
    refuse_open_bind(Server(host="0.0.0.0"), keys)
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "127.9.9.9")] == [True] * 4
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "localhost.evil.example", "127.0.0.1.x"))


@pytest.mark.parametrize(
    "settings", [{"auth": "none"}, {"origins": ("*",)}, {"origins": ("https://a.example/",)}, {"origins": ("null",)}]
)
def test_settings_that_would_let_anybody_in_are_refused(store, settings):
    with pytest.raises(ConfigError):
        refuse_open_bind(Server(**settings), Keys(store))


def test_t45_the_command_refuses_and_then_starts_once_there_is_a_key(tmp_path):
    slipway = [sys.executable, "-m", "slipway.cli"]
    data = ["--data", str(tmp_path / "data")]
    up = [*slipway, "up", "--host", "0.0.0.0", "--port", "0", *data]
    refused = subprocess.run(up, capture_output=True, text=True, check=False)
    assert (refused.returncode, "slipway key create --role admin" in refused.stderr) == (2, True)
    key = subprocess.run([*slipway, "key", "create", "--role", "admin", *data], capture_output=True, text=True)
    assert FORM.fullmatch(key.stdout.strip()), key.stderr
    process = subprocess.Popen([*up, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = ""
        while not said.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said += line
        port = json.loads(said)["url"].rsplit(":", 1)[1]
        url = f"http://127.0.0.1:{port}{PROJECTS}"
        assert web.get(url).status_code == 401
        assert web.get(url, headers={"Authorization": f"Bearer {key.stdout.strip()}"}).status_code == 200
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_once_there_was_an_admin_key_nothing_opens_again(start):
    served = start()
    key, text = made(served.store)
    revoke(served.store, key.id)
    served.state.keys.forget()
    assert get(served).status_code == 401
    assert get(served, text).status_code == 401


def test_a_key_of_one_project_needs_no_name_of_it_and_finds_no_other(anywhere):
    made(anywhere.store)
    _, text = made(anywhere.store, "viewer", ("shop",))
    anywhere.state.keys.forget()
    assert [shown["name"] for shown in get(anywhere, text).json()["projects"]] == ["shop"]
    assert get(anywhere, text, f"{PROJECTS}?project=default").status_code == 404
    assert get(anywhere, text, **{"x-slipway-project": "bank"}).status_code == 404


def test_keys_over_http(anywhere):
    _, admin = made(anywhere.store)
    anywhere.state.keys.forget()
    url, headers = f"{anywhere.url}/api/v1/keys", {"Authorization": f"Bearer {admin}"}
    wanted = {"member": "ci", "role": "writer", "projects": ["shop"], "scopes": ["ingest"], "note": "build"}
    answer = web.post(url, json=wanted, headers=headers)
    assert answer.status_code == 201
    text, shown = answer.json()["key"], answer.json()["shown"]
    assert {name: shown[name] for name in wanted} == wanted
    assert get(anywhere, text).status_code == 403  # it may send, and not read
    listed = web.get(url, headers=headers).json()["keys"]
    assert [key["member"] for key in listed] == ["ada", "ci"]
    assert web.delete(f"{url}/{shown['id']}", headers=headers).json()["revoked_ns"] > 0
    assert get(anywhere, text).status_code == 401  # at once, in the server that was asked
    assert web.delete(f"{url}/{'0' * 16}", headers=headers).status_code == 404


def test_an_admin_of_a_project_manages_that_project_only(anywhere):
    everywhere, _ = made(anywhere.store)
    _, text = made(anywhere.store, "admin", ("shop",), member="bob")
    anywhere.state.keys.forget()
    url, headers = f"{anywhere.url}/api/v1", {"Authorization": f"Bearer {text}"}
    assert [key["member"] for key in web.get(f"{url}/keys", headers=headers).json()["keys"]] == ["bob"]
    for projects in (["bank"], ["*"], ["shop", "bank"]):
        wanted = {"member": "eve", "role": "viewer", "projects": projects}
        assert web.post(f"{url}/keys", json=wanted, headers=headers).status_code == 403
        roles = dict.fromkeys(projects, "admin")
        assert web.put(f"{url}/members/bob", json={"roles": roles}, headers=headers).status_code == 403
    assert web.delete(f"{url}/keys/{everywhere.id}", headers=headers).status_code == 404
    assert web.delete(f"{url}/members/ada", headers=headers).status_code == 404
    assert web.post(f"{url}/projects", json={"name": "bank"}, headers=headers).status_code == 403
    assert web.post(f"{url}/projects", json={"name": "shop"}, headers=headers).status_code == 201
    for wanted in ({"member": "eve", "role": "viewer"}, {"member": "eve", "role": "writer", "scopes": ["feedback"]}):
        assert web.post(f"{url}/keys", json=wanted, headers=headers).json()["shown"]["projects"] == ["shop"]


def test_a_key_with_few_scopes_makes_no_key_with_more(anywhere):
    _, text = made(anywhere.store, scopes=["admin", "read"])
    anywhere.state.keys.forget()
    url, headers = f"{anywhere.url}/api/v1/keys", {"Authorization": f"Bearer {text}"}
    assert web.post(url, json={"member": "eve", "role": "admin"}, headers=headers).status_code == 403
    assert web.post(url, json={"member": "eve", "role": "viewer"}, headers=headers).status_code == 201


def test_roles_of_members_over_http(anywhere):
    _, admin = made(anywhere.store)
    _, text = made(anywhere.store, "writer", ("shop",), member="bob")
    anywhere.state.keys.forget()
    url, headers = f"{anywhere.url}/api/v1/members", {"Authorization": f"Bearer {admin}"}
    assert web.put(f"{url}/bob", json={"roles": {"shop": None}}, headers=headers).json()["roles"] == {}
    assert get(anywhere, text, f"{PROJECTS}?project=shop").status_code == 404
    put = web.put(f"{url}/bob", json={"roles": {"shop": "viewer"}}, headers=headers)
    assert put.json()["roles"] == {"shop": "viewer"}
    assert get(anywhere, text).status_code == 200
    assert {member["name"]: member["keys"] for member in web.get(url, headers=headers).json()["members"]} == {
        "ada": 1,
        "bob": 1,
    }
    assert web.put(f"{url}/bob", json={"roles": {"shop": "king"}}, headers=headers).status_code == 404
    assert web.delete(f"{url}/bob", headers=headers).status_code == 200
    assert get(anywhere, text).status_code == 401
    made(anywhere.store, "writer", ("shop",), member="bob")  # somebody of the same name is somebody else
    anywhere.state.keys.forget()
    assert get(anywhere, text).status_code == 401


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"role": "king"}, "no role"),
        ({"role": "viewer", "scopes": ["ingest"]}, "no scope"),
        ({"scopes": ["everything"]}, "no scope"),
        ({"projects": ()}, "needs a project"),
        ({"projects": ("a*",)}, "cannot be a project"),
        ({"projects": ("a\nb",)}, "cannot be a project"),
        ({"member": ""}, "cannot be a member"),
        ({"expires_ns": 5}, "expired already"),
    ],
)
def test_keys_that_make_no_sense(store, wanted, says):
    with pytest.raises((DataError, NotFound), match=says):
        made(store, **wanted)
    assert store.count(ApiKey) == store.count(Member) == 0
    with pytest.raises(NotFound):
        revoke(store, "nobody")


def test_t61_the_files_with_keys_are_for_their_owner_only(tmp_path):
    open_store(f"sqlite:///{tmp_path}/private/slipway.db").close()
    assert (tmp_path / "private").stat().st_mode & 0o077 == 0
    for path in (tmp_path / "private").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert sqlite3.connect(tmp_path / "private/slipway.db").execute("SELECT count(*) FROM api_keys").fetchone() == (0,)
