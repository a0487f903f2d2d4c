"""``slipway journey``: the tree, the verdicts, the report."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_the_tree_says_what_changed_and_what_it_did(slipway, there):
    done = slipway("journey", "--json")
    assert done.code == 0
    variants = {step["variant"]: step for step in done.json["variants"]}
    assert [variants[name]["parent"] for name in ("words", "stems", "strict")] == [None, "words", "stems"]
    assert variants["stems"]["verdict"]["verdict"] == "better"
    assert variants["strict"]["verdict"]["verdict"] == "worse"
    assert variants["strict"]["gate"] == "blocked"
    assert done.json["best"] == "stems"


@pytest.mark.parametrize("width", ["80", "120"])
def test_it_fits_the_terminal(slipway, there, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    said = slipway("journey").out
    assert max(map(len, said.splitlines())) <= int(width)
    assert "└─ stems" in said
    assert "   │  beginnings of words instead of whole words" in said
    assert "   └─ strict" in said
    assert "         worse -0.7" in said
    assert "3 variants, 82 examples, 95 % intervals" in said
    assert "Intervals and verdicts hold for all 2 comparisons together (Holm, 95 %)." in said


def test_the_report_for_a_colleague(slipway, there):
    assert slipway("journey", "--markdown", "reports/journey.md").code == 0
    report = Path("reports/journey.md").read_text()
    assert "two words must match, not one" in report
    assert "slipway reproduce" in report


def test_failures_are_part_of_it(slipway, there):
    settings = Path("slipway.toml").read_text()
    Path("slipway.toml").write_text(settings + '[variants.broken]\nparent = "stems"\nconfig = { at_least = "two" }\n')
    slipway("eval", "quick", "--variant", "broken", "--quiet")
    found = {step["variant"]: step for step in slipway("journey", "--json").json["variants"]}
    assert found["broken"]["failed"] > 0
    assert "failed" in slipway("journey").out


def test_without_a_run_nothing_ran(slipway):
    done = slipway("journey")
    assert (done.code, "slipway eval SUITE" in done.err) == (5, True)


def test_hostile_names_are_made_harmless(slipway, there):
    settings = Path("slipway.toml").read_text()
    Path("slipway.toml").write_text(
        settings + '[variants."\\u001b[2Jx"]\nparent = "stems"\nnote = "\\u001b]0;owned\\u0007"\n'
    )
    slipway("eval", "quick", "--variant", "\x1b[2Jx", "--quiet")
    said = slipway("journey").out
    assert "\\x1b[2Jx" in said
    assert not set(said) & set("\x1b\x07")
