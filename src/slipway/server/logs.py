"""Logs: one JSON object a line on standard error, or a line for people when that is a terminal.

    {"time": "...Z", "level": "info", "event": "request", "request": "9f3c...", "method": "POST", "route": "/v1/traces",
     "status": 200, "ms": 4.1}

No key, query, address of a client or body is ever logged; what an unexpected error says goes here with its traceback, and
nowhere else. Lines are written by a thread, and dropped and counted when nobody reads them: a full pipe must not stop the server.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time
import traceback
from contextlib import suppress
from contextvars import ContextVar
from typing import IO, Any

import msgspec

from slipway.errors import ConfigError, NotFound
from slipway.server.keys import FORM

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
WAITING = 10_000  # lines
request_id: ContextVar[str] = ContextVar("request_id", default="")
_encode = msgspec.json.Encoder().encode


class Lines(logging.Handler):
    """Writes records to ``stream`` from a thread of its own. `dropped` counts those that nobody took in time."""

    def __init__(self, stream: IO[str], *, people: bool) -> None:
        super().__init__()
        self.dropped = 0
        self._stream, self._people = stream, people
        self._waiting: queue.Queue[str | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="slipway-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue it."""
        try:
            fields = described(record)
            self._waiting.put_nowait(for_people(fields) if self._people else _encode(fields).decode())
        except queue.Full:
            self.dropped += 1
        except Exception:  # a log line that cannot be made must not break what it tells of
            self.dropped += 1

    def finish(self, seconds: float = 1.0) -> None:
        """Write what waits, for at most that long."""
        with suppress(queue.Full):
            self._waiting.put(None, timeout=seconds)
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            line = self._waiting.get()
            if line is None:
                return
            try:
                self._stream.write(f"{line}\n")
                self._stream.flush()
            except (OSError, ValueError):  # its reader is gone
                self.dropped += 1


def described(record: logging.LogRecord) -> dict[str, Any]:
    """A record as the fields of its line."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    fields: dict[str, Any] = {
        "time": f"{moment}.{int(record.msecs):03d}Z",
        "level": record.levelname.lower(),
        "event": record.getMessage(),
    }
    told: dict[str, Any] | None = getattr(record, "fields", None)
    if told is not None:
        return fields | told
    if request := request_id.get():
        fields["request"] = request
    fields["event"] = without_keys(fields["event"])
    if record.exc_info and record.exc_info[1] is not None:
        fields["traceback"] = without_keys("".join(traceback.format_exception(record.exc_info[1])))
    return fields


def for_people(fields: dict[str, Any]) -> str:
    """The same on a terminal."""
    said = f"{fields['time'][11:19]} {fields['level']:<7} {fields['event']}"
    rest = " ".join(
        f"{name}={value}" for name, value in fields.items() if name not in ("time", "level", "event", "traceback")
    )
    plain = "".join(character if character.isprintable() else "?" for character in f"{said} {rest}".rstrip())
    return f"{plain}\n{fields['traceback']}" if "traceback" in fields else plain


def without_keys(text: str) -> str:
    """``text`` with every key in it blotted out."""
    return FORM.sub("slw_***", text)


def begin(level: str, stream: IO[str] | None = None) -> Lines:
    """Write what Slipway logs from ``level`` on. Raises `ConfigError` for a level that is none."""
    if level not in LEVELS:
        raise ConfigError(f"server.log-level: {NotFound.among('level', level, LEVELS)}")
    stream = stream or sys.stderr
    lines = Lines(stream, people=stream.isatty())
    logger = logging.getLogger("slipway")
    logger.addHandler(lines)
    logger.setLevel(LEVELS[level])
    logger.propagate = False
    return lines


def end(lines: Lines) -> None:
    """Write what waits, and log as before `begin`."""
    logger = logging.getLogger("slipway")
    logger.removeHandler(lines)
    logger.setLevel(logging.NOTSET)
    logger.propagate = True
    lines.finish()
