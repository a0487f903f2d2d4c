"""Facts: what is known here, what the person noted, what Wikipedia says; and that it does not know the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import web

from slipway_assistant.backends import net
from slipway_assistant.backends.notes import Notes
from slipway_assistant.backends.wikipedia import spoken
from slipway_assistant.settings import Settings
from web_here import Listener, WebHere

PAGES = {
    ("en", "photosynthesis"): "Photosynthesis is a system of biological processes (of plants) by which light becomes sugar. "
    "It makes oxygen. A third sentence.",
    ("en", "Ada_Lovelace"): "Ada Lovelace (10 December 1815 – 27 November 1852) was an English mathematician.",
    ("fr", "photosynthèse"): "La photosynthèse est le processus des plantes.",
    ("ja", "光合成"): "光合成（こうごうせい）は、光から糖をつくる反応である。植物が行う。第三の文。",
}  # fmt: skip


class Wiki:
    """As Wikipedia's REST API and MediaWiki's search answer."""

    def __init__(self) -> None:
        self.up = True

    async def page(self, request: web.Request) -> web.Response:
        lang, _, rest = request.path.strip("/").partition("/")
        if not self.up:
            return web.Response(status=503)
        if rest == "w/rest.php/v1/search/page":
            found = ["Mercury"] if "mercury" in request.query["q"] else []
            found += (
                ["Ada_Lovelace"] if "lovelace" in request.query["q"].lower() or "zebra" in request.query["q"] else []
            )
            pages = [
                {"id": 1, "key": key, "title": key.replace("_", " "), "excerpt": "", "description": ""} for key in found
            ]
            return web.json_response({"pages": pages})
        title = unquote(rest.removeprefix("api/rest_v1/page/summary/"))
        if title.lower() == "mercury":
            return web.json_response({"type": "disambiguation", "title": "Mercury", "extract": "Mercury may refer to:"})
        if (lang, title) not in PAGES:
            return web.json_response({"type": "Internal error", "status": 404}, status=404)
        plain = title.replace("_", " ")
        told = {
            "type": "standard",
            "title": plain,
            "titles": {"canonical": title, "normalized": plain, "display": plain},
        }
        return web.json_response({**told, "lang": lang, "extract": PAGES[lang, title], "extract_html": ""})


@pytest.fixture(scope="module")
def server() -> Iterator[WebHere]:
    with WebHere({}) as running:
        yield running


class Everything(dict[str, Any]):
    """One handler for whatever is asked."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler

    def get(self, key: str, default: Any = None) -> Any:
        return self.handler


@pytest.fixture
def wiki(server: WebHere, monkeypatch: pytest.MonkeyPatch) -> Wiki:
    monkeypatch.setattr(net, "TIMEOUT_S", 120.0)
    there = Wiki()
    server.handlers = Everything(there.page)
    server.asked.clear()
    return there


@pytest.fixture
def listener(tmp_path: Path, server: WebHere, wiki: Wiki) -> Listener:
    someone = Listener(tmp_path / "kept")
    someone.settings = Settings(wikipedia_url=server.url + "/{lang}/api/rest_v1/page/summary/{title}")
    return someone


@pytest.mark.parametrize(
    ("lang", "query", "said"),
    [
        ("en", "what is the capital of france", "The capital of France is Paris."),
        ("fr", "quelle est la capitale du Japon", "La capitale est Tokyo."),
        ("ja", "フランスの首都はどこですか", "フランスの首都はパリです。"),
        ("en", "what country is nairobi the capital of", "The capital of Kenya is Nairobi."),
        ("en", "how many feet are in a mile", "One mile is 5280 feet."),
        ("fr", "combien de centimètres dans un pouce", "Ça fait 2,54 centimètres."),
        ("ja", "1時間は何分ですか", "1時間は60分です。"),
        ("en", "how many planets are there", "Eight planets go around the sun."),
        ("fr", "à quelle température bout l'eau", "Au niveau de la mer, l'eau bout à 100 degrés Celsius."),
        ("ja", "富士山の高さは", "富士山の高さは3776メートルです。"),
    ],
)
def test_what_is_known_here_needs_no_network(
    listener: Listener, server: WebHere, lang: str, query: str, said: str
) -> None:
    answer = listener.asks("facts.ask", lang=lang, query=query)
    assert (answer.text, answer.data["source"]) == (said, "table")
    assert server.asked == []


@pytest.mark.parametrize(
    ("lang", "query", "said"),
    [
        ("en", "what is photosynthesis?", "Photosynthesis is a system of biological processes by which light becomes "
         "sugar. It makes oxygen."),
        ("fr", "c'est quoi la photosynthèse", "La photosynthèse est le processus des plantes."),
        ("ja", "光合成とは何ですか", "光合成は、光から糖をつくる反応である。植物が行う。"),
        ("en", "who was countess lovelace", "Ada Lovelace was an English mathematician."),
    ],
)  # fmt: skip
def test_wikipedia_is_asked_in_the_language_of_the_question(
    listener: Listener, lang: str, query: str, said: str
) -> None:
    answer = listener.asks("facts.ask", lang=lang, query=query)
    assert (answer.text, answer.ok) == (said, True)


