"""What a person may say, generated: from the skills' sentence patterns, our utterances, and the user's own names.

Start in `sentences()`. `Grammar.build(names)` gives the language model and the dictionary that the recogniser reads; they are
kept on disk under a hash of what they were made from.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from slipway.errors import MissingExtra
from slipway_assistant.data import Utterance, own
from slipway_assistant.ears.ngrams import Trigrams
from slipway_assistant.ears.pronounce import Pronunciations, cmudict
from slipway_assistant.ears.wording import spoken
from slipway_assistant.templates import generate

Names = Mapping[str, Sequence[str]]
"""The user's own names by the argument that they fill: song, artist, album, playlist, device, room, list, item ..."""

FORM = 2
"""Goes up when the files below change their meaning: older ones are then made again."""
MOST_NAMES = 5_000
EACH = 25
"""Sentences of each pattern."""
GENERAL_WORDS = 6_000
GENERAL_SHARE = 0.3
GENERAL_TRUST = 0.7
PAIRED_WORDS = 900
CARRIERS = 3
"""In how many sentences each of the user's names is put."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """The files of a recogniser: `model` is an ARPA file, `dictionary` the words with their phones."""

    model: Path
    dictionary: Path
    words: int
    left_out: tuple[str, ...]
    """Names that nothing can pronounce: they will never be heard."""


def sentences(
    names: Names | None = None, rows: Iterable[Utterance] | None = None, *, each: int = EACH, seed: int = 0
) -> list[tuple[list[str], float]]:
    """Sentences as words, with how much each counts: utterances more than patterns, each name of the user a few times."""
    chance = random.Random(seed)
    said = list(own("train", "en") if rows is None else rows)
    patterns = generate("en", each=each, seed=seed)
    made = [(spoken(row.text), 3.0) for row in said] + [(spoken(row.text), 1.0) for row in patterns]
    carriers: dict[str, list[tuple[str, str]]] = {}
    for row in (*said, *patterns):
        for argument, value in row.arguments.items():
            if isinstance(value, str) and value and value in row.text:
                carriers.setdefault(argument, []).append((row.text, value))
    for argument, values in (names or {}).items():
        for value in values[:MOST_NAMES]:
            for text, old in chance.sample(carriers.get(argument, []), min(CARRIERS, len(carriers.get(argument, [])))):
                made.append((spoken(text.replace(old, value)), 1.0))
            made.append((spoken(value), 1.0))
    return [(words, weight) for words, weight in made if words]


@cache
def _general() -> tuple[Any, Any]:
    """The general model of English that pocketsphinx brings, and what turns its logarithms into probabilities."""
    try:
        import pocketsphinx
    except ImportError:
        raise MissingExtra.named("voice", "pocketsphinx") from None
    config, logs = pocketsphinx.Config(lm=None, hmm=None, dict=None, loglevel="FATAL"), pocketsphinx.LogMath()
    return pocketsphinx.NGramModel(config, logs, pocketsphinx.get_model_path("en-us/en-us.lm.bin")), logs


def general_words(most: int = GENERAL_WORDS) -> dict[str, float]:
    """The words that are said most in English, with how often."""
    model, logs = _general()
    plain = re.compile(r"[a-z]{2,}(?:'[a-z]+)?|[ai]")
    scored = {word: logs.exp(model.prob([word])) for word in cmudict() if plain.fullmatch(word)}
    chosen = sorted(scored, key=lambda word: (-scored[word], word))[:most]
    return {word: scored[word] for word in chosen}


def general_pairs(words: Iterable[str], base: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    """What follows what in English, among the likeliest of these words: pairs that say more than the second word alone."""
    model, logs = _general()
    chosen = sorted({*words} & set(base), key=lambda word: -base[word])[:PAIRED_WORDS]
    found: dict[tuple[str, ...], float] = {}
    for first in chosen:
        for second in chosen:
            said = logs.exp(model.prob([second, first]))  # the word, then its history backwards
            if said > 2 * base[second] and said * base[first] > 1e-7:
                found[first, second] = said
    return found


def build(
    names: Names | None = None, *, folder: Path, rows: Iterable[Utterance] | None = None, each: int = EACH
) -> Grammar:
    """The language model and the dictionary for these names, made once and kept in `folder`."""
    said = sentences(names, rows, each=each)
    key = hashlib.sha256(
        json.dumps([FORM, GENERAL_WORDS, GENERAL_SHARE, GENERAL_TRUST, PAIRED_WORDS, said]).encode()
    ).hexdigest()[:16]
    kept = folder / f"grammar-{key}"
    if not (kept / "done.json").is_file():
        _make(said, kept)
    facts = json.loads((kept / "done.json").read_text("utf-8"))
    return Grammar(kept / "model.arpa", kept / "words.dict", facts["words"], tuple(facts["left_out"]))


def _make(said: Sequence[tuple[Sequence[str], float]], kept: Path) -> None:
    """Written beside and renamed, so that two processes leave one whole folder."""
    base = general_words()
    sounds = Pronunciations().of(sorted({word for words, _ in said for word in words} | set(base)))
    left_out = sorted({word for words, _ in said for word in words if word not in sounds})
    heard = [(words, weight) for words, weight in said if all(word in sounds for word in words)]
    pairs = general_pairs({word for words, _ in heard for word in words} | set(list(base)[:400]), base)
    model = Trigrams(heard, base=base, share=GENERAL_SHARE, pairs=pairs, trust=GENERAL_TRUST)
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = Path(tempfile.mkdtemp(prefix=".grammar-", dir=kept.parent))
    try:
        model.write(beside / "model.arpa")
        (beside / "words.dict").write_text("".join(_entries(model.vocabulary, sounds)), "utf-8")
        facts = {"words": len(model.vocabulary), "left_out": left_out}
        (beside / "done.json").write_text(json.dumps(facts), "utf-8")
        os.replace(beside, kept)
    except OSError:
        if not (kept / "done.json").is_file():  # otherwise another process was faster, and its work is as good
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _entries(words: Iterable[str], sounds: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for word in words:
        for number, said in enumerate(sounds[word], 1):
            yield f"{word}{'' if number == 1 else f'({number})'} {said}\n"
