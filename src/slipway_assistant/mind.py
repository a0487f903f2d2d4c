"""Minds: text in, call out. One file in `minds/` adds one variant; `variants()` finds them all.

A mind is a class that `@mind` names:

    @mind("keywords", step=1, parent=None, note="hand-written rules in three languages")
    class Keywords: ...

`prepare()` fits it once and keeps what it learned in a folder, under a hash of its code and of the data; the next
process loads it from there. Nothing is ever pickled. A mind that only adds to its parent has a classmethod
`grow(parent, rows)` beside `fit(rows)`: what the parent learned is then not learned again. A mind with a folder `ships_in` is
never fitted here: its weights come with the package (`slipway-assistant train` makes them).
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import importlib
import importlib.util
import json
import os
import pkgutil
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from slipway.errors import DataError, NotFound
from slipway_assistant.data import Utterance, content_hash
from slipway_assistant.text import detect_language

PACKAGE = "slipway_assistant"
SCHEMA = f"{PACKAGE}.schema"
BEST = "cascade"
"""The variant that is used unless another is named."""
LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a mind made of a sentence: the call (None: nothing is to be called) and how probably it is right."""

    call: Mapping[str, Any] | None
    confidence: float


class Mind(Protocol):
    """What every variant does. `fit` learns, `save` and `load` keep what was learned without pickles."""

    @classmethod
    def fit(cls, rows: Sequence[Utterance]) -> Self:
        """A mind that has learned from labelled utterances."""
        ...

    def understand(self, text: str, lang: str) -> Understanding:
        """The call that a sentence asks for. `lang` is `en`, `fr` or `ja`."""
        ...

    def save(self, folder: Path) -> None:
        """Write what was learned into an empty folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The mind that `save` wrote."""
        ...


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to understand: its name, the variant it was made from, what was changed, and the class that does it."""

    name: str
    parent: str | None
    note: str
    step: int
    factory: type[Mind]

    @property
    def code_hash(self) -> str:
        """SHA-256 (16 digits) of the variant's module and of all modules of the assistant that it imports."""
        return code_hash(self.factory.__module__)

    @property
    def ships_in(self) -> Path | None:
        """The folder of the weights that come with the package; None for a mind that is fitted on first use."""
        found: Path | None = getattr(self.factory, "ships_in", None)
        return found


@dataclass(frozen=True, slots=True)
class Prepared:
    """A mind that is ready, whether it came from the cache, how long it took and what it weighs."""

    variant: Variant
    mind: Mind = field(repr=False)
    cached: bool
    seconds: float
    bytes_kept: int


_REGISTERED: dict[str, Variant] = {}
M = TypeVar("M", bound=type[Mind])


def mind(name: str, *, step: int, parent: str | None, note: str) -> Callable[[M], M]:
    """Name a class as a variant. `step` orders the journey; `note` says what changed from `parent`, and why."""

    def register(factory: M) -> M:
        known = _REGISTERED.get(name)
        if known is not None and known.factory.__module__ != factory.__module__:
            raise DataError(f"two minds are called {name!r}", mend=f"rename the one in {factory.__module__}")
        _REGISTERED[name] = Variant(name, parent, note, step, factory)
        return factory

    return register


@cache
def variants() -> tuple[Variant, ...]:
    """All variants in the order of the journey; importing the modules of `minds/` is what registers them."""
    from slipway_assistant import minds

    for module in pkgutil.iter_modules(minds.__path__):
        importlib.import_module(f"{PACKAGE}.minds.{module.name}")
    return tuple(sorted(_REGISTERED.values(), key=lambda v: (v.step, v.name)))


def variant(name: str) -> Variant:
    """The variant of that name; NotFound names the nearest one."""
    for candidate in variants():
        if candidate.name == name:
            return candidate
    raise NotFound.among("variant", name, [v.name for v in variants()])


def answer(ready: Mind, text: str, lang: str | None = None) -> Understanding:
    """Ask a mind. A missing language is detected; of an endless text the first 1,000 characters are read."""
    # Half a surrogate pair, which JSON may hold, cannot be encoded for the taggers.
    plain = text[:LONGEST].encode("utf-8", "replace").decode("utf-8")
    return ready.understand(plain, lang or detect_language(plain))


