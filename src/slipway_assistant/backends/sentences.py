"""What several skills say aloud: why a server or a player did not answer, how old something is, how things are listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

from slipway.errors import MissingExtra
from slipway_assistant.backends.net import NetError
from slipway_assistant.backends.player import PlayerError
from slipway_assistant.skill import SkillError, pick

By = Mapping[str, str]

_NET: Mapping[str, By] = {
    "offline": {
        "en": "Sorry, I cannot reach {who} right now.",
        "fr": "Désolé, je n'arrive pas à joindre {who} pour le moment.",
        "ja": "すみません、今{who}につながりません。",
    },
    "slow": {
        "en": "Sorry, {who} is taking too long to answer.",
        "fr": "Désolé, {who} met trop de temps à répondre.",
        "ja": "すみません、{who}の応答に時間がかかりすぎています。",
    },
    "refused": {
        "en": "Sorry, {who} does not accept my access key. Please check the settings.",
        "fr": "Désolé, {who} refuse ma clé d'accès. Vérifiez les réglages.",
        "ja": "すみません、{who}にアクセスキーを拒否されました。設定を確認してください。",
    },
    "answer": {
        "en": "Sorry, {who} gave an answer that I cannot use.",
        "fr": "Désolé, {who} a donné une réponse que je ne peux pas utiliser.",
        "ja": "すみません、{who}の応答が正しくありませんでした。",
    },
    "address": {
        "en": "Sorry, the address of {who} in my settings is wrong.",
        "fr": "Désolé, l'adresse de {who} est incorrecte dans les réglages.",
        "ja": "すみません、設定にある{who}のアドレスが正しくありません。",
    },
}


def unreachable(error: NetError, who: By) -> SkillError:
    """The error to raise when a server failed: it says whose, and in a word why."""
    said = _NET.get(error.reason, _NET["answer"])
    return SkillError({lang: text.format(who=pick(lang, who)) for lang, text in said.items()}, mend=str(error))


@contextmanager
def player_errors() -> Iterator[None]:
    """Say why nothing can be played, instead of a traceback."""
    try:
        yield
    except MissingExtra as error:
        raise SkillError(_INCOMPLETE, mend=error.mend) from None
    except PlayerError as error:
        raise SkillError(_NOTHING if str(error) == "nothing plays" else _NO_PLAYER, mend=str(error)) from None


def missing(error: MissingExtra) -> SkillError:
    """The error to raise when a library is not installed."""
    return SkillError(_INCOMPLETE, mend=error.mend)


def age(lang: str, old: timedelta) -> str:
    """How long ago: "3 hours ago", "il y a 3 heures", "3時間前"."""
    minutes = int(old.total_seconds() // 60)
    if minutes < 2:
        return pick(lang, {"en": "a moment ago", "fr": "il y a un instant", "ja": "少し前"})
    for size, one, many in ((1440, *_UNITS["day"]), (60, *_UNITS["hour"]), (1, *_UNITS["minute"])):
        if minutes >= size:
            count = minutes // size
            return pick(lang, one if count == 1 else many).format(count)
    return ""


_UNITS: Mapping[str, tuple[By, By]] = {
    "day": ({"en": "a day ago", "fr": "il y a un jour", "ja": "1日前"},
            {"en": "{} days ago", "fr": "il y a {} jours", "ja": "{}日前"}),
    "hour": ({"en": "an hour ago", "fr": "il y a une heure", "ja": "1時間前"},
             {"en": "{} hours ago", "fr": "il y a {} heures", "ja": "{}時間前"}),
    "minute": ({"en": "a minute ago", "fr": "il y a une minute", "ja": "1分前"},
               {"en": "{} minutes ago", "fr": "il y a {} minutes", "ja": "{}分前"}),
}  # fmt: skip


def listed(lang: str, things: Sequence[str]) -> str:
    """ "a, b and c"."""
    if lang == "ja" or len(things) < 2:
        return "、".join(things) if lang == "ja" else "".join(things)
    return ", ".join(things[:-1]) + pick(lang, {"en": " and ", "fr": " et "}) + things[-1]


_NOTHING = {
    "en": "Nothing is playing right now.",
    "fr": "Il n'y a rien en lecture.",
    "ja": "今は何も再生していません。",
}
_NO_PLAYER = {
    "en": "Sorry, I cannot reach the music player.",
    "fr": "Désolé, je n'arrive pas à joindre le lecteur de musique.",
    "ja": "すみません、音楽プレーヤーにつながりません。",
}
_INCOMPLETE = {
    "en": "Sorry, a part that I need for this is not installed.",
    "fr": "Désolé, il me manque un composant pour faire ça.",
    "ja": "すみません、そのために必要な部品がインストールされていません。",
}
