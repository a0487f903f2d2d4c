"""``slipway completion``: the completion script of a shell."""

from __future__ import annotations

import os

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import root, verb
from slipway.errors import UsageError

WHERE = {
    "bash": 'add to ~/.bashrc: eval "$(slipway completion bash)"',
    "zsh": 'add to ~/.zshrc: eval "$(slipway completion zsh)"',
    "fish": "run: slipway completion fish > ~/.config/fish/completions/slipway.fish",
}


@verb("completion")
@click.argument(
    "shell",
    required=False,
    type=click.Choice(sorted(WHERE)),
    help="bash, zsh or fish; the one of $SHELL unless given.",
)
@click.pass_obj
def command(call: Invocation, shell: str | None) -> None:
    """Print the script that completes commands, options, runs, suites, variants and datasets.

    bash: eval "$(slipway completion bash)" in ~/.bashrc. zsh: the same in ~/.zshrc. fish: write it to
    ~/.config/fish/completions/slipway.fish.
    """
    from click.shell_completion import get_completion_class

    shell = shell or os.path.basename(os.environ.get("SHELL", ""))
    kind = get_completion_class(shell) if shell in WHERE else None
    if kind is None:
        raise UsageError(
            f"no completion for the shell {shell!r}", mend="name one: slipway completion bash, zsh or fish"
        )
    # click's bash class starts a bash to ask for its version before it hands out the script; the template needs none of that.
    made = kind(root, {}, "slipway", "_SLIPWAY_COMPLETE")
    script = made.source_template % made.source_vars()
    call.emit({"shell": shell, "script": script, "install": WHERE[shell]}, lambda out: click.echo(script))
