"""What a skill's signature says: the function's arguments, how each is compared, and the words for a prompt.

Start in `read()`. The kinds of an argument are written as its type:

    def get(ctx: Context, *, location: Soft = "", when: Span = "", action: Literal["on", "off"], level: int | None = None)
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

Kind = Literal["enum", "int", "span", "soft", "math", "free"]
"""How a predicted argument is compared with the expected one.

enum: exactly one of `Argument.values`. int: the same whole number. span: the same words of the utterance,
apart from case, punctuation and filler words. soft: free text with mostly the same words. math: an arithmetic
expression of the same value. free: never compared.
"""

Span = Annotated[str, "span"]
Soft = Annotated[str, "soft"]
Math = Annotated[str, "math"]
Free = Annotated[str, "free"]

_TEXTS = ("span", "soft", "math", "free")


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a function; `values` is empty unless `kind` is "enum"."""

    name: str
    kind: Kind
    summary: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """One function; `required` names the arguments that a call may not leave out."""

    name: str
    arguments: tuple[Argument, ...]
    required: tuple[str, ...]
    summary: str

    def argument(self, name: str) -> Argument | None:
        """The argument of that name, or None when the function has no such argument."""
        return next((argument for argument in self.arguments if argument.name == name), None)


def read(name: str, function: Callable[..., Any]) -> Function:
    """The function called `name` as its signature and docstring state it. Raises TypeError where they do not suffice."""
    hints = get_type_hints(function, include_extras=True)
    parameters = [p for p in list(inspect.signature(function).parameters.values())[1:] if p.kind is p.KEYWORD_ONLY]
    summary, told = _documented(inspect.getdoc(function) or "", {p.name for p in parameters})
    if not summary:
        raise TypeError(f"skill {name}: say in the docstring what it does")
    arguments = []
    for parameter in parameters:
        if parameter.name not in told:
            raise TypeError(f"skill {name}: the docstring has no line '{parameter.name}: ...'")
        kind, values = _kind(name, parameter.name, hints.get(parameter.name))
        arguments.append(Argument(parameter.name, kind, told[parameter.name], values))
    required = tuple(p.name for p in parameters if p.default is p.empty)
    return Function(name, tuple(arguments), required, summary)


def _kind(skill: str, name: str, hint: Any) -> tuple[Kind, tuple[str, ...]]:
    if get_origin(hint) in (Union, types.UnionType):  # int | None: left out unless it was said
        hint = next((arm for arm in get_args(hint) if arm is not type(None)), None)
    if hint is int:
        return "int", ()
    if get_origin(hint) is Literal:
        return "enum", tuple(get_args(hint))
    if get_origin(hint) is Annotated and get_args(hint)[1] in _TEXTS:
        return cast(Kind, get_args(hint)[1]), ()
    raise TypeError(f"skill {skill}: argument {name} must be Span, Soft, Math, Free, int or Literal[...]")


def _documented(doc: str, names: set[str]) -> tuple[str, dict[str, str]]:
    """The first paragraph, and the text after each "name: "; a line that starts with no name goes on with the one before."""
    first, _, rest = doc.partition("\n\n")
    told: dict[str, str] = {}
    current = ""
    for line in rest.splitlines():
        begun = re.match(r"\s*(\w+): (.+)", line)
        if begun and begun[1] in names:
            current = begun[1]
            told[current] = begun[2].strip()
        elif not line.strip():
            current = ""
        elif current:
            told[current] += " " + line.strip()
    return " ".join(first.split()), told
