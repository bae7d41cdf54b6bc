"""Answers without a conversation by their age: finding the old ones must not read the others."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    loose = sa.text("conversation_id IS NULL")
    op.create_index("messages_loose", "messages", ["created"], sqlite_where=loose, postgresql_where=loose)


def downgrade() -> None:
    op.drop_index("messages_loose", "messages")
