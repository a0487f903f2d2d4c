"""Somebody who asks the assistant's skills for things, at a time that a test moves."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from slipway_assistant.settings import Settings
from slipway_assistant.skill import Answer, Context, run

PARIS = ZoneInfo("Europe/Paris")


class Person:
    """Somebody who asks for things; `now` is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = datetime(2026, 11, 21, 10, 0, tzinfo=PARIS)  # a Saturday
        self.settings = Settings(timezone="Europe/Paris")

    def asks(
        self, name: str, heard: str = "", /, *, lang: str = "en", confirmed: bool = False, **arguments: Any
    ) -> Answer:
        """The answer to a call, as the assistant would make it."""
        ctx = Context(lang, self.now, self.settings, self.folder, confirmed=confirmed, heard=heard)
        # A disk may stall for longer than a person would wait.
        return run({"name": name, "arguments": arguments}, ctx, timeout_s=600)

    def later(self, **amount: float) -> None:
        """Time goes by."""
        self.now = (self.now.astimezone(ZoneInfo("UTC")) + timedelta(**amount)).astimezone(PARIS)
