"""Sealing: nothing of a row is on disk in the clear, rows are sealed once, and keys are kept from others."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.data import DatasetVersion
from slipway.errors import NothingRan, SealedError, UsageError
from slipway.evals.datasets import dataset
from slipway.evals.sealed import all_sealed, find_sealed, ledger, seal, take_look, unseal_rows
from slipway.evals.sealed_key import MARK, close_box, key_path, load_key, open_box
from slipway.store import open_store

KEY = bytes(range(32))


def rows(size=30, word="zebra"):
    """Each row's texts hold marks that occur nowhere else."""
    return [
        {
            "id": f"telling-id-{word}-{n}",
            "input": f"please paint the {word}-input-{n} in plaid",
            "expected": {"name": "paint", "arguments": {"what": f"{word}-expected-{n}"}},
            "template": f"{word}-template-{n // 3}",
            "lang": f"{word}-lang",
        }
        for n in range(size)
    ]


def test_rows_come_back_whole_with_opaque_ids_and_clusters(store):
    given = dataset(rows(), cluster="template", slices=["lang"])
    version = seal(given, suite="s", looks=5, store=store, key=KEY)
    back = unseal_rows(store, version, KEY)
    assert [(e.input, e.expected, e.metadata) for e in back] == [(e.input, e.expected, e.metadata) for e in given]
    assert len({e.id for e in back}) == 30
    assert len({e.cluster for e in back}) == 10
    assert not any("zebra" in e.id + e.cluster for e in back)
    assert version.sealed
    assert version.slices == ()
    assert store.get(DatasetVersion, version.id, "default") == version


def test_two_projects_may_seal_the_same_suite_and_share_its_looks(store):
    given = dataset(rows(), cluster="template")
    mine = seal(given, suite="s", looks=5, store=store, key=KEY, project="a", clock=lambda: 1)
    theirs = seal(given, suite="s", looks=5, store=store, key=KEY, project="b", clock=lambda: 2)
    assert (theirs.id, theirs.rows_blob, theirs.project) == (mine.id, mine.rows_blob, "b")
    assert theirs == seal(given, suite="s", looks=5, store=store, key=KEY, project="b", clock=lambda: 3)
    assert [found.version for found in all_sealed(store)] == [mine]
    assert unseal_rows(store, theirs, KEY) == unseal_rows(store, mine, KEY)
    with pytest.raises(SealedError, match="sealed already"):
        seal(given, suite="s", looks=6, store=store, key=KEY, project="c")


