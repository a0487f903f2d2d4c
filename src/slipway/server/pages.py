"""Pages: how every list of the API is asked for and goes on.

A list answers ``next``, text without a meaning to the caller; given back as ``cursor`` it goes on behind the last item. It
stays valid while new records arrive: they do not move what was shown. None at the end.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from msgspec import Meta

from slipway.errors import DataError

if TYPE_CHECKING:
    from slipway.store.protocol import Store

R = TypeVar("R")
LARGEST = 2**63 - 1
Limit = Annotated[int, Meta(ge=1, le=200, description="How many to give at most.")]
Cursor = Annotated[str, Meta(max_length=2_000, description="`next` of the page before; nothing for the first page.")]
Nanoseconds = Annotated[int, Meta(ge=0, le=LARGEST)]
From = Annotated[Nanoseconds | None, Meta(description="Only what started then or later, in Unix nanoseconds.")]
To = Annotated[Nanoseconds | None, Meta(description="Only what started before then, in Unix nanoseconds.")]
Name = Annotated[str, Meta(max_length=1_000)]


def records(
    store: Store, kind: type[R], where: dict[str, Any], *, cursor: str, limit: int
) -> tuple[list[R], str | None]:
    """(records, next) of one page, newest first, in the order of arrival. Raises `DataError` for a cursor that is none."""
    names = ("position", *(field.name for field in fields(kind)))  # type: ignore[arg-type]
    after = place_of(cursor)
    found = list(store.columns(kind, names, where, newest_first=True, limit=limit + 1, after=after))
    page = found[:limit]
    return [kind(*row) for _, *row in page], cursor_at(page[-1][0]) if len(found) > limit else None


def cursor_at(place: int, phase: str = "") -> str:
    """The cursor that goes on behind ``place``."""
    return base64.urlsafe_b64encode(f"{phase}{place}".encode()).decode().rstrip("=")


def place_of(cursor: str, phase: str = "") -> int | None:
    """The place that `cursor_at` wrote; None for the first page. Raises `DataError` for anything else."""
    if not cursor:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        digits = text.removeprefix(phase)
        if text.startswith(phase) and digits.isascii() and digits.isdigit() and int(digits) <= LARGEST:
            return int(digits)
    except ValueError:
        text = ""
    raise DataError(f"{cursor!r:.80} is no cursor of this list", mend="give the `next` of the last page, or none")


def behind(names: Sequence[str], cursor: str, limit: int) -> tuple[Sequence[str], str | None]:
    """(names, next) of one page of sorted names; the cursor is the last name before it."""
    import bisect

    start = bisect.bisect_right(names, _name_of(cursor)) if cursor else 0
    page = names[start : start + limit]
    return page, _cursor_of(page[-1]) if start + limit < len(names) else None


def _cursor_of(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def _name_of(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("utf-8", "surrogatepass")
    except ValueError:
        raise DataError(f"{cursor!r:.80} is no cursor of this list", mend="give the `next` of the last page") from None
