"""Spans are indexed by run and session only where they have one: most have neither, and paid for two index entries each."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("run_id", "session_id"):
        present = sa.text(f"{name} IS NOT NULL")
        op.drop_index(f"spans_{name}", "spans")
        op.create_index(f"spans_{name}", "spans", [name], sqlite_where=present, postgresql_where=present)
