"""Function calls, however they are written: objects, JSON, ``name(arg='x')``, OpenAI tool calls, ``<tool_call>`` tags."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slipway.data import Reply, ToolCall

LONGEST = 20_000  # characters of text in which a call is looked for
MOST = 64  # calls of one output
_FENCE = re.compile(r"```[\w-]*\n?(.*?)```", re.DOTALL)
_TAGS = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_START = re.compile(r"[A-Za-z_][\w.\-]*\(")
_NOTHING = {"", "null", "none", "{}", "[]", "no_call", "no call"}
_NAMES = {"true": True, "false": False, "null": None, "None": None, "True": True, "False": False}


def parse_calls(output: Any, positions: Mapping[str, Sequence[str]] | None = None) -> list[ToolCall]:
    """The calls in an output, in order; none when it calls nothing, or is text in which no call can be read.

    ``positions`` names the arguments of each function, so that ``f('x')`` can be read as well.
    """
    if output is None:
        return []
    if isinstance(output, ToolCall):
        return [output]
    if isinstance(output, Reply):
        return list(output.tool_calls) or parse_calls(output.text, positions)
    if isinstance(output, Mapping):
        return _from_object(output, positions)
    if isinstance(output, list | tuple):
        return [call for item in output[:MOST] for call in parse_calls(item, positions)]
    if isinstance(output, str):
        return _from_text(output, positions or {})
    return []


def _from_object(value: Mapping[str, Any], positions: Mapping[str, Sequence[str]] | None) -> list[ToolCall]:
    for key in ("tool_calls", "calls", "choices"):
        if isinstance(value.get(key), list | tuple):
            return parse_calls(value[key], positions)
    for key in ("message", "call", "function_call"):
        if isinstance(value.get(key), Mapping):
            return parse_calls(value[key], positions)
    function = value.get("function")
    if isinstance(function, Mapping):
        return [ToolCall(call.name, call.arguments, _id(value)) for call in _from_object(function, positions)]
    name = value.get("name", function)
    if isinstance(name, str) and name:
        arguments: Any = next(
            (value[key] for key in ("arguments", "args", "parameters") if value.get(key) is not None), {}
        )
        if isinstance(arguments, str):
            arguments = _json(arguments) if arguments.strip() else {}
        if isinstance(arguments, Mapping):
            return [ToolCall(name, {str(key): item for key, item in arguments.items()}, _id(value))]
    if "content" in value:
        return parse_calls(value["content"], positions)
    return []


def _id(value: Mapping[str, Any]) -> str | None:
    found = value.get("id")
    return found if isinstance(found, str) else None


def _from_text(text: str, positions: Mapping[str, Sequence[str]]) -> list[ToolCall]:
    text = text[:LONGEST].strip()
    tagged = _TAGS.findall(text)
    if tagged:
        return [call for part in tagged[:MOST] for call in _from_text(part, positions)]
    fenced = _FENCE.search(text)
    if fenced:
        text = fenced.group(1).strip()
    if text.lower() in _NOTHING:
        return []
    if text[0] in "{[":
        return parse_calls(_json(text), positions) if _json(text) is not None else []
    return [call for source in _sources(text) if (call := _read(source, positions)) is not None][:MOST]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _sources(text: str) -> Iterator[str]:
    """Every ``name(...)`` in the text, up to the bracket that closes it."""
    at = 0
    while match := _START.search(text, at):
        end = _closing(text, match.end())
        if end is None:
            at = match.end()
            continue
        yield text[match.start() : end]
        at = end


def _closing(text: str, at: int) -> int | None:
    depth, quote = 1, ""
    while at < len(text):
        letter = text[at]
        if quote:
            if letter == "\\":
                at += 1
            elif letter == quote:
                quote = ""
        elif letter in "\"'":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if not depth:
                return at + 1
        at += 1
    return None


def _read(source: str, positions: Mapping[str, Sequence[str]]) -> ToolCall | None:
    name, _, inside = source.partition("(")
    try:
        node = ast.parse(f"_({inside}", mode="eval").body
        if not isinstance(node, ast.Call):
            return None
        arguments = {str(item.arg): _literal(item.value) for item in node.keywords}
        order = positions.get(name, ())
        if len(node.args) > len(order) or None in [item.arg for item in node.keywords]:
            return None
        for key, item in zip(order, node.args, strict=False):
            arguments[key] = _literal(item)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return ToolCall(name, arguments)


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    value = ast.literal_eval(node)
    return sorted(map(str, value)) if isinstance(value, set) else value
