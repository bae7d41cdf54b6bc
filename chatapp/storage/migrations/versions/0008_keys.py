"""Keys, and the sessions of browsers that signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("expires", sa.Double),
        sa.Column("revoked", sa.Double),
    )
    op.create_index("keys_by_hash", "keys", ["hash"], unique=True)
    op.create_index("keys_by_name", "keys", ["name"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("key_id", sa.String, sa.ForeignKey("keys.id", ondelete="CASCADE")),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
    )
    op.create_index("sessions_by_hash", "sessions", ["hash"], unique=True)
    op.create_index("sessions_by_key", "sessions", ["key_id"])


def downgrade() -> None:
    op.drop_table("sessions")
    op.drop_table("keys")
