"""The ladder: what one tries with a language model, step by step, each run over the same utterances and recorded.

naive prompt -> functions listed -> few-shot -> grammar -> another model -> LoRA -> the cascade. SLIPWAY_GGUF, SLIPWAY_MODEL_URL
or SLIPWAY_MODEL name the model, SLIPWAY_OTHER_MODEL another one behind the same setting, SLIPWAY_LORA an adapter for the first:
a rung whose model is not named is left out, and without a model there is no ladder. Start in `steps`.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import slipway as sw
from slipway_assistant import data, experiment, prompting
from slipway_assistant.mind import BEST, variant

SUITE, DATASET = "ladder", "assistant-ladder"
EXAMPLES = 200
"""A language model takes a hundred times as long as the fast path, so it is asked a random part of dev."""
UNREADABLE = "unreadable"
"""The name of the call that stands for an answer in which there is none: it is wrong even where nothing is to be called."""
OTHER_MODEL = "SLIPWAY_OTHER_MODEL"


@dataclass(frozen=True)
class Step:
    """One rung: its prompt, whether the grammar binds the answer, and its model. ``mind`` names a mind instead."""

    name: str
    parent: str | None
    note: str
    style: prompting.Style = "few-shot"
    bound: bool = False
    model: Any = None
    mind: str = ""

    def variant(self) -> sw.Variant:
        """The step as a variant: the prompt's and grammar's text, and the model by name and content, are part of its address."""
        config: dict[str, Any] = {"mind": self.mind, "code": variant(self.mind).code_hash} if self.mind else {}
        if self.model is not None:
            config = {
                "style": self.style,
                "prompt": _hash("\n".join(str(m.content) for m in prompting.messages("", self.style))),
                "grammar": _hash(prompting.grammar()) if self.bound else "",
                "model": self.model.name,
            }
        return sw.Variant(
            self.name,
            config=config,
            parent=self.parent,
            note=self.note,
            task=climb.name,
            created_ns=time.time_ns(),
            project=experiment.PROJECT,
        )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def steps() -> tuple[Step, ...]:
    """The rungs, lowest first, of which there is a model; none without one."""
    given: Any = sw.default_model()
    if given is None:
        return ()
    # The first rungs are the model without its adapter, which the rung called LoRA adds.
    scales = getattr(given, "scales", ())
    plain = given.at(*(0.0 for _ in scales)) if scales else given
    other = os.environ.get(OTHER_MODEL, "")
    rungs = [
        Step("lm-naive", None, "a language model that is told what it is, and nothing else", "naive", model=plain),
        Step("lm-functions", None, "the functions and their arguments are listed", "functions", model=plain),
        Step("lm-few-shot", None, "an example of each function is shown", model=plain),
        Step("lm-grammar", None, "a grammar made of the signatures binds the answer", bound=True, model=plain),
    ]
    if other:
        rungs.append(Step("lm-other", None, "another model behind the same setting", bound=True, model=_opened(other)))
    if scales:
        rungs.append(Step("lm-lora", None, "a LoRA that was trained for this", bound=True, model=given))
    rungs.append(Step("lm-cascade", None, "a small mind first, which answers in milliseconds", mind=BEST))
    return tuple(
        replace(rung, parent=below.name if below else None) for rung, below in zip(rungs, [None, *rungs], strict=False)
    )


def on_what() -> str:
    """Which models the rungs run on, in words."""
    return ", ".join(dict.fromkeys(step.model.name for step in steps() if step.model is not None))


@cache
def _opened(spec: str) -> Any:
    return sw.open_model(spec)


@sw.task
async def climb(example: sw.Example, ctx: Any) -> dict[str, Any]:
    """The call that the step makes of the utterance."""
    if ctx.config.get("mind"):
        said = example.input
        understood = experiment.ready(str(ctx.config["mind"])).mind.understand(said["text"], said["lang"])
        return {"call": understood.call, "confidence": round(understood.confidence, 4)}
    reply = await ctx.model.chat(
        messages=prompting.messages(example.input["text"], ctx.config["style"]),
        grammar=prompting.grammar() if ctx.config["grammar"] else "",
        max_tokens=prompting.LONGEST_ANSWER,
        temperature=0.0,
        stop=("\n",),
    )
    readable, call = prompting.read_call(reply.text)
    return {"call": call if readable else {"name": UNREADABLE, "arguments": {}}, "said": reply.text}


def examples() -> Any:
    """A random part of dev, the same for everybody who has the same utterances."""
    said = [one for one in data.load("dev") if not one.must_pass]
    said.sort(key=lambda one: hashlib.sha256(one.id.encode()).digest())
    return sw.dataset(experiment.rows(said[:EXAMPLES]), name=DATASET, cluster="cluster", slices=experiment.SLICES)


def climb_all(store: Any, wanted: Sequence[Step], progress: Any = False) -> dict[str, Any]:
    """Run the steps over the examples, one after the other; the runs by name."""
    runs = {}
    dataset = examples()
    store.write([step.variant() for step in steps()])  # a rung may be climbed alone, and its parents must be known
    for step in wanted:
        done = sw.evaluate(
            data=dataset, suite=SUITE, variants=[step.variant()], store=store, model=step.model, progress=progress
        )
        runs[step.name] = done[step.name]
    return runs
