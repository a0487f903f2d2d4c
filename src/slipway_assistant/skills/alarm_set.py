"""alarm.set: an alarm at a time of day, once or again and again."""

from __future__ import annotations

from slipway_assistant import saying
from slipway_assistant.clocks import Clock, Clocks
from slipway_assistant.skill import Answer, Context, SkillError, Span, pick, skill


@skill("alarm.set", timeout_s=8.0)
def set_alarm(ctx: Context, *, when: Span = "") -> Answer:
    """Set an alarm that rings at a time of day.

    when: Time, day or repetition of the alarm, as it was said.
    """
    from slipway_assistant.when import parse, repetition

    if not when:
        return Answer(pick(ctx.lang, _WHEN), ok=False, ask="when")
    rule = repetition(ctx.heard, ctx.lang)
    found = parse(when, ctx.lang, ctx.now, waking=True)
    if found and found.timed and rule and not found.rule:  # "every day" stands beside what was taken for the time
        found = parse(ctx.heard, ctx.lang, ctx.now, waking=True) or found
    if found is None:
        over = parse(when, ctx.lang, ctx.now, direction="any", waking=True)
        if over is not None and over.timed:
            raise SkillError(_OVER)
        return Answer(pick(ctx.lang, _NOT_UNDERSTOOD), ok=False, ask="when")
    if not found.timed:
        return Answer(pick(ctx.lang, _TIME), {"when": when}, ok=False, ask="when")
    rule = f"{found.rule};BYHOUR={found.at.hour};BYMINUTE={found.at.minute}" if found.rule else ""
    said = saying.clock(found.at, ctx.lang) if rule else saying.moment(found.at, ctx.now, ctx.lang)
    said = pick(ctx.lang, _REPEATED).format(rule=saying.repetition(rule, ctx.lang), time=said) if rule else said
    clocks = Clocks(ctx.folder)
    rings_s = found.at.timestamp()
    same = next((a for a in clocks.all("alarm") if abs(a.rings_s - rings_s) < 1 and a.rule == rule), None)
    if same is not None:
        return Answer(pick(ctx.lang, _ALREADY).format(when=said), {"id": same.id, "rings_s": same.rings_s})
    zone = getattr(ctx.now.tzinfo, "key", "UTC")
    alarm = clocks.add(Clock("alarm", "", rings_s, rule=rule, zone=zone, lang=ctx.lang))
    return Answer(pick(ctx.lang, _SET).format(when=said), {"id": alarm.id, "rings_s": rings_s, "rule": rule})


_WHEN = {"en": "For what time?", "fr": "Pour quelle heure ?", "ja": "何時にしますか？"}
_TIME = {"en": "At what time then?", "fr": "À quelle heure ce jour-là ?", "ja": "何時にしますか？"}
_NOT_UNDERSTOOD = {
    "en": "I did not get the time. For what time?",
    "fr": "Je n'ai pas compris l'heure. Pour quelle heure ?",
    "ja": "時刻がわかりませんでした。何時にしますか？",
}
_OVER = {"en": "That time is already past.", "fr": "Cette heure est déjà passée.", "ja": "その時刻はもう過ぎています。"}
_REPEATED = {"en": "{time} {rule}", "fr": "{time} {rule}", "ja": "{rule}{time}"}
_SET = {"en": "Alarm set for {when}.", "fr": "Réveil réglé pour {when}.", "ja": "{when}にアラームを設定しました。"}
_ALREADY = {
    "en": "There is an alarm for {when} already.",
    "fr": "Il y a déjà un réveil pour {when}.",
    "ja": "{when}のアラームはもう設定されています。",
}
