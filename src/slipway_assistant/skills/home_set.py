"""Switch and set what is in the house: through Home Assistant where one is set, else in the assistant's own notes of it."""

from __future__ import annotations

import re
from typing import Literal

from slipway_assistant.backends import sentences
from slipway_assistant.backends.home import Home
from slipway_assistant.backends.home_assistant import HomeAssistant
from slipway_assistant.backends.house import Change, Device, House, HouseError, kind_of, matching, needs_yes
from slipway_assistant.backends.net import NetError
from slipway_assistant.backends.words import fold, kana
from slipway_assistant.skill import Answer, Context, SkillError, Span, pick, skill

MOST_NAMED = 3


@skill("home.set", timeout_s=10.0)
def set_device(
    ctx: Context,
    *,
    action: Literal["on", "off", "open", "close", "dim", "brighten", "set"],
    device: Span = "",
    room: Span = "",
    color: Span = "",
    level: int | None = None,
) -> Answer:
    """Switch or set lights, blinds, heating and appliances.

    action: Set is for a colour or a level.
    device: Which appliance, blind or lamp; left out for the lights.
    room: Room or part of the house.
    color: Colour of the light.
    level: Brightness, temperature or position wanted, as the number said.
    """
    room = "" if _HERE.fullmatch(fold(room)) else room
    house: House = Home(ctx.folder)
    if ctx.settings.home_assistant_url:
        house = HomeAssistant(ctx.settings.home_assistant_url, ctx.settings.home_assistant_token)
    try:
        chosen = _devices(ctx, house, device, room)
        change = _change(ctx, chosen[0], action, color, level)
        if not ctx.confirmed and any(needs_yes(one, change) for one in chosen):
            question = pick(ctx.lang, _SURE[_verb(action, chosen[0])]).format(what=_named(ctx, chosen))
            return Answer(question, {"devices": [one.id for one in chosen]}, ok=False, confirm=True)
        house.change(chosen, change)
    except NetError as error:
        raise sentences.unreachable(error, _HOME_ASSISTANT) from None
    except HouseError as error:
        raise SkillError(_CANNOT, mend=str(error)) from None
    if device:
        ctx.memory.count("device", chosen[0].name)
    verb = "set" if action == "set" or (color or level is not None) else _verb(action, chosen[0])
    value = color or (_degrees(ctx, change) if chosen[0].kind == "climate" else f"{change.level} %")
    text = pick(ctx.lang, _DONE[verb]).format(what=_named(ctx, chosen), value=value)
    if verb == "set" and not color and change.level is None:
        text = pick(ctx.lang, _DONE["on"]).format(what=_named(ctx, chosen))
    before = [dict(one.state) for one in chosen]  # what "cancel that" goes back to
    told = {"devices": [one.id for one in chosen], "level": change.level, "before": before}
    return Answer(text[0].upper() + text[1:], told)


def _devices(ctx: Context, house: House, said: str, room: str) -> list[Device]:
    """The devices that were meant; a house that keeps only notes takes a new name in."""
    found = matching(house.devices(), said, room)
    if not found:
        learned = house.learn(said or pick(ctx.lang, _LIGHTS), kind_of(said), room)
        if learned is None:
            what = {lang: text.format(what=" ".join(filter(None, (room, said)))) for lang, text in _UNKNOWN.items()}
            raise SkillError(what, mend="use the name that it has in Home Assistant")
        found = [learned]
    return found


def _change(
    ctx: Context,
    first: Device,
    action: Literal["on", "off", "open", "close", "dim", "brighten", "set"],
    color: str,
    level: int | None,
) -> Change:
    name = ""
    if color:
        name = next((css for pattern, css in _COLOURS if re.search(kana(pattern), fold(color))), "")
        if not name:
            raise SkillError({lang: text.format(color=color) for lang, text in _NO_COLOUR.items()})
    if level is None:
        return Change(action, None, name)
    if first.kind == "climate":
        low, high = (5, 35) if ctx.settings.units == "metric" else (40, 95)
        if not low <= level <= high:
            said = {lang: text.format(low=low, high=high) for lang, text in _TOO_WARM.items()}
            raise SkillError(said, mend="name a temperature in that range")
        return Change(action, level, name)
    # "Set it to 7" means seven steps of ten, unless percent was said.
    steps = 0 < level <= 10 and not re.search(r"%|％|per ?cent|pour ?cent|パーセント", ctx.heard.lower())
    return Change(action, max(0, min(100, level * 10 if steps else level)), name)


def _verb(action: str, device: Device) -> str:
    if device.kind == "lock":
        return "unlock" if action in ("open", "off") else "lock"
    if device.kind == "cover":
        return {"off": "open", "on": "close"}.get(action, action)
    return {"open": "on", "close": "off"}.get(action, action)


def _named(ctx: Context, devices: list[Device]) -> str:
    if len(devices) > MOST_NAMED:
        return pick(ctx.lang, _MANY).format(len(devices))
    return sentences.listed(ctx.lang, [_one(ctx, device) for device in devices])


