"""mpv as the player: one that idles in the background, told what to do through its JSON socket.

It is started by the first thing that is to be played, is found again by a later process of the assistant, and plays on when the
assistant ends. `quit` ends it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from slipway_assistant.backends.player import PlayerError, Playing

SOCKET = "mpv.sock"
TIMEOUT_S = 5.0
START_S = 20.0
MOST_LINE = 4_000_000


class _Gone(PlayerError):
    """No mpv runs, or it ended meanwhile: then nothing plays."""


@contextmanager
def _broken_off() -> Iterator[None]:
    try:
        yield
    except (ConnectionError, EOFError):
        raise _Gone("nothing plays") from None
    except (OSError, ValueError, RecursionError, msgspec.DecodeError) as error:
        raise PlayerError(f"mpv does not answer: {error}", mend="end it") from None


class Mpv:
    """The mpv whose socket is in `folder`."""

    def __init__(self, folder: Path, *, program: str = "mpv") -> None:
        self._folder = folder
        self._program = program

    def play(self, files: Sequence[Path], *, shuffle: bool = False) -> None:
        """Replace the playlist and play it, starting mpv if it does not run."""
        deadline = time.monotonic() + START_S
        while True:
            try:
                return self._play(files, shuffle)
            except _Gone:
                # One that is just ending still takes connections; another is started as soon as it is gone.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def _play(self, files: Sequence[Path], shuffle: bool) -> None:
        with self._started() as ask:
            ask("set_property", "loop-file", "no")
            ask("set_property", "loop-playlist", "no")
            for at, file in enumerate(files):
                # An absolute path is never taken for an option or an address.
                ask("loadfile", str(file.absolute()), "append" if at else "replace")
            if shuffle:
                ask("playlist-shuffle")
                ask("playlist-play-index", 0)
            ask("set_property", "pause", False)

    def now(self) -> Playing | None:
        """What plays, by the file's tags."""
        with suppress(_Gone), self._playing(idle=True) as ask:
            path = ask("get_property", "path", default=None)
            if not isinstance(path, str):
                return None
            tags = ask("get_property", "metadata", default={})
            tags = {str(k).lower(): str(v) for k, v in tags.items()} if isinstance(tags, dict) else {}
            paused = ask("get_property", "pause", default=False) is True
            file = Path(path) if path.startswith("/") else None
            return Playing(file, tags.get("title", ""), tags.get("artist", ""), paused)
        return None

    def next(self) -> None:
        """The next one; after the last, mpv idles."""
        self._tell("playlist-next", "force")

    def previous(self) -> None:
        """The one before; at the first one, that from its beginning."""
        with self._playing() as ask:
            if ask("get_property", "playlist-pos", default=0) in (0, None):
                ask("seek", 0, "absolute")
            else:
                ask("playlist-prev")

    def pause(self) -> None:
        """Pause."""
        self._tell("set_property", "pause", True)

    def resume(self) -> None:
        """Go on."""
        self._tell("set_property", "pause", False)

    def shuffle(self) -> None:
        """mpv mixes its playlist; what plays goes on."""
        self._tell("playlist-shuffle")

    def repeat(self) -> None:
        """Repeat the one file."""
        self._tell("set_property", "loop-file", "inf")

    def volume(self) -> int | None:
        """mpv's own volume; None while it does not run."""
        with suppress(_Gone), self._playing(idle=True) as ask:
            said = ask("get_property", "volume", default=None)
            return round(said) if isinstance(said, int | float) else None
        return None

    def set_volume(self, level: int) -> None:
        """Set mpv's own volume."""
        with self._playing(idle=True) as ask:
            ask("set_property", "volume", level)

    def quit(self) -> None:
        """End mpv, if it runs, and wait until it has ended."""
        with suppress(PlayerError), self._playing(idle=True) as ask:
            ask("quit")
            ask.until_closed()

    def _tell(self, *command: Any) -> None:
        with self._playing() as ask:
            ask(*command)

    @contextmanager
    def _playing(self, *, idle: bool = False) -> Iterator[_Questions]:
        """The mpv that runs, and that plays something unless it may be idle."""
        line = self._connect()
        if line is None:
            raise _Gone("nothing plays")
        with line, _broken_off():
            ask = _Questions(line)
            if not idle and ask("get_property", "path", default=None) is None:
                raise PlayerError("nothing plays")
            yield ask

    @contextmanager
    def _started(self) -> Iterator[_Questions]:
        """The mpv that runs, or a new one."""
        line = self._connect()
        if line is None:
            self._start()
            line = self._connect()
        if line is None:
            raise PlayerError("mpv does not answer", mend=f"end it and remove {self._folder / SOCKET}")
        with line, _broken_off():
            yield _Questions(line)

    def _runs(self) -> bool:
        line = self._connect()
        if line is not None:
            line.close()
        return line is not None

    def _connect(self) -> socket.socket | None:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(TIMEOUT_S)
        held = -1
        try:
            # The address of a socket may have 107 bytes: a short way to the folder fits always.
            held = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            short = Path(f"/proc/self/fd/{held}")
            line.connect(str((short if short.exists() else self._folder) / SOCKET))
            return line
        except OSError:
            line.close()
            return None
        finally:
            if held >= 0:
                os.close(held)

    def _start(self) -> None:
        program = shutil.which(self._program)
        if program is None:
            raise PlayerError("mpv is missing", mend="run: apt-get install mpv")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / f"{SOCKET}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._runs():
                return
            (self._folder / SOCKET).unlink(missing_ok=True)
            process = subprocess.Popen(
                [program, "--idle=yes", "--no-video", "--no-terminal", "--ytdl=no", "--load-scripts=no",
                 "--audio-display=no", f"--input-ipc-server={SOCKET}"],
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
            # Somebody has to collect it when it ends, however long that takes.
            threading.Thread(target=process.wait, name="collects mpv", daemon=True).start()
            deadline = time.monotonic() + START_S
            while not self._runs():
                if process.poll() is not None:
                    raise PlayerError(f"mpv ended at once ({process.returncode})", mend="run mpv --idle to see why")
                if time.monotonic() > deadline:
                    raise PlayerError("mpv does not start")
                time.sleep(0.02)


class _Questions:
    """Commands over one connection. What mpv tells on its own account (events) is passed over."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._read = b""
        self._asked = 0

    def __call__(self, *command: Any, **default: Any) -> Any:
        self._asked += 1
        said = {"command": list(command), "request_id": self._asked}
        self._line.sendall(msgspec.json.encode(said) + b"\n")
        while True:
            answer = self._next()
            if answer.get("request_id") != self._asked or "error" not in answer:
                continue
            if answer["error"] == "success":
                return answer.get("data")
            if "default" in default:
                return default["default"]
            raise PlayerError(f"mpv refuses {command[0]}: {answer['error']}")

    def until_closed(self) -> None:
        """Read on until mpv hangs up."""
        with suppress(ConnectionError):
            while True:
                self._next()

    def _next(self) -> dict[str, Any]:
        while b"\n" not in self._read:
            more = self._line.recv(65536)
            if not more or len(self._read) > MOST_LINE:
                raise ConnectionError("mpv closed the connection")
            self._read += more
        line, _, self._read = self._read.partition(b"\n")
        # Tags may be in no known encoding; mpv passes such bytes on.
        said = msgspec.json.decode(line.decode("utf-8", "replace"))
        return said if isinstance(said, dict) else {}
