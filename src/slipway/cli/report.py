"""What the terminal says when something went wrong: cause, mend, page; a traceback only for ``--debug``."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slipway.data.text import clean

if TYPE_CHECKING:
    import click

    from slipway.cli.invocation import Invocation
    from slipway.errors import SlipwayError

DOCS = "docs/"


def usage(error: click.ClickException, invocation: Invocation) -> int:
    """The command line itself is wrong. Exit code 2."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "slipway"
    said = " ".join(error.format_message().split())
    return _say(
        invocation, error, kind="UsageError", code=2, said=said, mend=f"see: {command} --help", page="reference/cli.md"
    )


def problem(error: SlipwayError, invocation: Invocation) -> int:
    """A problem that says itself what to do. The exit code is the error's own."""
    said = str(error.args[0]) if error.args else type(error).__name__
    return _say(
        invocation,
        error,
        kind=type(error).__name__,
        code=error.exit_code,
        said=said,
        mend=error.mend,
        page=error.page,
    )


def interrupted(invocation: Invocation, argv: Sequence[str], *, code: int) -> int:
    """Control-C: exit code 130; SIGTERM: 143. After an evaluation the command is named that goes on with it."""
    again = shlex.join(["slipway", *(argument for argument in argv if argument != "--fresh")])
    mend = f"what had finished is stored; go on, and repeat nothing, with: {again}" if "eval" in argv else None
    said = "interrupted" if code == 130 else "terminated"
    return _say(invocation, None, kind=said.capitalize(), code=code, said=said, mend=mend, page="reference/cli.md")


def unexpected(error: Exception, invocation: Invocation) -> int:
    """A failure nobody foresaw. Exit code 3."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    mend = None if invocation.debug else "the same command with --debug shows where it happened"
    return _say(invocation, error, kind=type(error).__name__, code=3, said=said, mend=mend, page="reference/errors.md")


def _say(
    invocation: Invocation,
    error: BaseException | None,
    *,
    kind: str,
    code: int,
    said: str,
    mend: str | None,
    page: str,
) -> int:
    cause = error.__cause__ if error is not None else None
    lines = [f"error: {clean(said)}"]
    if cause is not None:
        lines.append(f"cause: {clean(f'{type(cause).__name__}: {cause}')}")
    if mend:
        lines.append(f"mend:  {clean(mend)}")
    lines.append(f"page:  {DOCS}{page}")
    if invocation.debug and error is not None:
        lines += ["", "".join(traceback.format_exception(error)).rstrip()]
    print("\n".join(lines), file=sys.stderr)  # noqa: T201
    if invocation.json and not invocation.emitted:
        found: dict[str, Any] = {"kind": kind, "message": said, "mend": mend, "page": page, "exit_code": code}
        if cause is not None:
            found["cause"] = f"{type(cause).__name__}: {cause}"
        invocation.print_json({"error": found})
    return code
