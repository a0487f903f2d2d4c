"""What the classifiers and taggers look at. `sentence_features` for the function, `word_features` for the arguments."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from slipway_assistant.text import Token, tokenize


def masked(token: Token) -> str:
    """The word in lower case; every number is 0, as its value says nothing about what is meant."""
    low = token.low
    return "0" if low[:1].isdecimal() else low


def sentence_features(text: str, *, shortest: int = 2, longest: int = 5) -> list[list[str]]:
    """Two groups: words with their pairs and triples, and the letter n-grams of each word."""
    words = [masked(token) for token in tokenize(text)]
    padded = ["<s>", *words, "</s>"]
    in_words = [f"w={word}" for word in words]
    in_words += [f"b={a} {b}" for a, b in itertools.pairwise(padded)]
    in_words += [f"t={a} {b} {c}" for a, b, c in zip(padded, padded[1:], padded[2:], strict=False)]
    letters = []
    for word in words:
        fenced = f"<{word}>"
        letters += [f"c={fenced[i : i + n]}" for n in range(shortest, longest + 1) for i in range(len(fenced) - n + 1)]
    return [in_words, letters]


def shape(word: str) -> str:
    """Xx for Boston, X.X for L.A, d for 2026: capitals, digits and signs, repeats folded."""
    folded = re.sub(r"\d", "d", re.sub(r"[^\W\d_]", lambda m: "X" if m.group().isupper() else "x", word))
    return re.sub(r"(.)\1+", r"\1", folded)


def word_features(text: str, tokens: Sequence[Token], function: str) -> list[list[str]]:
    """Each word with its ends and shape, two words to each side, and pairs of neighbours."""
    del text, function
    words = [masked(token) for token in tokens]
    padded = ["<s>", "<s>", *words, "</s>", "</s>"]
    found = []
    for i, token in enumerate(tokens):
        word, before, after = words[i], padded[i + 1], padded[i + 3]
        features = ["bias", f"w={word}", f"shape={shape(token.text)}"]
        features += [f"p3={word[:3]}", f"s3={word[-3:]}", f"s2={word[-2:]}"]
        features += [f"-2={padded[i]}", f"-1={before}", f"+1={after}", f"+2={padded[i + 4]}"]
        features += [f"-1,0={before}|{word}", f"0,+1={word}|{after}", f"-1,+1={before}|{after}"]
        features += [f"-2,-1={padded[i]}|{before}", f"+1,+2={after}|{padded[i + 4]}"]
        if token.low.isdecimal():
            features.append(f"digits={len(token.low)}")
        if i == 0:
            features.append("first")
        if i == len(tokens) - 1:
            features.append("last")
        found.append(features)
    return found


def more_word_features(text: str, tokens: Sequence[Token], function: str) -> list[list[str]]:
    """`word_features` with ends of four letters as well."""
    found = word_features(text, tokens, function)
    for features, token in zip(found, tokens, strict=True):
        word = masked(token)
        features += [f"p4={word[:4]}", f"s4={word[-4:]}", f"p2={word[:2]}"]
    return found
