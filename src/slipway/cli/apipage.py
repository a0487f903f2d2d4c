"""The page of the HTTP API, docs/reference/api.md, from the routes themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

HEAD = """# The HTTP API

Written by `python -m slipway.cli.pages` from the routes themselves; change those, not this page. A server has the whole of
it, with the fields of every answer, at `/api/v1/openapi.json` (OpenAPI 3.1).

Requests carry a key (`Authorization: Bearer slw_...`) wherever one is needed, and may name a project (`?project=` or
`X-Slipway-Project`); what belongs to another project is not found. Ids are hex text, times Unix nanoseconds. Lists answer
`next`, which given back as `cursor` (`after` for feedback) goes on where the page ended. An error is
`{"error": {"cause", "mend", "page"}}` under a status of 4xx or 5xx.
"""


def page() -> str:
    """The whole page."""
    from slipway.server.openapi import document
    from slipway.server.routing import all_routes

    paths = document(all_routes())["paths"]
    entries = [
        line for path, methods in paths.items() for name, one in methods.items() for line in _entry(path, name, one)
    ]
    return "\n".join([HEAD, *entries]).rstrip() + "\n"


def _entry(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"## `{method.upper()} {path}`\n"
    said = " ".join(operation["description"].split()).replace("``", "`").replace("<", "&lt;")
    role = operation.get("x-role")
    needs = f"Role {role}, scope {operation['x-scope']}." if role else "Open to everybody."
    yield f"{said} {needs}\n"
    parameters = [one for one in operation["parameters"] if one["name"] != "project"]
    if parameters:
        yield "| parameter | meaning |"
        yield "|---|---|"
        for one in parameters:
            meaning = one.get("description", "").replace("|", "\\|").replace("<", "&lt;")
            where = " (in the path)" if one["in"] == "path" else " (needed)" if one["required"] else ""
            default = one["schema"].get("default")
            usual = f" [default: {str(default).lower() if isinstance(default, bool) else default}]" if default else ""
            yield f"| `{one['name']}`{where} | {meaning}{usual} |"
        yield ""
