"""Conversations and messages."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# Ordered by code point whatever the language of the database: ids carry time, keys have prefixes.
ORDERED = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("id", ORDERED, primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("updated", sa.Double, nullable=False),
    )
    op.create_index("conversations_by_owner", "conversations", ["owner", "updated"])
    op.create_table(
        "messages",
        sa.Column("id", ORDERED, primary_key=True),
        sa.Column("conversation_id", sa.String, sa.ForeignKey("conversations.id", ondelete="CASCADE")),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("content", sa.String, nullable=False),
        sa.Column("entries", sa.String, nullable=False),
        sa.Column("provider", sa.String),
        sa.Column("model", sa.String),
        sa.Column("result_mode", sa.String),
        sa.Column("superseded", sa.Boolean, nullable=False),
        sa.Column("idempotency_key", ORDERED),
        sa.Column("created", sa.Double, nullable=False),
    )
    op.create_index("messages_by_conversation", "messages", ["conversation_id", "id"])
    running = sa.text("status = 'running'")
    op.create_index("messages_running", "messages", ["created"], sqlite_where=running, postgresql_where=running)
    op.create_index("messages_by_idempotency_key", "messages", ["owner", "idempotency_key"], unique=True)


def downgrade() -> None:
    op.drop_table("messages")
    op.drop_table("conversations")
