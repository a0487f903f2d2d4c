"""What a request becomes: records to store (spans as rows already), and how many were rejected for which of a few reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

LAST_NS = (1 << 63) - 1
LONGEST_ID = 512  # characters of a session, user or run: PostgreSQL's index takes 2,704 bytes

# Few and fixed, since each is a row of the store for each start of the server.
MALFORMED_ID = "a trace or span id is malformed or all zeros"
MALFORMED = "a value is malformed"
TOO_DEEP = "nested too deep"
NO_TIME = "no time"
TOO_MANY_SERIES = "too many metric names (server.max-series)"
REFUSED = "the store cannot keep it"


def moment(value: Any) -> int:
    """Unix time in nanoseconds as a column takes it."""
    number = int(value or 0)
    return 0 if number < 0 else LAST_NS if number > LAST_NS else number


def reason(error: Exception) -> str:
    """Why a record was rejected, by what its conversion raised."""
    if isinstance(error, Malformed):
        return str(error)
    return TOO_DEEP if isinstance(error, RecursionError) else MALFORMED


class Malformed(ValueError):
    """One record cannot be kept; the message is one of the reasons above."""


@dataclass(slots=True)
class Batch:
    """Records of one request. ``project`` maps the attributes of a resource to the project of what came from it."""

    project: Callable[[Mapping[str, Any]], str]
    records: list[Any] = field(default_factory=list)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    _counted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def reject(self, why: Exception | str, project: str, count: int = 1) -> None:
        """``count`` records of ``project`` are not kept."""
        self.rejected[project, why if isinstance(why, str) else reason(why)] += count

    def uncounted(self) -> Counter[tuple[str, str]]:
        """By (project, reason): what was rejected since this was asked last."""
        fresh = self.rejected - self._counted
        self._counted = self.rejected.copy()
        return fresh

    def why(self) -> str:
        """The reasons in words."""
        return "; ".join(f"{count} rejected: {reason}" for (_, reason), count in self.rejected.items())
