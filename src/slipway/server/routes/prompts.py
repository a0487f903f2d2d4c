"""Prompts: the versions of each name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from slipway.data import Prompt
from slipway.errors import NotFound
from slipway.server.pages import Cursor, Limit, behind, records
from slipway.server.routing import Call, route
from slipway.server.views import shown


class PromptName(msgspec.Struct):
    """A prompt by name: how many versions it has, and the newest of them."""

    name: str
    versions: int
    version: int
    id: str
    note: str
    created_ns: int


class PromptList(msgspec.Struct):
    """Prompts, by name."""

    prompts: list[PromptName]
    next: str | None


class PromptShown(msgspec.Struct):
    """A version of a prompt. ``id`` is the hash of its content."""

    id: str
    name: str
    version: int
    template: str
    config: Mapping[str, Any]
    note: str
    created_ns: int


class PromptVersions(msgspec.Struct):
    """Versions, in the reverse order of their arrival."""

    name: str
    versions: list[PromptShown]
    next: str | None


class PageQuery(msgspec.Struct):
    """Which page."""

    limit: Limit = 50
    cursor: Cursor = ""


@route("GET", "/api/v1/prompts", needs="viewer")
def list_prompts(call: Call, query: PageQuery) -> PromptList:
    """Prompts of the project."""
    newest: dict[str, PromptName] = {}
    fields = ("name", "version", "id", "note", "created_ns")
    for name, version, identity, note, created_ns in call.state.store.columns(
        Prompt, fields, {"project": call.project}
    ):
        known = newest.get(name)
        made = PromptName(name, known.versions + 1 if known else 1, version, identity, note, created_ns)
        if known is not None and known.version > version:
            known.versions += 1
        else:
            newest[name] = made
    page, more = behind(sorted(newest), query.cursor, query.limit)
    return PromptList([newest[name] for name in page], more)


@route("GET", "/api/v1/prompts/{name:path}", needs="viewer")
def get_prompt(call: Call, name: str, query: PageQuery) -> PromptVersions:
    """The versions of one prompt. A name may have slashes in it."""
    where = {"project": call.project, "name": name}
    found, more = records(call.state.store, Prompt, where, cursor=query.cursor, limit=query.limit)
    if not found and not query.cursor:
        raise NotFound(f"no prompt {name!r:.80}", mend="GET /api/v1/prompts lists them")
    return PromptVersions(name, [shown(prompt, PromptShown) for prompt in found], more)
