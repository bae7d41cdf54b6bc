"""Read-only links to answers and conversations, and tickets for streams."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "shares",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("conversation_id", sa.String, sa.ForeignKey("conversations.id", ondelete="CASCADE")),
        sa.Column("message_id", sa.String, sa.ForeignKey("messages.id", ondelete="CASCADE")),
        sa.Column("created", sa.Double, nullable=False),
    )
    op.create_index("shares_by_hash", "shares", ["hash"], unique=True)
    op.create_index("shares_by_conversation", "shares", ["conversation_id"], unique=True)
    op.create_index("shares_by_message", "shares", ["message_id"], unique=True)
    op.create_table(
        "tickets",
        sa.Column("hash", sa.String, primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("credential", sa.String, nullable=False),
        sa.Column("path", sa.String, nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("tickets")
    op.drop_table("shares")
