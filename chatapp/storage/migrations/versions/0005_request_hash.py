"""What was asked with an idempotency key, as a hash: the key is of that request alone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("messages", sa.Column("request_hash", sa.String))


def downgrade() -> None:
    op.drop_column("messages", "request_hash")
