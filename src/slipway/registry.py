"""Find scorers, models, stores, techniques and skills by name: one file adds one thing.

A thing is found, in this order: in the module of the same name in its room, anywhere in its room, and among the entry
points of other people's packages (group ``slipway.scorers`` and so on). Nothing is kept here: the mark sits on the thing.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any, TypeVar

from slipway.errors import NotFound

T = TypeVar("T")

# kind -> the package whose files are searched; the entry-point group is the kind's plural under "slipway."
ROOMS = {
    "scorer": "slipway.scorers",
    "model": "slipway.models",
    "store": "slipway.store",
    "technique": "slipway.improve.techniques",
    "skill": "slipway_assistant.skills",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What ``@register`` leaves on the thing it registers."""

    kind: str
    name: str


def register(kind: str, name: str) -> Callable[[T], T]:
    """Mark a function or class as the ``kind`` called ``name``: ``@register("scorer", "brief")``."""
    if kind not in ROOMS:
        raise NotFound.among("kind of thing", kind, ROOMS)

    def mark(thing: T) -> T:
        thing.__slipway__ = Mark(kind, name)  # type: ignore[attr-defined]
        return thing

    return mark


def lookup(kind: str, name: str) -> Any:
    """The ``kind`` called ``name``. Raises `NotFound`, naming the nearest one."""
    room = ROOMS.get(kind)
    if room is None:
        raise NotFound.among("kind of thing", kind, ROOMS)
    try:  # the usual case imports one file, not the whole room
        module = importlib.import_module(f"{room}.{name}")
    except ModuleNotFoundError as missing:
        if missing.name not in {room, f"{room}.{name}"}:
            raise
    else:
        for found, thing in _marked(module, kind):
            if found == name:
                return thing
    try:
        return everything(kind)[name]
    except KeyError:
        raise NotFound.among(kind, name, everything(kind)) from None


def names(kind: str) -> list[str]:
    """Every name of a kind, sorted."""
    return sorted(everything(kind))


@cache
def everything(kind: str) -> dict[str, Any]:
    """All things of a kind by name: the room's own first, then other people's (which cannot replace ours)."""
    found: dict[str, Any] = {}
    try:
        package = importlib.import_module(ROOMS[kind])
    except ModuleNotFoundError:
        package = None
    if package is not None:
        for info in pkgutil.iter_modules(package.__path__):
            for name, thing in _marked(importlib.import_module(f"{package.__name__}.{info.name}"), kind):
                found.setdefault(name, thing)
    for point in metadata.entry_points(group=f"slipway.{kind}s"):
        if point.name not in found:
            found[point.name] = point.load()
    return found


def _marked(module: Any, kind: str) -> Iterator[tuple[str, Any]]:
    for thing in list(vars(module).values()):
        mark = getattr(thing, "__slipway__", None)
        if isinstance(mark, Mark) and mark.kind == kind:
            yield mark.name, thing
