"""News: headlines of the configured feeds, RSS and Atom, filtered, kept, and whatever a feed contains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway_assistant.backends import net
from slipway_assistant.backends.feeds import MOST_ITEMS, parsed
from slipway_assistant.backends.net import NetError
from slipway_assistant.settings import Settings
from web_here import Listener, WebHere

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Harbour Times</title><link>http://example.org</link><description>d</description>
<item><title>Elections: a &lt;b&gt;new&lt;/b&gt; mayor for Port Town</title><link>http://example.org/1</link>
  <description>The harbour &amp;amp; the council agree.</description><pubDate>Sat, 21 Nov 2026 08:00:00 GMT</pubDate></item>
<item><title>Storm closes the bridge</title><pubDate>Sat, 21 Nov 2026 09:00:00 GMT</pubDate></item>
<item><title>Football: two goals in the last minute</title><description>Sports</description>
  <pubDate>Fri, 20 Nov 2026 20:00:00 GMT</pubDate></item>
<item><title>Old news</title><pubDate>Mon, 2 Nov 2026 20:00:00 GMT</pubDate></item>
</channel></rss>"""
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>港新聞</title><id>urn:x</id><updated>2026-11-21T10:00:00Z</updated>
<entry><title>新しい橋が開通</title><id>urn:1</id><updated>2026-11-21T10:00:00Z</updated><link href="https://example.jp/1"/>
<summary>港町で式典が行われた。</summary></entry></feed>"""
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><rss><channel><title>&j;</title><item><title>&j;</title></item></channel></rss>"
)


@pytest.fixture(scope="module")
def server() -> Iterator[WebHere]:
    with WebHere({}) as running:
        yield running


@pytest.fixture
def here(server: WebHere, monkeypatch: pytest.MonkeyPatch) -> WebHere:
    monkeypatch.setattr(net, "TIMEOUT_S", 120.0)
    server.handlers = {"GET /rss": lambda request: RSS.encode(), "GET /atom": lambda request: ATOM.encode()}
    server.asked.clear()
    return server


@pytest.fixture
def listener(tmp_path: Path, here: WebHere) -> Listener:
    someone = Listener(tmp_path / "kept")
    someone.settings = Settings(timezone="Europe/Paris", news_feeds=(here.url + "/rss",))
    return someone


def test_the_three_newest_headlines_are_said(listener: Listener) -> None:
    assert listener.asks("news.get").text == (
        "Here is the news from Harbour Times. Storm closes the bridge. Elections: a new mayor for Port Town. "
        "Football: two goals in the last minute."
    )


def test_several_feeds_are_one_list_with_their_names(listener: Listener, here: WebHere) -> None:
    listener.settings = Settings(news_feeds=(here.url + "/rss", here.url + "/atom"))
    answer = listener.asks("news.get", lang="ja")
    assert answer.text.startswith(
        "ニュースをお伝えします。港新聞、新しい橋が開通。Harbour Times、Storm closes the bridge。"
    )
    assert answer.data["items"][0]["link"] == "https://example.jp/1"


@pytest.mark.parametrize(
    ("arguments", "titles"),
    [
        ({"topic": "the election"}, ["Elections: a new mayor for Port Town"]),
        ({"topic": "sports"}, ["Football: two goals in the last minute"]),
        ({"topic": "橋"}, ["新しい橋が開通"]),
        ({"location": "port town"}, ["Elections: a new mayor for Port Town"]),
        ({"source": "harbour times", "topic": "storm"}, ["Storm closes the bridge"]),
        ({"source": "港新聞"}, ["新しい橋が開通"]),
        ({"topic": "latest"}, ["新しい橋が開通", "Storm closes the bridge", "Elections: a new mayor for Port Town"]),
    ],
)
def test_news_about_something(listener: Listener, here: WebHere, arguments: dict[str, str], titles: list[str]) -> None:
    listener.settings = Settings(news_feeds=(here.url + "/rss", here.url + "/atom"))
    answer = listener.asks("news.get", **arguments)
    assert [item["title"] for item in answer.data["items"]] == titles


def test_what_is_not_in_the_news_is_said(listener: Listener) -> None:
    assert listener.asks("news.get", topic="giraffes").text == "I found no news about giraffes."
    assert listener.asks("news.get", lang="fr", source="bbc").text == "Je n'ai pas de flux d'information de bbc."
    listener.settings = Settings()
    assert listener.asks("news.get", lang="ja").text == (
        "ニュースの配信元がまだ設定されていません。設定でフィードを追加してください。"
    )


def test_a_feed_is_read_once_in_a_quarter_of_an_hour_and_said_with_its_age_when_it_is_gone(
    listener: Listener, here: WebHere
) -> None:
    listener.asks("news.get")
    listener.later(minutes=10)
    listener.asks("news.get", topic="storm")
    assert len(here.asked) == 1
    del here.handlers["GET /rss"]
    listener.later(hours=2)
    answer = listener.asks("news.get", topic="storm")
    assert answer.text == (
        "I cannot reach all of the news right now; this was read 2 hours ago. "
        "Here is the news from Harbour Times. Storm closes the bridge."
    )


def test_one_feed_that_is_gone_does_not_spoil_the_others(listener: Listener, here: WebHere) -> None:
    listener.settings = Settings(news_feeds=(here.url + "/none", "file:///etc/passwd", here.url + "/rss"))
    assert (
        listener.asks("news.get", topic="storm").text == "Here is the news from Harbour Times. Storm closes the bridge."
    )


@pytest.mark.parametrize(
    "feed",
    [b"", b"<html><body>no feed</body></html>", b"\x00\xff\xfe" * 100, b"{}", b"<rss><channel>" * 3_000,
     b"http://127.0.0.1/feed", b"/etc/passwd"],
)  # fmt: skip
def test_what_is_no_feed_is_an_answer_that_cannot_be_used(listener: Listener, here: WebHere, feed: bytes) -> None:
    here.handlers["GET /rss"] = lambda request: feed
    answer = listener.asks("news.get")
    assert (answer.text, answer.ok) == ("Sorry, the news gave an answer that I cannot use.", False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_that_grow_without_end_are_refused(encoding: str) -> None:
    with pytest.raises(NetError, match="entities"):
        parsed(LAUGHS.encode(encoding))


def test_what_a_stranger_wrote_is_bounded_plain_text() -> None:
    item = (
        "<item><title>&lt;script&gt;alert(1)&lt;/script&gt;\u202e\x85 x{n}"
        + "y" * 5_000
        + "</title><link>javascript:x</link></item>"
    )
    items = parsed(f"<rss><channel><title>T</title>{item * 200}</channel></rss>".encode())
    assert 0 < len(items) <= MOST_ITEMS
    assert items[0].title.isprintable()
    assert "<" not in items[0].title
    assert len(items[0].title) <= 200
    assert items[0].link == ""
