"""What else is known of uploaded files: those that are listed for a client, and those that came
within requests, by their digests."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "upload_facts",  # a table of its own: in `uploads` SQLite would read through the data of each row
        sa.Column("file_id", sa.String, sa.ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("digest", sa.String),
        sa.Column("purpose", sa.String),
        sa.Column("expires", sa.Double),
        sa.Column("deleted", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.create_index("upload_facts_by_digest", "upload_facts", ["owner", "digest"])


def downgrade() -> None:
    op.drop_table("upload_facts")
