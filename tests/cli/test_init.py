"""``slipway init``: writes what runs, overwrites nothing."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

from slipway import config


def test_it_writes_a_commented_file_and_an_example(slipway, tmp_path):
    done = slipway("init", "support", "--json")
    assert done.code == 0
    assert done.json["written"] == ["slipway.toml", "app.py", "examples.jsonl"]
    assert done.json["next"][0] == "cd support"
    written = (tmp_path / "support/slipway.toml").read_text()
    assert written.count("#") > 10
    assert tomllib.loads(written)["project"] == "support"
    assert config.load(tmp_path / "support").suites.keys() == {"quick", "must-pass"}


def test_the_examples_have_unique_ids_and_known_answers(slipway):
    slipway("init")
    rows = [json.loads(line) for line in Path("examples.jsonl").read_text().splitlines()]
    assert len({row["id"] for row in rows}) == len(rows) >= 50
    assert {row["expected"] for row in rows} == {"billing", "shipping", "returns", "account", "person"}


def test_it_says_what_to_type_next(slipway):
    done = slipway("init")
    assert "slipway eval quick" in done.out
    assert "cd " not in done.out


def test_it_overwrites_nothing(slipway, tmp_path):
    (tmp_path / "app.py").write_text("mine")
    done = slipway("init")
    assert done.code == 2
    assert "app.py already exists" in done.err
    assert (tmp_path / "app.py").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.py"]


def test_bare_writes_the_settings_only(slipway, tmp_path):
    assert slipway("init", "--bare", "--name", 'a "quoted" name').code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["slipway.toml"]
    assert config.load(tmp_path).project == 'a "quoted" name'


def test_the_store_is_kept_out_of_git(slipway, tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert ".gitignore" in slipway("init", "--json").json["written"]
    assert (tmp_path / ".gitignore").read_text() == ".slipway/\n"
