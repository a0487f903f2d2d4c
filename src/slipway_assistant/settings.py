"""The assistant's settings: ``[assistant]`` of slipway.toml, then assistant.toml, then ``SLIPWAY_ASSISTANT_*``.

    settings = load()
    settings.place, settings.zone, settings.folder

The nearest slipway.toml and the nearest assistant.toml at or above a folder count; assistant.toml holds the same settings
without a table around them. Names are written with dashes in the files, as ``music-folder``, and as
``SLIPWAY_ASSISTANT_MUSIC_FOLDER`` in the environment.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from slipway.errors import ConfigError, NotFound

PREFIX = "SLIPWAY_ASSISTANT_"
OPEN_METEO = "https://api.open-meteo.com/v1/forecast"
WIKIPEDIA = "https://{lang}.wikipedia.org/api/rest_v1/page/summary/{title}"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Everything that can be set. An address that is empty means that it is not asked.

    ``data`` is the folder for what the assistant keeps (timers, lists, calendar, memory). ``language`` empty: told from what
    is said. ``place``, ``latitude``, ``longitude`` and ``timezone`` are those of home; ``timezone`` empty: the machine's.
    ``mpd`` is ``host:port``. ``news_feeds`` are addresses of RSS or Atom feeds, ``voices`` a piper voice file by language,
    ``whisper`` the folder of a Whisper model by language (or under "all").
    """

    data: str = ""
    language: Literal["", "en", "fr", "ja"] = ""
    place: str = ""
    latitude: float | None = None
    longitude: float | None = None
    timezone: str = ""
    units: Literal["metric", "imperial"] = "metric"
    music_folder: str = "~/Music"
    player: Literal["mpv", "mpd", "none"] = "mpv"
    mpd: str = "127.0.0.1:6600"
    home_assistant_url: str = ""
    home_assistant_token: str = ""
    news_feeds: tuple[str, ...] = ()
    weather_url: str = OPEN_METEO
    wikipedia_url: str = WIKIPEDIA
    keep_audio: bool = False
    wake_word: str = ""
    microphone: str = ""
    loudspeaker: str = ""
    voices: dict[str, str] = {}
    whisper: dict[str, str] = {}

    @property
    def folder(self) -> Path:
        """Where the assistant keeps things: ``data``, or ``slipway-assistant`` in the user's data folder."""
        if self.data:
            return Path(self.data).expanduser().absolute()
        base = os.environ.get("XDG_DATA_HOME")
        return (Path(base) if base else Path.home() / ".local/share") / "slipway-assistant"

    @property
    def zone(self) -> tzinfo:
        """The time zone of home, with its daylight saving: ``timezone``, or what the machine is set to."""
        return ZoneInfo(self.timezone or _machine_zone())


def load(start: Path | None = None, *, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """The settings in force; ``overrides`` beat the environment, which beats assistant.toml, which beats slipway.toml."""
    raw: dict[str, Any] = {}
    where = []
    for name in ("slipway.toml", "assistant.toml"):
        path = _nearest(name, start)
        if path is None:
            continue
        said = _read(path)
        table = said.get("assistant", {}) if name == "slipway.toml" else said
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: assistant is no table", mend="write [assistant] and the settings below it")
        raw |= table
        where += [str(path)] if table else []
    raw |= _from_environment(os.environ if environ is None else environ)
    raw |= {key.replace("_", "-"): value for key, value in overrides.items() if value is not None}
    return _decode(raw, " and ".join(where) or "the environment")


def _decode(raw: Mapping[str, Any], where: str) -> Settings:
    known = [field.encode_name for field in msgspec.structs.fields(Settings)]
    for key in raw:
        if key not in known:
            raise ConfigError(f"{where}: {NotFound.among('setting', key, known)}")
    try:
        settings = msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}", mend="see docs/reference/configuration.md") from None
    try:
        _ = settings.zone
    except (ValueError, OSError, KeyError):
        said = f"{where}: there is no time zone {settings.timezone!r}"
        raise ConfigError(said, mend="write one as in timezone = 'Europe/Paris'") from None
    return settings


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The variables that name a setting. Lists and tables are written as JSON there, or with commas between."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        value = environ.get(PREFIX + field.name.upper())
        if not value:
            continue
        found[field.encode_name] = value
        if field.name in {"news_feeds", "voices", "whisper"}:
            try:
                found[field.encode_name] = msgspec.json.decode(value) if value[0] in "[{" else value.split(",")
            except msgspec.DecodeError as error:
                raise ConfigError(f"{PREFIX}{field.name.upper()} is not JSON: {error}", mend="correct it") from None
    return found


def _nearest(name: str, start: Path | None) -> Path | None:
    folder = (start or Path.cwd()).absolute()
    return next((up / name for up in (folder, *folder.parents) if (up / name).is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", mend="correct that line") from None


def _machine_zone() -> str:
    """The machine's zone by name, which (unlike its offset today) knows when daylight saving begins."""
    named = os.environ.get("TZ", "").removeprefix(":")
    candidates = [named, str(Path("/etc/localtime").resolve()).rpartition("zoneinfo/")[2]]
    for name in candidates:
        if name and not name.startswith("/"):
            try:
                return ZoneInfo(name).key
            except (ValueError, OSError, KeyError):
                continue  # such as TZ="<+03>-3", which names no zone
    return "UTC"
