"""Weights are fetched whole and checked, or not at all: against a real server on loopback that misbehaves on purpose."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading

import pytest

from models.tiny_gguf import write_lora, write_random
from models.weights_server import Weights
from slipway.data import Request
from slipway.errors import ConfigError, DataError, InfrastructureError, ModelError, NotFound, UsageError
from slipway.models import open_model
from slipway.models.fetch import Fetch
from slipway.models.pull import NEEDED, OPTIONAL, Puller
from slipway.models.weights import Library, fingerprint


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> bytes:
    return write_random(tmp_path_factory.mktemp("weights") / "m.gguf").read_bytes()


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> bytes:
    """As long as ``data``, and another model."""
    return write_random(tmp_path_factory.mktemp("weights") / "m.gguf", seed=9).read_bytes()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def library(tmp_path) -> Library:
    return Library(tmp_path / "models")


def puller(library: Library, server: Weights | None = None, **options) -> Puller:
    return Puller(library, hub=server.url if server else "", sleep=lambda _: None, **options)


def left_over(library: Library) -> list[str]:
    """What a pull left beside whole files and their records."""
    names = (path.name for path in library.folder.rglob("*"))
    return sorted(name for name in names if name.endswith((".part", ".part.json", ".new")))


def test_a_file_comes_whole_and_is_found_by_its_name(library, data):
    server = Weights({"/a/m.gguf": data})
    seen = []
    with server.running() as url:
        done = puller(library, progress=lambda _: lambda at, total: seen.append((at, total))).pull(f"{url}/a/m.gguf")
        again = puller(library).pull(f"{url}/a/m.gguf")
    assert (done.name, done.sha256, done.verified, done.fresh) == ("m.gguf", {"m.gguf": sha(data)}, False, True)
    assert done.path.read_bytes() == data
    assert (again.fresh, len(server.asked)) == (False, 2)  # the .sha256 that is not there, the file; nothing again
    assert seen[0] == (0, len(data))
    assert seen[-1] == (len(data), len(data))
    assert left_over(library) == []
    assert [library.find(name).path for name in ("m.gguf", "m")] == [done.path] * 2
    assert library.folder.stat().st_mode & 0o777 == 0o700
    assert done.path.stat().st_mode & 0o077 == 0


def test_what_breaks_off_goes_on_where_it_stopped(library, data):
    server = Weights({"/m.gguf": data}, cuts=[100_000, 50_000, 0])
    with server.running() as url:
        done = puller(library).pull(f"{url}/m.gguf", sha256=sha(data))
    assert done.verified
    assert done.path.read_bytes() == data
    assert [asked[1] for asked in server.asked] == ["", "bytes=100000-", "bytes=150000-", "bytes=150000-"]
    assert {asked[2] for asked in server.asked[1:]} == {server.etag_of(data)}


def test_a_later_pull_goes_on_where_an_earlier_one_gave_up(library, data):
    server = Weights({"/m.gguf": data}, cuts=[200_000] + [0] * 3)
    with server.running() as url:
        with pytest.raises(ModelError, match="what came is kept") as caught:
            puller(library, retries=2).pull(f"{url}/m.gguf", sha256=sha(data))
        assert caught.value.exit_code == 3
        assert library.all() == []  # half a file is no model
        puller(library).pull(f"{url}/m.gguf", sha256=sha(data))
    assert server.asked[-1][1] == "bytes=200000-"
    assert library.find("m").path.read_bytes() == data


def test_a_file_that_was_whole_but_not_yet_named_is_not_fetched_again(library, data):
    server = Weights({"/m.gguf": data})
    with server.running() as url:
        place = library.place("m.gguf")
        part = place.with_name(".m.gguf.part")
        Fetch(f"{url}/m.gguf", part, {}, lambda *_: None, lambda _: None).run()
        assert part.read_bytes() == data
        puller(library).pull(f"{url}/m.gguf", sha256=sha(data))
    assert [asked[1] for asked in server.asked] == ["", f"bytes={len(data)}-"]
    assert place.read_bytes() == data


@pytest.mark.parametrize("lies", [False, True], ids=["honest", "ignores If-Range"])
def test_a_file_that_changes_on_the_way_is_begun_again(library, data, other, lies):
    """No file is made of two halves; not even where the server goes on with the new one as if it were the old."""
    server = Weights({"/m.gguf": data}, cuts=[100_000], checks_if_range=not lies, before={1: ("/m.gguf", other)})
    with server.running() as url:
        done = puller(library).pull(f"{url}/m.gguf", sha256=sha(other))
    assert done.path.read_bytes() == other


def test_a_server_without_ranges_sends_it_all_again(library, data):
    server = Weights({"/m.gguf": data}, cuts=[100_000, 200_000], ranges=False)
    with server.running() as url:
        assert puller(library).pull(f"{url}/m.gguf", sha256=sha(data)).path.read_bytes() == data


def test_without_a_validator_nothing_is_resumed(library, data):
    server = Weights({"/m.gguf": data}, cuts=[100_000], etag=False)
    with server.running() as url:
        assert puller(library).pull(f"{url}/m.gguf", sha256=sha(data)).path.read_bytes() == data
    assert [asked[1] for asked in server.asked] == ["", ""]


def test_a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not(library, data):
    server = Weights({"/m.gguf": data}, fails=[503, 429])
    with server.running() as url:
        puller(library).pull(f"{url}/m.gguf", sha256=sha(data))
        asked = len(server.asked)
        server.fails = [403]
        with pytest.raises(ModelError, match="answered 403") as caught:
            puller(library).pull(f"{url}/m.gguf", force=True, sha256=sha(data))
        assert (caught.value.status, len(server.asked)) == (403, asked + 1)
        with pytest.raises(ModelError, match="answered 404; check the name"):
            puller(library).pull(f"{url}/none.gguf")
    with pytest.raises(ModelError, match="cannot be reached"):
        puller(library, retries=1).pull(f"{url}/m.gguf", force=True, sha256=sha(data))


@pytest.mark.parametrize("how", ["given", "beside", "hub"])
def test_a_wrong_sum_throws_the_file_away(library, data, other, how):
    path = "/o/r/resolve/main/m.gguf" if how == "hub" else "/m.gguf"
    server = Weights({path: data})
    if how == "beside":
        server.files["/m.gguf.sha256"] = f"{sha(other)}  m.gguf\n{sha(data)}  n.gguf\n".encode()
    with server.running() as url:
        if how == "hub":
            server.moved = {path: "/cdn"}
            server.files["/cdn"] = data
            server.linked = {path: sha(other)}
        source = "o/r/m.gguf" if how == "hub" else f"{url}/m.gguf"
        with pytest.raises(ModelError, match=f"{sha(data)}, not {sha(other)}"):
            puller(library, server if how == "hub" else None).pull(source, sha256=sha(other) if how == "given" else "")
        assert library.all() == []
        assert left_over(library) == []
        if how == "beside":
            server.files["/m.gguf.sha256"] = sha(data).upper().encode()
        server.linked = {path: sha(data)}
        right = puller(library, server if how == "hub" else None).pull(
            source, sha256=sha(data) if how == "given" else ""
        )
        assert right.verified


def test_a_hub_leads_elsewhere_and_its_key_stays_at_home(library, data):
    store = Weights({"/blob": data})
    hub = Weights({})
    with store.running() as elsewhere, hub.running():
        path = "/o/r/resolve/v1.0/sub/m.gguf"
        hub.moved = {path: f"{elsewhere}/blob"}
        hub.linked = {path: sha(data)}
        done = puller(library, hub, token="secret", revision="v1.0").pull("o/r/sub/m.gguf")
    assert done.name == "o/r/sub/m.gguf"
    assert done.verified
    assert (hub.keys, store.keys) == (["Bearer secret"], [""])
    assert library.find("m").name == "o/r/sub/m.gguf"
    hub = Weights({}, moved={"/m.gguf": "/m.gguf"})
    with hub.running() as url, pytest.raises(ModelError, match="on and on"):
        puller(library).pull(f"{url}/m.gguf", sha256=sha(data))


def test_what_is_no_model_is_thrown_away(library, data):
    server = Weights({"/m.gguf": b"<html>sign in</html>", "/half.gguf": data[:-1000]}, length=False)
    with server.running() as url:
        for name in ("m", "half"):
            with pytest.raises(DataError, match="is no model"):
                puller(library).pull(f"{url}/{name}.gguf")
    assert library.all() == []
    assert left_over(library) == []


def test_sources_that_are_refused_before_anything_is_asked(library):
    for source, options, says in [
        ("https://host/model.bin", {}, "can run code"),
        ("https://host/pytorch_model.pt", {}, "can run code"),
        ("file:///etc/passwd", {}, "no source of weights"),
        ("ftp://host/m.gguf", {}, "no source of weights"),
        ("m.gguf", {}, "no source of weights"),
        ("../../etc/m.gguf", {}, "no source of weights"),
        ("o/../r/m.gguf", {}, "no source of weights"),
        ("http://127.0.0.1:9/m.gguf", {"sha256": "abc"}, "is no SHA-256"),
        ("http://127.0.0.1:9/m.gguf", {"name": "../m.gguf"}, "no name for weights"),
        ("http://127.0.0.1:9/m.gguf", {"name": "/etc/m.gguf"}, "no name for weights"),
        ("http://127.0.0.1:9/%2e%2e%2fm.gguf", {"name": "a//b"}, "no name for weights"),
        ("http://127.0.0.1:9/.hidden.gguf", {}, "no name for weights"),
        ("https://models.example/m.gguf", {}, "remote model calls are forbidden"),
    ]:
        with pytest.raises(UsageError, match=says):
            puller(library).pull(source, **options)


def test_over_plain_http_a_sum_is_needed(library, monkeypatch):
    monkeypatch.delenv("SLIPWAY_FORBID_REMOTE")
    for variable in ("http_proxy", "HTTP_PROXY"):  # nothing leaves this machine: the name cannot be resolved
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with pytest.raises(ModelError, match="cannot be"):
        puller(library, retries=0).pull("http://models.invalid/m.gguf")
    hub = Puller(library, hub="http://models.invalid", sleep=lambda _: None)
    with pytest.raises(UsageError, match="over plain http"):
        hub.pull("o/r/m.gguf")


def test_a_whisper_folder_comes_with_its_files_and_without_pickles(library):
    files = {f"/w/{name}": name.encode() * 3 for name in (*NEEDED, *OPTIONAL[:2])}
    server = Weights({**files, "/w/pytorch_model.bin": b"never asked for"})
    with server.running() as url:
        done = puller(library).pull(f"{url}/w/")
        assert (done.name, sorted(done.sha256)) == ("w", sorted([*NEEDED, *OPTIONAL[:2]]))
        (held,) = library.all()
        assert (held.kind, held.size) == ("whisper", sum(map(len, files.values())))
        assert "/w/pytorch_model.bin" not in [asked[0] for asked in server.asked]
        assert not puller(library).pull(f"{url}/w/").fresh
        server.files |= {"/p/config.json": b"{}", "/p/model.bin": b"\x80\x04\x95 a pickle"}
        with pytest.raises(DataError, match="no file of CTranslate2"):
            puller(library).pull(f"{url}/p/")
        assert [held.name for held in library.all()] == ["w"]
        with pytest.raises(UsageError, match="no single SHA-256"):
            puller(library).pull(f"{url}/w/", sha256="0" * 64)
    with pytest.raises(ConfigError, match="is a whisper model"):
        open_model_of(library, "w")


def open_model_of(library: Library, name: str):
    os.environ["SLIPWAY_MODELS"] = str(library.folder)
    try:
        return open_model(f"gguf:{name}?ctx=128&threads=1")
    finally:
        del os.environ["SLIPWAY_MODELS"]


def test_a_pulled_model_is_opened_by_its_name(library, data):
    server = Weights({"/o/r/resolve/main/m.gguf": data})
    with server.running():
        puller(library, server).pull("o/r/m.gguf")
    assert library.find("m").used_ns == 0
    model = open_model_of(library, "r/m")
    assert model.name.startswith("gguf/m@")

    async def go():
        reply = await model.complete(Request(prompt="hello", max_tokens=2))
        await model.close()
        return reply

    assert asyncio.run(go()).usage.output_tokens == 2
    assert library.find("m").used_ns > 0
    with pytest.raises(NotFound, match=r"did you mean 'o/r/m\.gguf'"):
        open_model_of(library, "o/r/n.gguf")


def test_a_name_that_may_be_two_is_asked_back(library, tmp_path):
    for name in ("a/m.gguf", "b/m.gguf"):
        write_lora(library.place(name))
    with pytest.raises(UsageError, match=r"'m' may be a/m.gguf, b/m.gguf"):
        library.find("m")
    assert library.find("b/m").name == "b/m.gguf"
    with pytest.raises(NotFound, match="slipway model pull"):
        Library(tmp_path / "none").find("m")


def test_two_pulls_of_one_file_ask_for_it_once(library, data):
    """The second waits for the first, whose answer is held back until it waits."""
    server = Weights({"/m.gguf": data})
    waiting, done = threading.Event(), []
    first_at = threading.Event()

    def hold(at, total):
        first_at.set()
        assert waiting.wait(60)

    with server.running() as url:
        first = puller(library, progress=lambda _: hold)
        second = puller(library, waiting=lambda _: waiting.set())
        threads = [threading.Thread(target=lambda: done.append(first.pull(f"{url}/m.gguf", sha256=sha(data))))]
        threads[0].start()
        assert first_at.wait(60)
        threads.append(threading.Thread(target=lambda: done.append(second.pull(f"{url}/m.gguf", sha256=sha(data)))))
        threads[1].start()
        for thread in threads:
            thread.join(60)
    assert sorted(each.fresh for each in done) == [False, True]
    assert len(server.asked) == 1


def test_a_disk_without_room_is_said_before_and_what_came_is_kept(small_disk, data, monkeypatch):
    disk = small_disk("1m")
    library = Library(disk / "models")
    server = Weights({"/m.gguf": data})
    with server.running() as url:
        with pytest.raises(InfrastructureError, match=r"bytes left and .* are to come"):
            puller(library).pull(f"{url}/m.gguf", sha256=sha(data))
        server.length = False  # nobody says how much is to come
        (disk / "filler").write_bytes(b"x" * 800_000)
        with pytest.raises(InfrastructureError, match=r"cannot be written: No space left"):
            puller(library).pull(f"{url}/m.gguf", sha256=sha(data))
    assert library.all() == []


def test_a_file_here_that_is_another_is_not_taken_for_it(library, data, other):
    server = Weights({"/m.gguf": data})
    with server.running() as url:
        puller(library).pull(f"{url}/m.gguf", sha256=sha(data))
        server.files["/m.gguf"] = other
        with pytest.raises(ModelError, match="--force"):
            puller(library).pull(f"{url}/m.gguf", sha256=sha(other))
        assert puller(library).pull(f"{url}/m.gguf", sha256=sha(other), force=True).path.read_bytes() == other


def test_a_fingerprint_sees_a_change_in_small_and_large_files(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"a" * 100)
    with large.open("wb") as file:
        file.truncate(70 * 1024 * 1024)
    before = fingerprint(small), fingerprint(large)
    small.write_bytes(b"a" * 99 + b"b")
    with large.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"b")
    after = fingerprint(small), fingerprint(large)
    assert not set(before) & set(after)
    assert len(set(before + after)) == 4
