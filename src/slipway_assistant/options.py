"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

language = click.option("--lang", type=click.Choice(["en", "fr", "ja"]), help="The language.  [default: detected]")
variant = click.option("--variant", default="", metavar="NAME", help="Which mind.  [default: the best; see `variants`]")
minds = click.option(
    "--minds", type=click.Path(path_type=Path), metavar="DIR", help="Where fitted minds are kept.  [default: ~/.cache]"
)
