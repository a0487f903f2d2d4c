"""``slipway gate``: the rules one by one, reports for CI, the exit code."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path


def test_passed_is_0(slipway, there):
    done = slipway("gate", "stems", "--baseline", "words", "--json")
    assert done.code == 0
    assert (done.json["passed"], done.json["variant"]) == (True, "stems")
    assert [rule["status"] for rule in done.json["rules"]] == ["passed"] * 3
    assert done.json["verdict"]["verdict"] == "better"
    assert done.json["objectives"]
    assert done.err == ""


def test_blocked_is_1_and_says_why(slipway, there):
    done = slipway("gate", "strict", "--baseline", "stems")
    assert done.code == 1
    assert done.out.startswith("blocked: strict on quick")
    assert "exact at least 0.7" in done.out
    assert "not worse than stems" in done.out


def test_cannot_tell_is_4(slipway, there):
    done = slipway("gate", "stems", "--at-least", "0.9", "--json")
    assert (done.code, done.json["result"]) == (4, "cannot tell")


def test_must_pass_names_the_examples(slipway, there):
    assert slipway("eval", "must-pass", "--variant", "stems", "--variant", "strict", "--quiet").code == 0
    assert slipway("gate", "stems", "--suite", "must-pass").code == 0
    done = slipway("gate", "strict", "--suite", "must-pass", "--json")
    assert done.code == 1
    rule = next(rule for rule in done.json["rules"] if rule["name"] == "must-pass")
    assert "m01" in rule["examples"]


def test_reports_for_ci(slipway, there):
    done = slipway("gate", "strict", "--junit", "reports/gate.xml", "--markdown", "reports/gate.md")
    assert done.code == 1
    suite = ET.parse("reports/gate.xml").getroot()
    assert suite.findall(".//failure")
    assert "blocked" in Path("reports/gate.md").read_text()


def test_a_report_that_cannot_be_written(slipway, there):
    Path("file").write_text("")
    done = slipway("gate", "stems", "--junit", "file/gate.xml")
    assert done.code == 2
    assert "cannot write file/gate.xml" in done.err


def test_a_run_that_is_not_there(slipway, there):
    done = slipway("gate", "stem")
    assert (done.code, "did you mean 'stems'?" in done.err) == (2, True)


def test_a_name_that_ran_on_several_suites_is_never_guessed(slipway, there):
    assert slipway("eval", "must-pass", "--variant", "stems", "--quiet").code == 0
    ids = {run["suite"]: run["id"][:12] for run in slipway("runs", "ls", "--variant", "stems", "--json").json}
    for command in (
        ("gate", "stems"),
        ("runs", "show", "stems"),
        ("metrics", "--run", "stems"),
        ("reproduce", "stems"),
    ):
        refused = slipway(*command)
        assert refused.code == 2, command
        said = f"'stems' has runs on several suites: quick (run {ids['quick']}), must-pass (run {ids['must-pass']})"
        assert said in refused.err
        assert "add --suite quick, or give the run's id" in refused.err
    for suite, run in ids.items():
        assert f"stems on {suite} (run {run})" in slipway("gate", "stems", "--suite", suite).out
        assert f"stems on {suite} (run {run})" in slipway("gate", run).out


def test_two_names_are_taken_on_the_suite_that_both_ran_on(slipway, there):
    assert slipway("eval", "must-pass", "--variant", "stems", "--quiet").code == 0
    done = slipway("gate", "stems", "--baseline", "words")
    assert done.code == 0
    assert done.out.startswith("passed: stems on quick (run ")
    assert "against words (run " in done.out.splitlines()[0]
    assert slipway("compare", "words", "stems", "--json").code == 0
    assert slipway("compare", "stems", "words", "--json").code == 0
    assert slipway("eval", "must-pass", "--variant", "words", "--quiet").code == 0
    assert "several suites" in slipway("compare", "words", "stems").err
    must_pass = slipway("runs", "ls", "--suite", "must-pass", "--variant", "stems", "--json").json[0]["id"]
    assert slipway("gate", must_pass, "--baseline", "words").out.splitlines()[0].endswith(")")
    assert slipway("compare", "words", must_pass, "--json").json["n"] == 6


def test_two_names_without_a_common_suite_are_refused(slipway, there):
    settings = Path("slipway.toml").read_text()
    Path("slipway.toml").write_text(settings + '[variants.late]\nconfig = { match = "words" }\n')
    assert slipway("eval", "must-pass", "--variant", "late", "--quiet").code == 0
    refused = slipway("compare", "words", "late")
    assert refused.code == 2
    assert "no suite that both ran on: words on quick; late on must-pass" in refused.err
    assert "slipway eval SUITE" in refused.err
