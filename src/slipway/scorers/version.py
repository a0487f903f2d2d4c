"""A scorer's version: what must change when its judgement may change, and nothing else."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType
from typing import Any

from slipway.data import content_hash

DIGITS = 12


def version_of(function: Callable[..., Any], parameters: Mapping[str, Any]) -> str:
    """12 hex digits over the function's code, the functions, classes and constants of its own package that it uses, what it
    closed over, and ``parameters``. Comments, docstrings and layout do not count."""
    seen: dict[str, str] = {}
    _follow(function, getattr(function, "__module__", "") or "", seen)
    return content_hash({"code": sorted(seen.values()), "parameters": _stable(parameters)})[:DIGITS]


def _follow(thing: Any, home: str, seen: dict[str, str]) -> None:
    thing = inspect.unwrap(thing) if callable(thing) else thing
    if not isinstance(thing, FunctionType | type):
        thing = type(thing)
    key = f"{thing.__module__}.{thing.__qualname__}"
    if key in seen:
        return
    seen[key] = _source(thing)
    codes = _codes(thing)
    for cell in getattr(thing, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:  # not filled yet: a recursive inner function
            continue
        _record("closure", content, home, seen)
    scope = getattr(thing, "__globals__", None) or {}
    for code in codes:
        for name in code.co_names:
            if name in scope:
                _record(name, scope[name], home, seen)


def _record(name: str, value: Any, home: str, seen: dict[str, str]) -> None:
    if isinstance(value, FunctionType | type):
        if _near(value.__module__, home):
            _follow(value, home, seen)
    elif isinstance(value, str | int | float | bool | tuple | list | frozenset | set | dict | re.Pattern):
        constant = f"{name}={content_hash(_stable(value))}"
        seen[constant] = constant


def _near(module: str, home: str) -> bool:
    package = home.rpartition(".")[0]
    return module == home or bool(package and module.startswith(package + "."))


def _codes(thing: Any) -> list[CodeType]:
    if not isinstance(thing, FunctionType):
        return []
    codes = [thing.__code__]
    for code in codes:
        codes.extend(item for item in code.co_consts if isinstance(item, CodeType))
    return codes


def _source(thing: Any) -> str:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError, IndentationError):  # typed at a prompt, or a lambda inside an expression
        code = getattr(thing, "__code__", None)
        return _bytecode(code) if code else str(thing)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def _bytecode(code: CodeType) -> str:
    # repr of a constant set differs between processes, hence _stable
    inner = [_bytecode(item) if isinstance(item, CodeType) else repr(_stable(item)) for item in code.co_consts]
    return repr((code.co_code, code.co_names, code.co_varnames, inner))


def _stable(value: Any) -> Any:
    """As JSON, without memory addresses: ``<function f at 0x7f..>`` would be another version in each process."""
    if isinstance(value, Mapping):
        return {str(key): _stable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stable(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(repr(item) for item in value)
    if isinstance(value, re.Pattern):
        return [value.pattern, value.flags]
    if callable(value) and not isinstance(value, type):
        return getattr(value, "__qualname__", type(value).__qualname__)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return getattr(value, "name", None) or re.sub(r" at 0x[0-9a-f]+", "", repr(value))
