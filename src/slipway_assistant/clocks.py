"""Timers, alarms and reminders on disk: what rings when. One SQLite file, so that they outlive the program.

Start in `Clocks`. Times are seconds since 1970 (UTC). ringing.py rings them; the skills set and change them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from slipway_assistant.kept import opened

Kind = Literal["timer", "alarm", "reminder"]
WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_COLUMNS = "id, kind, name, rings_s, left_s, total_s, rule, zone, lang, state"
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, rings_s REAL NOT NULL, "
    "left_s REAL NOT NULL, total_s REAL NOT NULL, rule TEXT NOT NULL, zone TEXT NOT NULL, lang TEXT NOT NULL, "
    "state TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS clock_due ON clock (state, rings_s)",
)


@dataclass(frozen=True, slots=True)
class Clock:
    """One timer, alarm or reminder.

    `rings_s`: when it rings next. `left_s`: of a paused timer, what is left. `rule`: a recurrence, as in iCalendar. `state`:
    "set" (will ring), "paused", "ringing" (somebody is being told), "rang" (told; it may be snoozed).
    """

    kind: Kind
    name: str
    rings_s: float
    left_s: float = 0.0
    total_s: float = 0.0
    rule: str = ""
    zone: str = "UTC"
    lang: str = "en"
    state: str = "set"
    id: int = 0

    def at(self, zone: tzinfo | None = None) -> datetime:
        """When it rings, in a zone (its own by default)."""
        return datetime.fromtimestamp(self.rings_s, zone or ZoneInfo(self.zone))

    def again(self, after_s: float) -> Clock | None:
        """The same clock at its next time after `after_s`, or None when it rings once only."""
        if not self.rule:
            return None
        parts = dict(part.split("=", 1) for part in self.rule.split(";") if "=" in part)
        wall = self.at().replace(tzinfo=None)
        # Where daylight saving skips half past two, it rang at half past three: only then.
        wall = wall.replace(hour=int(parts.get("BYHOUR", wall.hour)), minute=int(parts.get("BYMINUTE", wall.minute)))
        for step in range(1, 4_000):
            day = _on(wall, parts, step)
            if day is None:
                continue
            # Always from the wall clock: an alarm for seven rings at seven in summer and in winter.
            rings = day.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC).timestamp()
            if rings > after_s:
                return replace(self, rings_s=rings, state="set")
        return None


def _on(wall: datetime, parts: Mapping[str, str], step: int) -> datetime | None:
    """The wall clock `step` days (or months, years) on, where the rule has one there."""
    every = int(parts.get("INTERVAL", "1"))
    if parts.get("FREQ") in ("MONTHLY", "YEARLY"):
        months = wall.month - 1 + step * every * (12 if parts["FREQ"] == "YEARLY" else 1)
        try:
            return wall.replace(year=wall.year + months // 12, month=months % 12 + 1)
        except ValueError:  # there is no 31st of April
            return None
    day = wall + timedelta(days=step)
    if parts.get("FREQ") == "WEEKLY":
        named = parts.get("BYDAY", WEEK[wall.weekday()]).split(",")
        weeks = (day.date() - wall.date() + timedelta(days=wall.weekday())).days // 7
        return day if WEEK[day.weekday()] in named and weeks % every == 0 else None
    return day if step % every == 0 else None


class Clocks:
    """What rings, in the file `clocks.db` of a folder: durable, for several threads and processes at once.

    Each call opens the file anew: they are few, and a connection belongs to the thread that made it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "clocks.db"

    def add(self, clock: Clock) -> Clock:
        """Keep a clock; it gets its id."""
        values = (
            clock.kind,
            clock.name,
            clock.rings_s,
            clock.left_s,
            clock.total_s,
            clock.rule,
            clock.zone,
            clock.lang,
        )
        with self._open() as sql:
            made = sql.execute(
                f"INSERT INTO clock ({_COLUMNS}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*values, clock.state)
            )
            return replace(clock, id=made.lastrowid or 0)

    def put(self, clock: Clock, *, was: str | None = None) -> bool:
        """Keep a change. `was`: only if the state is still that one, which tells one of two programs that it was first."""
        change = "UPDATE clock SET name = ?, rings_s = ?, left_s = ?, total_s = ?, state = ? WHERE id = ?"
        values: tuple[object, ...] = (clock.name, clock.rings_s, clock.left_s, clock.total_s, clock.state, clock.id)
        if was is not None:
            change, values = change + " AND state = ?", (*values, was)
        with self._open() as sql:
            return sql.execute(change, values).rowcount > 0

    def remove(self, *clocks: Clock) -> int:
        """Take clocks away; how many there were."""
        with self._open() as sql:
            return sum(sql.execute("DELETE FROM clock WHERE id = ?", (clock.id,)).rowcount for clock in clocks)

    def all(self, kind: Kind | None = None, *states: str) -> list[Clock]:
        """The clocks of a kind in some states ("set" and "paused" if none is named), the next to ring first."""
        if not self.path.exists():
            return []
        states = states or ("set", "paused")
        marks = ",".join("?" * len(states))
        with self._open() as sql:
            rows = sql.execute(
                f"SELECT {_COLUMNS} FROM clock WHERE state IN ({marks}) AND (kind = ? OR ? IS NULL) ORDER BY rings_s, id",
                (*states, kind, kind),
            ).fetchall()
        return [Clock(id=row[0], **dict(zip(_COLUMNS.split(", ")[1:], row[1:], strict=True))) for row in rows]

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return opened(self.path, *_SCHEMA)