def test_nothing_of_a_row_is_on_disk_or_told_after_sealing_and_looking(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "data"
    folder.mkdir()
    store = open_store(f"sqlite:///{folder / 'slipway.db'}")
    said = []
    given = dataset(rows(), cluster="template", slices=["lang"])
    version = seal(given, suite="s", looks=2, store=store)
    said += [repr(version), repr(find_sealed(store, "s"))]
    ids = [e.id for e in unseal_rows(store, version)]
    for name in "ab":
        told = take_look(store, "s", {one: n % 2 for n, one in enumerate(ids)}, variant=name, who="m", why="w")
        said += [str(told), repr(told), json.dumps(told.to_dict())]
    for attempt in (
        lambda: take_look(store, "s", dict.fromkeys(ids, 1), variant="c", who="m", why="w"),
        lambda: take_look(store, "s", {ids[0]: 1}, variant="c", who="m", why="w"),
        lambda: unseal_rows(store, version, bytes(32)),
        lambda: seal(dataset(rows(29), cluster="template"), suite="t", looks=2, store=store),
        lambda: seal(dataset(rows(29), cluster="template"), suite="s", looks=2, store=store),
    ):
        with pytest.raises(SealedError) as refused:
            attempt()
        said += [str(refused.value), repr(refused.value)]
    said += [str(ledger(store, "s")), json.dumps(ledger(store, "s").to_dict())]
    scan(folder)  # with the write-ahead log still there
    store.close()
    files = scan(folder)
    assert any(b"AES" not in data and MARK in data for data in files)  # the sealed rows are among what was read
    assert not any("zebra" in text or "plaid" in text for text in said)


def scan(folder: Path) -> list[bytes]:
    """Every file's bytes; none may hold a mark of a row, nor its beginning in base64 or reversed."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert files
    for data in files:
        for mark in (b"zebra", b"plaid", b"paint", base64.b64encode(b"please paint the ")[:20]):
            assert mark not in data
    return files


def test_the_same_rows_are_sealed_once(store):
    given = dataset(rows())
    version = seal(given, suite="s", looks=5, store=store, key=KEY)
    assert seal(given, suite="s", looks=5, store=store, key=KEY) == version
    with pytest.raises(SealedError, match="a budget is never raised"):
        seal(given, suite="s", looks=6, store=store, key=KEY)
    with pytest.raises(SealedError, match="sealed already, as suite 's' with 5 looks"):
        seal(given, suite="other", looks=5, store=store, key=KEY)
    with pytest.raises(SealedError, match="sealed already: 30 rows"):
        seal(dataset(rows(word="lion")), suite="s", looks=5, store=store, key=KEY)


def test_a_fresh_budget_takes_fresh_rows(store):
    seal(dataset(rows(30)), suite="s", looks=5, store=store, key=KEY)
    nearly_same = [{**row, "id": row["id"] + "!"} for row in rows(29)]
    with pytest.raises(SealedError, match="29 of 29 rows are in the sealed suite 's'"):
        seal(dataset(nearly_same), suite="t", looks=5, store=store, key=KEY)
    mostly_new = rows(2) + rows(28, word="lion")
    assert seal(dataset(mostly_new), suite="t", looks=5, store=store, key=KEY).size == 30


def test_rows_that_lie_open_in_the_store_are_not_sealed(store):
    given = dataset(rows())
    given.save(store)
    with pytest.raises(SealedError, match="in the store unencrypted"):
        seal(given, suite="s", looks=5, store=store, key=KEY)
    assert store.count(DatasetVersion, {"sealed": True}) == 0


@pytest.mark.parametrize("wrong", [{"looks": 0}, {"looks": 10**6}, {"alpha": 0.0}, {"alpha": 1.0}, {"suite": " "}])
def test_settings_that_make_no_sense(store, wrong):
    with pytest.raises(UsageError):
        seal(dataset(rows()), **{"suite": "s", "looks": 5, "store": store, "key": KEY, **wrong})


def test_no_rows_no_suite(store):
    with pytest.raises(NothingRan):
        seal(dataset(rows()).where(lang="none"), suite="s", looks=5, store=store, key=KEY)


def test_the_key_is_made_once_for_its_owner_alone(tmp_path):
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    with pytest.raises(SealedError, match="no seal key at"):
        load_key(environ=environ)
    key = load_key(create=True, environ=environ)
    path = key_path(environ)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["seal.key"]
    assert load_key(create=True, environ=environ) == load_key(environ=environ) == key
    path.chmod(0o644)
    with pytest.raises(SealedError, match="chmod 600"):
        load_key(environ=environ)


def test_processes_that_make_the_key_at_once_get_one_key(tmp_path):
    code = "from slipway.evals.sealed_key import load_key; print(load_key(create=True).hex())"
    environ = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    makers = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environ, text=True) for _ in range(3)
    ]
    keys = {maker.communicate(timeout=240)[0] for maker in makers}
    assert len(keys) == 1
    assert len(keys.pop()) == 65


def test_the_variable_beats_the_file(tmp_path):
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    load_key(create=True, environ=environ)
    given = {**environ, "SLIPWAY_SEAL_KEY": base64.b64encode(KEY).decode()}
    assert load_key(environ=given) == KEY
    assert load_key(base64.urlsafe_b64encode(KEY).decode()) == KEY
    for wrong in ("short", "ü" * 44, base64.b64encode(b"31 bytes are not enough for it!").decode()):
        with pytest.raises(SealedError, match="no seal key") as refused:
            load_key(environ={**environ, "SLIPWAY_SEAL_KEY": wrong})
        assert wrong not in str(refused.value)


def test_a_box_opens_with_its_key_and_what_it_is_bound_to():
    box = close_box(KEY, "rows", b"a secret", b"bound")
    assert open_box(KEY, "rows", box, b"bound", what="it") == b"a secret"
    assert close_box(KEY, "rows", b"a secret", b"bound") != box
    changed = box[:-1] + bytes([box[-1] ^ 1])
    for key, purpose, data, bound in (
        (bytes(32), "rows", box, b"bound"),
        (KEY, "scores", box, b"bound"),
        (KEY, "rows", changed, b"bound"),
        (KEY, "rows", box, b"other"),
        (KEY, "rows", b"no box", b"bound"),
        (KEY, "rows", MARK, b"bound"),
    ):
        with pytest.raises(SealedError):
            open_box(key, purpose, data, bound, what="it")
