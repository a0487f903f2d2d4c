"""Two variants over the same examples, and a verdict instead of two percentages."""

import slipway as sw

WORDS = {"great": 1, "love": 1, "fine": 1, "bad": -1, "broken": -1, "slow": -1}
TEXTS = [
    "great",
    "I love it",
    "fine",
    "bad",
    "it is broken",
    "slow",
    "not bad",
    "not great",
    "not slow",
    "no love for this",
]
MOODS = [1, 1, 1, -1, -1, -1, 1, -1, 1, -1]


@sw.task
def mood(example, ctx):
    words = example.input.lower().split()
    total = sum(WORDS.get(word, 0) for word in words)
    negated = ctx.config.get("negation") and {"not", "no"} & set(words)
    return -total if negated else total


rows = [
    {"id": str(n), "input": text, "expected": label} for n, (text, label) in enumerate(zip(TEXTS, MOODS, strict=True))
]
runs = sw.evaluate(
    mood,
    sw.dataset(rows, name="moods"),
    scorers=["exact"],
    variants=[
        sw.Variant("words", note="add up the words"),
        sw.Variant("negation", {"negation": True}, parent="words", note="'not' turns the mood around"),
    ],
    project="examples",
)
print(runs)
print(sw.compare(runs["words"], runs["negation"]))
