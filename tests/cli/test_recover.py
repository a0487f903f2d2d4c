"""T17: a damaged store is named by doctor, and what can be read of it is copied into a new one."""

from __future__ import annotations

import json
import random
from pathlib import Path

from slipway.cli.main import main
from slipway.data import Sample
from slipway.store import open_store

ROWS = 3_000


def damaged(folder: Path) -> Path:
    """A store with one page of rows overwritten in the middle."""
    store = open_store(f"sqlite:///{folder / 'slipway.db'}")
    store.write([Sample("run", str(n), output="x" * 200) for n in range(ROWS)])
    store.close()
    path = folder / "slipway.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 8192 * 8192)
        file.write(random.Random(17).randbytes(8192))
    return path


def test_t17_what_can_be_read_is_copied_and_what_is_lost_is_said(tmp_path, capsys):
    before = damaged(tmp_path / "data").read_bytes()
    assert main(["doctor", "--deep", "--data", "data", "--json"]) == 3
    capsys.readouterr()

    assert main(["doctor", "--recover", "rescued", "--data", "data", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["lost"]
    assert ROWS * 0.9 < said["copied"]["Sample"] < ROWS
    assert (tmp_path / "data/slipway.db").read_bytes() == before

    assert main(["doctor", "--deep", "--data", "rescued", "--json"]) == 0
    rescued = open_store(f"sqlite:///{tmp_path / 'rescued/slipway.db'}")
    assert rescued.health(deep=True).problems == ()
    assert rescued.count(Sample) == said["copied"]["Sample"]
    rescued.close()


def test_a_store_that_is_there_is_not_written_over(tmp_path, capsys):
    damaged(tmp_path / "data")
    assert main(["doctor", "--recover", "data", "--data", "data"]) == 2
    assert "there is a store in data already" in capsys.readouterr().err
