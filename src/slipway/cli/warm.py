"""Starts of `slipway up` that cost no imports: ``python -m slipway.cli.warm ARGUMENTS OF up``.

This process loads what a server loads and then forks one for each line ``start`` that it reads, so that a thousand kills take
minutes. What runs in the child is the command itself. ``runs`` asks whether the child does; ``end`` waits for
the one that was killed and says how it ended.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from typing import TextIO


def main(arguments: list[str], command: TextIO, say: TextIO) -> None:
    """Serve commands until there are none."""
    from slipway.cli.main import main as slipway
    from slipway.server.routing import all_routes

    importlib.import_module("slipway.server.serve")
    all_routes()
    child = 0
    print("warm", file=say, flush=True)
    for line in command:
        if line == "start\n":
            child = os.fork()
            if child == 0:
                nothing = os.open(os.devnull, os.O_RDWR)
                os.dup2(nothing, 0)
                os.dup2(nothing, 1)
                os._exit(slipway(["up", *arguments]))
            print(child, file=say, flush=True)
        elif line == "end\n":
            _, status = os.waitpid(child, 0)
            child = 0
            print(os.waitstatus_to_exitcode(status), file=say, flush=True)
        elif line == "runs\n":
            print("no" if os.waitpid(child, os.WNOHANG)[0] else "yes", file=say, flush=True)
    if child:  # whoever commanded is gone
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:], sys.stdin, sys.stdout)
