"""`slipway-assistant skills`: what can be called, with which arguments, and whether what each stands on is there."""

from __future__ import annotations

import json
from typing import Any

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON array.")
def skills(as_json: bool) -> int:
    """List the functions with their arguments, and what each stands on here."""
    from slipway_assistant.settings import load
    from slipway_assistant.skill import skills as every
    from slipway_assistant.standing import standing

    settings = load()
    rows = [row(declared, standing(name, settings)) for name, declared in every().items()]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for each in rows:
        click.echo(f"{each['name']}({', '.join(_written(argument) for argument in each['arguments'])})")
        click.echo(f"    {each['summary']}")
        click.echo(f"    stands on: {each['backend']}; up to {each['timeout_s']:g} s")
    return 0


def row(declared: Any, backend: str) -> dict[str, Any]:
    """A skill as plain data."""
    function = declared.function
    return {
        "name": function.name,
        "summary": function.summary,
        "timeout_s": declared.timeout_s,
        "backend": backend,
        "arguments": [
            {
                "name": argument.name,
                "kind": argument.kind,
                "required": argument.name in function.required,
                "values": list(argument.values),
                "summary": argument.summary,
            }
            for argument in function.arguments
        ],
    }


def _written(argument: dict[str, Any]) -> str:
    kind = "|".join(argument["values"]) if argument["values"] else argument["kind"]
    return f"{argument['name']}{'' if argument['required'] else '?'}: {kind}"
