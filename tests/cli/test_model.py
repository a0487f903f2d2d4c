"""``slipway model``: weights fetched, listed, shown and checked, against a server on loopback."""

from __future__ import annotations

import hashlib
import json

import pytest

from models.tiny_gguf import write_lora, write_random
from models.weights_server import Weights


@pytest.fixture(autouse=True)
def _kept_here(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("SLIPWAY_FORBID_REMOTE", "1")


@pytest.fixture
def data(tmp_path) -> bytes:
    return write_random(tmp_path / "m.gguf").read_bytes()


def test_a_model_is_pulled_listed_shown_and_verified(slipway, data, monkeypatch, tmp_path):
    digest = hashlib.sha256(data).hexdigest()
    server = Weights({"/o/r/resolve/main/m.gguf": data})
    assert "No weights in" in slipway("model", "list").out
    with server.running() as url:
        monkeypatch.setenv("SLIPWAY_HUB", url)
        done = slipway("model", "pull", "o/r/m.gguf")
        assert (done.code, done.out.splitlines()[0]) == (0, "fetched: o/r/m.gguf")
        assert digest in done.out
        assert "compare it with the publisher's" in done.err
        again = slipway("model", "pull", "o/r/m.gguf", "--sha256", digest, "--json").json
        assert (again["fresh"], again["verified"], again["sha256"]) == (False, True, {"m.gguf": digest})
        wrong = slipway("model", "pull", "o/r/m.gguf", "--sha256", "0" * 64, "--name", "n")
        assert (wrong.code, "was thrown away" in wrong.err) == (3, True)
        assert slipway("model", "pull", "https://models.example/m.gguf").code == 2  # the fuse
    line = slipway("model", "list").out.splitlines()[1].split()
    assert line == ["o/r/m.gguf", "gguf", "496", "kB", digest[:12], "never"]
    (listed,) = slipway("model", "list", "--json").json
    assert (listed["name"], listed["bytes"], listed["source"]) == ("o/r/m.gguf", len(data), "o/r/m.gguf")
    shown = slipway("model", "show", "m", "--verify", "--json").json
    assert (shown["verified_now"], shown["architecture"], shown["context"]) == (True, "llama", 2048)
    assert "general.name = tiny" in slipway("model", "show", "m").out
    with (tmp_path / "models/o/r/m.gguf").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\0")
    assert slipway("model", "show", "m", "--verify").code == 3
    missing = slipway("model", "show", "o/r/n.gguf")
    assert (missing.code, "did you mean 'o/r/m.gguf'" in missing.err) == (2, True)


def test_a_file_is_shown_by_its_path_and_its_words_are_made_visible(slipway, tmp_path):
    path = write_random(tmp_path / "odd.gguf", template="\x1b[2J" + "x" * 500)
    said = slipway("model", "show", str(path)).out
    assert "\x1b" not in said
    assert "... (504 characters)" in said
    assert slipway("model", "show", str(write_lora(tmp_path / "a.gguf")), "--json").json["kind"] == "adapter"
    (tmp_path / "page.gguf").write_text("<html>")
    assert json.loads(slipway("model", "show", "page.gguf", "--json").out)["error"]
    assert slipway("model", "show", "page.gguf").code == 2
    assert "slipway model pull writes it down" in slipway("model", "show", str(path), "--verify").err
