"""From the utterances to the folder of weights, in four stages that can each be taken up again where they were left.

1. `judge`: the network learns all but every eighth phrasing; 2. `weigh`: on these and on our own dev sentences it is fitted how
much the network and the linear mind are believed, and the calibration; 3. `final`: the network learns everything to learn from;
4. `ship`: 8-bit files, the linear mind, the manifest. The dev split takes no part in any of them. Start in `run`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from slipway_assistant.data import Utterance, content_hash, own
from slipway_assistant.minds.neural import Neural, Weighing
from slipway_assistant.minds.tidied import Tidied
from slipway_assistant.neural import Reader
from slipway_assistant.templates import LANGUAGES, generate
from slipway_assistant.train import export
from slipway_assistant.train.examples import Example, example, skeleton
from slipway_assistant.train.loop import Recipe, Trainer
from slipway_assistant.train.weigh import fit_weighing
from slipway_assistant.weights import write_manifest

Say = Callable[[str], None]
EIGHTH = 8
GENERATED = 0.3
"""What a generated sentence counts beside a real one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is given: where MiniLM lies, where checkpoints and weights go, and how long it may learn."""

    minilm: Path
    work: Path
    out: Path
    judge_epochs: int = 6
    final_epochs: int = 13
    shown: int = 16_000
    bfloat16: bool = True


def run(rows: Sequence[Utterance], plan: Plan, say: Say) -> None:
    """All stages. What an earlier run of the same plan has finished is not done again."""
    torch.set_num_threads(1)
    plan.out.mkdir(parents=True, exist_ok=True)
    kept = [row for row in rows if not held_back(row)]
    judge = learn("judge", kept, plan, plan.judge_epochs, say)
    unseen = [*(row for row in rows if held_back(row)), *own("dev")]
    folder = plan.work / "weighing.json"
    if not folder.is_file():
        say(f"weighing on {len(unseen)} sentences that neither has seen")
        weighing = fit_weighing(Neural(judge, Tidied.fit(kept), Weighing()), unseen)
        folder.write_text(json.dumps(asdict(weighing)), "utf-8")
    said = json.loads(folder.read_text("utf-8"))
    final = learn("final", rows, plan, plan.final_epochs, say)
    say("the linear mind learns")
    Neural(final, Tidied.fit(rows), Weighing(**{**said, "calibration": tuple(said["calibration"])})).save(plan.out)
    write_manifest(plan.out)
    say(f"weights in {plan.out}: next, their card")


def held_back(row: Utterance) -> bool:
    """Whether the row is of the eighth of all phrasings that the judge does not see: sentences that differ in their values only
    are on one side."""
    return zlib.crc32(skeleton(example(row)).encode()) % EIGHTH == 0


def learn(stage: str, rows: Sequence[Utterance], plan: Plan, epochs: int, say: Say) -> Reader:
    """Train the network, from the last checkpoint if there is one, and make a reader of it."""
    work = plan.work / stage
    work.mkdir(parents=True, exist_ok=True)
    real = [example(row) for row in [*rows, *own("train")]]
    recipe = Recipe(epochs=epochs, shown=plan.shown, bfloat16=plan.bfloat16)
    stock = [row.text for lang in LANGUAGES for row in generate(lang, each=60, seed=99)]
    trainer = Trainer([*real, *generated(0)], plan.minilm, recipe, stock)
    (work / "data.json").write_text(json.dumps({"rows": len(rows), "hash": content_hash(rows)}), "utf-8")
    last = max(work.glob("checkpoint-*.pt"), key=lambda path: int(path.stem.rpartition("-")[2]), default=None)
    if last is not None:
        say(f"{stage}: goes on from {last.name}")
        trainer.resume(last)
    while trainer.epoch < epochs:
        if trainer.epoch:
            trainer.examples = [*real, *(one for one in generated(trainer.epoch) if one.label in trainer.labels)]
        loss = trainer.run_epoch(say)
        trainer.save(work, {"loss": loss})
        (work / f"checkpoint-{trainer.epoch - 2}.pt").unlink(missing_ok=True)
    return reader(trainer)


def generated(epoch: int) -> list[Example]:
    """Sentences made of our patterns, others in each epoch."""
    return [example(row, GENERATED) for lang in LANGUAGES for row in generate(lang, each=10, seed=epoch)]


def reader(trainer: Trainer) -> Reader:
    """The trained network in 8 bits."""
    weights = {name: tensor.numpy() for name, tensor in trainer.network.state_dict().items()}
    return Reader(
        export.layers(weights, trainer.name_of_tag),
        export.embeddings(weights),
        {"labels": trainer.labels, "tags": trainer.tags, "vocabulary": trainer.pieces.vocabulary},
    )
