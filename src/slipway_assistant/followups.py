"""What a fragment changes in the call before it, what takes a call back, and what "it" is. Pure functions of calls and text.

`carry()` answers "and tomorrow?", `undoing()` "cancel that", `pointed()` "turn it off".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from slipway_assistant.mind import Understanding
from slipway_assistant.turns import words
from slipway_assistant.values import duration, level

Call = Mapping[str, Any]
Understand = Callable[[str, str], Understanding]
LONGEST_FRAGMENT = {"en": 8, "fr": 8, "ja": 20}
"""Words (in Japanese: characters) of a fragment; what is longer is a sentence of its own."""

OPEN_ARGUMENT = {
    "weather.get": "location",
    "datetime.get": "location",
    "news.get": "topic",
    "alarm.set": "when",
    "list.edit": "item",
    "calendar.edit": "title",
    "playlist.add": "song",
    "joke.tell": "topic",
}
"""The argument that a bare name changes, by function; the others need a look at what was said."""
LENGTHS = ("hours", "minutes", "seconds")
TIMED = {"weather.get": "when", "datetime.get": "when", "alarm.set": "when", "calendar.edit": "when"}
_MUSIC = ("song", "artist", "album", "playlist", "genre", "year")


def carry(last: Call, said_before: str, fragment: str, lang: str, understand: Understand | None) -> Call | None:
    """The last call with what the fragment changes, or None when it cannot be told what that is."""
    name, before = str(last["name"]), dict(last["arguments"])
    when, rest = split_when(fragment, lang)
    if when and name in TIMED:
        changed = {**before, TIMED[name]: when}
        if name == "datetime.get":
            changed["field"] = "date" if not rest else changed["field"]
        if rest and name in OPEN_ARGUMENT and OPEN_ARGUMENT[name] != TIMED[name]:
            changed[OPEN_ARGUMENT[name]] = rest
        return {"name": name, "arguments": changed}
    changes = _CHANGES.get(name)
    found = changes(before, fragment, lang) if changes else None
    if found is None and name in OPEN_ARGUMENT and name not in _CHANGES:
        found = {OPEN_ARGUMENT[name]: words(lang).trimmed(words(lang).shapes["in place"].sub("", fragment))}
    if found is not None:
        if "" in found.values():
            return None
        # None takes an argument away: ten minutes are not ten minutes and an hour.
        return {
            "name": name,
            "arguments": {key: value for key, value in {**before, **found}.items() if value is not None},
        }
    return _understood_again(last, said_before, fragment, lang, understand)


def split_when(fragment: str, lang: str) -> tuple[str, str]:
    """(time, the rest) of "in Paris tomorrow": ("tomorrow", "Paris"). Either may be empty."""
    found = words(lang).shapes["when"].search(fragment)
    if found is None:
        return "", words(lang).trimmed(fragment)
    rest = (fragment[: found.start()] + " " + fragment[found.end() :]).strip(" ,、")
    rest = re.sub(r"^の|(?:は|の|で)$", "", rest) if lang == "ja" else rest
    bare = re.sub(r"^(?:(?:for|on|at|by|pour)\s+)+(?=\D)", "", found.group().strip(), flags=re.I)
    return bare, words(lang).trimmed(words(lang).shapes["in place"].sub("", rest)) if rest else ""


def retold(said: str, before: Mapping[str, Any], after: Mapping[str, Any], lang: str) -> str:
    """The sentence that would have said the changed call: the changed words in the place of the old, or added to it."""
    for key, value in after.items():
        old = before.get(key)
        if old == value:
            continue
        at = said.lower().find(str(old).lower()) if old is not None else -1
        if at >= 0:
            said = said[:at] + str(value) + said[at + len(str(old)) :]
        elif isinstance(value, str):
            said = f"{value}{said}" if lang == "ja" else f"{said.rstrip(' .?!')} {value}"
    return said


def _understood_again(last: Call, said: str, fragment: str, lang: str, understand: Understand | None) -> Call | None:
    """The sentence before, with the fragment in the place of one of its words, sent through the fast path again.

    It is believed when it says the same function and only that one argument is another.
    """
    if understand is None:
        return None
    before = dict(last["arguments"])
    bare = words(lang).trimmed(words(lang).shapes["in place"].sub("", fragment))
    for key, text in _rewritten(before, said, fragment, bare, lang):
        again = understand(text, lang).call
        if again is None or again["name"] != last["name"]:
            continue
        after = dict(again["arguments"])
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        if (
            changed
            and changed <= ({key} if key else set(after))
            and bare.lower() in str(after.get(key or next(iter(changed)))).lower()
        ):
            return {"name": last["name"], "arguments": after}
    return None  # fmt: skip


def _rewritten(before: Mapping[str, Any], said: str, fragment: str, bare: str, lang: str) -> Iterator[tuple[str, str]]:
    for key, value in before.items():
        at = said.lower().find(str(value).lower())
        if isinstance(value, str) and value and at >= 0:
            yield key, said[:at] + bare + said[at + len(value) :]
    yield "", f"{fragment}{said}" if lang == "ja" else f"{said} {fragment}"


def _home(before: Mapping[str, Any], fragment: str, lang: str) -> dict[str, Any] | None:
    bare = words(lang).trimmed(words(lang).shapes["in place"].sub("", fragment))
    if words(lang).shapes["colours"].fullmatch(bare):
        return {"action": "set", "color": bare}
    if (number := level(fragment)) is not None:
        return {"action": "set", "level": number}
    if words(lang).shapes["rooms"].fullmatch(bare):
        return {"room": bare}
    # A thing of another kind is somewhere else than in the room named before only if somebody says so.
    return {"device": bare} if before.get("device") and "room" not in before else None


def _music(before: Mapping[str, Any], fragment: str, lang: str) -> dict[str, Any] | None:
    if words(lang).shapes["by"].match(fragment):
        return {"artist": words(lang).trimmed(words(lang).shapes["by"].sub("", fragment))}
    named = [key for key in _MUSIC if key in before]
    return {named[0]: words(lang).trimmed(fragment)} if len(named) == 1 else None


def _news(before: Mapping[str, Any], fragment: str, lang: str) -> dict[str, Any] | None:
    if words(lang).shapes["in place"].match(fragment) and not words(lang).shapes["about"].match(fragment):
        return {"location": words(lang).trimmed(words(lang).shapes["in place"].sub("", fragment))}
    return {"topic": words(lang).trimmed(words(lang).shapes["about"].sub("", fragment))}


def _timer(before: Mapping[str, Any], fragment: str, lang: str) -> dict[str, Any] | None:
    length = duration(fragment)
    return {**dict.fromkeys(LENGTHS), **length} if length else None


def _volume(before: Mapping[str, Any], fragment: str, lang: str) -> dict[str, Any] | None:
    number = level(fragment)
    return {"action": "set", "level": number} if number is not None else None


def _playlist(before: Mapping[str, Any], fragment: str, lang: str) -> dict[str, Any] | None:
    if words(lang).shapes["onto"].match(fragment):
        return {"playlist": words(lang).trimmed(words(lang).shapes["onto"].sub("", fragment))}
    key = "artist" if "artist" in before and "song" not in before else "song"
    return {key: words(lang).trimmed(fragment)}


def _fact(before: Mapping[str, Any], fragment: str, lang: str) -> dict[str, Any] | None:
    """ "What is the capital of France", "and Peru?": the last name in the question gives way."""
    asked = words(lang).shapes["of"].match(str(before.get("query", "")))
    bare = words(lang).trimmed(words(lang).shapes["in place"].sub("", fragment))
    return {"query": f"{asked['a']}{bare}{asked['c']}"} if asked else None


_CHANGES: Mapping[str, Callable[[Mapping[str, Any], str, str], dict[str, Any] | None]] = {
    "home.set": _home,
    "music.play": _music,
    "news.get": _news,
    "timer.set": _timer,
    "volume.set": _volume,
    "playlist.add": _playlist,
    "facts.ask": _fact,
}

_OPPOSITES = {
    ("home.set", "action"): {"on": "off", "open": "close", "dim": "brighten"},
    ("volume.set", "action"): {"up": "down", "mute": "unmute"},
    ("list.edit", "action"): {"add": "remove", "create": "delete"},
    ("calendar.edit", "action"): {"add": "remove"},
    ("timer.manage", "action"): {"pause": "resume"},
    ("music.control", "action"): {"pause": "resume", "next": "previous"},
}
_ENDED_BY: Mapping[str, Call] = {
    "timer.set": {"name": "timer.manage", "arguments": {"action": "cancel"}},
    "music.play": {"name": "music.control", "arguments": {"action": "pause"}},
}
COLOURS = frozenset({"red", "green", "blue", "yellow", "white", "orange", "purple", "pink", "turquoise"})
CHANGE_NOTHING = frozenset({"weather.get", "news.get", "math.eval", "datetime.get", "facts.ask", "joke.tell"})


def undoing(call: Call, data: Mapping[str, Any]) -> Call | None:
    """The call that takes a call back. A skill that knows better says so itself, as `undo` in its answer's data."""
    told = data.get("undo")
    if isinstance(told, Mapping) and "name" in told:
        return {"name": told["name"], "arguments": dict(told.get("arguments", {}))}
    name, arguments = str(call["name"]), dict(call["arguments"])
    if (restored := _restored(name, arguments, data.get("before"))) is not None:
        return restored
    if name in _ENDED_BY:
        return _ENDED_BY[name]
    if name == "alarm.set":
        when = {"when": arguments["when"]} if "when" in arguments else {}
        return {"name": "alarm.manage", "arguments": {"action": "cancel", **when}}
    pairs = _OPPOSITES.get((name, "action"), {})
    both = {**pairs, **{other: one for one, other in pairs.items()}}
    opposite = both.get(str(arguments.get("action")))
    if opposite is None or (name == "list.edit" and arguments.get("action") == "delete"):
        return None  # what a deleted list held is gone
    return {"name": name, "arguments": {**arguments, "action": opposite}}


