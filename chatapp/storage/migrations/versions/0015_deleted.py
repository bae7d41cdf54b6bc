"""A conversation that was deleted can be brought back for a while: until it ends for good, it is
only marked."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

DELETED = sa.text("deleted IS NOT NULL")


def upgrade() -> None:
    op.add_column("conversations", sa.Column("deleted", sa.Double))
    op.create_index(
        "conversations_deleted", "conversations", ["deleted"], sqlite_where=DELETED, postgresql_where=DELETED
    )


def downgrade() -> None:
    op.execute("DELETE FROM messages WHERE conversation_id IN (SELECT id FROM conversations WHERE deleted IS NOT NULL)")
    op.execute("DELETE FROM conversations WHERE deleted IS NOT NULL")
    op.drop_index("conversations_deleted", "conversations")
    op.drop_column("conversations", "deleted")
