"""Which message each one follows, so that all versions of an answer and of a question are kept."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

PARENTS = """
UPDATE messages SET parent = (
    SELECT MAX(earlier.id) FROM messages AS earlier
    WHERE earlier.conversation_id = messages.conversation_id
        AND earlier.id < messages.id AND earlier.superseded = {false}
)
WHERE conversation_id IS NOT NULL
"""
"""So far there was one path: a message followed the newest one before it that is still shown."""


def upgrade() -> None:
    op.add_column("messages", sa.Column("parent", sa.String))
    op.add_column("messages", sa.Column("continues", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute(PARENTS.format(false="false" if op.get_bind().dialect.name == "postgresql" else "0"))
    op.create_index("messages_by_parent", "messages", ["conversation_id", "parent", "id"])


def downgrade() -> None:
    op.drop_index("messages_by_parent", "messages")
    op.drop_column("messages", "continues")
    op.drop_column("messages", "parent")
