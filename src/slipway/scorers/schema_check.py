"""A JSON Schema checker: draft 2020-12 without remote references, ``$dynamicRef`` and ``unevaluated*``, which are refused.

Our own because jsonschema brings five distributions, and its ``pattern`` can hang on a hostile text; here patterns are RE2
(docs/decisions/0040). ``format`` is an annotation, as the specification has it by default. Start in `Schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any
from urllib.parse import unquote

from slipway.errors import UsageError
from slipway.scorers.exact import comparable
from slipway.scorers.regex import compiled

Problems = Iterator[str]
REFUSED = ("unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$vocabulary")
_ONE = ("not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames")
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": lambda value: _is_number(value) and value == value // 1,
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list | tuple),
}


class Schema:
    """A checked schema. Raises `UsageError` for one that uses what is not supported or makes no sense."""

    def __init__(self, schema: Any) -> None:
        self.root = schema
        self._targets: dict[str, Any] = {}
        self._anchors: dict[str, Any] = {}
        waiting, seen = [(schema, "#")], set[int]()
        while waiting:
            part, path = waiting.pop()
            if id(part) in seen:
                continue
            seen.add(id(part))
            if not isinstance(part, bool | Mapping):
                raise UsageError(f"schema {path} is no object", mend="a schema is an object, true or false")
            if isinstance(part, Mapping):
                self._accept(part, path)
                waiting.extend(_parts(part, path))
        for part, path in list(_reach(schema)):
            if isinstance(part.get("$ref"), str):
                self._targets[part["$ref"]] = self._resolve(part["$ref"], path)

    def problems(self, value: Any, *, most: int = 20) -> list[str]:
        """What is wrong with ``value``, as ``path: what``, up to ``most``; empty when it is valid."""
        found: list[str] = []
        try:
            for problem in self._check(self.root, value, "$", ()):
                found.append(problem)
                if len(found) >= most:
                    break
        except RecursionError:
            found.append("$: nested too deep to be checked")
        return found

    def valid(self, value: Any) -> bool:
        """Whether there is no problem."""
        return not self.problems(value, most=1)

    def _accept(self, part: Mapping[str, Any], path: str) -> None:
        for key in REFUSED:
            if key in part:
                raise UsageError(
                    f"schema {path} uses {key}, which is not supported", mend="use additionalProperties, $ref"
                )
        if "$id" in part and path != "#":
            raise UsageError(f"schema {path} has an $id of its own", mend="refer to it as #/$defs/name")
        if isinstance(part.get("items"), list):
            raise UsageError(f"schema {path}: items is a list", mend="call it prefixItems (draft 2020-12)")
        kinds = part.get("type", [])
        for kind in [kinds] if isinstance(kinds, str) else kinds:
            if kind not in _TYPES:
                raise UsageError(f"schema {path}: there is no type {kind!r}", mend=f"use {', '.join(_TYPES)}")
        for pattern in [part["pattern"]] if "pattern" in part else []:
            compiled(pattern)
        for pattern in part.get("patternProperties", ()):
            compiled(pattern)
        if isinstance(part.get("$anchor"), str):
            self._anchors[part["$anchor"]] = part

    def _resolve(self, reference: str, path: str) -> Any:
        name = unquote(reference.removeprefix("#"))
        if not reference.startswith("#"):
            raise UsageError(
                f"schema {path} refers to {reference!r}", mend="only references within the schema: #/$defs/name"
            )
        if name and not name.startswith("/"):
            if name not in self._anchors:
                raise UsageError(f"schema {path} refers to the anchor {name!r}, which is not there", mend="add $anchor")
            return self._anchors[name]
        target = self.root
        for step in name.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            try:
                target = target[int(step)] if isinstance(target, list) else target[step]
            except (KeyError, IndexError, ValueError, TypeError):
                raise UsageError(
                    f"schema {path} refers to {reference!r}, which is not there", mend="correct it"
                ) from None
        return target

    def _check(self, schema: Any, value: Any, path: str, refs: tuple[str, ...]) -> Problems:
        if isinstance(schema, bool):
            if not schema:
                yield f"{path}: nothing is allowed here"
            return
        for key, check in _KEYWORDS.items():
            if key in schema:
                yield from check(self, schema, value, path)
        if "$ref" in schema:
            step = f"{schema['$ref']} at {path}"
            if step in refs:
                raise UsageError(f"schema reference {schema['$ref']} leads back to itself", mend="break the circle")
            yield from self._check(self._targets[schema["$ref"]], value, path, (*refs, step))
        for part in schema.get("allOf", ()):
            yield from self._check(part, value, path, refs)

    def _fits(self, schema: Any, value: Any) -> bool:
        return next(self._check(schema, value, "$", ()), None) is None


def _parts(part: Mapping[str, Any], path: str) -> Iterator[tuple[Any, str]]:
    for key in _ONE:
        if key in part:
            yield part[key], f"{path}/{key}"
    for key in _MANY:
        for index, item in enumerate(part.get(key, ())):
            yield item, f"{path}/{key}/{index}"
    for key in _NAMED:
        for name, item in part.get(key, {}).items():
            yield item, f"{path}/{key}/{name}"


def _reach(schema: Any) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every subschema, those that a pointer may name under unknown keywords included."""
    waiting: list[tuple[Any, str]] = [(schema, "#")]
    while waiting:
        part, path = waiting.pop()
        if isinstance(part, Mapping):
            yield part, path
            waiting.extend(
                (item, f"{path}/{key}") for key, item in part.items() if key not in ("const", "enum", "default")
            )
        elif isinstance(part, list):
            waiting.extend((item, f"{path}/{index}") for index, item in enumerate(part))


