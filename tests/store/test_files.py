"""The data folder: one server at a time (T22), for its owner only (T61)."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.data import Sample
from slipway.errors import ConfigError, StoreError
from slipway.store import lock_data_folder, open_store

HOLD = """
import sys
from slipway.store import lock_data_folder
with lock_data_folder(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_t22_a_second_server_on_one_folder_is_refused_and_names_the_first(tmp_path):
    folder = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=rf"process {first.pid}\).*kill {first.pid}"), lock_data_folder(folder):
            pass
        first.kill()  # however it ends, the folder is free again
        first.wait()
    with lock_data_folder(folder) as held:
        assert held == folder
        with pytest.raises(StoreError, match=f"process {os.getpid()}"), lock_data_folder(folder):
            pass
    with lock_data_folder(folder):
        pass


def test_t61_files_are_for_their_owner_only(tmp_path):
    before = os.umask(0)
    try:
        store = open_store(f"sqlite:///{tmp_path}/new/data/slipway.db")
        store.write([Sample("r", "e")])
        store.put_blob(b"x")
        with lock_data_folder(tmp_path / "new/data"):
            paths = [
                Path(root, name) for root, folders, files in os.walk(tmp_path / "new") for name in (*folders, *files)
            ]
            found = {path: path.stat().st_mode for path in paths}
        store.close()
    finally:
        os.umask(before)
    assert sum(map(stat.S_ISREG, found.values())) >= 7  # database, log, index, two locks, session, blob
    for path, mode in found.items():
        assert stat.S_IMODE(mode) == (0o700 if stat.S_ISDIR(mode) else 0o600), path


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("slipway.db", "no store URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("mysql://x/y", "no store 'mysql'"),
        ("postgres://x/y", "did you mean 'postgresql'"),
    ],
)
def test_a_url_that_names_no_store_is_answered_with_one_that_does(url, says):
    with pytest.raises(ConfigError, match=says):
        open_store(url)
