"""What the list of conversations tells of each: pins, what was seen; and settings of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("conversations", sa.Column("seen", sa.String))
    op.add_column("conversations", sa.Column("settings", sa.String))
    op.create_index("messages_by_owner", "messages", ["owner", "id"])


def downgrade() -> None:
    op.drop_index("messages_by_owner", "messages")
    for name in ("settings", "seen", "pinned"):
        op.drop_column("conversations", name)
