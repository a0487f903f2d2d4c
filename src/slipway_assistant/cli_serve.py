"""`slipway-assistant serve`: the page to talk to the assistant from a browser on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from slipway_assistant import options


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=4320, show_default=True, help="0: any free one.")
@click.option("--no-ears", is_flag=True, help="For writing only: nothing is loaded to recognise speech.")
@click.option("--mute", is_flag=True, help="Answer in writing only.")
@options.language
@options.variant
@options.minds
def serve(port: int, no_ears: bool, mute: bool, lang: str | None, variant: str, minds: Path | None) -> int:
    """Serve a page to talk to the assistant from a browser, on this machine only. Timers ring there."""
    from slipway_assistant.opening import open_assistant, record_turns
    from slipway_assistant.page.serve import run
    from slipway_assistant.settings import load

    record_turns()
    assistant = open_assistant(load(language=lang), variant=variant, minds=minds, ears=not no_ears, voice=not mute)
    assistant.warm()
    try:
        return run(assistant, port=port, ready=lambda url: click.echo(f"Talk to the assistant: {url}"))
    finally:
        assistant.close()
