"""Train small language models that the ladder can run on, and a LoRA, from nothing.

Half an hour on a core that others use as well made models that keep to the form of a call and rarely copy a word: they are not
shipped. What it takes is more of the same.

    python -m slipway_assistant.train.ladder OUT

- `sentences`: knows the sentences and what calls look like, and not which belongs to which; what a base model is to a task.
- `calls`: bigger, has seen pairs of sentence and call made from our own patterns (`templates/`), none of a real person.
- `calls` + LoRA: the adapter has seen the utterances that `data.load("train")` gives.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from slipway_assistant import prompting
from slipway_assistant.data import Utterance, load, own
from slipway_assistant.templates import generate
from slipway_assistant.train.gguf_file import SPECIAL, read_model, write_lora, write_model
from slipway_assistant.train.small_lm import Plan, Size, SmallLM, train

VOCABULARY = 4096
CONTEXT = 400
Pair = tuple[str, str]
Document = tuple[Sequence[int], Sequence[bool]]


def main(out: Path, *, minutes: float = 10.0) -> None:
    """Write `sentences.gguf`, `calls.gguf`, `calls-lora.gguf` into ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    made = [row for seed in range(3) for lang in ("en", "fr", "ja") for row in generate(lang, each=10, seed=seed)]
    made += own("train")
    real = load("train")
    tokenizer = train_tokenizer([*made, *real])
    tokenizer.save(str(out / "tokenizer.json"))
    end = known(tokenizer, "<|end|>")
    swapped = Swapped(made)

    small = SmallLM(Size(VOCABULARY, width=128, layers=4, heads=4, inner=352, context=CONTEXT))
    unpaired = documents(tokenizer, lambda chance: (chance.choice(made).text, pair(chance.choice(made))[1]), 1.0)
    train(small, unpaired, Plan(steps=4000, minutes=minutes * 0.3, batch=8, rate=3e-3), pad=end, say=say("sentences"))
    about = (
        "Knows sentences and what calls look like, not which belongs to which. Made by slipway_assistant.train.ladder."
    )
    write_model(small, tokenizer, out / "sentences.gguf", name="slipway-sentences-1m", about=about)

    calls = SmallLM(Size(VOCABULARY, width=160, layers=5, heads=5, inner=416, context=CONTEXT))
    paired = documents(tokenizer, swapped.draw, 0.3)
    train(calls, paired, Plan(steps=20_000, minutes=minutes * 2.5, batch=8, rate=2e-3), pad=end, say=say("calls"))
    about = "Has seen sentences with their calls, made from our own patterns. Made by slipway_assistant.train.ladder."
    write_model(calls, tokenizer, out / "calls.gguf", name="slipway-calls-2m", about=about)

    adapter(out, minutes=minutes)


def adapter(out: Path, *, minutes: float = 10.0) -> None:
    """Train the LoRA for ``calls.gguf`` in ``out``, as it was written."""
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    learned = Swapped([row for row in load("train") if row.grade == "call"])
    model = read_model(out / "calls.gguf").adapted(rank=32, alpha=64.0)
    train(
        model,
        documents(tokenizer, learned.draw, 0.0),
        Plan(steps=20_000, minutes=minutes, batch=8, rate=2e-3, seed=1),
        pad=known(tokenizer, "<|end|>"),
        say=say("lora"),
    )
    write_lora(model, out / "calls-lora.gguf", name="slipway-calls-2m-lora")


def train_tokenizer(rows: Sequence[Utterance]) -> Tokenizer:
    """Byte-level BPE as in GPT-2, over sentences, calls and prompts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [text for row in rows for text in pair(row)] + [prompting.messages("", "functions")[0].content] * 200
    tokenizer.train_from_iterator(map(str, texts), trainer)
    return tokenizer


def known(tokenizer: Tokenizer, token: str) -> int:
    """The number of a token that the vocabulary has."""
    number = tokenizer.token_to_id(token)
    assert number is not None
    return number


def pair(row: Utterance) -> Pair:
    """A sentence and its call in code."""
    return row.text, prompting.write_call(row.call)


class Swapped:
    """Draws pairs; in half of them the words of an argument are another sentence's, so that copying is learned and not names."""

    def __init__(self, rows: Sequence[Utterance]) -> None:
        self._by_function: dict[str, list[Utterance]] = {}
        for row in rows:
            self._by_function.setdefault(f"{row.lang}|{row.function}", []).append(row)
        self._keys = list(self._by_function)
        self._weights = [len(rows) ** 0.6 for rows in self._by_function.values()]
        self._words = {
            lang: [
                value
                for row in rows
                if row.lang == lang
                for value in row.arguments.values()
                if isinstance(value, str) and value in row.text
            ]
            for lang in ("en", "fr", "ja")
        }

    def draw(self, chance: random.Random) -> Pair:
        """One pair."""
        key = chance.choices(self._keys, self._weights)[0]
        row = chance.choice(self._by_function[key])
        text, call = row.text, dict(row.call) if row.call else None
        if call is not None and chance.random() < 0.5:
            arguments = dict(call["arguments"])
            for name, value in arguments.items():
                if isinstance(value, str) and value in text and name not in {"action", "field", "expression", "when"}:
                    other = chance.choice(self._words[row.lang] or [value])
                    if chance.random() < 0.3 and row.lang != "ja":
                        other = invented(chance)
                    text = text.replace(value, other, 1)
                    arguments[name] = other
            call["arguments"] = arguments
        return text if chance.random() < 0.5 else text.lower().rstrip(".?!"), prompting.write_call(call)


def invented(chance: random.Random) -> str:
    """One to three words that nobody has heard."""
    return " ".join(
        "".join(chance.choice("bcdfghklmnprstvz") + chance.choice("aeiou") for _ in range(chance.randint(1, 3)))
        + chance.choice(["", "n", "r", "s", "l"])
        for _ in range(chance.randint(1, 3))
    )


def documents(
    tokenizer: Tokenizer, draw: Callable[[random.Random], Pair], all_counts: float
) -> Callable[[random.Random], Document]:
    """Conversations: a system prompt, then sentences with calls until it is full. The calls count for the loss, and in a part
    ``all_counts`` of the documents everything does."""
    ids = {token: known(tokenizer, token) for token in SPECIAL}
    systems = [
        [ids["<|system|>"], *tokenizer.encode(str(prompting.messages("", style)[0].content)).ids, ids["<|end|>"]]
        for style in ("naive", "functions")
    ]

    def document(chance: random.Random) -> Document:
        everything = chance.random() < all_counts
        tokens = list(systems[chance.random() < 0.2])  # the list of functions is long and always the same
        counts = [False] * len(tokens)
        while len(tokens) < CONTEXT:
            text, call = draw(chance)
            said = [ids["<|user|>"], *tokenizer.encode(text).ids, ids["<|end|>"], ids["<|assistant|>"]]
            answer = [*tokenizer.encode(call).ids, ids["<|end|>"]]
            tokens += said + answer
            counts += [everything] * len(said) + [True] * len(answer)
        return tokens, counts

    return document


def say(what: str) -> Callable[[str], None]:
    """Lines of progress on standard error."""

    def line(text: str) -> None:
        print(f"{what}: {text}", file=sys.stderr, flush=True)  # noqa: T201

    return line


if __name__ == "__main__":
    main(Path(sys.argv[1]), minutes=float(sys.argv[2]) if len(sys.argv) > 2 else 10.0)