def _type(schema: Schema, part: Mapping[str, Any], value: Any, path: str) -> Problems:
    kinds = [part["type"]] if isinstance(part["type"], str) else part["type"]
    if not any(_TYPES[kind](value) for kind in kinds):
        yield f"{path}: {_shown(value)} is not of type {' or '.join(kinds)}"


def _enum(schema: Schema, part: Mapping[str, Any], value: Any, path: str) -> Problems:
    if comparable(value) not in [comparable(item) for item in part["enum"]]:
        yield f"{path}: {_shown(value)} is none of {_shown(part['enum'])}"


def _const(schema: Schema, part: Mapping[str, Any], value: Any, path: str) -> Problems:
    if comparable(value) != comparable(part["const"]):
        yield f"{path}: {_shown(value)} is not {_shown(part['const'])}"


def _numbers(schema: Schema, part: Mapping[str, Any], value: Any, path: str) -> Problems:
    if not _is_number(value):
        return
    if "minimum" in part and value < part["minimum"]:
        yield f"{path}: {value} is less than {part['minimum']}"
    if "maximum" in part and value > part["maximum"]:
        yield f"{path}: {value} is more than {part['maximum']}"
    if "exclusiveMinimum" in part and value <= part["exclusiveMinimum"]:
        yield f"{path}: {value} is not more than {part['exclusiveMinimum']}"
    if "exclusiveMaximum" in part and value >= part["exclusiveMaximum"]:
        yield f"{path}: {value} is not less than {part['exclusiveMaximum']}"
    if "multipleOf" in part and Fraction(repr(value)) % Fraction(repr(part["multipleOf"])):
        yield f"{path}: {value} is no multiple of {part['multipleOf']}"


def _strings(schema: Schema, part: Mapping[str, Any], value: Any, path: str) -> Problems:
    if not isinstance(value, str):
        return
    if len(value) < part.get("minLength", 0):
        yield f"{path}: shorter than {part['minLength']}"
    if "maxLength" in part and len(value) > part["maxLength"]:
        yield f"{path}: longer than {part['maxLength']}"
    if "pattern" in part and not _matches(part["pattern"], value):
        yield f"{path}: {_shown(value)} does not match {part['pattern']}"


def _matches(pattern: str, text: str) -> bool:
    return compiled(pattern).search(text.encode("utf-8", "replace").decode()) is not None