@pytest.mark.parametrize(
    ("lang", "query", "said"),
    [
        ("en", "what is a qwxyz", "Sorry, I do not know that."),
        ("fr", "c'est quoi un qwxyz", "Désolé, je ne sais pas."),
        ("ja", "ぬぬぬとは", "すみません、わかりません。"),
        ("en", "mercury", "Sorry, I do not know that."),  # of which there are several
        (
            "en",
            "how many stripes has a zebra",
            "Sorry, I do not know that.",
        ),  # the page that is found is about something else
    ],
)
def test_what_is_not_known_is_said(listener: Listener, lang: str, query: str, said: str) -> None:
    answer = listener.asks("facts.ask", lang=lang, query=query)
    assert (answer.text, answer.ok) == (said, False)


def test_what_was_asked_before_is_known_offline_and_the_rest_is_said(
    listener: Listener, wiki: Wiki, server: WebHere
) -> None:
    first = listener.asks("facts.ask", query="photosynthesis")
    asked = len(server.asked)
    assert listener.asks("facts.ask", query="Photosynthesis").text == first.text
    assert len(server.asked) == asked
    wiki.up = False
    listener.later(days=60)
    assert listener.asks("facts.ask", query="photosynthesis").text == first.text
    answer = listener.asks("facts.ask", lang="fr", query="chlorophylle")
    assert (answer.text, answer.ok) == ("Désolé, Wikipédia a donné une réponse que je ne peux pas utiliser.", False)


@pytest.mark.parametrize(
    "said",
    [
        b"[]",
        b"<html>",
        b"null",
        b'{"extract": 3}',
        b'{"pages": {}}',
        b'{"pages": [3, {"key": 4}]}',
        b'{"extract": "  "}',
    ],
)
def test_garbage_is_no_answer(listener: Listener, server: WebHere, said: bytes) -> None:
    server.handlers = Everything(lambda request: said)
    assert not listener.asks("facts.ask", query="photosynthesis").ok


def test_notes_of_the_person_come_before_the_world(listener: Listener, server: WebHere) -> None:
    notes = listener.folder / "notes"
    (notes / "house").mkdir(parents=True)
    (notes / "house" / "boiler.md").write_text(
        "# Service\n\nThe boiler was serviced on **3 May** by Mrs Okafor.\n\n- Pressure: 1.4 bar\n", encoding="utf-8"
    )
    (notes / "maison.md").write_text("Le code du portail est 4321.\n\n猫の名前はミケです。\n", encoding="utf-8")
    for lang, query, said in (
        ("en", "when was the boiler serviced", "The boiler was serviced on 3 May by Mrs Okafor."),
        ("en", "boiler pressure", "Pressure: 1.4 bar"),
        ("fr", "quel est le code du portail", "Le code du portail est 4321."),
        ("ja", "猫の名前", "猫の名前はミケです。"),
    ):
        assert listener.asks("facts.ask", lang=lang, query=query).text == said
    assert server.asked == []


def test_notes_are_read_again_when_they_change_and_forgotten_when_they_go(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "notes", index=tmp_path / "notes.db")
    assert notes.find("zebra") is None
    (tmp_path / "notes").mkdir()
    note = tmp_path / "notes" / "animals.md"
    note.write_text("A zebra has stripes.")
    assert notes.find("zebra") == ("A zebra has stripes.", note)
    note.write_text("A giraffe is taller than that.")
    assert notes.find("zebra") is None
    assert notes.find("giraffe") is not None
    note.unlink()
    assert notes.find("giraffe") is None


@pytest.mark.parametrize("query", ['"', "NEAR(a b)", "a AND", "folded:x", "*", "the of", "'; DROP TABLE files", "\x00"])
def test_a_question_is_no_query_of_the_index(tmp_path: Path, query: str) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "n.md").write_text("something")
    assert Notes(tmp_path / "notes", index=tmp_path / "notes.db").find(query) is None


def test_a_damaged_index_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "n.md").write_bytes(b"something \xff else")
    (tmp_path / "notes.db").write_bytes(b"no database" * 1_000)
    assert Notes(tmp_path / "notes", index=tmp_path / "notes.db").find("something") is not None


def test_what_is_said_is_short() -> None:
    assert spoken("J. S. Bach (31 March 1685 (O.S. 21 March)) wrote fugues. They are hard. No more.") == (
        "J. S. Bach wrote fugues. They are hard."
    )
    assert len(spoken("word " * 10_000)) < 800
