"""`slipway-assistant memory`: read, export and forget what the assistant remembers of its person."""

from __future__ import annotations

import click


@click.command()
@click.argument("action", type=click.Choice(["list", "export", "forget"]), default="list")
@click.argument("words", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Forget everything.")
def memory(action: str, words: tuple[str, ...], every: bool) -> int:
    """List what is remembered, export it as JSON, or forget what is called by these words.

    The memory is a file on this device. Nothing of it is sent anywhere.
    """
    from slipway_assistant.memory import Memory
    from slipway_assistant.settings import load

    kept = Memory(load().folder / "memory.db")
    try:
        if action == "export":
            click.echo(kept.export_json())
        elif action == "list":
            for item in kept.items():
                times = f"   asked for {item.times} times" if item.times else ""
                click.echo(f"{item.liking:<10} {item.kind:<10} {item.value}{times}   {item.sentence}".rstrip())
        elif words or every:
            many = kept.forget_everything() if every else kept.forget(" ".join(words))
            click.echo(f"{many} forgotten")
        else:
            raise click.UsageError("say what: slipway-assistant memory forget jazz, or --all")
    finally:
        kept.close()
    return 0
