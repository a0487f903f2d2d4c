"""A bounded picture of any value, taken without running one line of the user's code.

`snapshot` runs on the caller's thread, at the time of the call, because the caller may change the value afterwards. It
must neither hurt nor delay: it never calls ``repr``, ``str``, ``len``, ``iter``, ``hash``, ``==`` or an attribute of an
object whose class the user could have written. Built-in types are read through the built-in's own methods
(``dict.items(x)``, not ``x.items()``), fields of dataclasses, attrs classes and pydantic models through the descriptors
that CPython itself made, arrays by type and shape. Everything else becomes ``<module.Class>``.

Text is kept by reference (it cannot change) and cut only to bound memory; cleaning, redaction and the final cut to
``capture.max-bytes`` happen later, on the writer's thread (`slipway.track.convert`).
"""

from __future__ import annotations

import collections
import datetime
import decimal
import enum
import fractions
import pathlib
import types
import uuid
import zoneinfo
from collections.abc import Callable, Iterator
from typing import Any

NODES = 2_000
DEPTH = 24
MARGIN = 8_192
"""Characters kept beyond the limit, so that a secret that straddles the limit is still recognised before the cut."""

# Classes are told apart by id: a set of classes would call the metaclass's __hash__ and __eq__.
ATOMS = frozenset(map(id, (str, int, float, bool, type(None))))
_EXACT_TEXT = (
    *(decimal.Decimal, fractions.Fraction, uuid.UUID, pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath),
    *(pathlib.PureWindowsPath, datetime.date, datetime.timedelta, complex, range),
)
_SAFE_ZONES = frozenset(map(id, (type(None), datetime.timezone, zoneinfo.ZoneInfo)))

_type_dict = type.__dict__["__dict__"].__get__
_type_mro = type.__dict__["__mro__"].__get__
_type_name = type.__dict__["__qualname__"].__get__
_type_module = type.__dict__["__module__"].__get__
_exception_args = BaseException.__dict__["args"].__get__


class Budget:
    """What one capture may still take: characters of text and nodes of structure."""

    __slots__ = ("characters", "cut", "limit", "nodes")

    def __init__(self, max_bytes: int) -> None:
        self.limit = self.characters = max_bytes + MARGIN
        self.nodes = NODES
        self.cut = False  # a part of the structure is not in the picture

    def taken(self) -> int:
        """Roughly how many bytes the picture holds."""
        return self.limit - self.characters + 64 * (NODES - self.nodes)


def snapshot(value: Any, budget: Budget, depth: int = 0) -> Any:
    """A picture of ``value`` made of exact dict, list, str, int, float, bool, None, bytes, and immutable standard types."""
    kind = type(value)
    if kind is str:
        return _cut(value, budget)
    if id(kind) in ATOMS:
        return value
    budget.nodes -= 1
    if depth > DEPTH or budget.nodes <= 0:
        budget.cut = True
        return _name(kind) if depth > DEPTH else "..."
    if kind is dict:
        return _mapping(dict.items(value), dict.__len__(value), budget, depth)
    if kind is list:
        return _sequence(list.__iter__(value), list.__len__(value), budget, depth)
    if kind is tuple:
        return _sequence(tuple.__iter__(value), tuple.__len__(value), budget, depth)
    return _plan(kind)(value, budget, depth)


def type_name(value: Any) -> str:
    """``<module.Class>``, whatever the metaclass does."""
    return _name(type(value))


def exception_text(error: BaseException, budget: Budget) -> str:
    """``message`` of an exception from its ``args``: a user's ``__str__`` is not called."""
    kind = type(error)
    if kind is UnicodeDecodeError or kind is UnicodeEncodeError or isinstance_of(error, OSError):
        found = _os_error(error)
        if found is not None:
            return found
    args = [snapshot(item, budget) for item in tuple.__iter__(_exception_args(error))]
    if len(args) == 1:
        return repr(args[0]) if isinstance_of(error, KeyError) else str(args[0])
    return ", ".join(map(str, args))


def isinstance_of(value: Any, base: type) -> bool:
    """``isinstance`` by the real class, deaf to ``__class__`` and ``__instancecheck__``."""
    return any(kind is base for kind in _type_mro(type(value)))


def _os_error(error: BaseException) -> str | None:
    if isinstance_of(error, OSError):
        number, text = OSError.__dict__["errno"].__get__(error), OSError.__dict__["strerror"].__get__(error)
        name = OSError.__dict__["filename"].__get__(error)
        if type(number) is int and type(text) is str:
            return f"[Errno {number}] {text}" + (f": {name!r}" if type(name) is str else "")
        return None
    return str(error)  # exact UnicodeError classes: the interpreter's own __str__ over its own fields


