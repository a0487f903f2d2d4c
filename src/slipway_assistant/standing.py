"""What each skill stands on here and now, in a line: `standing("music.play", settings)`. Asks no network and starts nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from slipway_assistant.settings import Settings


def standing(name: str, settings: Settings) -> str:
    """The line for a skill. One of another package stands on what it has itself."""
    family = _FAMILIES.get(name) or _FAMILIES.get(name.partition(".")[0])
    return family(settings) if family is not None else "on this machine"


def _music(settings: Settings) -> str:
    folder = Path(settings.music_folder).expanduser()
    songs = f"songs in {folder}" if folder.is_dir() else f"no folder {folder} (music-folder)"
    if settings.player == "mpd":
        return f"{songs}, played by MPD at {settings.mpd}"
    if settings.player == "mpv":
        there = "mpv" if shutil.which("mpv") else "mpv, which is missing (apt-get install mpv)"
        return f"{songs}, played by {there}"
    return f"{songs}, played by nothing (player)"


def _weather(settings: Settings) -> str:
    if not settings.weather_url:
        return "nothing: no address is set (weather-url)"
    home = settings.place or (
        "home" if settings.latitude is not None else "no home is set (place, latitude, longitude)"
    )
    return f"{_host(settings.weather_url)}, and the last forecast without a network; {home}"


def _news(settings: Settings) -> str:
    many = len(settings.news_feeds)
    return f"{many} feed{'' if many == 1 else 's'}" if many else "nothing: no feeds are set (news-feeds)"


def _home(settings: Settings) -> str:
    if settings.home_assistant_url:
        return f"Home Assistant at {_host(settings.home_assistant_url)}"
    return "its own idea of the home: no Home Assistant is set (home-assistant-url)"


def _facts(settings: Settings) -> str:
    beside = f", then {_host(settings.wikipedia_url)}" if settings.wikipedia_url else ""
    return f"what it knows by itself{beside}"


def _needs(package: str, what: str) -> Callable[[Settings], str]:
    def told(settings: Settings) -> str:
        missing = "" if find_spec(package) else f"; {package} is missing (pip install 'slipway[assistant]')"
        return f"{what}{missing}"

    return told


def _kept(what: str) -> Callable[[Settings], str]:
    return lambda settings: f"{what} in {settings.folder}"


def _host(address: str) -> str:
    return urlsplit(address).netloc.replace("{lang}.", "") or address


_FAMILIES: dict[str, Callable[[Settings], str]] = {
    "music": _music,
    "playlist": _music,
    "volume": _music,
    "weather": _weather,
    "news": _news,
    "home": _home,
    "facts": _facts,
    "math": _needs("pint", "arithmetic and units"),
    "alarm": _kept("alarms"),
    "timer": _kept("timers"),
    "list": _kept("lists"),
    "calendar": _kept("a calendar (iCalendar)"),
    "datetime": _needs("dateparser", "the clock and the time zones of this machine"),
    "joke": lambda settings: "jokes of its own",
}
