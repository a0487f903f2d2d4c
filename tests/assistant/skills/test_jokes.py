"""Jokes: none twice before all were told, in each language."""

from __future__ import annotations

import pytest

from assistant_person import Person
from slipway_assistant.skills.joke_tell import JOKES


@pytest.mark.parametrize("lang", ["en", "fr", "ja"])
def test_no_joke_is_told_twice_before_all_were(person: Person, lang: str) -> None:
    told = [person.asks("joke.tell", lang=lang).text for _ in JOKES[lang]]
    assert sorted(told) == sorted(JOKES[lang])
    assert person.asks("joke.tell", lang=lang).text in told


def test_a_joke_is_about_what_was_asked_for(person: Person) -> None:
    assert "cat" in person.asks("joke.tell", topic="my cat").text or "cat" in person.asks("joke.tell", topic="cat").text
    assert "dinosaur" in person.asks("joke.tell", topic="Dinosaur").text
    assert person.asks("joke.tell", topic="quantum gravity").ok
