"""A dataset version belongs to each project that saved it: the key is the content's hash and the project."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

Position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COLUMNS = "position, id, name, size, rows_blob, created_ns, source, parent_id, slices, sealed, project, provenance"


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint("dataset_versions_key", "dataset_versions", type_="unique")
        op.create_unique_constraint("dataset_versions_key", "dataset_versions", ["id", "project"])
        return
    # SQLite changes no constraint; there are few versions, so the table is made again.
    op.drop_index("dataset_versions_name", "dataset_versions")
    op.rename_table("dataset_versions", "dataset_versions_before")
    op.create_table(
        "dataset_versions",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("id", Words, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("rows_blob", Words, nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("source", Words, nullable=False),
        sa.Column("parent_id", Words, nullable=True),
        sa.Column("slices", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("project", Words, nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id", "project", name="dataset_versions_key"),
    )
    op.create_index("dataset_versions_name", "dataset_versions", ["name"])
    op.execute(f"INSERT INTO dataset_versions ({COLUMNS}) SELECT {COLUMNS} FROM dataset_versions_before")
    op.drop_table("dataset_versions_before")
