"""What each run used, the sums of a day, and the windows of rate limits."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

RUNNING = """
INSERT INTO receipts
    (run_id, owner, provider, model, begun, prompt, completion, cached, cache_written, reasoning, estimated)
SELECT id, owner, provider, COALESCE(model, ''), created, 0, 0, 0, 0, 0, {false}
FROM messages WHERE status = 'running' AND provider IS NOT NULL
"""
"""Runs that go on, or were left, while the schema changes get their receipts as well."""


def upgrade() -> None:
    op.create_table(
        "receipts",
        sa.Column("run_id", sa.String, primary_key=True),
        *(sa.Column(name, sa.String, nullable=False) for name in ("owner", "provider", "model")),
        sa.Column("begun", sa.Double, nullable=False),
        sa.Column("ended", sa.Double),
        sa.Column("reason", sa.String),
        *_counts("prompt", "completion", "cached", "cache_written", "reasoning"),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.Column("cost", sa.BigInteger),
        sa.Column("currency", sa.String),
    )
    is_open = sa.text("ended IS NULL")
    op.create_index("receipts_open", "receipts", ["owner", "begun"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("receipts_by_owner", "receipts", ["owner", "ended"])
    op.execute(RUNNING.format(false="false" if op.get_bind().dialect.name == "postgresql" else "0"))
    names = ("day", "owner", "provider", "model", "currency")
    op.create_table(
        "usage",
        *(sa.Column(name, sa.String, primary_key=True) for name in names),
        *_counts("runs", "prompt", "completion", "cached", "reasoning", "cost"),
    )
    op.create_index("usage_by_owner", "usage", ["owner", "day", "provider", "model", "currency"])
    op.create_table(
        "rate_windows",
        sa.Column("key", sa.String, primary_key=True),
        *_counts("hits"),
        sa.Column("expires", sa.Double, nullable=False, index=True),
    )


def downgrade() -> None:
    for name in ("rate_windows", "usage", "receipts"):
        op.drop_table(name)


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]
