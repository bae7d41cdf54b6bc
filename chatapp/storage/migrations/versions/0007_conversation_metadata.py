"""What a client wants to remember beside a conversation."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("metadata", sa.String))


def downgrade() -> None:
    op.drop_column("conversations", "metadata")
