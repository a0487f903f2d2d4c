"""The things in a house and how they are: names, rooms, what somebody may call them. Own state in home.py, Home Assistant's
in home_assistant.py; both are a `House`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, Protocol

from slipway.errors import SlipwayError
from slipway_assistant.backends.words import alike, fold, kana

Action = Literal["on", "off", "open", "close", "dim", "brighten", "set"]
Kind = Literal["light", "switch", "cover", "lock", "climate", "fan", "media_player", "vacuum"]


@dataclass(frozen=True, slots=True)
class Device:
    """One thing: what it is called, where it stands, and what is known of it ("on", "level", "color")."""

    id: str
    name: str
    kind: Kind
    room: str = ""
    risky: bool = False
    state: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What shall happen to a device. `level` is a percentage, for a climate the temperature."""

    action: Action
    level: int | None = None
    color: str = ""


class HouseError(SlipwayError):
    """A house cannot do that to that device."""


class House(Protocol):
    """Devices that can be found and changed."""

    def devices(self) -> list[Device]:
        """Everything there is."""

    def change(self, devices: list[Device], change: Change) -> None:
        """Do it to all of them."""

    def learn(self, name: str, kind: Kind, room: str) -> Device | None:
        """Take in a device that is named for the first time; None where the house knows its devices itself."""


_KINDS: tuple[tuple[Kind, str], ...] = (
    ("lock", r"\b(?:locks?|deadbolt|serrures?|verrous?)\b|鍵|かぎ|ロック"),
    ("cover", r"\b(?:blinds?|curtains?|shutters?|shades?|drapes|awning|garage(?: door)?|doors?|gates?|windows?|volets?|"
              r"rideaux?|stores?|portails?|portes?|fenetres?)\b|カーテン|ブラインド|シャッター|雨戸|ドア|扉|窓|門|ガレージ"),
    ("climate", r"\b(?:heating|heat|heater|thermostat|radiators?|air con(?:ditioning|ditioner)?|ac|temperature|chauffage|"
                r"radiateurs?|clim(?:atisation|atiseur)?)\b|エアコン|暖房|冷房|ヒーター|温度"),
    ("fan", r"\b(?:fans?|ventilateurs?|ventilation)\b|扇風機|換気扇"),
    ("vacuum", r"\b(?:vacuum(?: cleaner)?|roomba|hoover|robot|aspirateur)\b|掃除機|ルンバ"),
    ("media_player", r"\b(?:tv|television|telly|radio|stereo|speakers?|tele|enceintes?|chaine)\b|テレビ|ラジオ|スピーカー"),
    ("switch", r"\b(?:plugs?|sockets?|outlets?|switch(?:es)?|wemo|kettle|cooker|computer|coffee(?: maker| machine)?|oven|"
               r"prises?|interrupteurs?|bouilloire|cafetiere|four)\b|コンセント|プラグ|スイッチ|ポット"),
    ("light", r"\b(?:lights?|lamps?|lampes?|bulbs?|lumieres?|lighting|plafonniers?|ampoules?|eclairage|leds?)\b|"
              r"電気|ライト|照明|明かり|あかり|電球|ランプ"),
)  # fmt: skip
_ALL = re.compile(r"\b(?:all|every|everything|both|toutes?|tous|tout)\b|全部|すべて|全て|全ての")
_PLURAL = re.compile(
    r"\b(?:lights|lamps|lumieres|lampes|blinds|curtains|volets|rideaux|fans|plugs|sockets|shutters|stores)\b"
)
_RISKY = re.compile(
    kana(
        r"\b(?:garage|front door|back door|doors?|gates?|portails?|portes?|locks?|serrures?|alarm|alarme|security|oven|four|"
        r"cooker|stove|boiler|freezer|fridge|refrigerator|congelateur|frigo)\b|玄関|ドア|扉|門|ガレージ|鍵|オーブン|コンロ|冷蔵庫|警報"
    )
)


def kind_of(said: str) -> Kind:
    """What kind of thing a name means; what is no kind of thing that is known is switched on and off."""
    low = fold(said)
    return next((kind for kind, pattern in _KINDS if re.search(kana(pattern), low)), "switch" if low else "light")


def is_risky(name: str, kind: Kind) -> bool:
    """Whether a mistake with it lets somebody in, or burns or spoils something."""
    return kind == "lock" or (kind != "light" and _RISKY.search(fold(name)) is not None)


def needs_yes(device: Device, change: Change) -> bool:
    """Whether to ask back first: what opens the house, or switches on or off what is dangerous unattended."""
    if not device.risky:
        return False
    if device.kind in ("lock", "cover"):
        return change.action in ("open", "off", "set")
    return change.action in ("on", "off", "set")


def matching(devices: list[Device], said: str, room: str) -> list[Device]:
    """The devices that were meant; empty when there is none. Without a name, the lights; "all" and plurals mean several."""
    low = fold(said)
    kind = kind_of(said)
    if room:
        named = [one for one in devices if _is_in(one, room)]
        # "Here" and rooms nobody has heard of are told apart by the caller.
        devices = named
    generic = not _rest(low)
    if generic or not low:
        same = [one for one in devices if one.kind == kind] or _lamps_on_switches(devices, kind)
        if room or _ALL.search(low) or _PLURAL.search(low) or not low or len(same) == 1:
            return same
        exact = [one for one in same if fold(one.name) == low]
        return exact or same
    scored = [(max(alike(low, fold(one.name)), alike(low, fold(f"{one.room} {one.name}"))), one) for one in devices]
    top = max((score for score, _ in scored), default=0.0)
    return [one for score, one in scored if score == top] if top >= 0.74 else []


def _is_in(device: Device, room: str) -> bool:
    wanted = fold(room).removesuffix(" room") or fold(room)
    return any(
        alike(wanted, fold(where).removesuffix(" room")) >= 0.9 or f" {wanted} " in f" {fold(where)} "
        for where in (device.room, device.name)
        if where
    )


def _lamps_on_switches(devices: list[Device], kind: Kind) -> list[Device]:
    """Lights that hang on a plug are called so."""
    return [one for one in devices if kind == "light" and one.kind == "switch" and kind_of(one.name) == "light"]


# What may mean any device of its kind. An oven is no kettle and a window no gate, though each is switched or opened alike.
_GENERIC = re.compile(
    kana(
        r"\b(?:lights?|lamps?|lampes?|bulbs?|lumieres?|lighting|ampoules?|eclairage|plugs?|sockets?|outlets?|prises?|"
        r"switch(?:es)?|interrupteurs?|blinds?|curtains?|shutters?|shades?|volets?|rideaux?|stores?|fans?|ventilateurs?|"
        r"locks?|serrures?|heating|heat|heaters?|thermostat|temperature|chauffage|radiateurs?|vacuum(?: cleaner)?|aspirateur)\b|"
        r"電気|ライト|照明|明かり|あかり|電球|コンセント|カーテン|ブラインド|シャッター|扇風機|鍵|暖房|温度|掃除機"
    )
)


def _rest(low: str) -> str:
    """What is left of a name without articles and the word for its kind: "bedside" of "the bedside lamp"."""
    plain = _GENERIC.sub(" ", _ALL.sub(" ", low))
    words = re.sub(r"\b(?:the|my|a|an|le|la|les|l|mes|mon|ma|des|du|de|d|smart|of|in)\b|の", " ", plain)
    return " ".join(words.split())
