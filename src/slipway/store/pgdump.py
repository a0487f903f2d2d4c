"""PostgreSQL's own programs: pg_dump for a backup, pg_restore for putting it back in one transaction."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import StoreError, UsageError
from slipway.store import files, migrate

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

DUMP = "store.pgdump"
DERIVED = ("span_facts", "span_text", "traces", "rollups", "derived_state")
"""Tables that are saved empty: what is in them is made again from the rows."""


def dump(url: str, out: Path) -> tuple[str, str]:
    """Save the database into the new file ``out``; (schema, what is missing and how to save it by hand). Others may write
    meanwhile: it is one moment of the database. Raises `StoreError`."""
    schema = _schema(url)
    address, arguments = (
        _address(url),
        ["--format=custom", "--no-owner", *(f"--exclude-table-data={t}" for t in DERIVED)],
    )
    program = shutil.which("pg_dump")
    if program is None:
        by_hand = f"pg_dump {' '.join(arguments)} --file {DUMP} {_shown(address)}"
        return schema or "", f"the database; run on a machine with PostgreSQL's programs: {by_hand}"
    os.close(files.open_own(out))
    _run([program, *arguments, "--file", str(out), _shown(address)], address)
    return schema or "", ""


def restore(url: str, source: Path) -> str:
    """Put a dump into the database at ``url``, which must have no store: all of it or nothing. What is still to be run by hand,
    where pg_restore is not installed. Raises `UsageError` and `StoreError`."""
    if _schema(url) is not None:
        raise UsageError(f"there is a store in {_hidden(url)} already", mend="name an empty database: --store URL")
    address, arguments = _address(url), ["--no-owner", "--single-transaction", "--exit-on-error"]
    program = shutil.which("pg_restore")
    if program is None:
        return f"pg_restore {' '.join(arguments)} --dbname {_shown(address)} {source}"
    _run([program, *arguments, "--dbname", _shown(address), str(source)], address)
    return ""


def _schema(url: str) -> str | None:
    from slipway.store.postgresql import PostgresqlBackend

    backend = PostgresqlBackend(url)
    return migrate.current(backend.engine(), backend)


def _run(command: list[str], address: URL) -> None:
    # The password goes by the environment, since everybody sees arguments.
    environ = {**os.environ, **({"PGPASSWORD": address.password} if address.password else {})}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        name = Path(command[0]).name
        raise StoreError(
            f"{name} failed: {done.stderr.strip()[:500]}", mend=f"run it by hand: {' '.join([name, *command[1:]])}"
        )


def _address(url: str) -> URL:
    from sqlalchemy.engine import make_url

    return make_url(url).set(drivername="postgresql")


def _shown(address: URL) -> str:
    """Without its password, which ``set`` cannot take away."""
    return address._replace(password=None).render_as_string(hide_password=False)


def _hidden(url: str) -> str:
    return _address(url).render_as_string(hide_password=True)
