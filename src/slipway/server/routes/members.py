"""Members: who has which role in which project. A key never allows more than its member may."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated

import msgspec

from slipway.data.access import ApiKey, Member
from slipway.errors import NotFound
from slipway.server import keys
from slipway.server.access import Refused
from slipway.server.routes.keys import Name, manages
from slipway.server.routing import Call, route


class MemberShown(msgspec.Struct):
    """A person or a service. ``roles`` maps a project (``*``: every one) to viewer, writer or admin."""

    name: str
    roles: dict[str, str]
    created_ns: int
    keys: int


class MemberList(msgspec.Struct):
    """The members that have a role in a project of the caller."""

    members: list[MemberShown]


class Roles(msgspec.Struct, forbid_unknown_fields=True):
    """The roles from now on, in the projects that are named; ``null`` takes the role away."""

    roles: Annotated[dict[Name, Name | None], msgspec.Meta(min_length=1, max_length=1000)]


@route("GET", "/api/v1/members", needs="admin")
def list_members(call: Call) -> MemberList:
    """The members, with their roles in the projects that the caller is admin of, and how many valid keys they have."""
    now = time.time_ns()
    valid = [key.member for key in call.state.store.find(ApiKey) if key.valid(now)]
    shown = [_shown(call, member, valid) for member in call.state.store.find(Member) if member.removed_ns is None]
    return MemberList([member for member in shown if member.roles])


@route("PUT", "/api/v1/members/{name}", needs="admin")
def set_roles(call: Call, name: str, body: Roles) -> MemberShown:
    """Make a member, or change roles. The member's keys follow within a second."""
    projects = tuple(keys.checked_project(project) for project in body.roles)
    if not manages(call, projects):
        raise Refused(403, "you are not admin of these projects", mend="name projects of yours", reason="role")
    store = call.state.store
    member = store.get(Member, name)
    if member is None or member.removed_ns is not None:
        member = Member(keys.checked_member(name), time.time_ns())
    roles = dict(member.roles)
    for project, role in body.roles.items():
        if role is None:
            roles.pop(project, None)
        else:
            roles[project] = keys.checked_role(role)
    member = replace(member, roles=roles)
    store.write([member])
    call.state.keys.forget()
    return _shown(call, member, [])


@route("DELETE", "/api/v1/members/{name}", needs="admin")
def remove_member(call: Call, name: str) -> MemberShown:
    """Remove a member: all keys of theirs fail within a second, for good. It takes an admin of all their projects."""
    store = call.state.store
    member = store.get(Member, name)
    if member is None or member.removed_ns is not None or not _shown(call, member, []).roles:
        raise NotFound(f"no member {name!r:.80}", mend="GET /api/v1/members lists them")
    if not manages(call, tuple(member.roles)):
        raise Refused(403, f"{name} has roles elsewhere too", mend="take the roles away that are yours", reason="role")
    # Keys are ended one by one, so that none comes to life again should somebody of that name be made anew.
    for key in list(store.find(ApiKey, {"member": name})):
        keys.revoke(store, key.id)
    store.write([replace(member, removed_ns=time.time_ns(), roles={})])
    call.state.keys.forget()
    return _shown(call, member, [])


def _shown(call: Call, member: Member, valid: list[str]) -> MemberShown:
    roles = {project: role for project, role in member.roles.items() if manages(call, (project,))}
    return MemberShown(member.name, roles, member.created_ns, valid.count(member.name))
