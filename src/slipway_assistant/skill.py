"""Skills: what a call does. One file in `skills/` adds one; the entry points `slipway.skills` of other packages add theirs.

    @skill("tea.make", timeout_s=4.0)
    def make(ctx: Context, *, kind: Span = "") -> Answer:
        \"\"\"Make tea.

        kind: Which tea.
        \"\"\"
        return Answer(pick(ctx.lang, {"en": "Here is your tea.", "fr": "Voici votre thé.", "ja": "お茶が入りました。"}))

`functions()` is the schema that the signatures make; `run(call, ctx)` does a call and never raises. Importing all skills is
light: what a skill stands on is imported inside its function.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from slipway import register
from slipway.errors import DataError, NotFound, SlipwayError
from slipway_assistant.settings import Settings
from slipway_assistant.signature import Argument, Free, Function, Math, Soft, Span, read

__all__ = ["Answer", "Context", "Free", "Math", "Memory", "SkillError", "Soft", "Span", "find", "functions", "pick"]
__all__ += ["run", "skill", "skills"]

Said = str | Mapping[str, str]
"""What is said aloud: one text, or a text by language with at least "en"."""

ORDER = (
    *("music.play", "music.control", "playlist.add", "volume.set", "weather.get", "news.get", "math.eval", "alarm.set"),
    *("alarm.manage", "timer.set", "timer.manage", "list.edit", "calendar.edit", "home.set", "datetime.get"),
    *("facts.ask", "joke.tell"),
)
"""How prompts list the functions; those that are not named here come after them, by name."""


class Memory(Protocol):
    """What a skill may ask of the assistant's memory (memory.py keeps it)."""

    def count(self, kind: str, value: str) -> object:
        """Remember that `value` was asked for once more; a song, an artist, a place ..."""

    def favourite(self, kind: str) -> str | None:
        """What is asked for most of that kind, or was said to be the favourite."""

    def remember(self, kind: str, value: str, sentence: str = "") -> object:
        """Keep what was said."""

    def last(self, kind: str, n: int) -> Sequence[str]:
        """The last `n` values of that kind, newest first."""


class Forgetful:
    """A memory that keeps nothing."""

    def count(self, kind: str, value: str) -> None:
        """Nothing."""

    def favourite(self, kind: str) -> str | None:
        """Nothing is a favourite."""
        return None

    def remember(self, kind: str, value: str, sentence: str = "") -> None:
        """Nothing."""

    def last(self, kind: str, n: int) -> Sequence[str]:
        """Nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a skill did. `text` is said aloud in the context's language.

    `ask` names the argument that is missing, and `text` is then the question. `confirm`: the text asks for a yes or no, and
    the same call is made again with `Context.confirmed` after a yes. `data` is for a page or a test, and never said.
    """

    text: str
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    ok: bool = True
    ask: str = ""
    confirm: bool = False


def _nobody(text: str, lang: str) -> None:
    """Nobody listens: a skill that was called from a test or the command line."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a skill may use. `now` is aware, in the person's time zone; `folder` is the assistant's data folder.

    `heard` is the whole sentence, for what the arguments do not hold ("add five minutes"). `announce` says a text in a
    language later, when nobody asked: a timer that rings.
    """

    lang: str
    now: datetime
    settings: Settings
    folder: Path
    memory: Memory = field(default_factory=Forgetful)
    confirmed: bool = False
    heard: str = ""
    announce: Callable[[str, str], None] = _nobody


class SkillError(SlipwayError):
    """A skill could not do what was asked; `said` tells the person so, aloud."""

    def __init__(self, said: Said, *, mend: str | None = None) -> None:
        super().__init__(pick("en", said), mend=mend)
        self.said = said


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill as it was declared: its signature, what runs, how long it may take, the question for a missing argument."""

    function: Function
    call: Callable[..., Answer]
    timeout_s: float
    questions: Mapping[str, Said]

    @property
    def name(self) -> str:
        """What it is called by."""
        return self.function.name


F = TypeVar("F", bound=Callable[..., Answer])


def skill(name: str, *, timeout_s: float = 4.0, ask: Mapping[str, Said] | None = None) -> Callable[[F], F]:
    """Declare a function as the skill `name`. `ask` has the question for each argument that may be missing."""

    def declare(call: F) -> F:
        call.__skill__ = Skill(read(name, call), call, timeout_s, ask or {})  # type: ignore[attr-defined]
        return register("skill", name)(call)

    return declare


def pick(lang: str, said: Said) -> str:
    """The text for a language; English where there is none for it."""
    return said if isinstance(said, str) else said.get(lang) or said["en"]


@cache
def skills() -> Mapping[str, Skill]:
    """Every skill by name, in the order of prompts: the files of `skills/`, then other packages' (which replace none)."""
    from slipway_assistant import skills as room

    found: dict[str, Skill] = {}
    for info in pkgutil.iter_modules(room.__path__):
        for name, declared in _declared(f"{room.__name__}.{info.name}").items():
            if name in found:
                raise DataError(f"two skills are called {name!r}", mend=f"rename the one in {info.name}.py")
            found[name] = declared
    for point in metadata.entry_points(group="slipway.skills"):
        try:
            theirs = getattr(point.load(), "__skill__", None)
        except Exception as error:  # other people's code, at its import
            mend = "repair or uninstall the package that brings it"
            raise DataError(f"the skill {point.value} cannot be loaded: {error}", mend=mend) from error
        if not isinstance(theirs, Skill):
            raise DataError(f"entry point {point.value} is no skill", mend="mark the function with @skill('name')")
        found.setdefault(theirs.name, theirs)
    place = {name: at for at, name in enumerate(ORDER)}
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: (place.get(item[0], len(place)), item[0]))))


