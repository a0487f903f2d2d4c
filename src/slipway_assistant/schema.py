"""The functions the assistant can call: names, arguments, and how each argument is compared.

Start with `FUNCTIONS`: it is what the signatures of the skills say (signature.py), so nothing is written twice. A *call* is
`{"name": str, "arguments": {str: str | int}}`; `validate(call)` says in sentences what is wrong with one. The descriptions
are written to be pasted into a prompt.
"""

import ast
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from slipway_assistant.signature import Argument, Function, Kind
from slipway_assistant.skill import functions

__all__ = ["FUNCTIONS", "Argument", "Function", "Kind", "is_arithmetic", "validate"]

FUNCTIONS: Mapping[str, Function] = MappingProxyType({function.name: function for function in functions()})
"""The functions by name, in the order in which prompts should list them."""


def _nearest(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}."


def is_arithmetic(text: str) -> bool:
    """Whether `text` is arithmetic that can be worked out: numbers, + - * / **, sqrt() and factorial()."""
    try:
        tree = ast.parse(text.replace("^", "**").replace("×", "*").replace("÷", "/"), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _arithmetic_node(tree.body)


def _arithmetic_node(root: ast.expr) -> bool:
    pending: list[ast.expr] = [root]
    while pending:
        node = pending.pop()
        match node:
            case ast.Constant(value=bool() | complex()):
                return False
            case ast.Constant(value=int() | float()):
                continue
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                pending.append(operand)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow(), right=right):
                pending += [left, right]
            case ast.Call(func=ast.Name(id="sqrt" | "factorial"), args=[argument], keywords=[]):
                pending.append(argument)
            case _:
                return False
    return True


def _value_problem(function: str, argument: Argument, value: object) -> str | None:
    """What is wrong with one value, as a sentence, or None when it may stand."""
    where = f"{function} argument {argument.name!r}"
    if argument.kind == "free":
        return None
    if argument.kind == "int":
        if isinstance(value, int) and not isinstance(value, bool):
            return None
        return f"{where} must be a whole number, not {value!r}."
    if not isinstance(value, str) or not value.strip():
        return f"{where} must be a text that is not empty, not {value!r}."
    if argument.kind == "enum" and value not in argument.values:
        return f"{where} cannot be {value!r}{_nearest(value, argument.values)}"
    if argument.kind == "math" and not is_arithmetic(value):
        return f"{where} must be arithmetic such as 12*7, not {value!r}."
    return None


def validate(call: Mapping[str, Any] | None) -> list[str]:
    """The problems of a call as sentences, in a stable order; empty for a good call and for None."""
    if call is None:
        return []
    problems = [f"A call has no key {key!r}; remove it." for key in call if key not in ("name", "arguments")]
    name, arguments = call.get("name"), call.get("arguments", {})
    if not isinstance(name, str):
        return [*problems, "A call needs a function name as text under 'name'."]
    function = FUNCTIONS.get(name)
    if function is None:
        return [*problems, f"There is no function {name!r}{_nearest(name, list(FUNCTIONS))}"]
    if not isinstance(arguments, Mapping):
        return [*problems, f"The arguments of {name} must be an object of names and values."]
    problems += [f"{name} needs the argument {key!r}." for key in function.required if key not in arguments]
    for key, value in arguments.items():
        argument = function.argument(key)
        if argument is None:
            names = [known.name for known in function.arguments]
            problems.append(f"{name} has no argument {key!r}{_nearest(str(key), names)}")
        elif problem := _value_problem(name, argument, value):
            problems.append(problem)
    return problems
