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
