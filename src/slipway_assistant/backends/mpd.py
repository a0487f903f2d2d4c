"""Music Player Daemon as the player, through python-mpd2. Its music folder has to be the assistant's `music-folder`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from slipway.errors import ConfigError, MissingExtra
from slipway_assistant.backends.player import PlayerError, Playing

TIMEOUT_S = 5.0
UPDATE_S = 6.0


class Mpd:
    """An MPD at `address`: "host:port", "password@host:port" or the path of its socket."""

    def __init__(self, address: str, *, music: Path) -> None:
        self._password, _, self._address = address.rpartition("@")
        self._music = music

    def play(self, files: Sequence[Path], *, shuffle: bool = False) -> None:
        """Replace the queue and play it."""
        with self._client() as client:
            names = [self._name(file) for file in files]
            self._know(client, names)
            client.clear()
            added = 0
            for name in names:
                with suppress(_commands()):  # one file that is gone since does not spoil the others
                    client.add(name)
                    added += 1
            if not added:
                raise PlayerError(
                    f"MPD at {self._address} knows none of these files",
                    mend=f"set MPD's music_directory to {self._music}",
                )
            client.repeat(0)
            client.single(0)
            client.random(0)
            if shuffle:
                client.shuffle()
            client.play(0)

    def now(self) -> Playing | None:
        """The current song, by MPD's own tags."""
        with self._client() as client:
            state = client.status().get("state")
            song = client.currentsong()
            if state == "stop" or not song:
                return None
            file = str(song.get("file", ""))
            return Playing(
                None if "://" in file else self._music / file,
                _one(song.get("title")),
                _one(song.get("artist")),
                state == "pause",
            )

    def next(self) -> None:
        """The next one in the queue."""
        self._if_any("next")

    def previous(self) -> None:
        """The one before in the queue."""
        self._if_any("previous")

    def pause(self) -> None:
        """Pause."""
        with self._client() as client:
            if client.status().get("state") == "stop":
                raise PlayerError("nothing plays")
            client.pause(1)

    def resume(self) -> None:
        """Go on; what was stopped begins again."""
        with self._client() as client:
            status = client.status()
            if status.get("playlistlength", "0") == "0":
                raise PlayerError("nothing plays")
            if status.get("state") == "stop":
                client.play()
            else:
                client.pause(0)

    def shuffle(self) -> None:
        """MPD mixes its queue; what plays goes on."""
        with self._client() as client:
            client.shuffle()

    def repeat(self) -> None:
        """Repeat the one song."""
        with self._client() as client:
            client.repeat(1)
            client.single(1)

    def volume(self) -> int | None:
        """None while MPD has no mixer."""
        with self._client() as client:
            said = client.status().get("volume")
            return int(said) if said is not None and int(said) >= 0 else None

    def set_volume(self, level: int) -> None:
        """Set MPD's mixer."""
        with self._client() as client:
            client.setvol(level)

    def _if_any(self, command: str) -> None:
        with self._client() as client:
            if client.status().get("state") == "stop":
                raise PlayerError("nothing plays")
            getattr(client, command)()

    def _name(self, file: Path) -> str:
        """The file as MPD names it: below its music folder."""
        with suppress(ValueError):
            return file.relative_to(self._music).as_posix()
        return file.as_posix()

    def _know(self, client: Any, names: Sequence[str]) -> None:
        """See that MPD's database has the files: one that was copied there a minute ago is not in it yet."""
        if not names or client.find("file", names[0]):
            return
        client.update()
        deadline = time.monotonic() + UPDATE_S
        while "updating_db" in client.status() and time.monotonic() < deadline:
            time.sleep(0.02)

    @contextmanager
    def _client(self) -> Iterator[Any]:
        try:
            import mpd  # type: ignore[import-untyped]
        except ImportError:
            raise MissingExtra.named("assistant", "python-mpd2") from None
        client = mpd.MPDClient()
        client.timeout = TIMEOUT_S
        try:
            if self._address.startswith("/"):
                client.connect(self._address)
            else:
                client.connect(*self._host_and_port())
            if self._password:
                client.password(self._password)
            yield client
        except (mpd.MPDError, OSError, UnicodeError) as error:
            raise PlayerError(
                f"MPD at {self._address}: {error or type(error).__name__}",
                mend="start it, and set mpd = 'host:port' in assistant.toml",
            ) from None
        finally:
            with suppress(mpd.MPDError, OSError):
                client.disconnect()

    def _host_and_port(self) -> tuple[str, int]:
        host, _, port = self._address.rpartition(":")
        if not port.isdecimal():
            host, port = self._address, "6600"
        if not 0 < int(port) < 65536:
            raise ConfigError(f"mpd = {self._address!r} has no such port", mend="write it as host:6600")
        return host.strip("[]") or "127.0.0.1", int(port)


def _commands() -> type[Exception]:
    import mpd

    kind: type[Exception] = mpd.CommandError
    return kind


def _one(value: Any) -> str:
    """A tag that is there twice comes as a list."""
    return str(value[0] if isinstance(value, list) and value else value or "")