def _restored(name: str, arguments: Mapping[str, Any], before: Any) -> Call | None:
    """The call that puts a volume or a device back to where it was, as far as the skill told."""
    if name == "volume.set" and isinstance(before, int):
        return _level(name, {key: value for key, value in arguments.items() if key == "device"}, before)
    if name != "home.set" or not isinstance(before, list) or not before or any(one != before[0] for one in before):
        return None  # lamps that were not alike have no common state to go back to
    was = before[0]
    meant = {key: value for key, value in arguments.items() if key in ("device", "room")}
    for key, ends in (("open", {100: "open", 0: "close"}), ("level", {0: "off"})):
        held = was.get(key)
        if isinstance(held, int) and (key == "open" or was.get("on", True)):
            if held in ends:
                return {"name": name, "arguments": {"action": ends[held], **meant}}
            if (level := _level(name, meant, held)) is not None:
                return level
    if was.get("on") is False or was.get("state") == "off":
        return {"name": name, "arguments": {"action": "off", **meant}}
    if was.get("color") in COLOURS and "color" in arguments:
        return {"name": name, "arguments": {"action": "set", "color": was["color"], **meant}}
    if was.get("on") is True or was.get("state") == "on":
        return {"name": name, "arguments": {"action": "on", **meant}}
    return None


