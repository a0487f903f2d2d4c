"""Requests for every route there is, made from what the routes declare: a new route is walked by itself."""

from __future__ import annotations

import msgspec
from msgspec import inspect as types

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
# Whatever would run a program, if anything handed it to one.
EVIL = "$(touch /tmp/slipway-was-here); __import__('os').system('id') | `id`"


def methods_of(found):
    """The methods that reach the route's function."""
    return {found.method, "HEAD"} if found.method == "GET" else {found.method}


def address(found, fill="0" * 32):
    """The route's path with ``fill`` for each of its parts."""
    path = found.path
    for part in found.parts:
        path = path.replace(f"{{{part}}}", fill).replace(f"{{{part}:path}}", fill)
    return path


def instance(kind, text=EVIL):
    """A JSON value of that type, with ``text`` wherever text may stand."""
    return _value(types.type_info(kind), text)


def _value(kind, text):
    if isinstance(kind, types.StructType):
        return {field.encode_name: _value(field.type, text) for field in kind.fields}
    if isinstance(kind, types.StrType):
        return text[: kind.max_length] if kind.max_length else text
    if isinstance(kind, types.UnionType):
        return _value(next(member for member in kind.types if not isinstance(member, types.NoneType)), text)
    if isinstance(kind, types.LiteralType):
        return kind.values[0]
    if isinstance(kind, types.IntType | types.FloatType):
        return kind.ge or 1
    if isinstance(kind, types.BoolType):
        return True
    if isinstance(kind, types.DictType):
        return {_value(kind.key_type, text): _value(kind.value_type, text)}
    if isinstance(kind, types.ListType | types.VarTupleType | types.SetType | types.CollectionType):
        return [_value(kind.item_type, text)]
    return text


def queried(found, text=EVIL):
    """Query parameters of the route, with ``text`` wherever text may stand."""
    if found.query is None:
        return {}
    return {field.encode_name: str(instance(field.type, text)) for field in msgspec.structs.fields(found.query)}


def body(found, text=EVIL):
    """A JSON body of the route; empty where it takes none."""
    return b"" if found.body is None else msgspec.json.encode(instance(found.body, text))
