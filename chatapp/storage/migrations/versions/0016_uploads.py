"""The files that people upload, and the messages that they are attached to."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("media_type", sa.String, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("chars", sa.Integer, nullable=False),
        sa.Column("text", sa.String),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),  # last: SQLite reads through what stands before a column
    )
    op.create_index("uploads_by_owner", "uploads", ["owner", "id"])
    op.create_table(
        "attachments",
        sa.Column("message_id", sa.String, sa.ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("file_id", sa.String, sa.ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("attachments_by_file", "attachments", ["file_id"])


def downgrade() -> None:
    _name_files()
    op.drop_table("attachments")
    op.drop_table("uploads")


def _name_files() -> None:
    """In place of the files themselves: an older version cannot read a message that has one."""
    messages = sa.table("messages", sa.column("id", sa.String), sa.column("said", sa.String))
    attached = sa.select(messages).where(messages.c.said.contains('"type":"attachment"', autoescape=True))
    for id, said in op.get_bind().execute(attached).all():
        message = json.loads(said)
        if isinstance(message["content"], list):
            message["content"] = [_named(part) for part in message["content"]]
            op.execute(sa.update(messages).where(messages.c.id == id).values(said=json.dumps(message)))


def _named(part: dict[str, object]) -> dict[str, object]:
    return {"type": "text", "text": f"[{part['name']}]\n\n"} if part["type"] == "attachment" else part
