"""What a language model is told and how its answer is read: three prompts, each saying more, and a grammar.

A call is written as in code: ``weather.get(location='boston', when='tomorrow')``, and ``none()`` where nothing is called.
Prompts, grammar and reader are made from the same signatures (`schema.FUNCTIONS`). Start in `messages`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from slipway import Message
from slipway_assistant.data import own
from slipway_assistant.schema import FUNCTIONS, Argument, validate

Style = Literal["naive", "functions", "few-shot"]
NAIVE = "You are a voice assistant. Answer what is said with a function call."
NOTHING = "none()"
LONGEST_ANSWER = 128
"""In tokens: a call with three long arguments."""


def messages(text: str, style: Style) -> tuple[Message, ...]:
    """The conversation that asks for the call of ``text``."""
    said = [Message("system", NAIVE if style == "naive" else f"{NAIVE} Functions:\n{functions()}")]
    if style == "few-shot":
        for example, call in examples():
            said += [Message("user", example), Message("assistant", call)]
    return (*said, Message("user", text))


@cache
def functions() -> str:
    """The functions with their arguments, one a line; choices are listed, whole numbers marked."""
    lines = [f"{name}({', '.join(map(_argument, spec.arguments))})" for name, spec in FUNCTIONS.items()]
    return "\n".join([*lines, f"{NOTHING} when none of them is meant"])


def _argument(argument: Argument) -> str:
    if argument.values:
        return f"{argument.name}: {'|'.join(argument.values)}"
    return f"{argument.name}: int" if argument.kind == "int" else argument.name


@cache
def examples() -> tuple[tuple[str, str], ...]:
    """Sentences with their calls that a few-shot prompt shows: of ours, the first English one to learn from of each function and
    of none, and one each in French and Japanese."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for row in own("train"):
        if row.lang == "en" or row.function in {"weather.get", "home.set"}:
            found.setdefault((row.lang, row.function), (row.text, write_call(row.call)))
    return tuple(found.values())


def write_call(call: Mapping[str, Any] | None) -> str:
    """The call in code, its arguments in the order of the signature."""
    if call is None:
        return NOTHING
    given = call.get("arguments") or {}
    order = [argument.name for argument in FUNCTIONS[call["name"]].arguments]
    pairs = sorted(given.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order))
    return f"{call['name']}({', '.join(f'{name}={_literal(value)}' for name, value in pairs)})"


def _literal(value: Any) -> str:
    """A text in single quotes; what would end it is written as a typographic apostrophe, which the grader takes for the same."""
    return str(value) if isinstance(value, int) else "'" + _plain(str(value)) + "'"


def _plain(text: str) -> str:
    return " ".join(text.replace("\\", " ").replace("'", "’").split())


def read_call(answer: str) -> tuple[bool, dict[str, Any] | None]:
    """Whether the answer's first line is a call that fits the schema (or ``none()``), and the call."""
    line = next((line.strip(" `") for line in answer.splitlines() if line.strip(" `")), "")
    if line.replace(" ", "") == NOTHING:
        return True, None
    try:
        node = ast.parse(line, mode="eval").body
        if not isinstance(node, ast.Call) or node.args:
            return False, None
        given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords if keyword.arg}
        call = {"name": ast.unparse(node.func), "arguments": given}
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False, None
    return (True, call) if not validate(call) else (False, None)


_LEAVES = (
    # Not empty, of bounded length, and nothing that would end the text or the line.
    r"""text ::= "'" first more{0,79} "'" """.strip(),
    # What the eye sees as nothing does not begin a text.
    r"""first ::= [^'\\\x00-\x20\x7f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]""",
    r"""more ::= [^'\\\x00-\x1f\x7f-\u009f\u2028\u2029]""",
    'int ::= "-"? whole',
    'whole ::= "0" | [1-9] [0-9]{0,8}',
    """math ::= "'" sum "'" """.rstrip(),
    'sum ::= term (" "? ("+" | "-" | "*" | "/" | "**") " "? term){0,8}',
    'term ::= number | "(" number (" "? ("+" | "-" | "*" | "/" | "**") " "? number){1,4} ")" | "sqrt(" number ")"'
    ' | "factorial(" [1-9] [0-9]? ")"',
    'number ::= whole ("." [0-9]{1,6})?',
)


@cache
def grammar() -> str:
    """The calls that fit the schema, in llama.cpp's GBNF: every function with its arguments in order, or ``none()``.

    Only form is bound; which words go into an argument is the model's to say.
    """
    names = [f"f{number}" for number in range(len(FUNCTIONS))]
    lines = [f"root ::= ({' | '.join(names)} | {json.dumps(NOTHING)})"]
    lines += [f"{rule} ::= {_call(spec.name, spec.arguments, spec.required)}" for rule, spec in _numbered()]
    lines += _LEAVES
    return "\n".join(lines) + "\n"


def _numbered() -> list[tuple[str, Any]]:
    return [(f"f{number}", spec) for number, spec in enumerate(FUNCTIONS.values())]


def _call(name: str, arguments: Sequence[Argument], required: Sequence[str]) -> str:
    """Each set of arguments in the order of the signature: the first one given has no comma before it."""
    values = [f'"{argument.name}=" {_value(argument)}' for argument in arguments]
    firsts = []
    for number, argument in enumerate(arguments):
        rest = " ".join(
            _maybe(f'", " {value}', later.name in required)
            for later, value in zip(arguments[number + 1 :], values[number + 1 :], strict=True)
        )
        firsts.append(f"{values[number]} {rest}".strip())
        if argument.name in required:
            return f'"{name}(" ({" | ".join(firsts)}) ")"'
    return f'"{name}(" ({" | ".join(firsts)})? ")"' if firsts else f'"{name}()"'


def _maybe(rule: str, needed: bool) -> str:
    return rule if needed else f"({rule})?"


def _value(argument: Argument) -> str:
    if argument.values:
        return "(" + " | ".join(f"\"'{value}'\"" for value in argument.values) + ")"
    return {"int": "int", "math": "math"}.get(argument.kind, "text")
