"""`slipway-assistant`: understand (many lines), ask (one), variants, demo; the files cli_*.py beside this one have the rest.

Each option has a `SLIPWAY_ASSISTANT_*` variable. A file cli_*.py adds its commands by being there; it is imported whenever any
command runs, so what it needs is imported inside its functions.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import pkgutil
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

import click

from slipway.errors import DataError, SlipwayError
from slipway_assistant import options
from slipway_assistant.mind import BEST, Mind, answer

LANGUAGES = ("en", "fr", "ja")
FINE, WRONG_INPUT, INTERRUPTED = 0, 2, 130


@click.group(context_settings={"help_option_names": ["--help", "-h"]})
def root() -> None:
    """A voice assistant: speech or text to function call to spoken answer, on this machine."""


@root.command()
@click.option("--jsonl", is_flag=True, help="Read and write JSON lines (the only form there is).")
@options.variant
@options.minds
def understand(jsonl: bool, variant: str, minds: Path | None) -> int:
    """Read {"id","text","lang"} lines, write {"id","call","confidence","ms"} lines, in the same order.

    The mind is loaded once (fitted the first time). "lang" may be left out: it is detected. A line that cannot be read is
    answered with {"id", "call": null, "error"} so that answers and questions stay in step, named on standard error, and
    makes the exit code 2.
    """
    if not jsonl:
        raise click.UsageError(
            "say --jsonl: JSON lines are the only form there is; for one sentence: slipway-assistant ask"
        )
    if isinstance(sys.stdin, io.TextIOWrapper):
        # A line that is not UTF-8 is that line's fault: it must not end the reading of the others.
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    return answer_lines(sys.stdin, sys.stdout, _mind(variant, minds))


@root.command()
@click.argument("text", nargs=-1, required=True)
@options.language
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a line.")
@click.option("--do", is_flag=True, help="Do it too, and print what the assistant says.")
@options.variant
@options.minds
def ask(text: tuple[str, ...], lang: str | None, as_json: bool, do: bool, variant: str, minds: Path | None) -> int:
    """Say what the assistant would call for one sentence."""
    sentence = " ".join(text)
    if do:
        from slipway_assistant.conversation import do_one

        return do_one(sentence, lang, variant, minds, as_json=as_json)
    mind = _mind(variant, minds)
    answered = _answer(mind, {"text": sentence, "lang": lang} if lang else {"text": sentence})
    click.echo(
        json.dumps(answered, ensure_ascii=False) if as_json else f"{spoken(answered['call'])}   {_facts(answered)}"
    )
    return FINE


@root.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def variants(as_json: bool) -> int:
    """List the minds: name, what each was made from, and what changed."""
    from slipway_assistant.mind import variants as every

    rows = [{"name": mind.name, "parent": mind.parent, "note": mind.note} for mind in every()]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return FINE
    for row in rows:
        click.echo(f"{row['name']:<14} {'from ' + row['parent'] if row['parent'] else '':<20} {row['note']}")
    click.echo(f"\nThe default is {BEST}.")
    return FINE


@root.command()
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the store.  [default: .slipway]"
)
def demo(data: Path | None) -> int:
    """Replay the assistant's journey for real: fit, evaluate, compare, record every mind."""
    from rich.console import Console

    from slipway_assistant.demo import run

    out = Console(markup=False, highlight=False)
    return run((data or Path(".slipway")).absolute(), out=out, err=Console(stderr=True))


def answer_lines(lines: Iterable[str], out: TextIO, mind: Mind) -> int:
    """Answer each line as it comes. Returns 2 when one of them could not be read, else 0."""
    code = FINE
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        answered: dict[str, Any]
        try:
            answered = _answer(mind, _question(line))
        except DataError as error:
            print(f"line {number}: {error}", file=sys.stderr)  # noqa: T201
            answered = {"id": _id_of(line), "call": None, "confidence": 0.0, "ms": 0.0, "error": str(error)}
            code = WRONG_INPUT
        out.write(_line(answered) + "\n")
        out.flush()
    return code


def _question(line: str) -> dict[str, Any]:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}", mend='write {"id": ..., "text": ..., "lang": ...} on one line') from None
    if not isinstance(asked, dict) or not isinstance(asked.get("text"), str):
        raise DataError('no "text"', mend='write {"id": ..., "text": ..., "lang": ...} on one line')
    return asked


def _id_of(line: str) -> Any:
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return asked.get("id") if isinstance(asked, dict) else None


def _line(answered: dict[str, Any]) -> str:
    line = json.dumps(answered, ensure_ascii=False)
    # Half a surrogate pair has no bytes in UTF-8: such a line is written with escapes.
    return line if line.isprintable() else json.dumps(answered)


def _answer(mind: Mind, asked: dict[str, Any]) -> dict[str, Any]:
    lang = asked.get("lang")
    started = time.perf_counter()
    understood = answer(mind, asked["text"], lang if lang in LANGUAGES else None)
    took = (time.perf_counter() - started) * 1e3
    answered = {"id": asked["id"]} if "id" in asked else {}
    return {**answered, "call": understood.call, "confidence": round(understood.confidence, 4), "ms": round(took, 3)}


def spoken(call: Mapping[str, Any] | None) -> str:
    """``weather.get(location='boston')``; "nothing" when nothing is to be called."""
    if call is None:
        return "nothing"
    return f"{call['name']}({', '.join(f'{name}={value!r}' for name, value in call['arguments'].items())})"


def _facts(answered: dict[str, Any]) -> str:
    return f"confidence {answered['confidence']:.2f}, {answered['ms']:.1f} ms"


def _mind(name: str, minds: Path | None) -> Any:
    from slipway_assistant.opening import ready_mind

    return ready_mind(name or BEST, minds)


def _add_commands() -> None:
    """The commands of every cli_*.py in this package."""
    import slipway_assistant

    for info in pkgutil.iter_modules(slipway_assistant.__path__):
        if info.name.startswith("cli_"):
            for thing in vars(importlib.import_module(f"slipway_assistant.{info.name}")).values():
                if isinstance(thing, click.Command):
                    root.add_command(thing)


_add_commands()


def main() -> int:
    """Run one command; what went wrong becomes a sentence and an exit code."""
    try:
        code = root.main(prog_name="slipway-assistant", standalone_mode=False, auto_envvar_prefix="SLIPWAY_ASSISTANT")
    except click.ClickException as error:
        error.show()
        return WRONG_INPUT
    except SlipwayError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away; Python would complain again when it flushes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code if isinstance(code, int) else FINE
