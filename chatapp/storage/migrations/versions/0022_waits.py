"""Which runs wait for their owners."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "waits",
        sa.Column("run_id", sa.String, sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("until", sa.Double, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("waits")
