"""timer.manage: stop, hold, lengthen and ask the timers that run. Which one and by how much is read from the sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from slipway_assistant import saying
from slipway_assistant.clocks import Clock, Clocks
from slipway_assistant.kept import fold, says_all
from slipway_assistant.skill import Answer, Context, SkillError, pick, skill


@skill(
    "timer.manage",
    timeout_s=8.0,
    ask={
        "action": {
            "en": "What should I do with the timer?",
            "fr": "Que dois-je faire du minuteur ?",
            "ja": "タイマーをどうしますか？",
        }
    },
)
def manage_timer(ctx: Context, *, action: Literal["cancel", "pause", "resume", "add", "subtract", "status"]) -> Answer:
    """Change a timer that runs, or tell how much of it is left.

    action: What to do with the running timer; status tells the time left.
    """
    clocks = Clocks(ctx.folder)
    timers = clocks.all("timer")
    if not timers:
        raise SkillError(_NONE)
    own, by_s = _lengths(ctx, action)
    meant = _which(timers, ctx, own)
    if action == "status":
        return Answer(_status(meant or timers, ctx), {"timers": [t.id for t in meant or timers]})
    if len(meant) != 1 and not (says_all(ctx.heard) and meant):
        raise SkillError(
            pick(ctx.lang, _SEVERAL).format(timers=saying.listed([_called(t, ctx) for t in timers], ctx.lang))
        )
    if action == "cancel":
        clocks.remove(*meant)
        said = _CANCELLED if len(meant) == 1 else _CANCELLED_ALL
        return Answer(pick(ctx.lang, said).format(timer=_called(meant[0], ctx)), {"removed": [t.id for t in meant]})
    changed = [_changed(timer, action, by_s, ctx) for timer in meant]
    for timer in changed:
        clocks.put(timer)
    return Answer(_status(changed, ctx), {"timers": [t.id for t in changed]})


def _lengths(ctx: Context, action: str) -> tuple[list[float], float | None]:
    """The lengths in the sentence that say which timer, and the one that says by how much."""
    from slipway_assistant.when import lengths

    said = [found.total_seconds() for found in lengths(ctx.heard, ctx.lang)]
    if action not in ("add", "subtract") or not said:
        return said, None
    # "the 1 hour timer by 5 minutes" and Japanese end with it; "5 minutes to the 1 hour timer" begins with it.
    at_the_end = ctx.lang == "ja" or re.search(r"\bby\b", ctx.heard)
    by_s = said.pop(-1 if at_the_end else 0)
    return said, by_s


def _which(timers: Sequence[Clock], ctx: Context, own: Sequence[float]) -> list[Clock]:
    """The timers that the sentence means; none where it does not say."""
    heard = fold(ctx.heard)
    named = [timer for timer in timers if timer.name and fold(timer.name) in heard]
    if named:
        return named
    if by_length := [timer for timer in timers if timer.total_s in own]:
        return by_length
    return list(timers) if len(timers) == 1 or says_all(ctx.heard) else []


def _left(timer: Clock, ctx: Context) -> float:
    return timer.left_s if timer.state == "paused" else max(0.0, timer.rings_s - ctx.now.timestamp())


def _changed(timer: Clock, action: str, by_s: float | None, ctx: Context) -> Clock:
    left, now = _left(timer, ctx), ctx.now.timestamp()
    if action == "pause":
        return replace(timer, state="paused", left_s=left)
    if action == "resume":
        return replace(timer, state="set", rings_s=now + left)
    if by_s is None:
        raise SkillError(_BY_HOW_MUCH)
    by = by_s if action == "add" else -by_s
    if left + by <= 0:
        raise SkillError(pick(ctx.lang, _TOO_MUCH).format(left=saying.length(left, ctx.lang)))
    return replace(timer, rings_s=timer.rings_s + by, left_s=left + by, total_s=timer.total_s + by)


def _called(timer: Clock, ctx: Context) -> str:
    if timer.name:
        return pick(ctx.lang, {"en": "{} timer", "fr": "minuteur {}", "ja": "{}のタイマー"}).format(timer.name)
    length = saying.length(timer.total_s, ctx.lang)
    return pick(ctx.lang, {"en": "timer of {}", "fr": "minuteur de {}", "ja": "{}のタイマー"}).format(length)


def _status(timers: Sequence[Clock], ctx: Context) -> str:
    said = []
    for timer in timers:
        form = _PAUSED if timer.state == "paused" else _LEFT if len(timers) > 1 or timer.name else _LEFT_ALONE
        left = saying.length(_left(timer, ctx), ctx.lang)
        said.append(pick(ctx.lang, form).format(timer=_called(timer, ctx), left=left))
    return ("" if ctx.lang == "ja" else " ").join(said)


_NONE = {"en": "There is no timer.", "fr": "Il n'y a pas de minuteur.", "ja": "動いているタイマーはありません。"}
_SEVERAL = {
    "en": "Which one do you mean? There is the {timers}.",
    "fr": "Lequel ? Il y a : {timers}.",
    "ja": "どのタイマーですか？{timers}があります。",
}
_CANCELLED = {"en": "The {timer} is cancelled.", "fr": "Le {timer} est annulé.", "ja": "{timer}を取り消しました。"}
_CANCELLED_ALL = {
    "en": "All timers are cancelled.",
    "fr": "Tous les minuteurs sont annulés.",
    "ja": "すべてのタイマーを取り消しました。",
}
_BY_HOW_MUCH = {
    "en": "By how much? Say, for instance: add five minutes to the timer.",
    "fr": "De combien ? Dites par exemple : ajoute cinq minutes au minuteur.",
    "ja": "どのくらいですか？例えば「タイマーに5分足して」と言ってください。",
}
_TOO_MUCH = {
    "en": "There is only {left} left.",
    "fr": "Il ne reste que {left}.",
    "ja": "残りは{left}だけです。",
}
_LEFT_ALONE = {"en": "{left} left.", "fr": "Il reste {left}.", "ja": "残り{left}です。"}
_LEFT = {
    "en": "{left} left on the {timer}.",
    "fr": "Il reste {left} au {timer}.",
    "ja": "{timer}は残り{left}です。",
}
_PAUSED = {
    "en": "The {timer} is paused with {left} left.",
    "fr": "Le {timer} est en pause, il reste {left}.",
    "ja": "{timer}は一時停止中で、残り{left}です。",
}
