"""timer.set: a countdown that rings, also after a restart."""

from __future__ import annotations

from slipway_assistant import saying
from slipway_assistant.clocks import Clock, Clocks
from slipway_assistant.skill import Answer, Context, SkillError, Span, pick, skill

LONGEST_S = 30 * 86_400


@skill("timer.set", timeout_s=8.0)
def set_timer(
    ctx: Context,
    *,
    hours: int | None = None,
    minutes: int | None = None,
    seconds: int | None = None,
    name: Span = "",
) -> Answer:
    """Start a countdown.

    hours: Hours of the countdown.
    minutes: Minutes of the countdown.
    seconds: Seconds of the countdown.
    name: What the timer is for, such as pasta.
    """
    total = (hours or 0) * 3600 + (minutes or 0) * 60 + (seconds or 0)
    if not any((hours, minutes, seconds)):
        return Answer(pick(ctx.lang, _HOW_LONG), ok=False, ask="minutes")
    if not 0 < total <= LONGEST_S:
        raise SkillError(_TOO_LONG)
    rings_s = ctx.now.timestamp() + total
    timer = Clocks(ctx.folder).add(
        Clock("timer", name, rings_s, total_s=total, zone=getattr(ctx.now.tzinfo, "key", "UTC"), lang=ctx.lang)
    )
    said = pick(ctx.lang, _NAMED if name else _PLAIN)
    return Answer(said.format(name=name, length=saying.length(total, ctx.lang)), {"id": timer.id, "rings_s": rings_s})


_HOW_LONG = {"en": "For how long?", "fr": "Pour combien de temps ?", "ja": "何分のタイマーですか？"}
_TOO_LONG = {
    "en": "A timer can run for up to 30 days.",
    "fr": "Un minuteur peut durer jusqu'à 30 jours.",
    "ja": "タイマーは最長30日までです。",
}
_PLAIN = {
    "en": "{length}, starting now.",
    "fr": "Minuteur de {length}, c'est parti.",
    "ja": "{length}のタイマーを始めました。",
}
_NAMED = {
    "en": "{name} timer: {length}, starting now.",
    "fr": "Minuteur {name} de {length}, c'est parti.",
    "ja": "{name}のタイマーを{length}で始めました。",
}
