"""Write docs/reference/cli.md from the commands themselves: ``python -m slipway.cli.reference``.

A test compares the file with what this makes, so a command without a page fails the build.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from slipway.cli import directory
from slipway.cli.verbs import EVERYWHERE, root

FILE = Path("docs/reference/cli.md")
INTRODUCTION = """# The command line

Written by `python -m slipway.cli.reference` from the commands themselves; change them, not this page.

Standard output carries the result and nothing else; progress and notes go to standard error. With `--json` standard output is
exactly one JSON document, also when the command fails: then it is `{"error": {"kind", "message", "mend", "page", "exit_code"}}`.
Colours are used on a terminal unless `NO_COLOR` is set. Text from models and strangers is printed with control characters
escaped.

A **run** is named by its id, by the first digits of it, by `@latest`, or by a variant's name, which means its newest run on the
suite that `--suite` names. Without `--suite` a name will do where the variant ran on one suite, or two to be compared share one;
otherwise the command names the choices and takes none (exit code 2). A **trace** is named by its id, its first digits, or
`@latest`.

Each option has a variable, named in the last column: `SLIPWAY_EVAL_REPEATS=3` is `slipway eval --repeats 3`. Options that may be
repeated take several values separated by spaces. `slipway completion` prints the completion script of a shell.
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, "## Exit codes\n", "| code | meaning |", "|---|---|"]
    parts += [f"| {code} | {meaning} |" for code, meaning in directory.EXIT_CODES.items()]
    parts += ["", "## Options of every command\n", *_everywhere()]
    context = click.Context(root, info_name="slipway", auto_envvar_prefix="SLIPWAY")
    for section, rows in directory.SECTIONS.items():
        parts.append(f"\n## {section}")
        for name in rows:
            command = root.get_command(context, name)
            assert command is not None
            for inner, found in _leaves(command, context, name):
                parts += ["", *_command(inner, found)]
    return "\n".join(parts).rstrip() + "\n"


def leaves() -> Iterator[tuple[click.Context, click.Command]]:
    """Every command that can be called, with the context that knows its variables."""
    context = click.Context(root, info_name="slipway", auto_envvar_prefix="SLIPWAY")
    for name in directory.commands():
        command = root.get_command(context, name)
        assert command is not None
        yield from _leaves(command, context, name)


def _leaves(command: click.Command, parent: click.Context, name: str) -> Iterator[tuple[click.Context, click.Command]]:
    context = click.Context(command, info_name=name, parent=parent)
    if not isinstance(command, click.Group):
        yield context, command
        return
    for inner in command.list_commands(context):
        found = command.get_command(context, inner)
        assert found is not None
        yield from _leaves(found, context, inner)


def _command(context: click.Context, command: click.Command) -> Iterator[str]:
    yield f"### `{context.command_path}`\n"
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"    {usage}\n"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield " ".join(paragraph.split()) + "\n"
    arguments = [p for p in command.get_params(context) if isinstance(p, click.Argument)]
    if arguments:
        yield "| argument | meaning |"
        yield "|---|---|"
        for argument in arguments:
            yield f"| `{argument.make_metavar(context)}` | {_escaped(getattr(argument, 'help', '') or '')} |"
        yield ""
    options = [p for p in command.get_params(context) if isinstance(p, click.Option) and p.name not in EVERYWHERE]
    options = [option for option in options if "--help" not in option.opts]
    if options:
        yield "| option | meaning | variable |"
        yield "|---|---|---|"
        for option in options:
            yield f"| `{_names(option, context)}` | {_meaning(option, context)} | `{variable(option, context)}` |"


def _everywhere() -> Iterator[str]:
    from slipway.cli.verbs import everywhere

    context = click.Context(click.Command("any"), info_name="slipway")
    variables = {
        "json": "SLIPWAY_<COMMAND>_JSON",
        "data": "SLIPWAY_DATA",
        "store": "SLIPWAY_STORE",
        "project": "SLIPWAY_PROJECT",
        "debug": "SLIPWAY_DEBUG",
    }
    yield "| option | meaning | variable |"
    yield "|---|---|---|"
    for option in everywhere():
        yield f"| `{_names(option, context)}` | {_meaning(option, context)} | `{variables[str(option.name)]}` |"


def _names(option: click.Option, context: click.Context) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag or option.count:
        return names
    return f"{names} {option.make_metavar(context)}".replace("|", "\\|")


def _meaning(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    return _escaped(" ".join(record[1].split()) if record else "")


def variable(option: click.Option, context: click.Context) -> str:
    """The environment variable that sets an option."""
    if option.envvar:
        return str(option.envvar)
    return f"{context.auto_envvar_prefix}_{str(option.name).upper()}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def main() -> int:
    """Write the page; ``--check`` only says whether it is up to date."""
    text = page()
    if "--check" in sys.argv[1:]:
        return 0 if FILE.is_file() and FILE.read_text(encoding="utf-8") == text else 1
    FILE.write_text(text, encoding="utf-8")
    print(f"wrote {FILE}")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