def _cut(text: str, budget: Budget) -> str:
    size = len(text)
    left = budget.characters
    if size > left:
        budget.characters = 0
        return f"{text[:left]}...[{size - left} characters more]" if left > 0 else f"[{size} characters]"
    budget.characters = left - size
    return text


def _name(kind: type) -> str:
    module, name = _type_module(kind), _type_name(kind)
    return f"<{module}.{name}>" if type(module) is str and type(name) is str else "<object>"


def _sequence(items: Iterator[Any], size: int, budget: Budget, depth: int) -> list[Any]:
    found: list[Any] = []
    try:
        for item in items:
            if budget.nodes <= 0 or (budget.characters <= 0 and len(found) > 16):
                found.append(f"...[{size - len(found)} more]")
                budget.cut = True
                break
            kind = type(item)
            if id(kind) in ATOMS:
                budget.nodes -= 1
                found.append(_cut(item, budget) if kind is str else item)
            else:
                found.append(snapshot(item, budget, depth + 1))
    except RuntimeError:  # another thread is changing it: what was seen so far is kept
        found.append("...[changed while it was read]")
    return found


def _mapping(items: Any, size: int, budget: Budget, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        for key, item in items:
            if budget.nodes <= 0 or (budget.characters <= 0 and len(found) > 16):
                found["..."] = f"[{size - len(found)} more]"
                budget.cut = True
                break
            name = key if type(key) is str and len(key) <= 256 else _key(key)
            kind = type(item)
            if id(kind) in ATOMS:
                budget.nodes -= 1
                found[name] = _cut(item, budget) if kind is str else item
            else:
                found[name] = snapshot(item, budget, depth + 1)
    except RuntimeError:
        found["..."] = "[changed while it was read]"
    return found


def _key(key: Any) -> str:
    kind = type(key)
    if kind is str:
        return f"{key[:256]}..."
    if kind is int:
        return str(key) if int.bit_length(key) <= 64 else "<int>"
    if id(kind) in ATOMS or kind is uuid.UUID or kind is datetime.date:
        return str(key)
    small = Budget(0)
    small.nodes, small.characters = 16, 256
    seen = snapshot(key, small)
    return seen if type(seen) is str else str(seen)[:256]


# How to read one class, found once for each class. The class itself is kept beside the plan, so its id stays its own.
Plan = Callable[[Any, Budget, int], Any]
_plans: dict[int, tuple[type, Plan]] = {}
_MOST_PLANS = 1_024


def _plan(kind: type) -> Plan:
    known = _plans.get(id(kind))
    if known is not None:
        return known[1]
    plan = _find_plan(kind)
    if len(_plans) >= _MOST_PLANS:  # classes made in a loop must not fill the memory
        _plans.clear()
    _plans[id(kind)] = (kind, plan)
    return plan


def _find_plan(kind: type) -> Plan:
    for known, plan in _BUILTIN:
        if kind is known:
            return plan
    if any(kind is known for known in _EXACT_TEXT):
        return lambda value, budget, depth: _cut(str(value), budget)
    mro = _type_mro(kind)
    names = _field_names(mro)
    if names is not None:
        return _fields_plan(kind, mro, names)
    if any(base is enum.Enum for base in mro):
        return _enum_plan(kind, mro)
    for base, plan in _BASES:
        if any(known is base for known in mro):
            return plan
    numpy = _numpy_plan(kind, mro)
    if numpy is not None:
        return numpy
    text = _name(kind)
    return lambda value, budget, depth: text


def _field_names(mro: tuple[type, ...]) -> list[str] | None:
    """Fields of a dataclass, attrs class or pydantic model; None for any other class."""
    for base in mro:
        own = _type_dict(base)
        for mark in ("__dataclass_fields__", "__pydantic_fields__", "__attrs_attrs__"):
            fields = own.get(mark)
            if type(fields) is dict:
                return [name for name in fields if type(name) is str]
            if fields is not None and isinstance_of(fields, tuple):
                found = [_attrs_name(item) for item in tuple.__iter__(fields)]
                return [name for name in found if name is not None]
    return None


def _attrs_name(attribute: Any) -> str | None:
    mro = _type_mro(type(attribute))
    if _type_module(type(attribute)) not in ("attr._make", "attrs"):
        return None
    name = _reader(mro, "name")(attribute)
    return name if type(name) is str else None


def _reader(mro: tuple[type, ...], name: str) -> Callable[[Any], Any]:
    """Reads ``value.name`` only where that is a slot or an entry of the instance's own dictionary."""
    for base in mro:
        found = _type_dict(base).get(name)
        if type(found) is types.MemberDescriptorType:
            return lambda value: _read_slot(found, value)
        if found is not None and name == "__dict__":
            return found.__get__ if type(found) is types.GetSetDescriptorType else lambda value: None
    return lambda value: None


def _read_slot(slot: Any, value: Any) -> Any:
    try:
        return slot.__get__(value)
    except AttributeError:  # a slot without a value
        return None


def _fields_plan(kind: type, mro: tuple[type, ...], names: list[str]) -> Plan:
    slots = {name: _reader(mro, name) for name in names}
    instance = _reader(mro, "__dict__")

    def read(value: Any, budget: Budget, depth: int) -> Any:
        own = instance(value)
        own = own if type(own) is dict else {}
        pairs = ((name, own[name] if name in own else slots[name](value)) for name in names)
        return _mapping(pairs, len(names), budget, depth)

    return read


def _enum_plan(kind: type, mro: tuple[type, ...]) -> Plan:
    instance, prefix = _reader(mro, "__dict__"), _name(kind)[1:-1].rpartition(".")[2]

    def read(value: Any, budget: Budget, depth: int) -> Any:
        own = instance(value)
        name = own.get("_name_") if type(own) is dict else None
        return f"{prefix}.{name}" if type(name) is str else prefix

    return read


def _numpy_plan(kind: type, mro: tuple[type, ...]) -> Plan | None:
    import sys

    numpy = sys.modules.get("numpy")
    if numpy is None or _type_module(mro[-2] if len(mro) > 1 else kind) != "numpy":
        return None
    array: Any = getattr(numpy, "ndarray", None)
    scalar: Any = getattr(numpy, "generic", None)
    if any(base is array for base in mro):
        return lambda value, budget, depth: {
            "$array": str(array.__dict__["dtype"].__get__(value)),
            "shape": list(array.__dict__["shape"].__get__(value)),
        }
    if any(base is scalar for base in mro) and _type_module(kind) == "numpy":
        return lambda value, budget, depth: snapshot(scalar.item(value), budget, depth + 1)
    return None


def _set(value: Any, budget: Budget, depth: int) -> Any:
    base = set if isinstance_of(value, set) else frozenset
    return _sequence(base.__iter__(value), base.__len__(value), budget, depth)


def _bytes(value: Any, budget: Budget, depth: int) -> Any:
    left = max(budget.characters, 0)
    base = bytes if isinstance_of(value, bytes) else bytearray
    size = base.__len__(value)
    kept = bytes(base.__getitem__(value, slice(0, left)))
    budget.characters -= len(kept)
    return kept if size == len(kept) else kept + b"...[%d bytes more]" % (size - len(kept))


def _memoryview(value: memoryview, budget: Budget, depth: int) -> Any:
    return f"<memoryview of {value.nbytes} bytes>"


def _named_tuple(value: Any, budget: Budget, depth: int) -> Any:
    names = None
    for base in _type_mro(type(value)):
        names = _type_dict(base).get("_fields")
        if names is not None:
            break
    size = tuple.__len__(value)
    if type(names) is tuple and len(names) == size and all(type(name) is str for name in names):
        return _mapping(zip(names, tuple.__iter__(value), strict=True), size, budget, depth)
    return _sequence(tuple.__iter__(value), size, budget, depth)


def _datetime(value: datetime.datetime, budget: Budget, depth: int) -> Any:
    zone = datetime.datetime.__dict__["tzinfo"].__get__(value)
    return str(value if id(type(zone)) in _SAFE_ZONES else value.replace(tzinfo=None))


def _function(value: Any, budget: Budget, depth: int) -> Any:
    return f"<function {value.__name__}>"  # __qualname__ of a bound built-in asks the user's class


def _class(value: Any, budget: Budget, depth: int) -> Any:
    return f"<class {_name(value)[1:-1]}>"


def _error(value: Any, budget: Budget, depth: int) -> Any:
    return f"{_name(type(value))[1:-1]}: {exception_text(value, budget)}"


_BUILTIN: tuple[tuple[type, Plan], ...] = (
    (datetime.datetime, _datetime),
    (memoryview, _memoryview),
    (types.FunctionType, _function),
    (types.BuiltinFunctionType, _function),
    (type, _class),
)

# The order matters: bool and int before float, named tuples are tuples.
_BASES: tuple[tuple[type, Plan], ...] = (
    (str, lambda value, budget, depth: _cut(str.__str__(value), budget)),
    (int, lambda value, budget, depth: int.__int__(value)),
    (float, lambda value, budget, depth: float.__float__(value)),
    (bytes, _bytes),
    (bytearray, _bytes),
    (dict, lambda value, budget, depth: _mapping(dict.items(value), dict.__len__(value), budget, depth)),
    (list, lambda value, budget, depth: _sequence(list.__iter__(value), list.__len__(value), budget, depth)),
    (tuple, _named_tuple),
    (set, _set),
    (frozenset, _set),
    (collections.deque, lambda v, b, d: _sequence(collections.deque.__iter__(v), collections.deque.__len__(v), b, d)),
    (BaseException, _error),
    (type, _class),
)
