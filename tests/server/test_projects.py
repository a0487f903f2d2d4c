"""Projects that nobody made: spans name them, and who may see every project is told so."""

from __future__ import annotations

from slipway.data import Span
from slipway.server.keys import issue

AT = 1_790_000_000_000_000_000


def named(api, key=None):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    answer = api.client.get("/projects", headers=headers)
    assert answer.status_code == 200, answer.text
    return {project["name"]: (project["role"], project["created_ns"]) for project in answer.json()["projects"]}


def test_a_project_that_only_spans_name_is_listed_for_who_may_see_all(api):
    api.write(*(Span(f"{n:032x}", f"{n:016x}", "s", AT, project=f"only-{n}") for n in (1, 2)))
    assert named(api) == {"default": ("admin", None), "only-1": ("admin", None), "only-2": ("admin", None)}
    keys = {name: issue(api.served.store, member=name, role="viewer", projects=(name,))[1] for name in ("only-1", "*")}
    api.served.state.keys.forget()
    assert named(api, keys["*"]) == dict.fromkeys(("default", "only-1", "only-2"), ("viewer", None))
    assert named(api, keys["only-1"]) == {"only-1": ("viewer", None)}
