"""Projects: names that records carry. A key sees those it has a role in."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec

from slipway.data.access import EVERYWHERE, Project
from slipway.server import keys
from slipway.server.access import Refused
from slipway.server.routes.keys import Name
from slipway.server.routing import Call, route


class ProjectShown(msgspec.Struct):
    """A project and the caller's role in it. ``created_ns`` is None where only a role, the settings or spans name
    it."""

    name: str
    role: str
    created_ns: int | None
    note: str


class ProjectList(msgspec.Struct):
    """The caller's projects, by name."""

    projects: list[ProjectShown]


class NewProject(msgspec.Struct, forbid_unknown_fields=True):
    """A project to be known before anything is recorded in it."""

    name: Name
    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


@route("GET", "/api/v1/projects", needs="viewer")
def list_projects(call: Call) -> ProjectList:
    """The projects in which the caller has a role; for one who has it everywhere also those that only spans name."""
    made = {project.name: project for project in call.state.store.find(Project)}
    names = {call.project, call.state.config.project, *made, *call.who.projects} - {EVERYWHERE}
    if EVERYWHERE in call.who.projects:
        names |= set(call.state.query.projects())
    shown = []
    for name in sorted(names):
        role = call.who.role(name)
        if role is not None:
            known = made.get(name)
            shown.append(ProjectShown(name, role, known.created_ns if known else None, known.note if known else ""))
    return ProjectList(shown)


@route("POST", "/api/v1/projects", needs="admin", status=201)
def create_project(call: Call, body: NewProject) -> ProjectShown:
    """Make a project; one that is there stays as it is. It takes an admin of every project, or of that one."""
    name = keys.checked_project(body.name)
    if name == EVERYWHERE or not call.who.may("admin", name):
        raise Refused(403, f"you are not admin of {name!r:.80}", mend="ask an admin of every project", reason="role")
    call.state.store.write([Project(name, time.time_ns(), body.note)])
    made = call.state.store.get(Project, name)
    assert made is not None
    return ProjectShown(name, call.who.role(name) or "admin", made.created_ns, made.note)
