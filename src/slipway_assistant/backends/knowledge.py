"""What can be answered without asking anybody: capitals, sizes of units, a few facts; `tell("capital of France", "en")`.

The tables are capitals.txt, units.txt and facts.txt beside this file; the last two end each line with the pattern of what was
asked, in the form in which `words.fold` puts it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from slipway_assistant.backends.words import best, fold, kana

LANGS = ("en", "fr", "ja")


@dataclass(frozen=True, slots=True)
class _Unit:
    kind: str
    size: float
    """In metres, grams, litres or seconds, by its kind."""
    one: dict[str, str]
    many: dict[str, str]
    pattern: str


def _lines(name: str) -> list[str]:
    text = (resources.files("slipway_assistant.backends") / name).read_text(encoding="utf-8")
    return [line for line in text.split("\n") if line]


@cache
def _capitals() -> list[dict[str, tuple[str, str]]]:
    """(country, capital) by language."""
    rows = [line.split("|") for line in _lines("capitals.txt")]
    return [{lang: (row[i], row[i + 3]) for i, lang in enumerate(LANGS)} for row in rows]


@cache
def _units() -> list[_Unit]:
    rows = [line.split("\t") for line in _lines("units.txt")]
    return [
        _Unit(kind, float(size), {"en": en, "fr": fr, "ja": ja}, {"en": ens, "fr": frs, "ja": ja}, pattern)
        for kind, size, en, ens, fr, frs, ja, pattern in rows
    ]


@cache
def _facts() -> list[tuple[str, dict[str, str]]]:
    rows = [line.split("\t") for line in _lines("facts.txt")]
    return [(kana(pattern), {"en": en, "fr": fr, "ja": ja}) for en, fr, ja, pattern in rows]


def tell(query: str, lang: str) -> str | None:
    """The answer as a sentence; None when it is not among the few things that are known here."""
    low = fold(query)
    return _capital(low, lang) or _unit(low, lang) or _fact(low, lang)


def _capital(low: str, lang: str) -> str | None:
    of = re.search(r"\bcapital(?: city)? of (.+)|\bcapitale d[eu]s? (.+)|(.+?)の(?:しゅと|首都)", low)
    if of:
        said = next(part for part in of.groups() if part)
        said = re.sub(r"^(?:the|la|le|les|l)\s+", "", said.strip())
        for at in LANGS:
            row, score = best(said, _capitals(), lambda row, at=at: row[at][0])  # type: ignore[misc]
            if row is not None and score > 0.85:
                country, capital = row[lang]
                return _CAPITAL[lang].format(country=country, capital=capital)
        return None
    of = re.search(
        r"(?:what|which) country is (.+?) the capital|de quel pays (.+?) est (?:elle )?la capitale|^(.+?)はどこの(?:国の)?首都",
        low,
    )
    if of:
        said = next(part for part in of.groups() if part)
        for row in _capitals():
            if any(fold(row[at][1]) == said for at in LANGS):
                country, capital = row[lang]
                return _CAPITAL[lang].format(country=country, capital=capital)
    return None


_CAPITAL = {
    "en": "The capital of {country} is {capital}.",
    "fr": "La capitale est {capital}.",
    "ja": "{country}の首都は{capital}です。",
}


def _unit(low: str, lang: str) -> str | None:
    of = (
        re.search(
            r"how many (?P<small>\w+) (?:are )?(?:there )?(?:are )?(?:in|make|to) (?:an? |one |1 )?(?P<big>\w+)", low
        )
        or re.search(
            r"combien (?:de |d )?(?P<small>\w+) (?:y a t il )?(?:dans|font|fait) (?:une? |1 )?(?P<big>\w+)", low
        )
        or re.search(r"(?:1|一)?(?P<big>\w+?)は(?:何|なん)(?P<small>\w+?)(?:ですか|になりますか|だ|か)?$", low)
    )
    if of is None:
        return None
    small, big = _unit_named(of["small"]), _unit_named(of["big"])
    if small is None or big is None or small.kind != big.kind:
        return None
    ratio = big.size / small.size
    said = f"{ratio:.4g}" if ratio < 10_000 else f"{ratio:.0f}"
    said = said.replace(".", ",") if lang == "fr" else said
    unit = (small.one if said == "1" else small.many)[lang]
    return _PER[lang].format(big=big.one[lang], ratio=said, small=unit)


_PER = {
    "en": "One {big} is {ratio} {small}.",
    "fr": "Ça fait {ratio} {small}.",
    "ja": "1{big}は{ratio}{small}です。",
}


def _unit_named(word: str) -> _Unit | None:
    return next((unit for unit in _units() if re.fullmatch(kana(unit.pattern), word)), None)


def _fact(low: str, lang: str) -> str | None:
    return next((said[lang] for pattern, said in _facts() if re.search(pattern, low)), None)
