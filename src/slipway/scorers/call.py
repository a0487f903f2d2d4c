"""call: the function call is the expected one, argument by argument, each compared by its kind."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.data import Score, ToolCall
from slipway.errors import NotFound, UsageError
from slipway.registry import register
from slipway.scorers.base import Scorer
from slipway.scorers.call_text import parse_calls
from slipway.scorers.kinds import Same, Words, kinds

Arguments = dict[str, Any]
Before = Callable[[Arguments, Arguments], tuple[Arguments, Arguments] | str]
"""Prepares (expected, got) arguments of one function before they are compared, or says in words what is wrong."""


@dataclass(frozen=True, slots=True)
class CallGrade:
    """``name`` and each compared argument: right or not; ``why`` names the first thing that is not."""

    name: bool
    arguments: Mapping[str, bool] = field(default_factory=dict)
    why: str = ""

    @property
    def right(self) -> bool:
        """Everything is right."""
        return self.name and not self.why

    @property
    def share(self) -> float:
        """The share of arguments that are right; 1 when none are compared."""
        if not self.arguments:
            return 0.0 if self.why else 1.0
        return sum(self.arguments.values()) / len(self.arguments)


@dataclass(frozen=True)
class CallRules:
    """How calls are compared. ``schema``: function -> argument -> kind (see kinds.py); an argument that a known function does
    not have is wrong. Functions outside the schema, and all functions without one, compare by ``default``."""

    schema: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    default: str = "exact"
    kinds: Mapping[str, Same] = field(default_factory=kinds)
    before: Mapping[str, Before] = field(default_factory=dict)

    def grade(self, expected: ToolCall, got: ToolCall, *, name_only: bool = False) -> CallGrade:
        """Compare one call with the expected one. Arguments given as None, "" or [] count as not given."""
        if expected.name != got.name:
            return CallGrade(False, why=f"name: {got.name}, expected {expected.name}")
        if name_only:
            return CallGrade(True)
        want = dict(expected.arguments)
        have = {key: value for key, value in got.arguments.items() if value is not None and value != "" and value != []}
        if expected.name in self.before:
            prepared = self.before[expected.name](want, have)
            if isinstance(prepared, str):
                return CallGrade(True, why=prepared)
            want, have = prepared
        known = self.schema.get(expected.name)
        verdicts: dict[str, bool] = {}
        why = ""
        for key in [*want, *(key for key in have if key not in want)]:
            kind = self.default if known is None else known.get(key, "")
            if kind == "free":
                continue
            problem = self._compare(kind, key, want, have)
            verdicts[key] = not problem
            why = why or problem
        return CallGrade(True, verdicts, why)

    def _compare(self, kind: str, key: str, want: Arguments, have: Arguments) -> str:
        if not kind:
            return f"unknown argument {key}"
        if key not in want:
            return f"extra argument {key}"
        if key not in have:
            return f"missing argument {key}"
        return (
            "" if self.kinds[kind](want[key], have[key]) else f"argument {key}: {have[key]!r}, expected {want[key]!r}"
        )


@register("scorer", "call")
def call(
    schema: Mapping[str, Any] | str | None = None,
    *,
    default: str = "exact",
    words: Words | Mapping[str, Sequence[str]] | None = None,
    before: Mapping[str, Before] | None = None,
    more_kinds: Mapping[str, Same] | None = None,
    ordered: bool = True,
    name_only: str = "grade",
) -> Scorer:
    """Three scores: ``call`` (1: function and all arguments are right, or nothing was to be called and nothing was),
    ``call.name`` (1: the right functions), ``call.arguments`` (share of arguments that are right, 0 to 1; None unless the
    function is right, or when only its name counts).

    The output may be an object ``{"name", "arguments"}``, JSON, ``name(arg='x')``, OpenAI tool calls, a Reply, or a list of
    these; text in which no call can be read calls nothing. Expected is the same, None for no call.

    ``schema`` says of which kind each argument is (exact, enum, int, number, span, soft, math, free; see kinds.py):
    ``{"weather.get": {"location": "soft"}}``, or ``{"weather.get": {"args": {"location": {"match": "soft"}}}}``, or a JSON
    file, or ``"module:NAME"``. ``default`` is the kind of every argument without one. ``words`` are the small words that do
    not count in spans. ``before`` holds, by function, a hook that prepares both sides' arguments or says what is wrong;
    ``more_kinds`` adds kinds. With several calls, their order counts unless ``ordered=False``. Where an example's metadata
    field ``name_only`` is "name", arguments are not compared.
    """
    if isinstance(words, Mapping):
        words = Words(**{key: frozenset(value) for key, value in words.items()})
    known = {**kinds(words), **(more_kinds or {})}
    rules = CallRules(read_schema(schema), default, known, before or {})
    _check_kinds(rules)
    positions = {name: tuple(arguments) for name, arguments in rules.schema.items()}

    def compare(output: Any, expected: Any, metadata: Mapping[str, Any]) -> list[Score]:
        wanted, made = parse_calls(expected, positions), parse_calls(output, positions)
        return _scores(rules, wanted, made, ordered=ordered, name_only=metadata.get(name_only) == "name")

    return Scorer.of(
        compare,
        name="call",
        parameters={
            "schema": {name: dict(arguments) for name, arguments in rules.schema.items()},
            "default": default,
            "words": None if words is None else {"leading": sorted(words.leading), "empty": sorted(words.empty)},
            "before": {name: version_text(hook) for name, hook in (before or {}).items()},
            "more_kinds": {name: version_text(same) for name, same in (more_kinds or {}).items()},
            "ordered": ordered,
            "name_only": name_only,
        },
    )


def version_text(function: Callable[..., Any]) -> str:
    """A function as a setting: its name, and the version of its code."""
    from slipway.scorers.version import version_of

    return f"{getattr(function, '__name__', 'function')}#{version_of(function, {})}"


def read_schema(schema: Mapping[str, Any] | str | None) -> dict[str, dict[str, str]]:
    """Argument kinds by function, from any of the forms that `call` takes. Raises `UsageError`."""
    if isinstance(schema, str):
        schema = load_table(schema)
    made: dict[str, dict[str, str]] = {}
    for name, spec in (schema or {}).items():
        arguments = getattr(spec, "arguments", None)
        if arguments is not None:  # objects with .name and .kind, as an application's own schema has them
            made[name] = {argument.name: argument.kind for argument in arguments}
            continue
        if not isinstance(spec, Mapping):
            raise UsageError(f"the schema of {name!r} is no table", mend='write {"function": {"argument": "span"}}')
        inner = spec.get("args", spec)
        made[name] = {
            str(key): str(kind.get("match", "exact") if isinstance(kind, Mapping) else kind)
            for key, kind in inner.items()
        }
    return made


def load_table(reference: str) -> Mapping[str, Any]:
    """A table from a .json file or from ``module:NAME``."""
    if reference.endswith(".json"):
        try:
            found = json.loads(Path(reference).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read the schema {reference}: {error}", mend="give a JSON file") from None
    else:
        module, _, name = reference.partition(":")
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError):
            raise NotFound(f"no schema {reference!r}", mend="write module:NAME, or a .json file") from None
    if not isinstance(found, Mapping):
        raise UsageError(f"the schema {reference} is no table", mend='write {"function": {"argument": "span"}}')
    return found


def _check_kinds(rules: CallRules) -> None:
    for kind in [rules.default, *(kind for arguments in rules.schema.values() for kind in arguments.values())]:
        if kind not in rules.kinds:
            raise UsageError(f"call: {NotFound.among('kind of argument', kind, rules.kinds)}")


def _scores(
    rules: CallRules, wanted: list[ToolCall], made: list[ToolCall], *, ordered: bool, name_only: bool
) -> list[Score]:
    if not wanted or not made:
        right = not wanted and not made
        why = (
            ""
            if right
            else f"called {made[0].name}, expected nothing"
            if made
            else f"nothing called, expected {wanted[0].name}"
        )
        return [
            Score("call", float(right), why),
            Score("call.name", float(right), why),
            Score("call.arguments", None, why),
        ]
    grades = _paired(rules, wanted, made, ordered=ordered, name_only=name_only)
    counted = len(wanted) == len(made)
    names = counted and all(grade.name for grade in grades)
    why = next((grade.why for grade in grades if grade.why), "")
    if not counted:
        why = f"{len(made)} calls, expected {len(wanted)}" + (f"; {why}" if why else "")
    shares = [grade.share for grade in grades if grade.name]
    compared = bool(shares) and not name_only
    return [
        Score("call", float(counted and all(grade.right for grade in grades)), why),
        Score("call.name", float(names), why if not names else ""),
        Score("call.arguments", sum(shares) / len(shares) if compared else None, why if names or not compared else ""),
    ]


def _paired(
    rules: CallRules, wanted: list[ToolCall], made: list[ToolCall], *, ordered: bool, name_only: bool
) -> list[CallGrade]:
    if ordered or len(wanted) == len(made) == 1:
        return [rules.grade(want, got, name_only=name_only) for want, got in zip(wanted, made, strict=False)]
    left = list(made)
    grades: list[CallGrade] = []
    for want in wanted:
        if not left:
            break
        graded = [(rules.grade(want, got, name_only=name_only), got) for got in left]
        best, chosen = max(graded, key=lambda pair: (pair[0].right, pair[0].name, pair[0].share))
        left.remove(chosen)
        grades.append(best)
    return grades
