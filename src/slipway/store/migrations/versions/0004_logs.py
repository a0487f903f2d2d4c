"""Log records, as they come over OTLP: by the trace they belong to, and by time."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "logs",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("id", Words, nullable=False),
        sa.Column("time_ns", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("event", Words, nullable=False),
        sa.Column("severity", sa.BigInteger(), nullable=False),
        sa.Column("severity_text", Words, nullable=False),
        sa.Column("trace_id", Words, nullable=True),
        sa.Column("span_id", Words, nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("scope", Words, nullable=False),
        sa.Column("project", Words, nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id", name="logs_key"),
    )
    present = sa.text("trace_id IS NOT NULL")
    op.create_index("logs_trace_id", "logs", ["trace_id"], sqlite_where=present, postgresql_where=present)
    op.create_index("logs_time_ns", "logs", ["time_ns"])
