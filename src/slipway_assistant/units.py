"""Quantities from one unit to another: "5 miles in kilometers", "combien font 20 degrés en fahrenheit", "5マイルは何キロ".

Start in `convert()`. Pint knows the units; the words for them in three languages are here.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

from slipway.errors import MissingExtra
from slipway_assistant.evaluator import spoken
from slipway_assistant.numbers import Number, find_numbers

# Pint's name -> (pattern of how it is said, said in English one and many, French one and many, Japanese)
_UNITS: dict[str, tuple[str, str, str, str, str, str]] = {
    "kilometer / hour": (
        r"k(?:ilo)?m(?:eters?|etres?|ètres?)?(?: per | ?/ ?| par | ?à l')(?:hour|h|heure)|kph|kmh|時速キロ(?:メートル)?",
        *("kilometer per hour", "kilometers per hour", "kilomètre par heure", "kilomètres par heure", "キロ毎時"),
    ),
    "mile / hour": (
        r"miles? (?:per|an|par|à l') ?(?:hour|heure)|mph|時速マイル",
        *("mile per hour", "miles per hour", "mile par heure", "miles par heure", "マイル毎時"),
    ),
    "kilometer": (
        r"kilomet(?:er|re)s?|kilomètres?|kms?|キロメートル",
        "kilometer",
        "kilometers",
        "kilomètre",
        "kilomètres",
        "キロメートル",
    ),
    "centimeter": (
        r"centimet(?:er|re)s?|centimètres?|cms?|センチ(?:メートル)?",
        "centimeter",
        "centimeters",
        "centimètre",
        "centimètres",
        "センチ",
    ),
    "millimeter": (
        r"millimet(?:er|re)s?|millimètres?|mm|ミリ(?:メートル)?",
        "millimeter",
        "millimeters",
        "millimètre",
        "millimètres",
        "ミリ",
    ),
    "meter": (r"met(?:er|re)s?|mètres?|m|メートル", "meter", "meters", "mètre", "mètres", "メートル"),
    "mile": (r"miles?|マイル", "mile", "miles", "mile", "miles", "マイル"),
    "yard": (r"yards?|verges?|ヤード", "yard", "yards", "yard", "yards", "ヤード"),
    "inch": (r"inch(?:es)?|pouces?|インチ", "inch", "inches", "pouce", "pouces", "インチ"),
    "foot": (r"feet|foot|ft|pieds?|フィート|フット", "foot", "feet", "pied", "pieds", "フィート"),
    "kilogram": (r"kilogram(?:me)?s?|kilos?|kgs?|キログラム", "kilogram", "kilograms", "kilo", "kilos", "キログラム"),
    "milligram": (
        r"milligram(?:me)?s?|mg|ミリグラム",
        "milligram",
        "milligrams",
        "milligramme",
        "milligrammes",
        "ミリグラム",
    ),
    "gram": (r"gram(?:me)?s?|g|グラム", "gram", "grams", "gramme", "grammes", "グラム"),
    "metric_ton": (r"ton(?:ne)?s?|トン", "ton", "tons", "tonne", "tonnes", "トン"),
    "pound": (r"pounds?|lbs?|livres?|ポンド", "pound", "pounds", "livre", "livres", "ポンド"),
    "ounce": (r"ounces?|oz|onces?|オンス", "ounce", "ounces", "once", "onces", "オンス"),
    "milliliter": (
        r"millilit(?:er|re)s?|ml|ミリリットル",
        "milliliter",
        "milliliters",
        "millilitre",
        "millilitres",
        "ミリリットル",
    ),
    "centiliter": (
        r"centilit(?:er|re)s?|cl|センチリットル",
        "centiliter",
        "centiliters",
        "centilitre",
        "centilitres",
        "センチリットル",
    ),
    "liter": (r"lit(?:er|re)s?|l|リットル", "liter", "liters", "litre", "litres", "リットル"),
    "gallon": (r"gallons?|ガロン", "gallon", "gallons", "gallon", "gallons", "ガロン"),
    "pint": (r"pints?|pintes?|パイント", "pint", "pints", "pinte", "pintes", "パイント"),
    "cup": (r"cups?|tasses?|カップ", "cup", "cups", "tasse", "tasses", "カップ"),
    "tablespoon": (
        r"table ?spoons?|cuillères? à soupe|大さじ",
        "tablespoon",
        "tablespoons",
        "cuillère à soupe",
        "cuillères à soupe",
        "大さじ",
    ),
    "teaspoon": (
        r"tea ?spoons?|cuillères? à café|小さじ",
        "teaspoon",
        "teaspoons",
        "cuillère à café",
        "cuillères à café",
        "小さじ",
    ),
    "degree_Celsius": (
        r"(?:degrees? |degrés? |°)?(?:celsius|centigrade|c)|摂氏(?:度)?|°c",
        *("degree Celsius", "degrees Celsius", "degré Celsius", "degrés Celsius", "度（摂氏）"),
    ),
    "degree_Fahrenheit": (
        r"(?:degrees? |degrés? |°)?(?:fahrenheit|f)|華氏(?:度)?|°f",
        *("degree Fahrenheit", "degrees Fahrenheit", "degré Fahrenheit", "degrés Fahrenheit", "度（華氏）"),
    ),
    "hectare": (r"hectares?|ha|ヘクタール", "hectare", "hectares", "hectare", "hectares", "ヘクタール"),
    "acre": (r"acres?|エーカー", "acre", "acres", "acre", "acres", "エーカー"),
    "week": (r"weeks?|semaines?|週間", "week", "weeks", "semaine", "semaines", "週間"),
    "day": (r"days?|jours?|日間?", "day", "days", "jour", "jours", "日"),
    "hour": (r"hours?|heures?|h|時間", "hour", "hours", "heure", "heures", "時間"),
    "minute": (r"minutes?|min|分", "minute", "minutes", "minute", "minutes", "分"),
    "second": (r"seconds?|secondes?|s|秒", "second", "seconds", "seconde", "secondes", "秒"),
}
_SHORT_JA = {"キロ": ("kilometer", "kilogram")}  # which of the two, the other unit of the question tells
LONGEST = 200
Found = tuple[str, int, int]
_HOW_MANY = r"how many .+ in an? |combien d.+ dans une? "


def convert(text: str, lang: str) -> str | None:
    """The sentence that answers a question for a conversion; None when it is none."""
    low = unicodedata.normalize("NFKC", text[:LONGEST]).lower().replace("’", "'")
    numbers, units = find_numbers(low), _said(low)
    if len(numbers) > 1 or len(units) < 2:
        return None
    given = _given(low, numbers[0], units) if numbers else units[-1] if re.search(_HOW_MANY, low) else None
    others = [unit for unit in units if unit is not given]
    if given is None or not others:
        return None
    number = float(numbers[0].value) if numbers else 1.0
    pair = _pair(given[0], others[-1][0])
    return _answer(number, *pair, lang) if pair else None


def _given(low: str, number: Number, units: list[Found]) -> Found | None:
    """The unit that follows the number, or stands right before it in Japanese: 摂氏20度."""
    for unit in units:
        if unit[1] >= number.end and not low[number.end : unit[1]].strip(" -の"):
            return unit
    return next((unit for unit in units if unit[2] <= number.start and not low[unit[2] : number.start].strip()), None)


def _said(low: str) -> list[Found]:
    """The units of a text with their places; the longest reading of each place."""
    found: list[Found] = []
    for name, (pattern, *_) in [*_UNITS.items(), *((short, (short,)) for short in _SHORT_JA)]:
        for match in re.finditer(rf"(?<![^\W\d_a-z])(?<![a-zà-ÿ])(?:{pattern})(?![a-zà-ÿ])", low):
            found.append((name, match.start(), match.end()))
        if re.search(r"[ぁ-ヿ一-鿿]", low):
            found += [(name, m.start(), m.end()) for m in re.finditer(f"(?:{pattern})(?![a-z])", low)]
    longest: list[Found] = []
    for unit in sorted(set(found), key=lambda unit: unit[1] - unit[2]):
        if all(unit[2] <= start or unit[1] >= end for _, start, end in longest):
            longest.append(unit)
    return sorted(longest, key=lambda unit: unit[1])


def _pair(given: str, wanted: str) -> tuple[str, str] | None:
    """Two names of units that measure the same."""
    for one in _SHORT_JA.get(given, (given,)):
        for other in _SHORT_JA.get(wanted, (wanted,)):
            if one != other and _registry().Unit(one).is_compatible_with(other):
                return one, other
    return None


@cache
def _registry() -> Any:
    try:
        import pint
    except ImportError:
        raise MissingExtra.named("assistant", "pint") from None
    return pint.UnitRegistry()


def _answer(amount: float, given: str, wanted: str, lang: str) -> str:
    result = float(_registry().Quantity(amount, given).to(wanted).magnitude)
    digits = 2 if abs(result) >= 1 else 4
    there = _with(amount, given, lang, 4)
    here = _with(result, wanted, lang, digits)
    return {"en": f"{there} is {here}.", "fr": f"{there}, cela fait {here}.", "ja": f"{there}は{here}です。"}[lang]


def _with(amount: float, unit: str, lang: str, digits: int) -> str:
    _, one, many, une, plusieurs, japanese = _UNITS[unit]
    number, _ = spoken(amount, lang, digits=digits)
    if lang == "ja":
        return f"{number}{japanese}"
    if lang == "fr":
        return f"{number} {une if abs(amount) < 2 else plusieurs}"
    return f"{number} {one if amount == 1 else many}"
