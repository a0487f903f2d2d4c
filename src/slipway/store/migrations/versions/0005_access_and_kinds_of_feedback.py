"""Projects, members, keys and their last use; feedback says what kind of value it has."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _kinds_of_feedback()
    op.create_table(
        "projects",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("note", Words, nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("name", name="projects_key"),
    )
    op.create_table(
        "members",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("removed_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("name", name="members_key"),
    )
    op.create_table(
        "api_keys",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("id", Words, nullable=False),
        sa.Column("digest", Words, nullable=False),
        sa.Column("member", Words, nullable=False),
        sa.Column("role", Words, nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("projects", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("note", Words, nullable=False),
        sa.Column("created_by", Words, nullable=False),
        sa.Column("expires_ns", sa.BigInteger(), nullable=True),
        sa.Column("revoked_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id", name="api_keys_key"),
    )
    op.create_table(
        "key_uses",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("key_id", Words, nullable=False),
        sa.Column("used_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("key_id", name="key_uses_key"),
    )


def _kinds_of_feedback() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.add_column("feedback", sa.Column("kind", Words, nullable=False, server_default=""))
        op.alter_column("feedback", "kind", server_default=None)
        return
    # SQLite adds a NOT NULL column only with a default that stays; feedback is small, so the table is made again.
    op.drop_index("feedback_trace_id", "feedback")
    op.rename_table("feedback", "feedback_before")
    op.create_table(
        "feedback",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("id", Words, nullable=False),
        sa.Column("trace_id", Words, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("who", Words, nullable=False),
        sa.Column("comment", Words, nullable=False),
        sa.Column("span_id", Words, nullable=True),
        sa.Column("project", Words, nullable=False),
        sa.Column("kind", Words, nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id", name="feedback_key"),
    )
    op.create_index("feedback_trace_id", "feedback", ["trace_id"])
    columns = "position, id, trace_id, name, value, created_ns, who, comment, span_id, project"
    op.execute(f"INSERT INTO feedback ({columns}, kind) SELECT {columns}, '' FROM feedback_before")
    op.drop_table("feedback_before")
