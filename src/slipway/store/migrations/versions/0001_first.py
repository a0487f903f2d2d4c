"""The first schema.

A migration is frozen: it says what a database looked like then, and never imports tables.py, which says what it looks like now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Words = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _blobs()
    _dataset_versions()
    _drops()
    _environments()
    _eval_runs()
    _feedback()
    _looks()
    _metric_names()
    _metric_runs()
    _prompts()
    _responses()
    _samples()
    _spans()
    _variants()
    _verdicts()
    _metric_last()
    _metric_points()


def _blobs() -> None:
    op.create_table(
        "blobs",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )


def _dataset_versions() -> None:
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
        sa.UniqueConstraint("id", name="dataset_versions_key"),
    )
    op.create_index("dataset_versions_name", "dataset_versions", ["name"])


def _drops() -> None:
    op.create_table(
        "drops",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("process", Words, nullable=False),
        sa.Column("where", Words, nullable=False),
        sa.Column("reason", Words, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("time_ns", sa.BigInteger(), nullable=False),
        sa.Column("project", Words, nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("process", "where", "reason", name="drops_key"),
    )


def _environments() -> None:
    op.create_table(
        "environments",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("id", Words, nullable=False),
        sa.Column("captured_ns", sa.BigInteger(), nullable=False),
        sa.Column("commit", Words, nullable=True),
        sa.Column("branch", Words, nullable=True),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("diff_blob", Words, nullable=True),
        sa.Column("repository", Words, nullable=True),
        sa.Column("packages", sa.Text(), nullable=False),
        sa.Column("lock_file", Words, nullable=True),
        sa.Column("lock_blob", Words, nullable=True),
        sa.Column("python", Words, nullable=False),
        sa.Column("platform", Words, nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("working_directory", Words, nullable=False),
        sa.Column("variables", sa.Text(), nullable=False),
        sa.Column("project", Words, nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id", name="environments_key"),
    )


def _eval_runs() -> None:
    op.create_table(
        "eval_runs",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("id", Words, nullable=False),
        sa.Column("experiment", Words, nullable=False),
        sa.Column("variant_id", Words, nullable=False),
        sa.Column("variant", Words, nullable=False),
        sa.Column("dataset_id", Words, nullable=False),
        sa.Column("started_ns", sa.BigInteger(), nullable=False),
        sa.Column("suite", Words, nullable=False),
        sa.Column("tier", Words, nullable=False),
        sa.Column("task", Words, nullable=False),
        sa.Column("project", Words, nullable=False),
        sa.Column("environment_id", Words, nullable=True),
        sa.Column("status", Words, nullable=False),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.Column("planned", sa.BigInteger(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("repeats", sa.BigInteger(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id", name="eval_runs_key"),
    )
    op.create_index("eval_runs_suite", "eval_runs", ["suite"])
    op.create_index("eval_runs_variant_id", "eval_runs", ["variant_id"])


def _feedback() -> None:
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
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id", name="feedback_key"),
    )
    op.create_index("feedback_trace_id", "feedback", ["trace_id"])


def _looks() -> None:
    op.create_table(
        "looks",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("suite", Words, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("who", Words, nullable=False),
        sa.Column("when_ns", sa.BigInteger(), nullable=False),
        sa.Column("variant_id", Words, nullable=False),
        sa.Column("why", Words, nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("project", Words, nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("suite", "number", name="looks_key"),
    )


def _metric_names() -> None:
    op.create_table(
        "metric_names",
        sa.Column("id", Position, autoincrement=True, nullable=False),
        sa.Column("project", Words, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("project", "name", name="metric_names_key"),
    )


def _metric_runs() -> None:
    op.create_table(
        "metric_runs",
        sa.Column("id", Position, autoincrement=True, nullable=False),
        sa.Column("run_id", Words, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run_id", name="metric_runs_key"),
    )


def _prompts() -> None:
    op.create_table(
        "prompts",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("id", Words, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("template", Words, nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("note", Words, nullable=False),
        sa.Column("project", Words, nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id", name="prompts_key"),
    )
    op.create_index("prompts_name", "prompts", ["name"])


def _responses() -> None:
    op.create_table(
        "responses",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("key", Words, nullable=False),
        sa.Column("source", Words, nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=True),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.Column("project", Words, nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("key", name="responses_key"),
    )


def _samples() -> None:
    op.create_table(
        "samples",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("run_id", Words, nullable=False),
        sa.Column("example_id", Words, nullable=False),
        sa.Column("repeat", sa.BigInteger(), nullable=False),
        sa.Column("status", Words, nullable=False),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("error", Words, nullable=True),
        sa.Column("scores", sa.Text(), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=True),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.Column("input_tokens", sa.BigInteger(), nullable=False),
        sa.Column("output_tokens", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("cached", sa.Boolean(), nullable=False),
        sa.Column("cluster", Words, nullable=True),
        sa.Column("slices", sa.Text(), nullable=False),
        sa.Column("example_hash", Words, nullable=False),
        sa.Column("trace_id", Words, nullable=True),
        sa.Column("finished_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("run_id", "example_id", "repeat", name="samples_key"),
    )


def _spans() -> None:
    op.create_table(
        "spans",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("trace_id", Words, nullable=False),
        sa.Column("span_id", Words, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("started_ns", sa.BigInteger(), nullable=False),
        sa.Column("duration_ns", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", Words, nullable=True),
        sa.Column("project", Words, nullable=False),
        sa.Column("kind", Words, nullable=False),
        sa.Column("status", Words, nullable=False),
        sa.Column("error", Words, nullable=True),
        sa.Column("first_token_ns", sa.BigInteger(), nullable=True),
        sa.Column("input", sa.Text(), nullable=True),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("links", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("scope", Words, nullable=False),
        sa.Column("session_id", Words, nullable=True),
        sa.Column("user_id", Words, nullable=True),
        sa.Column("run_id", Words, nullable=True),
        sa.Column("environment_id", Words, nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("trace_id", "span_id", name="spans_key"),
    )
    op.create_index("spans_run_id", "spans", ["run_id"])
    op.create_index("spans_session_id", "spans", ["session_id"])
    op.create_index("spans_started_ns", "spans", ["started_ns"])


def _variants() -> None:
    op.create_table(
        "variants",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("name", Words, nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("parent", Words, nullable=True),
        sa.Column("note", Words, nullable=False),
        sa.Column("task", Words, nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("project", Words, nullable=False),
        sa.Column("id", Words, nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id", name="variants_key"),
    )
    op.create_index("variants_name", "variants", ["name"])


def _verdicts() -> None:
    op.create_table(
        "verdicts",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("id", Words, nullable=False),
        sa.Column("run_a", Words, nullable=False),
        sa.Column("run_b", Words, nullable=False),
        sa.Column("metric", Words, nullable=False),
        sa.Column("verdict", Words, nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("slice", Words, nullable=False),
        sa.Column("project", Words, nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id", name="verdicts_key"),
    )
    op.create_index("verdicts_run_b", "verdicts", ["run_b"])


def _metric_last() -> None:
    op.create_table(
        "metric_last",
        sa.Column("name", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("time_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["name"],
            ["metric_names.id"],
        ),
        sa.ForeignKeyConstraint(
            ["run"],
            ["metric_runs.id"],
        ),
        sa.PrimaryKeyConstraint("name", "run"),
        sqlite_with_rowid=False,
    )


def _metric_points() -> None:
    op.create_table(
        "metric_points",
        sa.Column("position", Position, autoincrement=True, nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("time_ns", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["name"],
            ["metric_names.id"],
        ),
        sa.ForeignKeyConstraint(
            ["run"],
            ["metric_runs.id"],
        ),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("run", "name", "step", name="metric_points_key"),
    )
