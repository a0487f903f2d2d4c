"""The calendar: one iCalendar file that any calendar program can read, changed as a whole or not at all.

Start in `Diary`. Recurrences are worked out by recurring-ical-events, time zones are written into the file.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, MissingExtra, StoreError

if TYPE_CHECKING:
    from icalendar import Calendar

CLOCK = "X-SLIPWAY-CLOCK"
FAR = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Entry:
    """One appointment at one time. `whole_day`: no hour was said; `repeats`: it is one of a series."""

    uid: str
    title: str
    at: datetime
    until: datetime
    whole_day: bool = False
    repeats: bool = False
    clock: int = 0


class Diary:
    """The entries of `calendar.ics` in a folder, seen from a time zone."""

    def __init__(self, folder: Path, zone: tzinfo | None) -> None:
        self.path = folder / "calendar.ics"
        self.zone = zone or UTC

    def between(self, first: datetime, last: datetime) -> list[Entry]:
        """What takes place from `first` until before `last`, earliest first."""
        _icalendar()
        import recurring_ical_events  # type: ignore[import-untyped]

        calendar = self._read()
        series = {str(event.get("UID")) for event in calendar.walk("VEVENT") if "RRULE" in event}
        found = recurring_ical_events.of(calendar, skip_bad_series=True).between(first, last)
        return sorted((self._entry(event, series) for event in found), key=lambda entry: entry.at.timestamp())

    def add(
        self, title: str, at: datetime, until: datetime, *, whole_day: bool = False, rule: str = "", clock: int = 0
    ) -> Entry:
        """Write an appointment. `clock` is the reminder that rings for it."""
        event = _icalendar().Event.new(
            summary=title,
            start=at.date() if whole_day else at,
            end=until.date() if whole_day else until,
            uid=str(uuid.uuid4()),
            stamp=datetime.now(UTC),
        )
        if rule:
            event.add("rrule", _icalendar().vRecur.from_ical(rule))
        if clock:
            event.add(CLOCK, str(clock))
        with self._change() as calendar:
            calendar.add_component(event)
        return Entry(str(event["UID"]), title, at, until, whole_day, bool(rule), clock)

    def remove(self, entries: Sequence[Entry], *, series: bool) -> None:
        """Take entries out: whole series with `series`, else only those days of them."""
        by_uid: dict[str, list[Entry]] = {}
        for entry in entries:
            by_uid.setdefault(entry.uid, []).append(entry)
        with self._change() as calendar:
            for event in list(calendar.walk("VEVENT")):
                gone = by_uid.get(str(event.get("UID")))
                if not gone:
                    continue
                if series or "RRULE" not in event:
                    calendar.subcomponents.remove(event)
                    continue
                for entry in gone:
                    event.add("exdate", entry.at.date() if entry.whole_day else entry.at)

    def _entry(self, event: Any, series: set[str]) -> Entry:
        start = event["DTSTART"].dt
        end = event["DTEND"].dt if "DTEND" in event else start
        whole_day = not isinstance(start, datetime)
        uid = str(event.get("UID", ""))
        clock = str(event.get(CLOCK, "0"))
        return Entry(
            uid,
            str(event.get("SUMMARY", "")),
            self._aware(start),
            self._aware(end),
            whole_day,
            uid in series,
            int(clock) if clock.isdecimal() else 0,
        )

    def _aware(self, moment: date) -> datetime:
        if not isinstance(moment, datetime):
            return datetime.combine(moment, time(), tzinfo=self.zone)
        return moment.astimezone(self.zone) if moment.tzinfo else moment.replace(tzinfo=self.zone)

    def _read(self) -> Calendar:
        kind: type[Calendar] = _icalendar().Calendar
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return kind.new(prodid="-//Slipway//Assistant//EN", version="2.0")
        except OSError as error:
            raise StoreError(f"{self.path}: {error}", mend="let this user read it") from None
        try:
            return kind.from_ical(raw)
        except (ValueError, IndexError, KeyError) as error:
            raise DataError(f"{self.path} is no iCalendar file: {error}", mend="correct it or move it away") from None

    @contextmanager
    def _change(self) -> Iterator[Calendar]:
        """The calendar, written when the block ends well: beside, then renamed, one program at a time."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(self.path.parent / ".calendar.lock", "w", opener=_private) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                calendar = self._read()
                yield calendar
                calendar.add_missing_timezones()
                self._write(calendar.to_ical())
        except OSError as error:
            raise StoreError(f"{self.path}: {error}", mend="free the disk, or let this user write there") from error

    def _write(self, raw: bytes) -> None:
        handle, beside = tempfile.mkstemp(prefix=".calendar-", dir=self.path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _icalendar() -> Any:
    try:
        import icalendar
        import recurring_ical_events as _  # noqa: F401
    except ImportError as missing:
        raise MissingExtra.named("assistant", missing.name or "icalendar") from None
    return icalendar
