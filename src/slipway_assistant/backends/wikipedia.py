"""What Wikipedia says of something, in a sentence or two: its summaries, found by title and then by search, and kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from slipway_assistant.backends.kept import Kept
from slipway_assistant.backends.net import NetError, fetch_json
from slipway_assistant.backends.words import fold
from slipway_assistant.text import KANA_OR_KANJI

FRESH = timedelta(days=30)
MOST_SAID = 350
MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Summary:
    """The first sentences about a thing, and the title of the page."""

    title: str
    text: str


class Wikipedia:
    """The Wikipedia whose summaries are at `template`, an address with {lang} and {title} in it."""

    def __init__(self, template: str, folder: Path) -> None:
        self._template = template
        self._kept = Kept(folder, most=500)

    def ask(self, subject: str, lang: str, now: datetime) -> Summary | None:
        """What is said of the subject, None when there is no page about it. Raises NetError when nobody can be asked."""
        subject = " ".join(subject.split())[:150]
        key = f"{lang} {fold(subject)}"
        kept = self._kept.get(key)
        if kept is not None and kept.age(now) < FRESH:
            return _kept(kept.value)
        try:
            found = self._summary(subject, lang) or self._searched(subject, lang)
        except NetError:
            if kept is None:
                raise
            return _kept(kept.value)
        # That there is no page is worth keeping too, so that it is not asked for again and again.
        self._kept.put(key, [found.title, found.text] if found else None, now)
        return found

    def _searched(self, subject: str, lang: str) -> Summary | None:
        """The first page that a search finds and that is about the words that were asked."""
        begin, mark, _ = self._template.partition("/api/rest_v1/")
        if not mark:
            return None
        told = self._json(begin.replace("{lang}", lang) + "/w/rest.php/v1/search/page", {"q": subject, "limit": "3"})
        pages = told.get("pages") if isinstance(told, dict) else None
        for page in pages[:3] if isinstance(pages, list) else []:
            title = page.get("key") or page.get("title") if isinstance(page, dict) else None
            if isinstance(title, str) and title:
                found = self._summary(title, lang)
                if found is not None and _is_about(subject, found):
                    return found
        return None

    def _summary(self, title: str, lang: str) -> Summary | None:
        url = self._template.replace("{lang}", lang).replace("{title}", quote(title.replace(" ", "_"), safe=""))
        told = self._json(url, None)
        if not isinstance(told, dict) or told.get("type") in ("disambiguation", "no-extract", "mainpage"):
            return None
        extract = told.get("extract")
        if not isinstance(extract, str) or not extract.strip():
            return None
        titles = told.get("titles")
        name = titles.get("normalized") if isinstance(titles, dict) else told.get("title")
        return Summary(str(name or title)[:100], spoken(extract))

    def _json(self, url: str, params: dict[str, str] | None) -> Any:
        try:
            return fetch_json(url, params=params, most_bytes=MOST_BYTES)
        except NetError as error:
            if error.status == 404:
                return None
            raise


def spoken(extract: str) -> str:
    """The first two sentences, without what is in brackets: how a name is written elsewhere, and dates."""
    text = " ".join("".join(c if c.isprintable() else " " for c in extract[:3_000]).split())
    for _ in range(3):  # brackets in brackets
        text = re.sub(r"\s*[(（\[][^()（）\[\]]*[)）\]]", "", text)
    # A capital and a point ("J. S. Bach") end no sentence.
    ends = [m.end() for m in re.finditer(r"(?<![A-ZÉ])[.!?](?=\s|$)|[。！？]", text)]
    chosen = [end for end in ends[:2] if end <= MOST_SAID] or ends[:1]
    text = text[: chosen[-1]] if chosen else text
    return text if len(text) <= 2 * MOST_SAID else text[: 2 * MOST_SAID].rsplit(" ", 1)[0] + " ..."


def _is_about(subject: str, found: Summary) -> bool:
    """Half of the longer words that were asked stand in what was found."""
    there = fold(f"{found.title} {found.text}")
    words = [word for word in fold(subject).split() if len(word) > 2 or not word.isascii()]
    if KANA_OR_KANJI.search(subject):
        return fold(found.title) in fold(subject) or fold(subject) in there
    return not words or sum(word in there for word in words) * 2 >= len(words)


def _kept(value: Any) -> Summary | None:
    if isinstance(value, list) and len(value) == 2:
        return Summary(str(value[0]), str(value[1]))
    return None
