"""``slipway up``: start the server."""

from __future__ import annotations

import gc
import os
import sys

import click

from slipway.cli.invocation import Invocation
from slipway.cli.verbs import verb


@verb("up")
@click.option("--host", metavar="HOST", help="The one address that is listened on.  [default: 127.0.0.1]")
@click.option(
    "--port", metavar="N", type=click.IntRange(0, 65535), help="The port; 0 takes a free one.  [default: 4318]"
)
@click.pass_obj
def command(call: Invocation, /, host: str | None, port: int | None) -> int:
    """Serve the OTLP receiver and the JSON API from one process until Ctrl-C or SIGTERM.

    Exit code 0: stopped by a signal. 2: the port is taken or the settings are wrong. 3: the store cannot be opened.
    """
    gc.disable()  # what is loaded now stays; looking for garbage in it is a sixth of what starting costs
    try:
        return _serve(call, host, port)
    finally:
        gc.enable()  # also where it never came to be ready


def _serve(call: Invocation, host: str | None, port: int | None) -> int:
    from slipway.config import with_server
    from slipway.data.text import clean
    from slipway.errors import MissingExtra

    try:
        from slipway.server.serve import run
    except ModuleNotFoundError as missing:
        raise MissingExtra.named("server", missing.name or "granian") from None
    config = with_server(call.config, host=host, port=port)

    def ready(url: str) -> None:
        gc.freeze()  # nor is it looked through again: nothing that was loaded ever goes
        gc.enable()
        if call.json:
            call.print_json({"url": url, "data": str(config.data_folder), "pid": os.getpid()})
        else:  # not through a console: rich would be a tenth of what starting costs
            click.echo(clean(f"Slipway listens on {url}  (data in {config.data_folder}; stop with Ctrl-C)"))
        sys.stdout.flush()

    return run(config, ready=ready)
