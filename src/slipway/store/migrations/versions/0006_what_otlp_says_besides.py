"""What OpenTelemetry says of spans and log records beside what has a column: one more, mostly NULL, added in an instant."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    for table in ("spans", "logs"):
        op.add_column(table, sa.Column("otlp", sa.Text(), nullable=True))
