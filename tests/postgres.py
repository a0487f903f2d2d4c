"""A real PostgreSQL for tests: the machine's own initdb and pg_ctl, as an unprivileged user, in a temporary folder."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.server.port import hold

INSTALL = "PostgreSQL is not installed; run: apt-get install -y postgresql (or put initdb and pg_ctl on the PATH)"


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs. A missing one fails the test with the command that installs it."""
    for folder in (*sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True), None):
        found = shutil.which(name, path=folder)
        if found:
            return found
    raise RuntimeError(INSTALL)


def unprivileged() -> dict[str, int]:
    """Arguments of subprocess that leave root, which PostgreSQL refuses to run as."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid}
    raise RuntimeError("no unprivileged user 'postgres' or 'nobody' to run PostgreSQL as")


@contextmanager
def server() -> Iterator[str]:
    """A running server; yields the URL up to the database's name. fsync stays on: a commit is a commit."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    who = unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="slipway-postgres-", dir="/tmp"))
    held = hold("127.0.0.1")  # making the data takes a second, in which others look for free ports
    try:
        if who:
            os.chown(folder, who["user"], who["group"])
        data, port = folder / "data", held.getsockname()[1]
        calm = {"cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}, **who}
        _run([initdb, "-D", str(data), "-U", "slipway", "--auth=trust", "--encoding=UTF8", "--locale=C"], calm)
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c max_connections=200"
        _run([pg_ctl, "-D", str(data), "-w", "-t", "240", "-l", str(folder / "log"), "-o", options, "start"], calm)
        try:
            yield f"postgresql://slipway@127.0.0.1:{port}/"
        finally:
            _run([pg_ctl, "-D", str(data), "-m", "immediate", "-w", "stop"], calm)
    finally:
        held.close()
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str], options: dict[str, object]) -> None:
    # Output goes to a file, not a pipe: the server would inherit the pipe and keep it open.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)  # type: ignore[call-overload]
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{command[0]} failed:\n{output.read().decode(errors='replace')}")
