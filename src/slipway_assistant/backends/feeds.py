"""News from RSS and Atom feeds, read by feedparser, the last state of each kept for offline hours.

news = Feeds(settings.news_feeds, folder / "news").items(now)
"""

from __future__ import annotations

import html
import io
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from slipway.errors import MissingExtra
from slipway_assistant.backends.kept import Kept
from slipway_assistant.backends.net import NetError, fetch
from slipway_assistant.backends.words import ENOUGH, alike, fold
from slipway_assistant.text import word_set

FRESH = timedelta(minutes=15)
MOST_ITEMS = 60
MOST_FEEDS = 20


class Item(msgspec.Struct, frozen=True):
    """One piece of news; `at` is when it was published, in seconds since 1970, or 0."""

    title: str
    summary: str
    source: str
    at: float = 0.0
    link: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """What is known: the newest first, when the oldest used feed was read, and whether any could not be read just now."""

    items: Sequence[Item]
    at: datetime
    stale: bool


class Feeds:
    """The feeds at these addresses."""

    def __init__(self, urls: Sequence[str], folder: Path) -> None:
        self._urls = [url for url in urls if url.strip()][:MOST_FEEDS]
        self._kept = Kept(folder)

    def items(self, now: datetime) -> News:
        """Everything in the feeds. Raises NetError when no feed can be read and none was read before."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            read = list(pool.map(lambda url: self._read(url, now), self._urls))
        there = [one for one in read if not isinstance(one, NetError)]
        if not there:
            raise next((one for one in read if isinstance(one, NetError)), NetError("address", "there are no feeds"))
        items = [item for one in there for item in one.items]
        seen: set[str] = set()
        unique = [item for item in items if not (fold(item.title) in seen or seen.add(fold(item.title)))]  # type: ignore[func-returns-value]
        unique.sort(key=lambda item: -item.at)
        return News(unique, min(one.at for one in there), any(one.stale for one in there))

    def _read(self, url: str, now: datetime) -> News | NetError:
        kept = self._kept.get(url)
        items = _items(kept.value) if kept is not None else None
        if kept is not None and items is not None and kept.age(now) < FRESH:
            return News(items, kept.at, False)
        try:
            reply = fetch(url, headers={"Accept": "application/rss+xml, application/atom+xml, */*"})
            found = parsed(reply.body, url)
            if not found:
                raise NetError("garbage", f"{urlsplit(url).netloc} is no feed")
        except NetError as error:
            return News(items, kept.at, True) if kept is not None and items is not None else error
        self._kept.put(url, [msgspec.to_builtins(item) for item in found], now)
        return News(found, now, False)


def parsed(data: bytes, url: str = "") -> list[Item]:
    """The items of a feed; empty when the bytes are none."""
    try:
        import feedparser  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtra.named("assistant", "feedparser") from None
    # No feed needs entities of its own; they are how a few bytes become gigabytes. NUL bytes: in UTF-16 it is spelt with them.
    if b"<!entity" in data.replace(b"\x00", b"").lower():
        raise NetError("garbage", "the feed declares entities")
    try:
        # Bytes as they are would be taken for an address or a file to open when they look like one.
        told = feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
        source = _plain(told.feed.get("title", ""), 80) or urlsplit(url).netloc
        return [item for entry in told.entries[:MOST_ITEMS] if (item := _item(entry, source)).title]
    except Exception as error:
        # feedparser mends what it can; what is left is whatever a stranger's bytes made of its parsers.
        raise NetError("garbage", f"the feed cannot be read: {type(error).__name__}: {str(error)[:100]}") from None


def about(items: Sequence[Item], topic: str) -> list[Item]:
    """Those that have the words of the topic, most of them in the title first."""
    wanted = [word for word in fold(topic).split() if word not in _NO_TOPIC] or fold(topic).split()
    scored = []
    for item in items:
        title, text = fold(item.title), fold(f"{item.title} {item.summary}")
        hits = sum(_has(text, word) for word in wanted)
        if wanted and hits == len(wanted):
            scored.append((-sum(_has(title, word) for word in wanted), item))
    return [item for _, item in sorted(scored, key=lambda pair: pair[0])]


def of_source(items: Sequence[Item], said: str) -> list[Item]:
    """Those of the newspaper or site that was named."""
    wanted = fold(said).removesuffix(" news")
    names = {item.source for item in items}
    fitting = {
        name
        for name in names
        if alike(wanted, fold(name)) >= ENOUGH or wanted.replace(" ", "") in fold(name).replace(" ", "")
    }
    return [item for item in items if item.source in fitting]


_NO_TOPIC = word_set("the a an of in on about and news latest le la les de des du sur et en actualites")


def _has(text: str, word: str) -> bool:
    """Whole words, plurals too; in a script without spaces, anywhere."""
    if not word.isascii():
        return word in text
    stem = re.escape(word.removesuffix("s") if len(word) > 3 else word)
    return re.search(rf"\b{stem}(?:s|es|al)?\b" if len(word) > 2 else rf"\b{stem}\b", text) is not None


def _item(entry: Any, source: str) -> Item:
    at = entry.get("published_parsed") or entry.get("updated_parsed")
    link = str(entry.get("link", ""))
    return Item(
        _plain(entry.get("title", ""), 200),
        _plain(entry.get("summary", ""), 400),
        source,
        _seconds(at),
        link[:500] if link.startswith(("http://", "https://")) else "",
    )


def _seconds(at: Any) -> float:
    try:
        return datetime(*at[:6], tzinfo=UTC).timestamp() if isinstance(at, time.struct_time) else 0.0
    except (ValueError, OverflowError):
        return 0.0


def _plain(text: Any, most: int) -> str:
    """Text without markup, on one line."""
    bare = re.sub(r"<[^<>]{0,2000}>", " ", str(text)[: most * 10])
    bare = html.unescape(bare)
    return " ".join("".join(c if c.isprintable() else " " for c in bare).split())[:most]


def _items(value: Any) -> list[Item] | None:
    try:
        return msgspec.convert(value, list[Item])
    except msgspec.ValidationError:
        return None
