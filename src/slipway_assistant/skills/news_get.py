"""Three headlines from the feeds of the settings, about a topic, of a source or from a place where one was said."""

from __future__ import annotations

import re

from slipway.errors import MissingExtra
from slipway_assistant.backends import sentences
from slipway_assistant.backends.feeds import Feeds, Item, about, of_source
from slipway_assistant.backends.net import NetError
from slipway_assistant.backends.words import fold, kana
from slipway_assistant.skill import Answer, Context, SkillError, Soft, Span, pick, skill

HEADLINES = 3


@skill("news.get", timeout_s=8.0)
def get(ctx: Context, *, topic: Soft = "", source: Span = "", location: Soft = "") -> Answer:
    """Read the news or headlines.

    topic: What the news should be about.
    source: Newspaper, broadcaster or site to read from.
    location: Place the news should be from.
    """
    if not ctx.settings.news_feeds:
        raise SkillError(_NO_FEEDS, mend="set news-feeds = ['https://...'] in assistant.toml")
    try:
        news = Feeds(ctx.settings.news_feeds, ctx.folder / "news").items(ctx.now)
    except NetError as error:
        raise sentences.unreachable(error, _SERVICE) from None
    except MissingExtra as error:
        raise sentences.missing(error) from None
    found = list(news.items)
    if source:
        found = of_source(found, source)
        if not found:
            raise _none(_NO_SOURCE, source)
    for words in (topic, location):
        if words and not _ANY.fullmatch(fold(words)):
            found = about(found, words)
            if not found:
                raise _none(_NO_TOPIC, words)
    said = found[:HEADLINES]
    text = _said(ctx.lang, said, topic or location)
    if news.stale:
        text = pick(ctx.lang, _OLD).format(ago=sentences.age(ctx.lang, ctx.now - news.at)) + text
    data = {"items": [{"title": item.title, "link": item.link, "source": item.source} for item in said]}
    return Answer(text, {**data, "stale": news.stale})


def _said(lang: str, items: list[Item], topic: str) -> str:
    sources = {item.source for item in items}
    if len(sources) == 1:
        intro = pick(lang, _FROM).format(source=items[0].source)
    else:
        intro = pick(lang, _HERE)
    lines = [item.title.rstrip(" .。") + pick(lang, {"en": ".", "fr": ".", "ja": "。"}) for item in items]
    if len(sources) > 1:
        lines = [pick(lang, {"en": "{s}: ", "fr": "{s} : ", "ja": "{s}、"}).format(s=item.source) + line
                 for item, line in zip(items, lines, strict=True)]  # fmt: skip
    return ("" if lang == "ja" else " ").join([intro, *lines])


def _none(said: dict[str, str], what: str) -> SkillError:
    return SkillError({lang: text.format(what) for lang, text in said.items()}, mend="ask for all the news")


_ANY = re.compile(kana(r"(?:the )?(?:latest|news|headlines|today|current events?|world|international|local news|trending)"
                       r"|actualites?|infos?|monde|ニュース|最新|世界"))  # fmt: skip
_HERE = {"en": "Here is the news.", "fr": "Voici les informations.", "ja": "ニュースをお伝えします。"}
_FROM = {
    "en": "Here is the news from {source}.",
    "fr": "Voici les informations de {source}.",
    "ja": "{source}のニュースをお伝えします。",
}
_OLD = {
    "en": "I cannot reach all of the news right now; this was read {ago}. ",
    "fr": "Je n'arrive pas à joindre toutes les sources ; ceci a été lu {ago}. ",
    "ja": "今ニュースを更新できないので、{ago}の内容をお伝えします。",
}
_SERVICE = {"en": "the news", "fr": "les sources d'information", "ja": "ニュースサービス"}
_NO_FEEDS = {
    "en": "No news sources are set up yet. Please add feeds to the settings.",
    "fr": "Aucune source d'information n'est configurée. Ajoutez des flux dans les réglages.",
    "ja": "ニュースの配信元がまだ設定されていません。設定でフィードを追加してください。",
}
_NO_SOURCE = {
    "en": "I have no news feed from {}.",
    "fr": "Je n'ai pas de flux d'information de {}.",
    "ja": "{}のニュースは登録されていません。",
}
_NO_TOPIC = {
    "en": "I found no news about {}.",
    "fr": "Je n'ai rien trouvé dans l'actualité sur {}.",
    "ja": "{}についてのニュースは見つかりませんでした。",
}
