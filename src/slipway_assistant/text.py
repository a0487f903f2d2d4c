"""Words of an utterance: tokens with their place in the text, and which of our three languages it is."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

KANA_OR_KANJI = re.compile(r"[぀-ヿ㐀-䶿一-鿿ｦ-ﾟ]")
# Japanese is written without spaces, so each of its characters is a token; other scripts go word by word.
_TOKEN = re.compile(
    r"[぀-ヿ㐀-䶿一-鿿ｦ-ﾟ]"  # one Japanese character
    r"|\d+(?:[.,]\d+)*"  # a number, 1,000 and 3.5 included
    r"|[^\W\d_぀-ヿ㐀-䶿一-鿿ｦ-ﾟ]+"  # a run of letters
    r"|[^\w\s]|_"
)


def word_set(words: str) -> frozenset[str]:
    """The words of one string, which reads better than a list of quoted ones."""
    return frozenset(words.split())


# French words that no English sentence needs; some stand in English titles, so English words are counted against.
_FRENCH = word_set(
    "le la les l d un une des du de est et dans pour sur en à au aux il elle qui que qu où ce cette ces mon ma mes "
    "ton ta tes je j tu on nous vous moi toi ça pas moins par avec deux trois quatre cinq sept huit neuf "
    "dix cent quel quelle quels quelles quoi comment pourquoi combien mets mettre allume allumer éteins éteindre "
    "ouvre ouvrir ferme fermer ajoute ajouter supprime supprimer enlève rallume plaît plait joue jouer lance "
    "montre baisse monte augmente règle coupe arrête reprends annule oublie minuteur minuterie heure heures jour "
    "midi demain aujourd lumière lumières lampe chambre salon cuisine luminosité météo chanson musique lecture "
    "liste réveil alarme raconte blague fait merci beaucoup chut rien nouvelle prochain"
)
_ENGLISH = word_set(
    "the a an to my me i you it is of in on for at by from with and this that what when where who how why will "
    "can could do does would please add play put set turn get tell show list playlist song music album weather"
)
_ACCENTED = re.compile(r"[àâçéèêëîïôûùœ]")


@dataclass(frozen=True, slots=True)
class Token:
    """One word (or Japanese character) and where it stands: `text[start:end]`."""

    text: str
    start: int
    end: int
    low: str
    """The word in lower case, full-width letters and digits made narrow."""


def tokenize(text: str) -> list[Token]:
    """Split into words, numbers and signs; each token remembers its place in `text`."""
    return [Token(word, m.start(), m.end(), _low(word)) for m in _TOKEN.finditer(text) if (word := m.group())]


def _low(word: str) -> str:
    return word.lower() if word.isascii() else unicodedata.normalize("NFKC", word).lower()


def detect_language(text: str) -> str:
    """`ja` where there is kana or kanji, `fr` where French words stand, `en` otherwise."""
    if KANA_OR_KANJI.search(text):
        return "ja"
    words = re.findall(r"[^\W\d_]+", text.lower())
    french = sum(word in _FRENCH for word in words) + (_ACCENTED.search(text.lower()) is not None)
    return "fr" if french > sum(word in _ENGLISH for word in words) else "en"


def is_japanese(text: str) -> bool:
    """Whether any kana or kanji stands in the text."""
    return KANA_OR_KANJI.search(text) is not None
