"""`slipway-assistant talk`: by microphone, by keyboard, or from one WAV into another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from slipway_assistant import options


@click.command()
@click.option("--text", is_flag=True, help="Write instead of speaking: a line, an answer.")
@click.option("--wav", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Hear this recording.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Speak into this WAV.")
@click.option("--wake-word", metavar="WORDS", help="Listen only after these words.  [default: the setting]")
@click.option("--mute", is_flag=True, help="Print the answers, do not say them.")
@click.option("--page", is_flag=True, help="Serve the page too; see `serve`.")
@options.language
@options.variant
@options.minds
def talk(
    text: bool,
    wav: Path | None,
    out: Path | None,
    wake_word: str | None,
    mute: bool,
    page: bool,
    lang: str | None,
    variant: str,
    minds: Path | None,
) -> int:
    """Have a conversation: by microphone; by keyboard with --text; with --wav and --out on a machine without sound."""
    from slipway_assistant import conversation
    from slipway_assistant.opening import open_assistant, record_turns
    from slipway_assistant.ringing import Ringer
    from slipway_assistant.settings import load

    if text and wav:
        raise click.UsageError("say --text or --wav, not both")
    settings = load(wake_word=wake_word, language=lang)
    record_turns()
    sink = _sink(out, mute=mute, silent=text or wav is not None, settings=settings)
    assistant = open_assistant(settings, variant=variant, minds=minds, ears=not text, voice=sink is not None, sink=sink)
    assistant.warm()
    try:
        with Ringer(settings.folder, conversation.telling(assistant, sys.stdout)):
            if text:
                prompt = sys.stdin.isatty()
                return conversation.by_keyboard(assistant, sys.stdin, sys.stdout, lang=lang, prompt=prompt)
            if wav is not None:
                return conversation.by_recording(assistant, wav, sys.stdout, lang=lang)
            return _by_microphone(assistant, lang, page=page)
    finally:
        assistant.close()
        if out is not None and hasattr(sink, "save"):
            sink.save(out)


def _by_microphone(assistant: Any, lang: str | None, *, page: bool) -> int:
    from slipway_assistant.conversation import by_microphone

    if not page:
        return by_microphone(assistant, sys.stdout, lang=lang)
    from slipway_assistant.page.serve import beside

    with beside(assistant, ready=lambda url: click.echo(f"Talk to the assistant: {url}")):
        return by_microphone(assistant, sys.stdout, lang=lang)


def _sink(out: Path | None, *, mute: bool, silent: bool, settings: Any) -> Any:
    """Where the answers go: a file when one is named, nowhere with --mute, else the loudspeaker."""
    from slipway_assistant.voice import Loudspeaker, Tape

    if out is not None:
        return Tape()
    return None if mute or silent else Loudspeaker(settings.loudspeaker)
