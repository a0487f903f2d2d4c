"""From a specification to a `Scorer`.

exact                             a name
regex:^a                          a name and its first setting, verbatim to the end
numeric(tolerance=0.01)           a name and settings, as Python literals
judge("helpful@v3")
myapp.scoring:brief               a function of a module
{"name": "regex", "pattern": "^a", "as": "starts_a"}      a table of slipway.toml; ``as`` names the score
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from slipway.errors import NotFound, UsageError
from slipway.registry import lookup, names
from slipway.scorers.base import CONTEXT, GROUP_CONTEXT, Scorer

ScorerSpec = str | Scorer | Mapping[str, Any] | Callable[..., Any]

_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_CALL = re.compile(r"(?s)([\w.\-]+(?::[A-Za-z_]\w*)?)\((.*)\)")


def resolve(spec: ScorerSpec) -> Scorer:
    """The scorer that ``spec`` means. Raises `NotFound` (naming the nearest) or `UsageError`."""
    if isinstance(spec, Scorer):
        return spec
    if isinstance(spec, Mapping):
        settings = dict(spec)
        if not isinstance(settings.get("name"), str):
            raise UsageError("a scorer table has no name", mend='write { name = "exact" }')
        label = settings.pop("as", None)
        scorer = _make(settings.pop("name"), [], settings)
        return scorer.named(str(label)) if label else scorer
    if isinstance(spec, str):
        return _from_text(spec.strip())
    if callable(spec):
        return _configured(spec, getattr(spec, "__name__", "scorer"), [], {})
    raise UsageError(f"{spec!r} is not a scorer", mend="give a name, a function or a Scorer")


def resolve_all(specs: Iterable[ScorerSpec]) -> tuple[Scorer, ...]:
    """Every scorer, each name once. Raises `UsageError` when two would write the same score."""
    scorers = tuple(resolve(spec) for spec in specs)
    seen: set[str] = set()
    for scorer in scorers:
        if scorer.name in seen:
            raise UsageError(
                f"two scorers are called {scorer.name!r}",
                mend='name one of them: {"name": "...", "as": "another name"}, or resolve(...).named("another name")',
            )
        seen.add(scorer.name)
    return scorers


def _from_text(spec: str) -> Scorer:
    call = _CALL.fullmatch(spec)
    if call:
        parsed = _literals(spec, call.group(2))
        if parsed is not None:
            return _make(call.group(1), *parsed)
    name, colon, value = spec.partition(":")
    if not colon:
        return _make(name, [], {})
    if _DOTTED.fullmatch(name) or _is_module(name, value):
        return _make(spec, [], {})
    return _make(name, [value], {}, from_text=True)


def _is_module(name: str, value: str) -> bool:
    """Whether ``scoring:brief`` means a function of scoring.py: there is such a module, and no such scorer."""
    if name in names("scorer") or not (name.isidentifier() and value.isidentifier()):
        return False
    return importlib.util.find_spec(name) is not None


def _literals(spec: str, inside: str) -> tuple[list[Any], dict[str, Any]] | None:
    if ":" in spec.partition("(")[0] and not _DOTTED.fullmatch(spec.partition(":")[0]):
        return None  # regex:f(x) is a pattern that ends in a bracket
    try:
        node = ast.parse(f"_({inside})", mode="eval").body
        assert isinstance(node, ast.Call)
        return (
            [ast.literal_eval(item) for item in node.args],
            {str(item.arg): ast.literal_eval(item.value) for item in node.keywords},
        )
    except (SyntaxError, ValueError):
        raise UsageError(
            f"cannot read the settings of scorer {spec!r}", mend="write them as name(key='value')"
        ) from None


def _make(name: str, given: list[Any], settings: dict[str, Any], *, from_text: bool = False) -> Scorer:
    module, colon, attribute = name.partition(":")
    if not colon:
        return _configured(lookup("scorer", name), name, given, settings, from_text=from_text)
    try:
        thing = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as missing:
        raise NotFound(f"no module {missing.name!r} for scorer {name!r}", mend="is its folder on PYTHONPATH?") from None
    except AttributeError:
        raise NotFound.among(f"scorer in {module}", attribute, dir(importlib.import_module(module))) from None
    return _configured(thing, attribute, given, settings)


def _configured(
    thing: Any, name: str, given: list[Any], settings: dict[str, Any], *, from_text: bool = False
) -> Scorer:
    if isinstance(thing, Scorer):
        if given or settings:
            raise UsageError(f"scorer {name!r} takes no settings", mend=f"write {name} alone")
        return thing
    signature = inspect.signature(thing).parameters
    factory = inspect.signature(thing).return_annotation in (Scorer, "Scorer")
    known = () if factory else GROUP_CONTEXT if {"outputs", "samples"} & set(signature) else CONTEXT
    own = [key for key in signature if key not in known]
    if len(given) > len(own):
        raise UsageError(
            f"scorer {name!r} takes {len(own)} settings, not {len(given)}", mend=f"it has: {', '.join(own) or 'none'}"
        )
    for key, value in zip(own, given, strict=False):
        settings[key] = _converted(name, key, value, signature[key].annotation) if from_text else value
    if not factory:
        return Scorer.of(thing, settings=settings)
    for key in settings:
        if key not in signature:
            raise UsageError(f"scorer {name!r}: {NotFound.among('setting', key, own)}")
    missing = [key for key in own if key not in settings and signature[key].default is inspect.Parameter.empty]
    if missing:
        raise UsageError(f"scorer {name!r} needs the setting {missing[0]!r}", mend=f"write {name}({missing[0]}=...)")
    made: Scorer = thing(**settings)
    return made


def _converted(name: str, key: str, value: str, annotation: Any) -> Any:
    kind = str(getattr(annotation, "__name__", annotation)).split("|")[0].strip()
    try:
        if kind in ("int", "float"):
            return float(value) if kind == "float" else int(value)
        if kind == "bool":
            return {"true": True, "false": False}[value.strip().lower()]
    except (ValueError, KeyError):
        raise UsageError(f"scorer {name!r}: {key} cannot be {value!r}", mend=f"give a {kind}") from None
    return value
