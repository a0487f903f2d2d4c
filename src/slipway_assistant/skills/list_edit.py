"""list.edit: shopping lists, to-do lists and others, kept in a file of their own. A list goes only after a yes."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from typing import Literal

from slipway_assistant import saying
from slipway_assistant.kept import fold, opened, says_all
from slipway_assistant.skill import Answer, Context, SkillError, Soft, Span, pick, skill

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS list (id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL UNIQUE)",
    "CREATE TABLE IF NOT EXISTS item (list INTEGER NOT NULL REFERENCES list (id), key TEXT NOT NULL, text TEXT NOT NULL, "
    "PRIMARY KEY (list, key))",
)
Sql = sqlite3.Connection
List = tuple[int, str, str]  # id, name, key


@skill(
    "list.edit",
    timeout_s=8.0,
    ask={
        "action": {
            "en": "What should I do with the list?",
            "fr": "Que dois-je faire de la liste ?",
            "ja": "リストをどうしますか？",
        }
    },
)
def edit_list(
    ctx: Context,
    *,
    action: Literal["add", "remove", "show", "create", "delete"],
    item: Soft = "",
    list: Span = "",  # noqa: A002
) -> Answer:
    """Keep shopping lists, to-do lists and other lists.

    action: Create and delete are for a whole list.
    item: The thing to add to the list or to take off it.
    list: Name of the list, such as shopping.
    """
    with opened(ctx.folder / "lists.db", *_SCHEMA) as sql:
        return _ACTIONS[action](sql, ctx, item, list)


def _add(sql: Sql, ctx: Context, item: str, name: str) -> Answer:
    if not item:
        return Answer(pick(ctx.lang, _ADD_WHAT), ok=False, ask="item")
    chosen = _find(sql, name)
    if chosen is None and not name:
        lists = _lists(sql)
        if len(lists) > 1:
            return Answer(_which(lists, ctx), ok=False, ask="list")
        chosen = lists[0] if lists else None
    if chosen is None:
        chosen = _make(sql, _plain(name) or pick(ctx.lang, _SHOPPING))
    things = _things(item)
    new = [
        thing
        for thing in things
        if sql.execute("INSERT OR IGNORE INTO item VALUES (?, ?, ?)", (chosen[0], _key(thing), thing)).rowcount
    ]
    form = _ADDED if new else _THERE
    said = pick(ctx.lang, form).format(items=saying.listed(new or things, ctx.lang), list=_called(chosen, ctx))
    return Answer(said, {"list": chosen[1], "added": new})


def _remove(sql: Sql, ctx: Context, item: str, name: str) -> Answer:
    if not item:
        return Answer(pick(ctx.lang, _REMOVE_WHAT), ok=False, ask="item")
    lists = [_known(sql, ctx, name)] if name else _lists(sql)
    if not lists:
        raise SkillError(_NO_LISTS)
    things, gone = _things(item), []
    for thing in things:
        for chosen in lists:
            if found := _item(sql, chosen, thing):
                sql.execute("DELETE FROM item WHERE list = ? AND key = ?", (chosen[0], found[0]))
                gone.append((found[1], chosen))
                break
    if not gone:
        raise SkillError(pick(ctx.lang, _NOT_THERE).format(items=saying.listed(things, ctx.lang)))
    taken = [text for text, _ in gone]
    said = pick(ctx.lang, _REMOVED).format(items=saying.listed(taken, ctx.lang), list=_called(gone[0][1], ctx))
    return Answer(said, {"list": gone[0][1][1], "removed": taken})


def _show(sql: Sql, ctx: Context, item: str, name: str) -> Answer:
    lists = _lists(sql)
    if not lists:
        return Answer(pick(ctx.lang, _NO_LISTS), {"lists": []})
    if item:
        chosen = _known(sql, ctx, name) if name else None
        where = next((one for one in ([chosen] if chosen else lists) if _item(sql, one, item)), None)
        form = _YES if where else _NO
        said = pick(ctx.lang, form).format(item=item, list=_called(where or chosen or lists[0], ctx))
        return Answer(said, {"found": where is not None})
    if not name and len(lists) > 1:
        names = [_called(one, ctx) for one in lists]
        said = pick(ctx.lang, _YOUR_LISTS).format(n=len(lists), lists=saying.listed(names, ctx.lang))
        return Answer(said, {"lists": [one[1] for one in lists]})
    chosen = _known(sql, ctx, name) if name else lists[0]
    items = [row[0] for row in sql.execute("SELECT text FROM item WHERE list = ? ORDER BY rowid", (chosen[0],))]
    form = (_ONE if len(items) == 1 else _SHOWN) if items else _EMPTY
    said = pick(ctx.lang, form).format(n=len(items), items=saying.listed(items, ctx.lang), list=_called(chosen, ctx))
    return Answer(said, {"list": chosen[1], "items": items})


def _create(sql: Sql, ctx: Context, item: str, name: str) -> Answer:
    name = _plain(name or item)
    if not name:
        return Answer(pick(ctx.lang, _CALLED_WHAT), ok=False, ask="list")
    if found := _find(sql, name):
        return Answer(pick(ctx.lang, _EXISTS).format(list=_called(found, ctx)), {"list": found[1]})
    made = _make(sql, name)
    return Answer(pick(ctx.lang, _CREATED).format(list=_called(made, ctx)), {"list": made[1]})


def _delete(sql: Sql, ctx: Context, item: str, name: str) -> Answer:
    lists = _lists(sql)
    if not lists:
        raise SkillError(_NO_LISTS)
    if name and not says_all(name):
        lists = [_known(sql, ctx, name)]
    elif len(lists) > 1 and not says_all(f"{ctx.heard} {name}"):
        return Answer(_which(lists, ctx), ok=False, ask="list")
    if not ctx.confirmed:
        if len(lists) > 1:
            return Answer(pick(ctx.lang, _SURE_ALL).format(n=len(lists)), confirm=True)
        (count,) = sql.execute("SELECT count(*) FROM item WHERE list = ?", (lists[0][0],)).fetchone()
        if count:
            return Answer(pick(ctx.lang, _SURE).format(n=count, list=_called(lists[0], ctx)), confirm=True)
    for chosen in lists:
        sql.execute("DELETE FROM item WHERE list = ?", (chosen[0],))
        sql.execute("DELETE FROM list WHERE id = ?", (chosen[0],))
    said = pick(ctx.lang, _DELETED if len(lists) == 1 else _DELETED_ALL)
    return Answer(said.format(list=_called(lists[0], ctx), n=len(lists)), {"deleted": [one[1] for one in lists]})


_ACTIONS = {"add": _add, "remove": _remove, "show": _show, "create": _create, "delete": _delete}


def _lists(sql: Sql) -> Sequence[List]:
    return sql.execute("SELECT id, name, key FROM list ORDER BY id").fetchall()


def _plain(name: str) -> str:
    """The name without the words around it: "my shopping list" and "la liste de courses" are "shopping" and "courses"."""
    said = re.sub(r"^(?:(?:my|the|our|a|la|le|les|ma|mes|une)\s+)+", "", name.strip(), flags=re.I)
    said = re.sub(r"^liste?s?\s+(?:(?:des?|du|de la|pour)\s+|d')", "", said, flags=re.I)
    said = re.sub(r"\s+lists?$|の?リスト$", "", said, flags=re.I)
    return "" if said.lower() in ("list", "lists", "liste", "リスト") else said.strip()


def _key(text: str) -> str:
    said = re.sub(r"^(?:some|a|an|the|du|de la|des|de l'|un|une|le|la|les)\s+", "", text.strip(), flags=re.I)
    return fold(said) or text


def _things(item: str) -> list[str]:
    """ "milk, eggs and bread" are three things."""
    parts = re.split(r"\s*(?:,|、|，)\s*(?:(?:and|et)\s+)?|\s+(?:and|et)\s+|(?<=[ぁ-ヿ一-鿿])と(?=[ぁ-ヿ一-鿿])", item)
    return [part.strip() for part in parts if part.strip()] or [item]


def _find(sql: Sql, name: str) -> List | None:
    """The list of that name, or one by another name for the same: groceries and shopping."""
    key = fold(_plain(name))
    if not key:
        return None
    lists = _lists(sql)
    same = next((names for names in _SAME if key in names), ())
    for fits in (lambda k: k == key, lambda k: k in same, lambda k: key in k.split() or k in key.split()):
        if found := next((one for one in lists if fits(one[2])), None):
            return found
    return None


def _known(sql: Sql, ctx: Context, name: str) -> List:
    if found := _find(sql, name):
        return found
    lists = _lists(sql)
    if not _plain(name) and len(lists) == 1:  # "the list"
        return lists[0]
    names = saying.listed([_called(one, ctx) for one in lists], ctx.lang)
    raise SkillError(pick(ctx.lang, _UNKNOWN if lists else _NO_LISTS).format(list=_plain(name) or name, lists=names))


def _make(sql: Sql, name: str) -> List:
    made = sql.execute("INSERT INTO list (name, key) VALUES (?, ?)", (name, fold(name) or name))
    return made.lastrowid or 0, name, fold(name)


def _item(sql: Sql, chosen: List, text: str) -> tuple[str, str] | None:
    """The item meant: the same words, or else one that holds them ("milk" for "2 bottles of milk")."""
    items = sql.execute("SELECT key, text FROM item WHERE list = ? ORDER BY rowid", (chosen[0],)).fetchall()
    key = _key(text)
    exact = next((found for found in items if found[0] == key), None)
    return exact or next((found for found in items if f" {key} " in f" {found[0]} "), None)


def _called(chosen: List, ctx: Context) -> str:
    of = "d'" if fold(chosen[1])[:1] in set("aeiouyh") else "de "
    return pick(ctx.lang, {"en": f"{chosen[1]} list", "fr": f"liste {of}{chosen[1]}", "ja": f"{chosen[1]}リスト"})


def _which(lists: Sequence[List], ctx: Context) -> str:
    return pick(ctx.lang, _WHICH).format(lists=saying.listed([_called(one, ctx) for one in lists], ctx.lang))


_SAME = (
    ("shopping", "grocery", "groceries", "courses", "supermarket", "買い物", "買物"),
    ("to do", "todo", "task", "tasks", "taches", "choses a faire", "やること", "todoリスト"),
)
_SHOPPING = {"en": "shopping", "fr": "courses", "ja": "買い物"}
_ADD_WHAT = {"en": "What shall I add?", "fr": "Que dois-je ajouter ?", "ja": "何を追加しますか？"}
_REMOVE_WHAT = {"en": "What shall I take off?", "fr": "Que dois-je enlever ?", "ja": "何を消しますか？"}
_CALLED_WHAT = {
    "en": "What shall the list be called?",
    "fr": "Comment s'appellera la liste ?",
    "ja": "リストの名前は何にしますか？",
}
_WHICH = {
    "en": "Which list? There is the {lists}.",
    "fr": "Quelle liste ? Il y a : {lists}.",
    "ja": "どのリストですか？{lists}があります。",
}
_ADDED = {
    "en": "I put {items} on your {list}.",
    "fr": "C'est ajouté à la {list} : {items}.",
    "ja": "{list}に{items}を追加しました。",
}
_THERE = {
    "en": "{items} is on your {list} already.",
    "fr": "{items} : c'est déjà sur la {list}.",
    "ja": "{items}はもう{list}にあります。",
}
_REMOVED = {
    "en": "I took {items} off your {list}.",
    "fr": "C'est enlevé de la {list} : {items}.",
    "ja": "{list}から{items}を消しました。",
}
_NOT_THERE = {
    "en": "{items} is on no list.",
    "fr": "{items} : ce n'est sur aucune liste.",
    "ja": "{items}はどのリストにもありません。",
}
_YES = {
    "en": "Yes, {item} is on your {list}.",
    "fr": "Oui, {item} : c'est sur la {list}.",
    "ja": "はい、{item}は{list}にあります。",
}
_NO = {
    "en": "No, {item} is not there.",
    "fr": "Non, {item} : ce n'est pas dessus.",
    "ja": "いいえ、{item}はありません。",
}
_NO_LISTS = {"en": "There are no lists yet.", "fr": "Il n'y a pas encore de liste.", "ja": "リストはまだありません。"}
_YOUR_LISTS = {
    "en": "There are {n} lists: {lists}.",
    "fr": "Il y a {n} listes : {lists}.",
    "ja": "リストは{n}つあります。{lists}です。",
}
_ONE = {
    "en": "There is one thing on your {list}: {items}.",
    "fr": "Il y a une seule chose sur la {list} : {items}.",
    "ja": "{list}には{items}だけがあります。",
}
_SHOWN = {
    "en": "There are {n} things on your {list}: {items}.",
    "fr": "Il y a {n} choses sur la {list} : {items}.",
    "ja": "{list}には{n}つあります。{items}です。",
}
_EMPTY = {"en": "Your {list} is empty.", "fr": "La {list} est vide.", "ja": "{list}は空です。"}
_EXISTS = {"en": "There is a {list} already.", "fr": "Il y a déjà une {list}.", "ja": "{list}はもうあります。"}
_CREATED = {"en": "I made a {list}.", "fr": "J'ai créé la {list}.", "ja": "{list}を作りました。"}
_UNKNOWN = {
    "en": "There is no {list} list. There is the {lists}.",
    "fr": "Je ne connais pas la liste {list}. Il y a : {lists}.",
    "ja": "{list}リストはありません。{lists}があります。",
}
_SURE = {
    "en": "There are {n} things on your {list}. Shall I delete it?",
    "fr": "Il y a {n} choses sur la {list}. Faut-il la supprimer ?",
    "ja": "{list}には{n}つあります。削除してもいいですか？",
}
_SURE_ALL = {
    "en": "Shall I delete all {n} lists?",
    "fr": "Faut-il supprimer les {n} listes ?",
    "ja": "{n}つのリストをすべて削除してもいいですか？",
}
_DELETED = {"en": "The {list} is deleted.", "fr": "La {list} est supprimée.", "ja": "{list}を削除しました。"}
_DELETED_ALL = {
    "en": "{n} lists are deleted.",
    "fr": "{n} listes sont supprimées.",
    "ja": "{n}つのリストを削除しました。",
}
