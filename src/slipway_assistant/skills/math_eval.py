"""math.eval: arithmetic, worked out exactly and within limits, and quantities from one unit to another."""

from __future__ import annotations

from slipway_assistant.skill import Answer, Context, Math, SkillError, pick, skill


@skill(
    "math.eval",
    timeout_s=8.0,
    ask={"expression": {"en": "What shall I work out?", "fr": "Que dois-je calculer ?", "ja": "何を計算しますか？"}},
)
def evaluate_math(ctx: Context, *, expression: Math) -> Answer:
    """Work out an arithmetic expression.

    expression: Arithmetic with digits and + - * / ** ( ) sqrt() factorial(), such as 12*7.
    """
    from slipway_assistant import arithmetic, units
    from slipway_assistant.evaluator import Unsolved, evaluate, spoken

    for said in (expression, ctx.heard):
        if said and (converted := units.convert(said, ctx.lang)):
            return Answer(converted, {"expression": said})
    try:
        value = evaluate(expression)
    except Unsolved as first:
        # The sentence itself, where what was taken from it cannot be read.
        again = arithmetic.expression(expression) or arithmetic.expression(ctx.heard)
        if first.trouble != "unreadable" or again is None:
            raise SkillError(_TROUBLES[first.trouble]) from None
        try:
            value = evaluate(again)
        except Unsolved as second:
            raise SkillError(_TROUBLES[second.trouble]) from None
    number, exact = spoken(value, ctx.lang)
    return Answer(pick(ctx.lang, _EXACT if exact else _ABOUT).format(number), {"value": str(value)[:400]})


_EXACT = {"en": "That is {}.", "fr": "Cela fait {}.", "ja": "{}です。"}
_ABOUT = {"en": "That is about {}.", "fr": "Cela fait environ {}.", "ja": "およそ{}です。"}
_TROUBLES = {
    "unreadable": {
        "en": "I did not understand the calculation.",
        "fr": "Je n'ai pas compris le calcul.",
        "ja": "計算の内容がわかりませんでした。",
    },
    "too big": {
        "en": "That number is too big for me.",
        "fr": "Ce nombre est trop grand pour moi.",
        "ja": "数が大きすぎて計算できません。",
    },
    "by zero": {
        "en": "One cannot divide by zero.",
        "fr": "On ne peut pas diviser par zéro.",
        "ja": "ゼロで割ることはできません。",
    },
    "no real": {
        "en": "That has no real solution.",
        "fr": "Il n'y a pas de solution réelle.",
        "ja": "実数の答えはありません。",
    },
}