def functions() -> tuple[Function, ...]:
    """What can be called, as the skills' signatures state it."""
    return tuple(declared.function for declared in skills().values())


def find(name: str) -> Skill:
    """The skill of that name; NotFound names the nearest one. music.play is looked for in music_play.py, then everywhere."""
    from slipway_assistant import skills as room

    home = name.replace(".", "_")
    # The usual case reads one file, and is not hurt by another that is broken.
    here = home.isidentifier() and any(info.name == home for info in pkgutil.iter_modules(room.__path__))
    if here and (found := _declared(f"{room.__name__}.{home}").get(name)):
        return found
    try:
        return skills()[name]
    except KeyError:
        raise NotFound.among("skill", name, skills()) from None


@cache
def _declared(module_name: str) -> Mapping[str, Skill]:
    """The skills of one file."""
    module = importlib.import_module(module_name)
    declared = [getattr(thing, "__skill__", None) for thing in vars(module).values()]
    # A skill that another file uses is found in its own file.
    return {d.name: d for d in declared if isinstance(d, Skill) and d.call.__module__ == module_name}


def run(call: Mapping[str, Any], ctx: Context, *, timeout_s: float | None = None) -> Answer:
    """Do a call. Never raises: what goes wrong is said, in the context's language. `timeout_s` beats the skill's own."""
    try:
        chosen = find(str(call.get("name", "")))
        arguments = _arguments(chosen.function, call.get("arguments") or {})
    except Exception as error:  # a skill's file may be broken in any way
        return _failed(error, ctx)
    for name in chosen.function.required:
        if name not in arguments:
            question = chosen.questions.get(name, _WHICH)
            return Answer(pick(ctx.lang, question), {"missing": name}, ok=False, ask=name)
    return _within(chosen, arguments, ctx, chosen.timeout_s * _patience() if timeout_s is None else timeout_s)


def _patience() -> float:
    """How many times as long as they say skills may take on this machine: SLIPWAY_ASSISTANT_PATIENCE, 1 unless it is a number."""
    try:
        return max(0.0, float(os.environ.get("SLIPWAY_ASSISTANT_PATIENCE", "1")))
    except ValueError:
        return 1.0


def _within(chosen: Skill, arguments: Mapping[str, Any], ctx: Context, timeout_s: float) -> Answer:
    """Run it in a thread of its own, so that one that hangs costs its time and no more."""
    from slipway import wrap  # brings recording with it, which reading the schema has no use for

    box: list[Answer] = []

    def work() -> None:
        try:
            box.append(chosen.call(ctx, **arguments))
        except Exception as error:
            box.append(_failed(error, ctx))

    thread = threading.Thread(target=wrap(work), name=f"skill {chosen.name}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    # One that ends at the very moment still counts.
    return box[0] if box else Answer(pick(ctx.lang, _TOO_LONG), {"error": "timeout", "skill": chosen.name}, ok=False)


def _failed(error: Exception, ctx: Context) -> Answer:
    said: Said = error.said if isinstance(error, SkillError) else _WRONG
    return Answer(pick(ctx.lang, said), {"error": f"{type(error).__name__}: {error}"}, ok=False)


def _arguments(function: Function, given: Any) -> dict[str, Any]:
    """The arguments as the function takes them; what is empty counts as left out."""
    if not isinstance(given, Mapping):
        raise DataError(f"the arguments of {function.name} are no object", mend="give names and values")
    made: dict[str, Any] = {}
    for name, value in given.items():
        argument = function.argument(str(name))
        if argument is None:
            raise NotFound.among(f"argument of {function.name}", str(name), [a.name for a in function.arguments])
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        made[argument.name] = _value(function, argument, value)
    return made


def _value(function: Function, argument: Argument, value: Any) -> str | int:
    where = f"{function.name} argument {argument.name!r}"
    if argument.kind == "int":
        try:
            whole = int(value)
            exact = not isinstance(value, bool) and float(value) == whole
        except (TypeError, ValueError, OverflowError):
            exact = False
        if not exact:
            raise DataError(f"{where} must be a whole number, not {value!r}", mend="give a number such as 5")
        return whole
    text = value.strip() if isinstance(value, str) else str(value)
    if argument.kind == "enum":
        text = text.lower()
        if text not in argument.values:
            raise NotFound.among(f"value of {where}", text, argument.values)
    return text


_WHICH: Said = {"en": "Which one?", "fr": "Lequel ?", "ja": "どれですか？"}
_WRONG: Said = {
    "en": "Sorry, that did not work.",
    "fr": "Désolé, ça n'a pas marché.",
    "ja": "すみません、うまくいきませんでした。",
}
_TOO_LONG: Said = {
    "en": "Sorry, that is taking too long.",
    "fr": "Désolé, ça prend trop de temps.",
    "ja": "すみません、時間がかかりすぎています。",
}
