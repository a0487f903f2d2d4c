"""A gate's result as JUnit XML, which every CI system reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from slipway.evals.gate import GateResult
    from slipway.evals.rules import Rule

# XML 1.0 has no way to write these characters.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TAGS = {"failed": "failure", "flaky": "failure", "cannot_tell": "failure", "error": "error", "nothing": "error"}


def gate_junit(result: GateResult) -> str:
    """One test suite: a case for each rule, and one for each example that a must-pass rule names."""
    record = result.run.record
    suite = record.suite or record.experiment
    cases = []
    failures = errors = 0
    for rule in result.rules:
        tag = _TAGS.get(rule.status)
        failures += tag == "failure"
        errors += tag == "error"
        cases.append(_case(f"{suite}.{record.variant}", rule.name, rule, tag))
        for example in rule.examples:
            failures += 1
            cases.append(_case(f"{suite}.{record.variant}.{rule.name}", example, rule, "failure", text=rule.status))
    seconds = ((record.ended_ns or record.started_ns) - record.started_ns) / 1e9
    head = (
        f"<testsuite name={_quoted(suite)} tests={_quoted(str(len(cases)))} failures={_quoted(str(failures))} "
        f"errors={_quoted(str(errors))} time={_quoted(f'{seconds:.3f}')}>"
    )
    properties = "".join(
        f"<property name={_quoted(name)} value={_quoted(value)}/>"
        for name, value in (("run", record.id), ("variant", record.variant), ("exit_code", str(result.exit_code)))
    )
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<testsuites>", head, f"<properties>{properties}</properties>"]
    return "\n".join([*lines, *cases, "</testsuite>", "</testsuites>", ""])


def _case(group: str, name: str, rule: Rule, tag: str | None, *, text: str = "") -> str:
    head = f"<testcase classname={_quoted(group)} name={_quoted(name)}"
    if tag is None:
        return f"{head}><system-out>{_text(rule.says)}</system-out></testcase>"
    said = text or rule.says
    return f"{head}><{tag} type={_quoted(rule.status)} message={_quoted(said[:500])}>{_text(said)}</{tag}></testcase>"


def _text(text: str) -> str:
    return escape(_ILLEGAL.sub("\ufffd", text))


def _quoted(text: str) -> str:
    return quoteattr(_ILLEGAL.sub("\ufffd", text))
