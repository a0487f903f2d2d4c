"""The entry point: parse, run one command, turn what went wrong into a sentence and an exit code.

    main -> LazyGroup (verbs.py) -> cli/<name>.py:command -> Invocation (invocation.py) -> terminal or JSON

Nothing heavier than the table of commands is imported for ``slipway --help``.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slipway.cli import directory

if TYPE_CHECKING:
    from slipway.cli.invocation import Invocation

BROKEN_PIPE = 141  # 128 + SIGPIPE, what `head` leaves behind for any other program
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. ``arguments`` are those of the process unless given."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    _stand_in_for_closed_streams()
    try:
        if "_SLIPWAY_COMPLETE" not in os.environ and (not argv or argv in (["--help"], ["-h"], ["help"])):
            return _said(directory.help_text() + "\n", 0 if argv else 2)
        return _said("", _command(argv))
    except BrokenPipeError:
        _let_go()
        return BROKEN_PIPE


def _said(text: str, code: int) -> int:
    """``code``, once everything is out."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:  # a file on a full disk
        print(f"error: standard output cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201
        _let_go()
        return 3
    return code


def _let_go() -> None:
    # Python would complain again when it flushes standard output at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stand_in_for_closed_streams() -> None:
    # `slipway runs ls >&-`: Python then has None for the stream. The descriptor is taken too, so that no file gets its number.
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _command(argv: list[str]) -> int:
    from slipway.cli.invocation import Invocation

    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 gets escapes instead of an error halfway through a table.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    invocation = Invocation(json="--json" in argv)
    try:
        return _call(argv, invocation)
    finally:
        invocation.close()


def _call(argv: list[str], invocation: Invocation) -> int:
    import click

    from slipway.cli import report
    from slipway.cli.verbs import ReaderGone, root
    from slipway.errors import SlipwayError

    given = sys.stdout
    try:
        code = root.main(argv, prog_name="slipway", standalone_mode=False, obj=invocation, auto_envvar_prefix="SLIPWAY")
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())  # noqa: T201
        return 2
    except click.ClickException as error:
        return report.usage(error, invocation)
    except SlipwayError as error:
        return report.problem(error, invocation)
    except (KeyboardInterrupt, click.Abort) as stopped:
        # click puts Abort in the place of what stopped it.
        return report.interrupted(invocation, argv, code=getattr(stopped.__cause__ or stopped, "code", INTERRUPTED))
    except ReaderGone:
        raise BrokenPipeError from None
    except SystemExit:
        # click leaves with 1, which means "blocked" here, when the pipe breaks while it prints a command's help.
        if sys.stdout is not given:  # click has put its own in place, which forgets the pipe
            raise BrokenPipeError from None
        raise
    except Exception as error:
        return report.unexpected(error, invocation)
