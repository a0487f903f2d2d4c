"""The mind as a Slipway task: its examples, its score and its variants, for `make demo` and `slipway eval`.

A new mind needs nothing here: one file in `minds/` is found, fitted, evaluated and put into the journey.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import slipway as sw
from slipway_assistant import data
from slipway_assistant.grade import grade_call
from slipway_assistant.mind import Prepared, default_cache, prepare, variant, variants

PROJECT = "assistant"
DEV, MUST_PASS = "assistant-dev", "assistant-must-pass"
SLICES = ("lang", "source", "function")
FOLDER = "SLIPWAY_ASSISTANT_MINDS"


@sw.task
async def understand(example: sw.Example, ctx: Any) -> dict[str, Any]:
    """The call that the variant's mind makes of the utterance, and how sure it is of it."""
    # A coroutine that never waits: it takes milliseconds, and a thread's turn would be counted as the mind's latency.
    said = example.input
    understood = ready(str(ctx.config["mind"])).mind.understand(said["text"], said["lang"])
    return {"call": understood.call, "confidence": round(understood.confidence, 4)}


def call(output: Mapping[str, Any], expected: Mapping[str, Any]) -> list[sw.Score]:
    """`call`: function and arguments are right. `name`: the function alone is. A second reading counts as right."""
    got = output["call"]
    readings = [expected["call"], *expected.get("also", ())]
    grades = [grade_call(reading, got, by=expected.get("grade", "call")) for reading in readings]
    right = any(found.right for found in grades)
    named = any((reading or {}).get("name") == (got or {}).get("name") for reading in readings)
    return [
        sw.Score("call", float(right), explanation="" if right else grades[0].why),
        sw.Score("name", float(named)),
    ]


def rows(utterances: Sequence[data.Utterance]) -> list[dict[str, Any]]:
    """Utterances as rows of a dataset."""
    return [
        {
            "id": said.id,
            "input": {"text": said.text, "lang": said.lang},
            "expected": {"call": said.call, "grade": said.grade, "also": list((said.extra or {}).get("also", ()))},
            "cluster": said.cluster or said.id,
            **data.slices(said),
        }
        for said in utterances
    ]


def examples(name: str) -> Any:
    """The dataset of that name: `DEV` (real or ours, see `data.describe`) or `MUST_PASS` (always ours)."""
    said = [one for one in data.load("dev") if not one.must_pass] if name == DEV else data.must_pass()
    return sw.dataset(rows(said), name=name, cluster="cluster", slices=SLICES)


def journey_variants() -> list[sw.Variant]:
    """Every mind as a variant, in the order of the journey; its code and its training data are part of its address."""
    trained_on = data.content_hash(data.load("train"))
    return [
        sw.Variant(
            mind.name,
            config={"mind": mind.name, "code": mind.code_hash, "trained_on": trained_on},
            parent=mind.parent,
            note=mind.note,
            task=understand.name,
            created_ns=time.time_ns(),
            project=PROJECT,
        )
        for mind in variants()
    ]


@cache
def ready(name: str) -> Prepared:
    """The mind, fitted on first use in this process or read from where an earlier process kept it."""
    folder = os.environ.get(FOLDER)
    return prepare(variant(name), data.load("train"), Path(folder) if folder else default_cache())
