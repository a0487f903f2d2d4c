"""``slipway run``: record a program that does not know Slipway."""

from __future__ import annotations

import os

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import verb
from slipway.errors import UsageError


@verb("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-m", "--module", is_flag=True, help="What follows names a module, as with python -m.")
@click.argument("target", metavar="SCRIPT", required=True, help="The script or module; what follows is its own.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, help="Its arguments.")
@click.pass_obj
def command(call: Invocation, module: bool, target: str, arguments: tuple[str, ...]) -> int:
    """Run a script or module and record its model calls.

    Installed OpenInference and OpenTelemetry GenAI instrumentors are switched on; not a line of the program changes. Its exit
    code is passed on. Options of slipway stand before the script, everything after it belongs to the script.
    """
    from slipway.track import run_script

    if call.json:
        raise UsageError("the program owns standard output", mend="leave --json out, then: slipway trace ls --json")
    # The program, and what it starts, read their settings from here.
    said = {f"SLIPWAY_{name.upper()}": value for name, value in call.overrides.items() if value}
    before = {name: os.environ.get(name) for name in said}
    os.environ.update(said)
    try:
        return run_script(target, list(arguments), module=module)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