def _one(ctx: Context, device: Device) -> str:
    name = device.name.removeprefix("the ").removeprefix("le ").removeprefix("la ").removeprefix("les ")
    if device.room and fold(device.room) not in fold(name):
        return pick(ctx.lang, _IN).format(name=name, room=device.room.removeprefix("the "))
    return pick(ctx.lang, {"en": "the {}", "fr": "{}", "ja": "{}"}).format(name)


def _degrees(ctx: Context, change: Change) -> str:
    return pick(ctx.lang, {"en": "{} degrees", "fr": "{} degrés", "ja": "{}度"}).format(change.level)


_HERE = re.compile(r"|here|this room|house|home|apartment|ici|maison|cette piece|appartement|ここ|この部屋|家|部屋")
_COLOURS = (
    (r"\bnavy|bleu marine|紺", "navy"), (r"\bturquoise|ターコイズ", "turquoise"), (r"\bcyan|水色", "cyan"),
    (r"\blavender|lavande|ラベンダー", "lavender"), (r"\bgold|\bdore|金", "gold"),
    (r"\bred|\brouge|赤|あか|レッド", "red"), (r"\bblue|\bbleu|青|あお|ぶるー", "blue"),
    (r"\bgreen|\bvert|緑|みどり|ぐりーん", "green"), (r"\byellow|\bjaune|黄|いえろー", "yellow"),
    (r"\borange|おれんじ|橙", "orange"), (r"\bpink|\brose|ぴんく|桃", "pink"),
    (r"\bpurple|\bviolet|紫|むらさき|ぱーぷる", "purple"), (r"\bwhite|\bblanc|白|しろ|ほわいと", "white"),
    (r"\bmagenta", "magenta"), (r"\bwarm|\bchaud|電球色|暖色", "navajowhite"), (r"\bcold|\bcool|\bfroid|昼白色", "aliceblue"),
)  # fmt: skip
_LIGHTS = {"en": "lights", "fr": "lumière", "ja": "照明"}
_IN = {"en": "the {name} in the {room}", "fr": "{name} ({room})", "ja": "{room}の{name}"}
_MANY = {"en": "{} devices", "fr": "{} appareils", "ja": "{}台の機器"}
_DONE = {
    "on": {"en": "I turned on {what}.", "fr": "C'est allumé : {what}.", "ja": "{what}をつけました。"},
    "off": {"en": "I turned off {what}.", "fr": "C'est éteint : {what}.", "ja": "{what}を消しました。"},
    "open": {"en": "I opened {what}.", "fr": "C'est ouvert : {what}.", "ja": "{what}を開けました。"},
    "close": {"en": "I closed {what}.", "fr": "C'est fermé : {what}.", "ja": "{what}を閉めました。"},
    "lock": {"en": "I locked {what}.", "fr": "C'est verrouillé : {what}.", "ja": "{what}をかけました。"},
    "unlock": {"en": "I unlocked {what}.", "fr": "C'est déverrouillé : {what}.", "ja": "{what}を開けました。"},
    "dim": {"en": "I dimmed {what}.", "fr": "J'ai baissé : {what}.", "ja": "{what}を暗くしました。"},
    "brighten": {"en": "I made {what} brighter.", "fr": "C'est plus clair : {what}.", "ja": "{what}を明るくしました。"},
    "set": {
        "en": "I set {what} to {value}.",
        "fr": "C'est réglé sur {value} : {what}.",
        "ja": "{what}を{value}にしました。",
    },
}
_SURE = {
    "open": {
        "en": "Shall I really open {what}?",
        "fr": "Voulez-vous vraiment que j'ouvre : {what} ?",
        "ja": "本当に{what}を開けますか？",
    },
    "unlock": {
        "en": "Shall I really unlock {what}?",
        "fr": "Voulez-vous vraiment que je déverrouille : {what} ?",
        "ja": "本当に{what}を開けますか？",
    },
    "on": {
        "en": "Shall I really switch {what} on?",
        "fr": "Voulez-vous vraiment que j'allume : {what} ?",
        "ja": "本当に{what}をつけますか？",
    },
    "off": {
        "en": "Shall I really switch {what} off?",
        "fr": "Voulez-vous vraiment que j'éteigne : {what} ?",
        "ja": "本当に{what}を消しますか？",
    },
    "set": {
        "en": "Shall I really change {what}?",
        "fr": "Voulez-vous vraiment que je change : {what} ?",
        "ja": "本当に{what}を変更しますか？",
    },
}
_UNKNOWN = {
    "en": "I do not know a device called {what}.",
    "fr": "Je ne connais pas d'appareil appelé {what}.",
    "ja": "{what}という機器は見つかりませんでした。",
}
_NO_COLOUR = {
    "en": "I do not know the colour {color}.",
    "fr": "Je ne connais pas la couleur {color}.",
    "ja": "{color}という色はわかりません。",
}
_TOO_WARM = {
    "en": "I can set between {low} and {high} degrees.",
    "fr": "Je peux régler entre {low} et {high} degrés.",
    "ja": "{low}度から{high}度の間で設定できます。",
}
_CANNOT = {
    "en": "Sorry, I cannot do that with this device.",
    "fr": "Désolé, je ne peux pas faire ça avec cet appareil.",
    "ja": "すみません、その機器ではそれができません。",
}
_HOME_ASSISTANT = {"en": "Home Assistant", "fr": "Home Assistant", "ja": "ホームアシスタント"}
