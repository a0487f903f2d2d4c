"""The click classes of the command line: commands found by name, the options all of them have, typos answered."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from typing import Any

import click

import slipway
from slipway.cli import directory

EVERYWHERE = ("json", "data", "store", "project", "debug")


def everywhere() -> list[click.Option]:
    """The options that every command has. --data, --store and --project have the variables of the settings they override,
    which `slipway.config` reads."""
    setting: dict[str, Any] = {"allow_from_autoenv": False}
    return [
        click.Option(["--json"], is_flag=True, help="Print one JSON document on standard output."),
        click.Option(["--data"], metavar="DIR", help="Folder of the store and spools.  [default: .slipway]", **setting),
        click.Option(["--store"], metavar="URL", help="SQLAlchemy URL of the store.  [default: in --data]", **setting),
        click.Option(["--project"], metavar="NAME", help="The project.  [default: of slipway.toml]", **setting),
        click.Option(["--debug"], is_flag=True, envvar="SLIPWAY_DEBUG", help="Show tracebacks of errors."),
    ]


class ReaderGone(Exception):
    """Nobody reads standard output any more. click would leave with 1 for a broken pipe, which means "blocked" here."""


class Verb(click.Command):
    """A command with the options of every command; its function gets the `Invocation` first."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.params.extend(everywhere())

    def invoke(self, ctx: click.Context) -> Any:
        """Hand the common options to the invocation, then call the function."""
        common = {name: ctx.params.pop(name) for name in EVERYWHERE}
        ctx.obj.adopt(**common)
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise ReaderGone from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command's own options, then those of every command."""
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Argument):
                continue  # click lists those in a section of their own
            record = parameter.get_help_record(ctx)
            if record is not None:
                (shared if parameter.name in EVERYWHERE or "--help" in parameter.opts else own).append(record)
        for title, rows in (("Options", own), ("Options of every command", shared)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
        formatter.write_paragraph()
        prefix = f"{ctx.auto_envvar_prefix}_"
        formatter.write_text(f"Each option has a variable: {prefix}<OPTION>. All of them: docs/reference/cli.md")


class Family(click.Group):
    """A group of commands of one family, such as ``slipway trace``."""

    command_class = Verb

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's; a name that does not exist is answered with the nearest one."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            known = self.list_commands(ctx)
            near = difflib.get_close_matches(args[0], known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else "there is " + ", ".join(known)
            raise click.UsageError(f"no command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


class Root(Family):
    """``slipway``: its commands are files of this package, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the directory."""
        return list(directory.commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import ``slipway.cli.<name>`` and take its ``command``."""
        if cmd_name not in directory.commands():
            return None
        found: click.Command = importlib.import_module(f"slipway.cli.{cmd_name}").command
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Names from the directory: completing them imports no command."""
        from click.shell_completion import CompletionItem

        table = directory.commands().items()
        return [CompletionItem(name, help=text) for name, text in table if name.startswith(incomplete)]

    def get_help(self, ctx: click.Context) -> str:
        """The table."""
        return directory.help_text()


def verb(name: str, **settings: Any) -> Callable[[Callable[..., Any]], Verb]:
    """A top-level command: its short help is the one in the directory."""
    return click.command(name, cls=Verb, short_help=directory.commands()[name], **settings)


def family(name: str, **settings: Any) -> Callable[[Callable[..., Any]], Family]:
    """A top-level family of commands."""
    return click.group(name, cls=Family, short_help=directory.commands()[name], **settings)


@click.group(cls=Root, context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100})
@click.version_option(slipway.__version__, prog_name="slipway")
def root() -> None:
    """Record what you try, learn whether a change is real, ship only what passed."""
