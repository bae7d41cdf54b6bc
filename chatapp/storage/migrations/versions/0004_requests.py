"""What was said, if a text is not all of it; what a client asked, if its protocol repeats
that."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("messages", sa.Column("said", sa.String))
    op.add_column("messages", sa.Column("asked", sa.String))


def downgrade() -> None:
    op.drop_column("messages", "asked")
    op.drop_column("messages", "said")
