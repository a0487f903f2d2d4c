"""alarm.manage: cancel, list and snooze alarms. To cancel more than one is confirmed first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from slipway_assistant import saying
from slipway_assistant.clocks import Clock, Clocks
from slipway_assistant.skill import Answer, Context, SkillError, Span, pick, skill

SNOOZE_S = 600
RECENT_S = 3_600
"""What rang longer ago than this is not what somebody snoozes."""


@skill(
    "alarm.manage",
    timeout_s=8.0,
    ask={
        "action": {
            "en": "What should I do with the alarm?",
            "fr": "Que dois-je faire du réveil ?",
            "ja": "アラームをどうしますか？",
        }
    },
)
def manage_alarm(ctx: Context, *, action: Literal["cancel", "list", "snooze"], when: Span = "") -> Answer:
    """Cancel, list or snooze alarms that exist.

    action: Remove alarms, say which are set, or let it ring again later.
    when: Which alarm, or for how long to snooze, as it was said.
    """
    clocks = Clocks(ctx.folder)
    if action == "snooze":
        return _snooze(clocks, when, ctx)
    alarms = clocks.all("alarm")
    if not alarms:
        if action == "cancel" and (rang := _recent(clocks, ctx)):
            clocks.remove(rang)
            return Answer(pick(ctx.lang, _STOPPED), {"removed": [rang.id]})
        return Answer(pick(ctx.lang, _NONE), {"alarms": []}, ok=action == "list")
    meant = _meant(alarms, when, ctx)
    if action == "list":
        if not meant:
            return Answer(pick(ctx.lang, _NONE_THEN), {"alarms": []})
        return Answer(_listed(meant, ctx), {"alarms": [alarm.id for alarm in meant]})
    if not meant:
        raise SkillError(pick(ctx.lang, _NO_SUCH).format(alarms=_listed(alarms, ctx)))
    if len(meant) > 1 and not ctx.confirmed:
        return Answer(pick(ctx.lang, _SURE).format(n=len(meant), alarms=_listed(meant, ctx)), confirm=True)
    clocks.remove(*meant)
    said = _CANCELLED if len(meant) == 1 else _CANCELLED_ALL
    which = _called(meant[0], ctx)
    return Answer(pick(ctx.lang, said).format(when=which, n=len(meant)), {"removed": [alarm.id for alarm in meant]})


def _meant(alarms: Sequence[Clock], when: str, ctx: Context) -> list[Clock]:
    """The alarms at the time or on the day that was said; all of them when none was."""
    from slipway_assistant.when import parse

    if not when:
        return list(alarms)
    said = parse(when, ctx.lang, ctx.now, waking=True) or parse(when, ctx.lang, ctx.now, direction="any", waking=True)
    if said is None:
        return list(alarms) if len(alarms) == 1 else []
    here = [(alarm, alarm.at(ctx.now.tzinfo)) for alarm in alarms]
    if said.rule:
        rule = said.rule.split(";BYHOUR")[0]
        here = [(alarm, at) for alarm, at in here if alarm.rule.startswith(rule)]
    elif said.dated:
        last = said.at.date() if said.timed else said.until.date()
        here = [(a, at) for a, at in here if said.at.date() <= at.date() <= last and (said.timed or at < said.until)]
    if not said.timed:
        return [alarm for alarm, _ in here]
    exact = [alarm for alarm, at in here if (at.hour, at.minute) == (said.at.hour, said.at.minute)]
    half = [alarm for alarm, at in here if (at.hour % 12, at.minute) == (said.at.hour % 12, said.at.minute)]
    return exact or half


def _recent(clocks: Clocks, ctx: Context) -> Clock | None:
    rang = [c for c in clocks.all("alarm", "rang", "ringing") if ctx.now.timestamp() - c.rings_s <= RECENT_S]
    return rang[-1] if rang else None


def _snooze(clocks: Clocks, when: str, ctx: Context) -> Answer:
    from slipway_assistant.when import length, parse

    rang = _recent(clocks, ctx)
    if rang is None:
        raise SkillError(_NOTHING_RANG)
    lasting = length(when or ctx.heard, ctx.lang)
    until = parse(when, ctx.lang, ctx.now, waking=True) if when and lasting is None else None
    now = ctx.now.timestamp()
    rings_s = (
        until.at.timestamp() if until and until.timed else now + (lasting.total_seconds() if lasting else SNOOZE_S)
    )
    again = clocks.add(replace(rang, rings_s=rings_s, rule="", state="set"))
    clocks.remove(rang)
    at = saying.clock(again.at(ctx.now.tzinfo), ctx.lang)
    return Answer(pick(ctx.lang, _SNOOZED).format(time=at), {"id": again.id, "rings_s": rings_s})


def _called(alarm: Clock, ctx: Context) -> str:
    at = alarm.at(ctx.now.tzinfo)
    if not alarm.rule:
        return saying.moment(at, ctx.now, ctx.lang)
    rule, time = saying.repetition(alarm.rule, ctx.lang), saying.clock(at, ctx.lang)
    return pick(ctx.lang, {"en": f"{rule} at {time}", "fr": f"{rule} à {time}", "ja": f"{rule}{time}"})


def _listed(alarms: Sequence[Clock], ctx: Context) -> str:
    said = saying.listed([_called(alarm, ctx) for alarm in alarms], ctx.lang)
    form = _ONE if len(alarms) == 1 else _MANY
    return pick(ctx.lang, form).format(n=len(alarms), alarms=said)


_NONE = {"en": "No alarm is set.", "fr": "Aucun réveil n'est réglé.", "ja": "アラームは設定されていません。"}
_NONE_THEN = {
    "en": "No alarm is set for then.",
    "fr": "Aucun réveil n'est réglé pour ce moment-là.",
    "ja": "そのときのアラームはありません。",
}
_STOPPED = {"en": "Good.", "fr": "Bien.", "ja": "はい。"}
_ONE = {"en": "There is one alarm: {alarms}.", "fr": "Il y a un réveil : {alarms}.", "ja": "アラームは{alarms}です。"}
_MANY = {
    "en": "There are {n} alarms: {alarms}.",
    "fr": "Il y a {n} réveils : {alarms}.",
    "ja": "アラームは{n}つあります。{alarms}です。",
}
_NO_SUCH = {
    "en": "I found no such alarm. {alarms}",
    "fr": "Je n'ai pas trouvé ce réveil. {alarms}",
    "ja": "そのアラームは見つかりませんでした。{alarms}",
}
_SURE = {
    "en": "{alarms} Shall I cancel all {n}?",
    "fr": "{alarms} Faut-il annuler les {n} ?",
    "ja": "{alarms}{n}つとも取り消しますか？",
}
_CANCELLED = {
    "en": "The alarm {when} is cancelled.",
    "fr": "Le réveil {when} est annulé.",
    "ja": "{when}のアラームを取り消しました。",
}
_CANCELLED_ALL = {
    "en": "{n} alarms are cancelled.",
    "fr": "{n} réveils sont annulés.",
    "ja": "{n}つのアラームを取り消しました。",
}
_NOTHING_RANG = {
    "en": "No alarm rang just now.",
    "fr": "Aucun réveil n'a sonné à l'instant.",
    "ja": "さきほど鳴ったアラームはありません。",
}
_SNOOZED = {
    "en": "I will ring again at {time}.",
    "fr": "Je sonnerai de nouveau à {time}.",
    "ja": "{time}にもう一度鳴らします。",
}
