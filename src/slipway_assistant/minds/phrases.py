"""Plain commands that must never fail are matched word for word before anything is weighed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Self

from slipway_assistant.data import Utterance
from slipway_assistant.mind import Understanding, mind
from slipway_assistant.minds.calibrated import Calibrated
from slipway_assistant.minds.templates import Templates

_POLITE = r"(?:please|s'il te plaît|s'il vous plaît|merci|excuse me|hey|ok)"
_ROOM = "kitchen|bedroom|living room|bathroom|hall|hallway|garage|office|dining room|cellar|nursery"
_PIECE = "cuisine|chambre|salon|salle de bain|couloir|garage|bureau|salle à manger|cave|entrée"
_HEYA = "台所|キッチン|寝室|リビング|居間|浴室|風呂場|廊下|玄関|書斎|子供部屋"

_PAUSE = {"name": "music.control", "arguments": {"action": "pause"}}
_TIME = {"name": "datetime.get", "arguments": {"field": "time"}}
_NO_TIMER = {"name": "timer.manage", "arguments": {"action": "cancel"}}

_WHOLE: list[tuple[str, dict[str, Any] | None]] = [
    (r"(?:stop|pause|quiet|arrête|ストップ|止めて|止まって)", _PAUSE),
    (r"(?:stop|pause|halt) (?:the |this |that )?(?:music|song|track|playback)", _PAUSE),
    (r"(?:arrête|stoppe|coupe|mets en pause) (?:la musique|la chanson|le morceau)", _PAUSE),
    (r"(?:音楽|曲)を?(?:止めて|ストップ|停止)(?:して|ください)?", _PAUSE),
    (
        r"what(?:'s| is) the time|what time is it(?: now)?|(?:do you (?:happen to )?know|tell me) (?:the|what) time(?: it is)?",
        _TIME,
    ),
    (r"quelle heure est-il|il est quelle heure|donne-moi l'heure", _TIME),
    (r"(?:今|いま)何時(?:ですか)?", _TIME),
    (
        r"(?:cancel|stop|delete) (?:the|my) timer|(?:annule|arrête) (?:le|mon) minuteur"
        r"|タイマーを?(?:消して|止めて|キャンセル(?:して)?)",
        _NO_TIMER,
    ),
    # Said to somebody else in the room.
    (
        r"(?:can|could|would) you (?:pass|hand|bring) (?:me|us|him|her) .+|don't wake .+|(?:i'm|i am|i was) not talking to you",
        None,
    ),
    (
        r"je ne te parle pas.*|(?:passe|donne)-moi (?:le|la|les) (?:sel|télécommande|verre)s?|あなたに(?:は)?話してい?ない.*",
        None,
    ),
]
_LIGHTS = [
    (rf"(?:turn|switch|put) (?P<action>on|off) the (?P<room>{_ROOM}) lights?", {}),
    (rf"(?:turn|switch|put) the (?P<room>{_ROOM}) lights? (?P<action>on|off)", {}),
    (
        rf"(?P<action>allume|éteins) (?:la|les) lumières? (?:de la |du |de l'|dans la |dans le )(?P<room>{_PIECE})",
        {"allume": "on", "éteins": "off"},
    ),
    (rf"(?P<room>{_HEYA})の(?:電気|照明|ライト|明かり)を?(?P<action>つけて|消して)", {"つけて": "on", "消して": "off"}),
]


def phrase(text: str) -> tuple[bool, dict[str, Any] | None]:
    """Whether the sentence is one of the phrases, and its call."""
    said = re.sub(r"[.!?。！？]+$", "", text.lower().replace("\u2019", "'").strip())
    said = re.sub(rf"^(?:{_POLITE}[, ]+)+|(?:[, ]+{_POLITE})+$", "", said).strip(" ,")
    for pattern, call in _WHOLE:
        if re.fullmatch(pattern, said):
            return True, call
    for pattern, actions in _LIGHTS:
        found = re.fullmatch(pattern, said)
        if found:
            action = actions.get(found["action"], found["action"])
            return True, {"name": "home.set", "arguments": {"action": action, "room": found["room"]}}
    return False, None


@mind(
    "phrases",
    step=120,
    parent="calibrated",
    note="plain commands that must never fail, and asides to somebody else, are matched word for word before anything is weighed",
)
class Phrases(Calibrated):
    """A Calibrated that knows some sentences by heart."""

    @classmethod
    def grow(cls, parent: Templates, rows: Sequence[Utterance]) -> Self:
        """What the parent learned; the phrases are written, not learned."""
        return cls.from_arrays(parent.arrays())

    def understand(self, text: str, lang: str) -> Understanding:
        """The phrase's call, else what the parent understands."""
        known, call = phrase(text)
        return Understanding(call, 1.0) if known else super().understand(text, lang)
