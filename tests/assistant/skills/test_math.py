"""Sums are exact, what would never end is refused at once, and quantities change their units."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant_person import Person
from slipway_assistant.evaluator import Unsolved, evaluate, spoken
from slipway_assistant.units import convert


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("12*7", 84),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("1,000 + 1", 1001),
        ("2^10", 1024),
        ("2 ** -2", Fraction(1, 4)),
        ("sqrt(2.25)", Fraction(3, 2)),
        ("factorial(5)", 120),
        ("5!", 120),
        ("15% of 80", 12),
        ("-(3 - 5) * 4 / 3", Fraction(8, 3)),
        ("7 ÷ 2 × 4 − 1", 13),
    ],
)
def test_sums_are_exact(expression: str, value: Fraction) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    ("expression", "trouble"),
    [
        ("9**9**9", "too big"),
        ("9**9**9**9", "too big"),
        ("2**(2**64)", "too big"),
        ("factorial(factorial(20))", "too big"),
        ("1e308 * 1e308 ** 99", "too big"),
        ("1e999", "too big"),
        ("(0.5 + sqrt(2)) ** 99999999", "too big"),
        ("+".join(["1"] * 400), "too big"),
        ("1 / (2 - 2)", "by zero"),
        ("0 ** -1", "by zero"),
        ("(-8) ** 0.5", "no real"),
        ("sqrt(-1)", "no real"),
        ("factorial(1.5)", "no real"),
        ("__import__('os')", "unreadable"),
        ("().__class__", "unreadable"),
        ("[1][0]", "unreadable"),
        ("1 if 1 else 2", "unreadable"),
        ("(" * 290, "unreadable"),
        ("True + 1", "unreadable"),
        ("", "unreadable"),
        ("\x00", "unreadable"),
    ],
)
def test_what_has_no_answer_says_why(expression: str, trouble: str) -> None:
    with pytest.raises(Unsolved) as refused:
        evaluate(expression)
    assert refused.value.trouble == trouble


SUMS = st.text("0123456789.+-*/%()!^ e", max_size=40) | st.text(max_size=30)
PARTS = st.recursive(
    st.integers(0, 10**6).map(str) | st.floats(0, 1e6, allow_nan=False).map(repr),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**", "%", "//"]), inner).map(
            lambda t: f"({' '.join(t)})"
        )
        | inner.map("sqrt({})".format)
        | inner.map("factorial({})".format)
    ),
    max_leaves=8,
)


@given(SUMS | PARTS)
@example("9**9**9**9**9")
@example("factorial(2000)**9")
@example("0.1**40000")
def test_it_always_ends_with_a_number_that_can_be_said_or_a_reason(expression: str) -> None:
    try:
        value = evaluate(expression)
    except Unsolved:
        return
    for lang in ("en", "fr", "ja"):
        text, _ = spoken(value, lang)
        assert 0 < len(text) < 80


@given(st.integers(-(10**12), 10**12), st.integers(1, 999))
def test_it_agrees_with_exact_arithmetic(a: int, b: int) -> None:
    assert evaluate(f"({a}) / {b} + {b} * ({a}) - {b}") == Fraction(a, b) + b * a - b


@pytest.mark.parametrize(
    ("lang", "question", "answer"),
    [
        ("en", "5 miles in kilometers", "5 miles is 8.05 kilometers."),
        ("en", "convert ten feet to meters", "10 feet is 3.05 meters."),
        ("en", "how many ounces are in a pound", "1 pound is 16 ounces."),
        ("en", "100 km/h in mph", "100 kilometers per hour is 62.14 miles per hour."),
        ("fr", "combien font 20 degrés celsius en fahrenheit", "20 degrés Celsius, cela fait 68 degrés Fahrenheit."),
        ("fr", "1 kilo en livres", "1 kilo, cela fait 2,2 livres."),
        ("ja", "5マイルは何キロ", "5マイルは8.05キロメートルです。"),
        ("ja", "3キロは何ポンド", "3キログラムは6.61ポンドです。"),
        ("ja", "摂氏20度は華氏何度", "20度（摂氏）は68度（華氏）です。"),
    ],
)
def test_quantities_change_their_units(lang: str, question: str, answer: str) -> None:
    assert convert(question, lang) == answer


@pytest.mark.parametrize(
    "text", ["5 miles", "5 miles in kilograms", "miles and kilometers", "12 * 7", "", "5 5 miles in km"]
)
def test_what_is_no_conversion_is_none(text: str) -> None:
    assert convert(text, "en") is None


@pytest.mark.parametrize(
    ("lang", "expression", "said"),
    [
        ("en", "1234567 * 2", "That is 2,469,134."),
        ("en", "1 / 3", "That is about 0.3333."),
        ("en", "factorial(30)", "That is about 2.65 times 10 to the power of 32."),
        ("fr", "7/2", "Cela fait 3,5."),
        ("ja", "-7/2", "マイナス3.5です。"),
        ("fr", "9**9**9", "Ce nombre est trop grand pour moi."),
        ("ja", "1/0", "ゼロで割ることはできません。"),
        ("en", "twelve times seven", "That is 84."),
        ("en", "the meaning of life", "I did not understand the calculation."),
        ("en", "5 miles in kilometers", "5 miles is 8.05 kilometers."),
    ],
)
def test_the_answer_is_said(person: Person, lang: str, expression: str, said: str) -> None:
    assert person.asks("math.eval", lang=lang, expression=expression).text == said