def default_cache() -> Path:
    """Where fitted minds are kept when the caller names no folder: `$XDG_CACHE_HOME` or `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "slipway-assistant" / "minds"


def prepare(chosen: Variant, rows: Sequence[Utterance], folder: Path | None = None) -> Prepared:
    """Load the variant from `folder` if it was fitted there by the same code on the same rows; fit and keep it if not.

    `folder` None fits without keeping. A kept mind that cannot be read is fitted again. A mind that is shipped is loaded from
    where it ships, whatever the rows.
    """
    started = time.perf_counter()
    if chosen.ships_in is not None:
        shipped = chosen.factory.load(chosen.ships_in)
        return Prepared(chosen, shipped, True, time.perf_counter() - started, _size(chosen.ships_in))
    if folder is None:
        return Prepared(chosen, chosen.factory.fit(rows), False, time.perf_counter() - started, 0)
    kept = folder / f"{chosen.name}-{chosen.code_hash}-{content_hash(rows)}"
    if (kept / "done.json").is_file():
        try:
            loaded = chosen.factory.load(kept)
        except (OSError, ValueError, KeyError):
            shutil.rmtree(kept, ignore_errors=True)
        else:
            return Prepared(chosen, loaded, True, time.perf_counter() - started, _size(kept))
    with _alone(kept):
        if (kept / "done.json").is_file():  # another process fitted it while this one waited
            return Prepared(chosen, chosen.factory.load(kept), False, time.perf_counter() - started, _size(kept))
        fitted = _fit(chosen, rows, folder)
        _keep(fitted, chosen, kept)
    return Prepared(chosen, fitted, False, time.perf_counter() - started, _size(kept))


def _fit(chosen: Variant, rows: Sequence[Utterance], folder: Path) -> Mind:
    """What the parent learned is taken over by a mind that says how (`grow`); any other is fitted from the start."""
    if chosen.parent is None or "grow" not in vars(chosen.factory):
        return chosen.factory.fit(rows)
    grown: Mind = vars(chosen.factory)["grow"].__get__(None, chosen.factory)(
        prepare(variant(chosen.parent), rows, folder).mind, rows
    )
    return grown


@contextmanager
def _alone(kept: Path) -> Iterator[None]:
    """One process at a time fits a mind; the others wait for it rather than do the same."""
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(kept.parent / f".{kept.name}.lock", "w", opener=_private) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _keep(fitted: Mind, chosen: Variant, kept: Path) -> None:
    """Write beside, then rename: two processes that fit at once leave one whole folder."""
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = Path(tempfile.mkdtemp(prefix=".fitting-", dir=kept.parent))
    try:
        fitted.save(beside)
        (beside / "done.json").write_text(json.dumps({"variant": chosen.name, "code": chosen.code_hash}), "utf-8")
        for path in beside.iterdir():
            path.chmod(0o600)
        if not (kept / "done.json").is_file():
            shutil.rmtree(kept, ignore_errors=True)  # left half written by an older version or by hand
        os.replace(beside, kept)
    except OSError:
        if not (kept / "done.json").is_file():  # otherwise another process was faster, and its work is as good
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix in {".npz", ".onnx", ".json"})


@cache
def code_hash(module: str) -> str:
    """SHA-256 (16 digits) of a module's source and of the assistant's modules it imports, however deep.

    Of a package its data files count too: sentences and patterns decide what is learned as much as code does.
    """
    digest = hashlib.sha256()
    for name in sorted(_reached(module)):
        digest.update(name.encode() + b"\0" + _source(name) + b"\0")
        if name == SCHEMA:
            digest.update(_signatures())
        for path in _data_files(name):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _reached(module: str) -> set[str]:
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        # This module decides nothing about what a mind says.
        if name in seen or name in {f"{PACKAGE}.mind", PACKAGE}:
            continue
        seen.add(name)
        # Of the skills behind the schema only their signatures count: what a skill does is nothing that a mind learns.
        waiting += [] if name == SCHEMA else _imported(_source(name))
    return seen


def _signatures() -> bytes:
    from slipway_assistant.schema import FUNCTIONS

    return repr(tuple(FUNCTIONS.values())).encode()


def _imported(source: bytes) -> Iterable[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE):
            nested = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in nested if importlib.util.find_spec(node.module) and _is_module(name))
            yield node.module


def _is_module(name: str) -> bool:
    parent, _, _ = name.rpartition(".")
    found = importlib.util.find_spec(parent)
    if found is None or found.submodule_search_locations is None:
        return False
    return importlib.util.find_spec(name) is not None


def _data_files(name: str) -> list[Path]:
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None or not found.submodule_search_locations:
        return []
    return sorted(p for p in Path(found.origin).parent.iterdir() if p.suffix in {".txt", ".jsonl"})


def _source(name: str) -> bytes:
    found = importlib.util.find_spec(name)
    return Path(found.origin).read_bytes() if found and found.origin else b""
