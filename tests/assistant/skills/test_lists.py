"""Lists in a real file: what is put on them stays, and a whole list goes only after a yes."""

from __future__ import annotations

import pytest

from assistant_person import Person


@pytest.mark.parametrize(
    ("lang", "items", "added", "shown"),
    [
        (
            "en",
            "milk, eggs and bread",
            "I put milk, eggs and bread on your shopping list.",
            "There are 3 things on your shopping list: milk, eggs and bread.",
        ),
        (
            "fr",
            "lait et pain",
            "C'est ajouté à la liste de courses : lait et pain.",
            "Il y a 2 choses sur la liste de courses : lait et pain.",
        ),
        (
            "ja",
            "牛乳と卵",
            "買い物リストに牛乳、卵を追加しました。",
            "買い物リストには2つあります。牛乳、卵です。",
        ),
    ],
)
def test_things_are_put_on_a_list(person: Person, lang: str, items: str, added: str, shown: str) -> None:
    assert person.asks("list.edit", lang=lang, action="show").data["lists"] == []
    assert person.asks("list.edit", lang=lang, action="add", item=items).text == added
    assert person.asks("list.edit", lang=lang, action="show").text == shown
    assert person.asks("list.edit", lang=lang, action="add", item=items).data["added"] == []


def test_a_list_has_several_names(person: Person) -> None:
    person.asks("list.edit", action="add", item="milk", list="my grocery list")
    person.asks("list.edit", lang="fr", action="add", item="du beurre", list="la liste de courses")
    person.asks("list.edit", action="create", list="packing")
    assert person.asks("list.edit", action="show", list="shopping").data["items"] == ["milk", "du beurre"]
    assert person.asks("list.edit", action="show", item="beurre").text == "Yes, beurre is on your grocery list."
    assert person.asks("list.edit", action="show", item="tent", list="packing").data["found"] is False
    assert person.asks("list.edit", action="add", item="tent").ask == "list"
    assert person.asks("list.edit", action="show").text == "There are 2 lists: grocery list and packing list."


def test_things_are_taken_off(person: Person) -> None:
    person.asks("list.edit", action="add", item="2 bottles of milk and bread", list="shopping")
    assert person.asks("list.edit", action="remove", item="the milk").data["removed"] == ["2 bottles of milk"]
    assert person.asks("list.edit", action="remove", item="milk").text == "milk is on no list."
    assert person.asks("list.edit", action="remove").ask == "item"
    assert not person.asks("list.edit", action="remove", item="bread", list="packing").ok
    assert person.asks("list.edit", action="show").data["items"] == ["bread"]


def test_a_list_goes_after_a_yes(person: Person) -> None:
    assert not person.asks("list.edit", action="delete").ok
    person.asks("list.edit", action="add", item="milk", list="shopping")
    person.asks("list.edit", action="create", list="packing")
    assert person.asks("list.edit", "delete the list", action="delete").ask == "list"
    assert person.asks("list.edit", action="delete", list="shopping").confirm
    assert person.asks("list.edit", "delete all my lists", action="delete").text == "Shall I delete all 2 lists?"
    assert len(person.asks("list.edit", action="show").data["lists"]) == 2
    assert (
        person.asks("list.edit", action="delete", list="packing").text == "The packing list is deleted."
    )  # it was empty
    assert person.asks("list.edit", action="delete", list="shopping", confirmed=True).ok
    assert person.asks("list.edit", action="show").text == "There are no lists yet."
