"""One call of the command line: its settings, its store, and where its output goes."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from slipway.config import Config
    from slipway.evals.suites import Suite
    from slipway.store.protocol import Store


class Invocation:
    """What a command is given: ``config``, ``store``, ``emit`` for the result, ``note`` for everything else.

    Standard output carries the result and nothing else: one JSON document with ``--json``, a rendering otherwise. Notes and
    progress go to standard error.
    """

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.debug = False
        self.emitted = False
        self.overrides: dict[str, Any] = {}
        self._closing = ExitStack()

    def adopt(self, *, json: bool, debug: bool, data: str | None, store: str | None, project: str | None) -> None:
        """Take over the options that every command has."""
        self.json, self.debug = json, debug
        # A folder typed by a person is meant from where they stand, not from where slipway.toml lies.
        self.overrides = {
            "data": str(Path(data).absolute()) if data else None,
            "store": store,
            "project": project,
        }

    @cached_property
    def config(self) -> Config:
        """The settings in force. Raises `ConfigError`."""
        from slipway.config import load

        return load(**self.overrides)

    @cached_property
    def store(self) -> Store:
        """The store, opened (and made, if it was not there) at first use and closed with the invocation."""
        from slipway.store import open_store

        store = open_store(self.config.store_url)
        self._closing.callback(store.close)
        return store

    def gather(self) -> int:
        """Store what ended programs left in the spool, so that it is seen; how many records. A live program stores its own."""
        from slipway.store.payloads import Keeping
        from slipway.track import ship_folder

        if getattr(self.store, "read_only", ""):
            return 0  # it stays in the spool for whoever may write
        return ship_folder(self.config.data_folder / "spool", Keeping(self.store).write)

    def forward(self) -> int:
        """Send what ended programs left for the server in ``endpoint``, and ask whether it would take more; how many records
        went. Raises `ConfigError`, and `InfrastructureError` when it takes nothing."""
        from slipway.track import ship_folder
        from slipway.track.remote import Remote

        remote = Remote(self.config)
        try:
            remote.check()
            return ship_folder(self.config.data_folder / "spool" / remote.endpoint.folder, remote.write)
        finally:
            remote.close()

    def suite(self, name: str) -> Suite:
        """The suite of that name. Raises `NotFound`, naming the nearest one."""
        from slipway.evals.suites import find_suite

        found = find_suite(name, self.config)
        assert found is not None
        return found

    @property
    def project(self) -> str:
        """The project in force."""
        return self.config.project

    @cached_property
    def out(self) -> Console:
        """Standard output as a rich console; plain when it is not a terminal or NO_COLOR is set."""
        return console(sys.stdout)

    @cached_property
    def err(self) -> Console:
        """Standard error as a rich console."""
        return console(sys.stderr)

    def emit(self, payload: Any, render: Callable[[Console], None]) -> None:
        """The result: ``payload`` as JSON with ``--json``, else what ``render`` draws."""
        if self.json:
            self.print_json(payload)
        else:
            render(self.out)
        self.emitted = True

    def print_json(self, payload: Any) -> None:
        """One JSON document on standard output."""
        import msgspec

        from slipway.data import plain

        sys.stdout.write(msgspec.json.format(msgspec.json.encode(plain(payload)), indent=2).decode() + "\n")
        self.emitted = True

    def note(self, text: str) -> None:
        """A sentence for the person, on standard error."""
        from slipway.data.text import clean

        print(clean(text), file=sys.stderr)  # noqa: T201

    def close(self) -> None:
        """Release what was opened."""
        self._closing.close()


class _Trimmed(io.TextIOBase):
    """A stream without spaces at the ends of lines: rich fills the last column up."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(re.sub(r"[ \t]+(?=\n)", "", text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()


def console(stream: TextIO) -> Console:
    """A console that never interprets markup in data; where there is no terminal to ask, 120 columns unless COLUMNS says."""
    from rich.console import Console

    plain = not stream.isatty()
    width = int(os.environ["COLUMNS"]) if os.environ.get("COLUMNS", "").isdigit() else 120 if plain else None
    file: Any = _Trimmed(stream) if plain else stream
    # rich keeps bold under NO_COLOR (no-color.org speaks of colour only); whoever sets it wants plain text.
    colours: Any = None if os.environ.get("NO_COLOR") else "auto"
    return Console(file=file, width=width, color_system=colours, markup=False, highlight=False, emoji=False)
