"""Migrate: bring a database to the schema that this code knows, or refuse one that is newer.

An up-to-date database is recognised without importing Alembic. A new one is made from tables.py in one transaction and stamped
with `HEAD`; a test proves that migrating from every revision ends at the same schema.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from slipway.store.backend import Backend

HEAD = "0007"
SCRIPTS = Path(__file__).parent / "migrations"


def revisions() -> list[str]:
    """The revisions that this code knows, oldest first."""
    return sorted(path.name.split("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*.py"))


def current(engine: Engine, backend: Backend) -> str | None:
    """The database's revision; None when it has no schema. Raises `StoreError` when it cannot be read or is newer."""
    from sqlalchemy.exc import DBAPIError

    try:
        with engine.connect() as connection:
            return _revision(connection)
    except DBAPIError as error:
        raise backend.explain(error) from error


def _revision(connection: Connection) -> str | None:
    from sqlalchemy import inspect, select

    from slipway.store.tables import tables, version

    inspector = inspect(connection)
    if not inspector.has_table(version.name):
        made = any(inspector.has_table(table.name) for table in tables.values())
        # Asked again: another process may have made them all in one transaction between the two questions.
        if made and not inspect(connection).has_table(version.name):
            raise StoreError("the database has Slipway's tables and no revision", mend="restore it from a backup")
        if not made:
            return None
    found = list(connection.execute(select(version.c.version_num)).scalars())
    if found == [HEAD]:
        return HEAD
    known = revisions()
    if len(found) != 1 or found[0] not in known:
        raise StoreError(
            f"the database has schema {', '.join(found) or 'unknown'}; this Slipway knows up to {HEAD}",
            mend="upgrade Slipway (pip install -U slipway); nothing was changed",
        )
    return str(found[0])


def upgrade(engine: Engine, backend: Backend) -> None:
    """Bring the database to `HEAD`, in one transaction. The caller holds a lock against other processes."""
    from sqlalchemy.exc import DBAPIError

    try:
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            backend.begin(driver.cursor())
            try:
                found = _revision(connection)
                if found is None:
                    _create(connection)
                elif found != HEAD:
                    run(connection, HEAD)
            except BaseException:
                driver.rollback()
                raise
            driver.commit()
    except DBAPIError as error:
        raise backend.explain(error) from error


def _create(connection: Connection) -> None:
    from slipway.store.tables import metadata, version

    metadata.create_all(connection)
    connection.execute(version.insert().values(version_num=HEAD))


def run(connection: Connection, target: str) -> None:
    """Run the migrations up to ``target`` on a connection that has begun a transaction."""
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(SCRIPTS))

    def steps(revision: Any, _: Any) -> Any:
        return script._upgrade_revs(target, revision)

    from alembic.config import Config

    with EnvironmentContext(Config(), script, fn=steps, destination_rev=target) as environment:
        environment.configure(connection=connection, transactional_ddl=False)
        environment.run_migrations()