def _level(name: str, meant: Mapping[str, Any], level: int) -> Call | None:
    # Up to 10 are steps, not percent.
    return {"name": name, "arguments": {"action": "set", "level": level, **meant}} if level > 10 else None


def pointed(last: Call, text: str, call: Call | None, lang: str) -> Call | None:
    """The call of "turn it off" or "what is the weather there" after the last one; None when nothing is pointed at."""
    if (switched := _switched(last, text, lang)) is not None:
        return switched
    if call is None:
        return None
    here, before = words(lang), dict(last["arguments"])
    arguments = dict(call["arguments"])
    if here.shapes["there"].search(text) and "location" in before and call["name"] in TIMED | {"news.get": ""}:
        return {"name": call["name"], "arguments": {**arguments, "location": before["location"]}}
    if not here.shapes["pronoun"].search(text) or call["name"] != last["name"]:
        return None
    if call["name"] == "home.set" and not _named(arguments, lang):
        kept = {key: before[key] for key in ("device", "room") if key in before}
        return {"name": "home.set", "arguments": {**arguments, **kept}}
    return None


def _named(arguments: Mapping[str, Any], lang: str) -> bool:
    device = str(arguments.get("device", ""))
    return bool(arguments.get("room")) or bool(device and not words(lang).whole("pronoun", device))


def _switched(last: Call, text: str, lang: str) -> Call | None:
    plain = text.strip(" .!?,;。！？、…")
    action = next((action for action, shape in words(lang).switch if shape.fullmatch(plain)), "")
    name = str(last["name"])
    if not action:
        return None
    if name == "home.set":
        kept = {key: value for key, value in last["arguments"].items() if key in ("device", "room")}
        return {"name": name, "arguments": {"action": action, **kept}}
    if action == "off":
        return undoing(last, {}) if name in ("music.play", "timer.set", "alarm.set") else None
    if name in ("music.play", "music.control", "volume.set") and action in ("dim", "brighten"):
        return {"name": "volume.set", "arguments": {"action": "down" if action == "dim" else "up"}}
    if name in ("music.play", "music.control") and action == "on":
        return {"name": "music.control", "arguments": {"action": "resume"}}
    return None
