"""The 17 functions the assistant can call: names, arguments, and how each argument is compared.

Start with `FUNCTIONS`. A *call* is `{"name": str, "arguments": {str: str | int}}`; `validate(call)` says in
sentences what is wrong with one. The descriptions are written to be pasted into a prompt.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal["enum", "int", "span", "soft", "math", "free"]
"""How a predicted argument is compared with the expected one.

enum: exactly one of `Argument.values`. int: the same whole number. span: the same words of the utterance,
apart from case, punctuation and filler words. soft: free text with mostly the same words. math: an arithmetic
expression of the same value. free: never compared.
"""


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


def _span(name: str, summary: str) -> Argument:
    return Argument(name, "span", summary)


def _soft(name: str, summary: str) -> Argument:
    return Argument(name, "soft", summary)


def _int(name: str, summary: str) -> Argument:
    return Argument(name, "int", summary)


def _enum(name: str, values: str, summary: str) -> Argument:
    return Argument(name, "enum", summary, tuple(values.split()))


_ALL = (
    Function(
        "music.play",
        (
            _span("song", "Title of the song."),
            _span("artist", "Singer, band, composer or DJ."),
            _span("album", "Title of the album or soundtrack."),
            _span("playlist", "Name of the playlist, without the word playlist."),
            _span("genre", "Style or mood of the music, such as jazz."),
            _span("year", "Year or decade the music is from, as it was said."),
            _span("service", "Streaming service or app to play it with."),
        ),
        (),
        "Start playing music that the person chooses by title, artist, style, year or service.",
    ),
    Function(
        "music.control",
        (
            _enum(
                "action",
                "next previous pause resume shuffle repeat identify",
                "What to do with the music that plays; identify tells its title and artist.",
            ),
        ),
        ("action",),
        "Control the music that is playing now, or tell what it is.",
    ),
    Function(
        "playlist.add",
        (
            _span("playlist", "Name of the playlist that grows, without the word playlist."),
            _span("song", "Title of the song or album to add."),
            _span("artist", "Artist to add, or of the song to add."),
        ),
        ("playlist",),
        "Add a song, or something by an artist, to one of the person's playlists.",
    ),
    Function(
        "volume.set",
        (
            _enum("action", "up down mute unmute set", "Louder, quieter, silent, audible again, or to `level`."),
            _int("level", "Volume wanted, as the number said (percent, or a step from 0 to 10)."),
            _span("device", "Which loudspeaker, television or radio."),
        ),
        ("action",),
        "Change how loud something plays.",
    ),
    Function(
        "weather.get",
        (
            _soft("location", "Town, region, country or sight; left out for here."),
            _span("when", "Day or time of the weather asked for, as it was said; left out for now."),
        ),
        (),
        "Tell the weather, now or forecast.",
    ),
    Function(
        "news.get",
        (
            _soft("topic", "What the news should be about."),
            _span("source", "Newspaper, broadcaster or site to read from."),
            _soft("location", "Place the news should be from."),
        ),
        (),
        "Read the news or headlines.",
    ),
    Function(
        "math.eval",
        (
            Argument(
                "expression",
                "math",
                "Arithmetic with digits and + - * / ** ( ) sqrt() factorial(), such as 12*7.",
            ),
        ),
        ("expression",),
        "Work out an arithmetic expression.",
    ),
    Function(
        "alarm.set",
        (_span("when", "Time, day or repetition of the alarm, as it was said."),),
        (),
        "Set an alarm that rings at a time of day.",
    ),
    Function(
        "alarm.manage",
        (
            _enum(
                "action",
                "cancel list snooze",
                "Remove alarms, say which are set, or let it ring again later.",
            ),
            _span("when", "Which alarm, or for how long to snooze, as it was said."),
        ),
        ("action",),
        "Cancel, list or snooze alarms that exist.",
    ),
    Function(
        "timer.set",
        (
            _int("hours", "Hours of the countdown."),
            _int("minutes", "Minutes of the countdown."),
            _int("seconds", "Seconds of the countdown."),
            _span("name", "What the timer is for, such as pasta."),
        ),
        (),
        "Start a countdown.",
    ),
    Function(
        "timer.manage",
        (
            _enum(
                "action",
                "cancel pause resume add subtract status",
                "What to do with the running timer; status tells the time left.",
            ),
        ),
        ("action",),
        "Change a timer that runs, or tell how much of it is left.",
    ),
    Function(
        "list.edit",
        (
            _enum("action", "add remove show create delete", "Create and delete are for a whole list."),
            _soft("item", "The thing to add to the list or to take off it."),
            _span("list", "Name of the list, such as shopping."),
        ),
        ("action",),
        "Keep shopping lists, to-do lists and other lists.",
    ),
    Function(
        "calendar.edit",
        (
            _enum("action", "add remove show", "Enter, delete or read out appointments and reminders."),
            _soft("title", "What the appointment or reminder is."),
            _span("when", "Its day and time, as it was said."),
        ),
        ("action",),
        "Keep appointments and reminders.",
    ),
    Function(
        "home.set",
        (
            _enum("action", "on off open close dim brighten set", "Set is for a colour or a level."),
            _span("device", "Which appliance, blind or lamp; left out for the lights."),
            _span("room", "Room or part of the house."),
            _span("color", "Colour of the light."),
            _int("level", "Brightness, temperature or position wanted, as the number said."),
        ),
        ("action",),
        "Switch or set lights, blinds, heating and appliances.",
    ),
    Function(
        "datetime.get",
        (
            _enum("field", "time date", "The time of day, or the day and date."),
            _soft("location", "Place whose time is asked for; left out for here."),
            _span("when", "Day or holiday whose date is asked for, as it was said."),
        ),
        ("field",),
        "Tell the time or the date.",
    ),
    Function(
        "facts.ask",
        (_soft("query", "The question, or the word to be defined."),),
        ("query",),
        "Answer a question about the world, or define a word.",
    ),
    Function("joke.tell", (Argument("topic", "free", "What the joke is about."),), (), "Tell a joke."),
)

FUNCTIONS: Mapping[str, Function] = MappingProxyType({function.name: function for function in _ALL})
"""The functions by name, in the order in which prompts should list them."""


def _nearest(word: str, known: Sequence[str]) -> str:
    close = get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}."


def is_arithmetic(text: str) -> bool:
    """Whether `text` is arithmetic that can be worked out: numbers, + - * / **, sqrt() and factorial()."""
    try:
        tree = ast.parse(text.replace("^", "**").replace("×", "*").replace("÷", "/"), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return _arithmetic_node(tree.body)


def _arithmetic_node(root: ast.expr) -> bool:
    pending: list[ast.expr] = [root]
    while pending:
        node = pending.pop()
        match node:
            case ast.Constant(value=bool() | complex()):
                return False
            case ast.Constant(value=int() | float()):
                continue
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                pending.append(operand)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow(), right=right):
                pending += [left, right]
            case ast.Call(func=ast.Name(id="sqrt" | "factorial"), args=[argument], keywords=[]):
                pending.append(argument)
            case _:
                return False
    return True


def _value_problem(function: str, argument: Argument, value: object) -> str | None:
    """What is wrong with one value, as a sentence, or None when it may stand."""
    where = f"{function} argument {argument.name!r}"
    if argument.kind == "free":
        return None
    if argument.kind == "int":
        if isinstance(value, int) and not isinstance(value, bool):
            return None
        return f"{where} must be a whole number, not {value!r}."
    if not isinstance(value, str) or not value.strip():
        return f"{where} must be a text that is not empty, not {value!r}."
    if argument.kind == "enum" and value not in argument.values:
        return f"{where} cannot be {value!r}{_nearest(value, argument.values)}"
    if argument.kind == "math" and not is_arithmetic(value):
        return f"{where} must be arithmetic such as 12*7, not {value!r}."
    return None


def validate(call: Mapping[str, Any] | None) -> list[str]:
    """The problems of a call as sentences, in a stable order; empty for a good call and for None."""
    if call is None:
        return []
    problems = [f"A call has no key {key!r}; remove it." for key in call if key not in ("name", "arguments")]
    name, arguments = call.get("name"), call.get("arguments", {})
    if not isinstance(name, str):
        return [*problems, "A call needs a function name as text under 'name'."]
    function = FUNCTIONS.get(name)
    if function is None:
        return [*problems, f"There is no function {name!r}{_nearest(name, list(FUNCTIONS))}"]
    if not isinstance(arguments, Mapping):
        return [*problems, f"The arguments of {name} must be an object of names and values."]
    problems += [f"{name} needs the argument {key!r}." for key in function.required if key not in arguments]
    for key, value in arguments.items():
        argument = function.argument(key)
        if argument is None:
            names = [known.name for known in function.arguments]
            problems.append(f"{name} has no argument {key!r}{_nearest(str(key), names)}")
        elif problem := _value_problem(name, argument, value):
            problems.append(problem)
    return problems