def _arrays(schema: Schema, part: Mapping[str, Any], value: Any, path: str) -> Problems:
    if not isinstance(value, list | tuple):
        return
    if len(value) < part.get("minItems", 0):
        yield f"{path}: fewer than {part['minItems']} items"
    if "maxItems" in part and len(value) > part["maxItems"]:
        yield f"{path}: more than {part['maxItems']} items"
    if part.get("uniqueItems") and len({comparable(item) for item in value}) < len(value):
        yield f"{path}: an item is there twice"
    first = part.get("prefixItems", ())
    for index, item in enumerate(value):
        inner = first[index] if index < len(first) else part.get("items", True)
        yield from schema._check(inner, item, f"{path}[{index}]", ())
    if "contains" in part:
        count = sum(schema._fits(part["contains"], item) for item in value)
        if count < part.get("minContains", 1):
            yield f"{path}: {count} items are as wanted, {part.get('minContains', 1)} must be"
        if "maxContains" in part and count > part["maxContains"]:
            yield f"{path}: {count} items are as described, {part['maxContains']} may be"


def _objects(schema: Schema, part: Mapping[str, Any], value: Any, path: str) -> Problems:
    if not isinstance(value, Mapping):
        return
    for key in part.get("required", ()):
        if key not in value:
            yield f"{path}: {key!r} is missing"
    if len(value) < part.get("minProperties", 0):
        yield f"{path}: fewer than {part['minProperties']} keys"
    if "maxProperties" in part and len(value) > part["maxProperties"]:
        yield f"{path}: more than {part['maxProperties']} keys"
    for key, needed in part.get("dependentRequired", {}).items():
        for other in needed if key in value else ():
            if other not in value:
                yield f"{path}: {key!r} needs {other!r}"
    for key, inner in part.get("dependentSchemas", {}).items():
        if key in value:
            yield from schema._check(inner, value, path, ())
    yield from _properties(schema, part, value, path)


def _properties(schema: Schema, part: Mapping[str, Any], value: Mapping[str, Any], path: str) -> Problems:
    named, patterns = part.get("properties", {}), part.get("patternProperties", {})
    for key, item in value.items():
        here = f"{path}.{key}"
        if "propertyNames" in part:
            yield from schema._check(part["propertyNames"], key, here, ())
        fitting = [inner for pattern, inner in patterns.items() if _matches(pattern, key)]
        if key in named:
            fitting.append(named[key])
        for inner in fitting:
            yield from schema._check(inner, item, here, ())
        if not fitting and "additionalProperties" in part:
            if part["additionalProperties"] is False:
                yield f"{path}: {key!r} is not allowed"
            else:
                yield from schema._check(part["additionalProperties"], item, here, ())


def _choices(schema: Schema, part: Mapping[str, Any], value: Any, path: str) -> Problems:
    if "anyOf" in part and not any(schema._fits(inner, value) for inner in part["anyOf"]):
        yield f"{path}: fits none of anyOf"
    if "oneOf" in part and (count := sum(schema._fits(inner, value) for inner in part["oneOf"])) != 1:
        yield f"{path}: fits {count} of oneOf"
    if "not" in part and schema._fits(part["not"], value):
        yield f"{path}: fits what it must not"
    if "if" in part:
        branch = "then" if schema._fits(part["if"], value) else "else"
        yield from schema._check(part.get(branch, True), value, path, ())


_Check = Callable[[Schema, Mapping[str, Any], Any, str], Problems]


def _once(check: _Check, *keys: str) -> dict[str, _Check]:
    """The first of ``keys`` that a schema has runs ``check`` for all of them."""

    def first_only(key: str) -> _Check:
        before = keys[: keys.index(key)]
        return lambda schema, part, value, path: (
            iter(()) if any(other in part for other in before) else check(schema, part, value, path)
        )

    return {key: first_only(key) for key in keys}


_KEYWORDS: dict[str, _Check] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    **_once(_numbers, "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    **_once(_strings, "minLength", "maxLength", "pattern"),
    **_once(_arrays, "minItems", "maxItems", "uniqueItems", "prefixItems", "items", "contains"),
    **_once(
        _objects,
        *("required", "minProperties", "maxProperties", "dependentRequired", "dependentSchemas"),
        *("properties", "patternProperties", "additionalProperties", "propertyNames"),
    ),
    **_once(_choices, "anyOf", "oneOf", "not", "if"),
}


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
