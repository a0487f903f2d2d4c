"""calendar.edit: appointments and reminders in an iCalendar file. One with an hour is rung; many go only after a yes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from slipway_assistant import saying
from slipway_assistant.clocks import Clock, Clocks
from slipway_assistant.kept import fold
from slipway_assistant.skill import Answer, Context, SkillError, Soft, Span, pick, skill

if TYPE_CHECKING:
    from slipway_assistant.diary import Diary, Entry
    from slipway_assistant.when import When

AHEAD = timedelta(days=400)
TOLD = 5
"""More than this nobody remembers."""


@skill(
    "calendar.edit",
    timeout_s=10.0,
    ask={
        "action": {
            "en": "What should I do with the calendar?",
            "fr": "Que dois-je faire de l'agenda ?",
            "ja": "予定をどうしますか？",
        }
    },
)
def edit_calendar(
    ctx: Context, *, action: Literal["add", "remove", "show"], title: Soft = "", when: Span = ""
) -> Answer:
    """Keep appointments and reminders.

    action: Enter, delete or read out appointments and reminders.
    title: What the appointment or reminder is.
    when: Its day and time, as it was said.
    """
    from slipway_assistant.diary import Diary

    diary = Diary(ctx.folder, ctx.now.tzinfo)
    if action != "add" and fold(title) in _ANYTHING:
        title = ""
    return {"add": _add, "remove": _remove, "show": _show}[action](diary, ctx, title, when)


def _add(diary: Diary, ctx: Context, title: str, when: str) -> Answer:
    from slipway_assistant.when import parse, repetition

    if not title:
        return Answer(pick(ctx.lang, _WHAT), ok=False, ask="title")
    if not when:
        return Answer(pick(ctx.lang, _WHEN), ok=False, ask="when")
    found = parse(when, ctx.lang, ctx.now)
    if found and not found.rule and repetition(ctx.heard, ctx.lang):
        found = parse(ctx.heard, ctx.lang, ctx.now) or found
    if found is None:
        if parse(when, ctx.lang, ctx.now, direction="past") is not None:
            raise SkillError(_OVER)
        return Answer(pick(ctx.lang, _WHEN_AGAIN), ok=False, ask="when")
    hour = found.timed or found.part
    if not hour and not found.rule and found.until - found.at > timedelta(days=2):  # "next month"
        return Answer(pick(ctx.lang, _WHICH_DAY), {"when": when}, ok=False, ask="when")
    until = found.until if found.timed and found.until > found.at else found.at + timedelta(hours=1)
    clock = _reminder(ctx, title, found) if hour else 0
    if not hour:
        until = found.until if not found.rule else found.at + timedelta(days=1)
    entry = diary.add(title, found.at, until, whole_day=not hour, rule=found.rule, clock=clock)
    said = _at(entry, ctx)
    if found.rule:
        every = saying.repetition(found.rule, ctx.lang)
        said = pick(
            ctx.lang, {"en": "{0}, starting {1}", "fr": "{0}, la première fois {1}", "ja": "{0}、{1}から"}
        ).format(every, said)
    facts = {"uid": entry.uid, "at": entry.at.isoformat(), "rule": found.rule, "clock": clock}
    return Answer(pick(ctx.lang, _ADDED_DAY if entry.whole_day else _ADDED).format(title=title, when=said), facts)


def _reminder(ctx: Context, title: str, found: When) -> int:
    """What rings for it: at the hour, or a little before an hour that only is usual."""
    rule = f"{found.rule};BYHOUR={found.at.hour};BYMINUTE={found.at.minute}" if found.rule else ""
    zone = getattr(ctx.now.tzinfo, "key", "UTC")
    rings_s = found.at.timestamp()
    if rings_s <= ctx.now.timestamp():
        return 0
    return Clocks(ctx.folder).add(Clock("reminder", title, rings_s, rule=rule, zone=zone, lang=ctx.lang)).id


def _show(diary: Diary, ctx: Context, title: str, when: str) -> Answer:
    entries, span = _find(diary, ctx, title, when)
    day = saying.day(span.at, ctx.now, ctx.lang) if span and span.until - span.at <= timedelta(days=1) else ""
    if not entries:
        said = pick(ctx.lang, _NOTHING_THEN if day else _NOTHING).format(day=day, title=title)
        return Answer(said, {"entries": []})
    told = [_called(entry, ctx) for entry in entries[:TOLD]]
    form = (_ONE if len(entries) == 1 else _MANY) if len(entries) <= TOLD else _FIRST
    facts = {"entries": [{"title": entry.title, "at": entry.at.isoformat()} for entry in entries[:50]]}
    return Answer(pick(ctx.lang, form).format(n=len(entries), m=TOLD, told=saying.listed(told, ctx.lang)), facts)


def _remove(diary: Diary, ctx: Context, title: str, when: str) -> Answer:
    entries, _ = _find(diary, ctx, title, when)
    if not entries:
        raise SkillError(_NO_SUCH)
    # Without a day the series is meant, and its days are one thing.
    series = not when
    if series:
        entries = _first_of_each(entries)
    following = not title and not when and re.search(r"\bnext\b|prochaine?\b|次の", ctx.heard.lower())
    if following:
        entries = entries[:1]
    # "Clear my calendar" is asked about even when only one thing stands in it.
    everything = not title and not when and not following
    risky = len(entries) > 1 or everything or (series and entries[0].repeats)
    if risky and not ctx.confirmed:
        if len(entries) == 1 and not entries[0].repeats:
            return Answer(pick(ctx.lang, _SURE_ONE).format(entry=_called(entries[0], ctx)), confirm=True)
        if len(entries) == 1:
            return Answer(pick(ctx.lang, _SURE_SERIES).format(title=entries[0].title), confirm=True)
        told = saying.listed([_called(entry, ctx) for entry in entries[:TOLD]], ctx.lang)
        return Answer(pick(ctx.lang, _SURE).format(n=len(entries), told=told), confirm=True)
    diary.remove(entries, series=series)
    _silence(ctx, entries, series)
    form = _REMOVED if len(entries) == 1 else _REMOVED_MANY
    said = pick(ctx.lang, form).format(entry=_called(entries[0], ctx), n=len(entries))
    return Answer(said, {"removed": [entry.uid for entry in entries]})


def _silence(ctx: Context, entries: Sequence[Entry], series: bool) -> None:
    """What would ring for an entry that is gone does not; of a series that goes on, only that day is left out."""
    clocks = Clocks(ctx.folder)
    by_id = {clock.id: clock for clock in clocks.all("reminder")}
    for entry in entries:
        clock = by_id.get(entry.clock)
        if clock is None:
            continue
        following = None if series else clock.again(clock.rings_s)
        if following is None:
            clocks.remove(clock)
        elif abs(clock.rings_s - entry.at.timestamp()) < 60:
            clocks.put(replace(following, state="set"))


def _find(diary: Diary, ctx: Context, title: str, when: str) -> tuple[list[Entry], When | None]:
    """The entries of a title at a time: all that come where neither was said."""
    from slipway_assistant.when import parse

    span = None
    first, last = ctx.now, ctx.now + AHEAD
    if when:
        span = parse(when, ctx.lang, ctx.now) or parse(when, ctx.lang, ctx.now, direction="any")
        if span is None:
            raise SkillError(_WHEN_AGAIN)
        first, last = _window(span, ctx.now)
    entries = diary.between(first, last)
    if not when:
        # The next of each series is enough to be told.
        entries = _first_of_each(entries)
    key = fold(title)
    if not key:
        return entries, span
    exact = [entry for entry in entries if fold(entry.title) == key]
    words = set(key.split()) - _FILLERS
    return exact or [
        e for e in entries if key in fold(e.title) or (words and words <= set(fold(e.title).split()))
    ], span


def _first_of_each(entries: Sequence[Entry]) -> list[Entry]:
    """Of each series its next time only."""
    first: dict[str, Entry] = {}
    for entry in entries:
        first.setdefault(entry.uid, entry)
    return list(first.values())


def _window(span: When, now: datetime) -> tuple[datetime, datetime]:
    if span.timed and span.until <= span.at:
        return span.at, span.at + timedelta(minutes=1)
    first = span.at
    if span.part:  # "this morning" begins before its usual hour
        first = max(now, span.at - timedelta(hours=4)) if span.at.date() == now.date() else span.at - timedelta(hours=4)
    return first, span.until


def _at(entry: Entry, ctx: Context) -> str:
    if entry.whole_day:
        return saying.day(entry.at, ctx.now, ctx.lang)
    return saying.moment(entry.at, ctx.now, ctx.lang)


def _called(entry: Entry, ctx: Context) -> str:
    when = _at(entry, ctx)
    if ctx.lang == "ja":
        return f"{when}の{entry.title}" if entry.whole_day else f"{when}に{entry.title}"
    return f"{entry.title} {when}"


_FILLERS = frozenset(
    (
        "the",
        "my",
        "a",
        "an",
        "event",
        "events",
        "appointment",
        "reminder",
        "meeting",
        "s",
        "of",
        "le",
        "la",
        "les",
        "de",
    )
) | frozenset(("mon", "ma", "mes", "un", "une", "rendez", "vous"))
_ANYTHING = frozenset(
    ("events", "my events", "appointments", "my appointments", "meetings", "my meetings", "reminders", "my reminders")
) | frozenset(
    ("everything", "rendez vous", "mes rendez vous", "rappels", "mes rappels", "予定", "リマインダー", "イベント")
)
_WHAT = {"en": "What is it about?", "fr": "De quoi s'agit-il ?", "ja": "どんな予定ですか？"}
_WHEN = {"en": "When is it?", "fr": "C'est pour quand ?", "ja": "いつですか？"}
_WHEN_AGAIN = {
    "en": "I did not get the day. When is it?",
    "fr": "Je n'ai pas compris le jour. C'est pour quand ?",
    "ja": "日時がわかりませんでした。いつですか？",
}
_WHICH_DAY = {"en": "On which day?", "fr": "Quel jour ?", "ja": "何日ですか？"}
_OVER = {"en": "That is already past.", "fr": "C'est déjà passé.", "ja": "その日時はもう過ぎています。"}
_ADDED = {
    "en": "I noted {title} {when}.",
    "fr": "C'est noté : {title}, {when}.",
    "ja": "{when}に「{title}」を入れました。",
}
_ADDED_DAY = _ADDED | {"ja": "{when}の予定に「{title}」を入れました。"}
_NOTHING = {
    "en": "I found nothing in the calendar.",
    "fr": "Je n'ai rien trouvé dans l'agenda.",
    "ja": "予定は見つかりませんでした。",
}
_NOTHING_THEN = {
    "en": "There is nothing {day}.",
    "fr": "Il n'y a rien {day}.",
    "ja": "{day}の予定はありません。",
}
_ONE = {"en": "There is one thing: {told}.", "fr": "Il y a une chose : {told}.", "ja": "予定は1件です。{told}。"}
_MANY = {"en": "There are {n} things: {told}.", "fr": "Il y a {n} choses : {told}.", "ja": "予定は{n}件です。{told}。"}
_FIRST = {
    "en": "There are {n} things, first {told}.",
    "fr": "Il y a {n} choses, d'abord {told}.",
    "ja": "予定は{n}件です。最初の{m}件は、{told}。",
}
_NO_SUCH = {
    "en": "I found no such thing in the calendar.",
    "fr": "Je n'ai rien trouvé de tel dans l'agenda.",
    "ja": "その予定は見つかりませんでした。",
}
_SURE = {
    "en": "That is {n} things: {told}. Shall I delete them all?",
    "fr": "Cela fait {n} choses : {told}. Faut-il tout supprimer ?",
    "ja": "{n}件あります。{told}。すべて削除してもいいですか？",
}
_SURE_ONE = {
    "en": "That is {entry}. Shall I delete it?",
    "fr": "C'est {entry}. Faut-il le supprimer ?",
    "ja": "{entry}の予定です。削除してもいいですか？",
}
_SURE_SERIES = {
    "en": "{title} comes again and again. Shall I delete all of it?",
    "fr": "{title} se répète. Faut-il supprimer toute la série ?",
    "ja": "「{title}」は繰り返しの予定です。すべて削除してもいいですか？",
}
_REMOVED = {"en": "I deleted {entry}.", "fr": "J'ai supprimé {entry}.", "ja": "{entry}の予定を削除しました。"}
_REMOVED_MANY = {"en": "I deleted {n} things.", "fr": "J'ai supprimé {n} choses.", "ja": "{n}件の予定を削除しました。"}
