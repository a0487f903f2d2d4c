"""A JSON Schema as a GBNF grammar: what a local model may write is then the schema's own JSON, token by token.

Ours, because llama.cpp's goes through a library that lets go of the grammar, with a warning only, when a vocabulary has a token
that it takes for a special one (decision 0097).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from slipway.errors import ModelError

MOST_RULES = 2_000
DEEPEST = 64
BASE = {
    "space": '" "?',
    "char": r'[^"\\\x00-\x1f\x7f] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})',
    "string": '"\\"" char* "\\""',
    "integer": '"-"? ("0" | [1-9] [0-9]{0,17})',
    "number": 'integer ("." [0-9]{1,17})? ([eE] [-+]? [0-9]{1,3})?',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "member": 'string ":" space value',
    "object": '"{" (member ("," space member)*)? "}"',
    "array": '"[" (value ("," space value)*)? "]"',
    "value": "object | array | string | number | boolean | null",
}
REFUSED = ("allOf", "not", "if", "patternProperties", "dependentSchemas", "propertyNames", "prefixItems", "contains")


def grammar_of(schema: Mapping[str, Any]) -> str:
    """The grammar of the JSON that ``schema`` allows, properties in the order in which they are declared and no others.

    Kept: type, enum, const, properties, required, items, minItems, maxItems, minLength, maxLength, anyOf, oneOf, and $ref within
    the schema. Bounds of numbers, patterns and formats are not. Raises `ModelError` (400) for what no grammar is made of.
    """
    return _Making(schema).text()


class _Making:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._whole = schema
        self._rules: dict[str, str] = {}
        self._refs: dict[str, str] = {}

    def text(self) -> str:
        root = self._rule(self._whole, 0)
        rules = {"root": root, **BASE, **self._rules}
        return "\n".join(f"{name} ::= {body}" for name, body in rules.items()) + "\n"

    def _add(self, body: str) -> str:
        """A rule of its own for ``body``; its name."""
        if len(self._rules) >= MOST_RULES:
            raise _refusal("it is too large")
        name = f"r{len(self._rules)}"
        self._rules[name] = body
        return name

    def _rule(self, schema: Any, depth: int) -> str:
        """What stands for ``schema`` in another rule."""
        if depth > DEEPEST:
            raise _refusal("it is too deep")
        if schema is True or schema == {}:
            return "value"
        if not isinstance(schema, Mapping):
            raise _refusal(f"{schema!r} is no schema")
        for keyword in REFUSED:
            if keyword in schema:
                raise _refusal(f"it has {keyword!r}")
        if "$ref" in schema:
            return self._referred(schema["$ref"], depth)
        if "const" in schema:
            return _json(schema["const"])
        if "enum" in schema:
            return self._choice([_json(value) for value in _list(schema["enum"], "enum")])
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._choice([self._rule(each, depth + 1) for each in _list(schema[keyword], keyword)])
        kinds = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else None)
        if isinstance(kinds, list):
            return self._choice([self._typed(kind, schema, depth) for kind in _list(kinds, "type")])
        return "value" if kinds is None else self._typed(kinds, schema, depth)

    def _choice(self, bodies: Sequence[str]) -> str:
        return bodies[0] if len(bodies) == 1 else self._add(" | ".join(bodies))

    def _referred(self, ref: Any, depth: int) -> str:
        if ref not in self._refs:
            self._refs[ref] = name = self._add("")  # named before it is made: a schema may hold itself
            self._rules[name] = self._rule(self._found(ref), depth + 1)
        return self._refs[ref]

    def _found(self, ref: Any) -> Any:
        if not isinstance(ref, str) or not ref.startswith("#"):
            raise _refusal(f"$ref {ref!r} leads out of it")
        found: Any = self._whole
        for part in ref[1:].strip("/").split("/") if ref != "#" else ():
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or key not in found:
                raise _refusal(f"$ref {ref!r} leads nowhere")
            found = found[key]
        return found

    def _typed(self, kind: Any, schema: Mapping[str, Any], depth: int) -> str:
        if kind == "object" and schema.get("properties"):
            return self._object(schema, depth)
        if kind == "array" and ("items" in schema or "minItems" in schema or "maxItems" in schema):
            return self._array(schema, depth)
        if kind == "string" and ("minLength" in schema or "maxLength" in schema):
            low, high = _bounds(schema, "minLength", "maxLength")
            return self._add(f'"\\"" char{{{low},{high}}} "\\""')
        if kind in ("object", "array", "string", "integer", "number", "boolean", "null"):
            return str(kind)
        raise _refusal(f"there is no type {kind!r}")

    def _array(self, schema: Mapping[str, Any], depth: int) -> str:
        item = self._rule(schema.get("items", True), depth + 1)
        low, high = _bounds(schema, "minItems", "maxItems")
        if high == 0:
            return '"[]"'
        most = "" if high == "" else int(high) - 1
        some = f'{item} ("," space {item}){{{max(0, low - 1)},{most}}}'
        return self._add(f'"[" {some} "]"' if low else f'"[" ({some})? "]"')

    def _object(self, schema: Mapping[str, Any], depth: int) -> str:
        required = schema.get("required", ())
        properties = schema["properties"]
        if not isinstance(properties, Mapping) or not isinstance(required, list | tuple):
            raise _refusal("its properties are none")
        # From the last property to the first: what may follow when nothing was written yet, and when something was.
        first, more = '""', '""'
        for name, inner in reversed(list(properties.items())):
            member = f'{_json(name)} ":" space {self._rule(inner, depth + 1)}'
            if name in required:
                first, more = self._add(f"{member} {more}"), self._add(f'"," space {member} {more}')
            else:
                first = self._add(f"{member} {more} | {first}")
                more = self._add(f'("," space {member})? {more}')
        return self._add(f'"{{" {first} "}}"')


def _json(value: Any) -> str:
    """The literal of a JSON value."""
    written = json.dumps(value, ensure_ascii=False)
    escaped = written.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _bounds(schema: Mapping[str, Any], low: str, high: str) -> tuple[int, int | str]:
    least, most = schema.get(low, 0), schema.get(high, "")
    for bound in (least, most):
        if bound != "" and not (type(bound) is int and 0 <= bound <= 10_000):
            raise _refusal(f"{low} and {high} are whole numbers up to 10,000")
    if most != "" and most < least:
        raise _refusal(f"{high} is less than {low}")
    return least, most


def _list(value: Any, keyword: str) -> list[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise _refusal(f"{keyword} is a list of at least one")
    return list(value)


def _refusal(why: str) -> ModelError:
    return ModelError(f"no grammar can be made of the schema: {why}", mend="simplify it, or pass grammar=", status=400)
