"""The files that answers hold, beside their compacted logs."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "files",
        sa.Column("run_id", sa.String, sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("file_id", sa.String, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("files")
