"""What owners said to questions of running calls."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "user_inputs",
        sa.Column("run_id", sa.String, sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("question_id", sa.String, primary_key=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("content", sa.String, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("user_inputs")
