"""What owners decided about calls that need their approval."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("run_id", sa.String, sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("call_id", sa.String, primary_key=True),
        sa.Column("decision", sa.String, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("approvals")
