"""The indexes of the list of conversations: in its order, the pinned ones alone, and the owner's
answers that are being made; and of what a conversation shows. Without them the list read every
message of its owner, and a count every message of a conversation, with all its text."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

LISTED = sa.text("deleted IS NULL")
PINNED = sa.text("pinned AND deleted IS NULL")
SHOWN = sa.text("NOT superseded")
RUNNING = sa.text("status = 'running'")


def upgrade() -> None:
    op.drop_index("conversations_by_owner", "conversations")
    _index("conversations_listed", "conversations", ["owner", "updated", "id"], LISTED)
    _index("conversations_pinned", "conversations", ["owner", "updated", "id"], PINNED)
    _index("messages_shown", "messages", ["conversation_id", "id"], SHOWN)
    _index("messages_running_by_owner", "messages", ["owner", "conversation_id"], RUNNING)


def downgrade() -> None:
    op.drop_index("messages_running_by_owner", "messages")
    op.drop_index("messages_shown", "messages")
    op.drop_index("conversations_pinned", "conversations")
    op.drop_index("conversations_listed", "conversations")
    op.create_index("conversations_by_owner", "conversations", ["owner", "updated"])


def _index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
