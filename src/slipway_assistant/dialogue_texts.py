"""What the dialogue says by itself, in English, French and Japanese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slipway_assistant.memory import ENOUGH, Item

MOST = 5
"""So many things of a sort are read out; nobody listens to more."""

TEXTS: Mapping[str, Mapping[str, str]] = {
    "all right": {"en": "All right.", "fr": "D'accord.", "ja": "わかりました。"},
    "yes or no": {
        "en": "Yes or no? {question}",
        "fr": "Oui ou non ? {question}",
        "ja": "「はい」か「いいえ」でお答えください。{question}",
    },
    "nothing to undo": {
        "en": "There is nothing to take back.",
        "fr": "Il n'y a rien à annuler.",
        "ja": "取り消すことはありません。",
    },
    "cannot undo": {
        "en": "Sorry, I cannot take that back.",
        "fr": "Désolé, je ne peux pas revenir là-dessus.",
        "ja": "すみません、それは元に戻せません。",
    },
    "what was meant": {
        "en": "Sorry. What did you mean?",
        "fr": "Pardon. Que vouliez-vous dire ?",
        "ja": "すみません。どういう意味でしたか？",
    },
    "unclear": {
        "en": "I am not sure what you mean by {fragment}. Could you say the whole sentence?",
        "fr": "Je ne suis pas sûr de comprendre « {fragment} ». Pouvez-vous faire une phrase complète ?",
        "ja": "「{fragment}」がよくわかりませんでした。もう少し詳しく言っていただけますか？",
    },
    "not understood": {
        "en": "I did not get that. Let us leave it.",
        "fr": "Je n'ai pas compris. Laissons cela.",
        "ja": "わかりませんでした。またの機会にしましょう。",
    },
    "like": {
        "en": "I will remember that you like {value}.",
        "fr": "C'est noté, vous aimez ça : {value}.",
        "ja": "{value}がお好きなんですね。覚えておきます。",
    },
    "dislike": {
        "en": "I will remember that you do not like {value}.",
        "fr": "C'est noté, vous n'aimez pas ça : {value}.",
        "ja": "{value}は苦手なんですね。覚えておきます。",
    },
    "favourite": {
        "en": "{value} is your {kind}. I will remember that.",
        "fr": "{value}, votre {kind}. C'est noté.",
        "ja": "{kind}は{value}ですね。覚えておきます。",
    },
    "both": {"en": "I will remember both.", "fr": "Je retiens les deux.", "ja": "両方とも覚えておきます。"},
    "which one": {"en": "Which one do you mean?", "fr": "De quoi parlez-vous ?", "ja": "どれのことですか？"},
    "your favourite": {
        "en": "Your {kind} is {value}.",
        "fr": "Votre {kind}, c'est {value}.",
        "ja": "{kind}は{value}です。",
    },
    "no favourite": {
        "en": "I do not know your {kind} yet.",
        "fr": "Je ne connais pas encore votre {kind}.",
        "ja": "{kind}はまだ知りません。",
    },
    "which favourite": {
        "en": "I do not know your {kind} yet. What is it?",
        "fr": "Je ne connais pas encore votre {kind}. Qu'est-ce que c'est ?",
        "ja": "{kind}はまだ知りません。何ですか？",
    },
    "forgotten": {
        "en": "I have forgotten {value}.",
        "fr": "C'est oublié : {value}.",
        "ja": "{value}のことは忘れました。",
    },
    "all forgotten": {
        "en": "I have forgotten everything about you.",
        "fr": "J'ai tout oublié à votre sujet.",
        "ja": "すべて忘れました。",
    },
    "forget all": {
        "en": "Shall I forget everything I know about you?",
        "fr": "Dois-je oublier tout ce que je sais de vous ?",
        "ja": "覚えていることをすべて忘れてもよろしいですか？",
    },
    "not known": {"en": "I did not know that.", "fr": "Je ne le savais pas.", "ja": "それは覚えていませんでした。"},
    "forget what": {"en": "What should I forget?", "fr": "Que dois-je oublier ?", "ja": "何を忘れましょうか？"},
    "no memory": {
        "en": "Sorry, I cannot get at my memory right now.",
        "fr": "Désolé, je n'ai pas accès à ma mémoire pour le moment.",
        "ja": "すみません、今は記憶を使えません。",
    },
    "nothing known": {
        "en": "I do not know anything about you yet.",
        "fr": "Je ne sais encore rien de vous.",
        "ja": "まだ何も覚えていません。",
    },
    "list like": {"en": "You like {things}.", "fr": "Vous aimez : {things}.", "ja": "お好きなものは{things}です。"},
    "list dislike": {
        "en": "You do not like {things}.",
        "fr": "Vous n'aimez pas : {things}.",
        "ja": "苦手なものは{things}です。",
    },
    "list asked": {
        "en": "You often ask for {things}.",
        "fr": "Vous demandez souvent : {things}.",
        "ja": "よくお聞きになるのは{things}です。",
    },
    "list seldom": {
        "en": "I have noted what you asked for lately, such as {things}.",
        "fr": "J'ai noté ce que vous avez demandé récemment, par exemple {things}.",
        "ja": "最近のご利用では{things}などを覚えています。",
    },
}
"""What is said, by occasion and language."""

_KINDS: Mapping[str, Mapping[str, str]] = {
    "en": {},
    "fr": {
        "song": "chanson préférée", "artist": "artiste préféré", "genre": "musique préférée", "album": "album préféré",
        "playlist": "playlist préférée", "place": "endroit préféré", "colour": "couleur préférée", "food": "plat préféré",
        "film": "film préféré", "station": "station préférée", "thing": "préférence",
    },
    "ja": {
        "song": "曲", "artist": "アーティスト", "genre": "音楽", "album": "アルバム", "playlist": "プレイリスト", "place": "場所",
        "colour": "色", "food": "食べ物", "film": "映画", "station": "ラジオ局", "thing": "もの",
    },
}  # fmt: skip
_KIND_SHAPE = {"en": "favourite {kind}", "fr": "{kind} préféré", "ja": "お好きな{kind}"}
_AND = {"en": (", ", " and "), "fr": (", ", " et "), "ja": ("、", "、")}


def text(occasion: str, lang: str, **parts: str) -> str:
    """What is said on an occasion, with its parts put in."""
    said = TEXTS[occasion]
    # Not str.format: a name may hold braces.
    whole = said.get(lang) or said["en"]
    for name, part in parts.items():
        whole = whole.replace("{" + name + "}", part, 1)
    return whole[:1].upper() + whole[1:]


def favourite_kind(kind: str, lang: str) -> str:
    """ "favourite song", "chanson préférée", "お好きな曲"."""
    named = _KINDS[lang].get(kind)
    if lang == "fr" and named is not None:
        return named
    return _KIND_SHAPE[lang].replace("{kind}", named or kind, 1)


def things(values: Sequence[str], lang: str) -> str:
    """ "jazz, blues and soul"."""
    comma, last = _AND[lang]
    return last.join([comma.join(values[:-1]), values[-1]]) if len(values) > 1 else values[0]


def summary(items: Sequence[Item], lang: str) -> str:
    """All that is remembered, in a few sentences."""
    if not items:
        return text("nothing known", lang)
    sentences = [
        text("your favourite", lang, kind=favourite_kind(item.kind, lang), value=item.value)
        for item in items
        if item.liking == "favourite"
    ][:MOST]
    often = [item for item in items if item.liking == "asked" and item.times >= ENOUGH]
    often.sort(key=lambda item: -item.times)
    for occasion, found in (
        ("list like", [item for item in items if item.liking == "like"]),
        ("list dislike", [item for item in items if item.liking == "dislike"]),
        ("list asked", often),
    ):
        if found:
            sentences.append(text(occasion, lang, things=things([item.value for item in found[:MOST]], lang)))
    if not sentences:
        sentences = [text("list seldom", lang, things=things([item.value for item in items[:MOST]], lang))]
    return ("" if lang == "ja" else " ").join(sentences)
