"""Places and their time zones, without a network: "boston", "le Japon", "ロンドン". Start in `find()`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

from slipway_assistant.kept import fold

_LANGUAGES = ("en", "fr", "ja")


@dataclass(frozen=True, slots=True)
class Place:
    """A place's name in the language it was asked in, and its time zone."""

    name: str
    zone: ZoneInfo


def find(name: str, lang: str) -> Place | None:
    """The place of that name, or the place that stands in it ("phoenix arizona", "paris en france"); None for no known one."""
    known = _known()
    key = fold(name)
    if not key:
        return None
    if key not in known:  # The Hague keeps its article, and the Netherlands do not need theirs
        key = re.sub(r"^(?:the|in|la|le|les|l|en|au|aux|a|du|de) ", "", key)
    zone = known.get(key)
    if zone is None:
        # Of the names that stand in it the longest counts, then the first: the town comes before its country.
        inside = [(-len(place), found, place) for place in known if (found := _inside(key, place)) >= 0]
        # What was heard or typed a little wrong comes last: "los angels".
        near = get_close_matches(key, known, n=1, cutoff=0.85) if len(key) > 5 else []
        zone = known[min(inside)[2]] if inside else known[near[0]] if near else None
    if zone is None:
        return None
    said = _spoken().get(zone, {}).get(lang)
    # What somebody called it is what they hear, unless it is the city the zone is named for.
    return Place(said if said and fold(said) == key else name.strip(), ZoneInfo(zone))


def _inside(key: str, place: str) -> int:
    """Where a place stands in a text: as whole words, or anywhere in Japanese, which has none."""
    if re.search(r"[ぁ-ヿ一-鿿]", place):
        return key.find(place) if len(place) > 1 else -1
    return f" {key} ".find(f" {place} ") if len(place) > 2 else -1


@cache
def _lines() -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    """Of each line: the zone, the names that are said (by language), and all names."""
    text = resources.files("slipway_assistant").joinpath("places.txt").read_text(encoding="utf-8")
    found = []
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        zone, said, others = (part.strip() for part in line.split(";"))
        names = tuple(name.strip() for name in said.split(" / "))
        more = [name.replace("_", " ") for group in others.split(",") for name in group.split()]
        found.append((zone, names, (*names, *more)))
    return tuple(found)


@cache
def _known() -> Mapping[str, str]:
    """Zone by folded name: ours, then the cities for which zones are named."""
    known: dict[str, str] = {}
    for zone, _, names in _lines():
        for name in names:
            known.setdefault(fold(name), zone)
    for zone in sorted(available_timezones()):
        if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/", "right/")):
            known.setdefault(fold(zone.rpartition("/")[2].replace("_", " ")), zone)
    return known


@cache
def _spoken() -> Mapping[str, Mapping[str, str]]:
    return {zone: dict(zip(_LANGUAGES, names, strict=True)) for zone, names, _ in _lines()}
