"""The index of what was said, and the queue from which it is filled. Triggers keep the queue, so
nothing that stores or deletes a message has to think of it."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

SQLITE = (
    "CREATE VIRTUAL TABLE search_terms USING fts5(terms, content='', detail=none, columnsize=0, tokenize=ascii)",
    """
CREATE TRIGGER search_said AFTER INSERT ON messages
WHEN NEW.conversation_id IS NOT NULL AND NEW.content <> ''
BEGIN INSERT INTO search_queue(message_id) VALUES (NEW.id); END
""",
    """
CREATE TRIGGER search_changed AFTER UPDATE OF content ON messages
WHEN NEW.conversation_id IS NOT NULL AND NEW.content <> OLD.content
BEGIN
    INSERT INTO search_queue(message_id, gone) SELECT OLD.id, OLD.content WHERE OLD.content <> '';
    INSERT INTO search_queue(message_id) SELECT NEW.id WHERE NEW.content <> '';
END
""",
    """
CREATE TRIGGER search_gone AFTER DELETE ON messages
WHEN OLD.conversation_id IS NOT NULL AND OLD.content <> ''
BEGIN INSERT INTO search_queue(message_id, gone) VALUES (OLD.id, OLD.content); END
""",
)

POSTGRES = (
    "CREATE TABLE search_terms (id BIGINT PRIMARY KEY, terms TSVECTOR NOT NULL)",
    "CREATE INDEX search_terms_by_term ON search_terms USING GIN (terms)",
    """
CREATE FUNCTION search_queue_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.content = OLD.content THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' AND OLD.conversation_id IS NOT NULL AND OLD.content <> '' THEN
        INSERT INTO search_queue(message_id, gone) VALUES (OLD.id, OLD.content);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.conversation_id IS NOT NULL AND NEW.content <> '' THEN
        INSERT INTO search_queue(message_id) VALUES (NEW.id);
    END IF;
    RETURN NULL;
END $$
""",
    """
CREATE TRIGGER search_messages AFTER INSERT OR DELETE OR UPDATE OF content ON messages
FOR EACH ROW EXECUTE FUNCTION search_queue_message()
""",
)

EVERYTHING = """
INSERT INTO search_queue(message_id)
SELECT id FROM messages WHERE conversation_id IS NOT NULL AND content <> '' ORDER BY id DESC
"""


def upgrade() -> None:
    op.create_table(
        "search_queue",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("message_id", sa.String, nullable=False),
        sa.Column("gone", sa.String),
    )
    op.create_table(
        "search_rows",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("message_id", sa.String, nullable=False),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
    )
    op.create_index("search_rows_by_message", "search_rows", ["message_id"], unique=True)
    for statement in POSTGRES if _is_postgres() else SQLITE:
        op.execute(statement)
    op.execute(EVERYTHING)


def downgrade() -> None:
    if _is_postgres():
        op.execute("DROP TRIGGER search_messages ON messages")
        op.execute("DROP FUNCTION search_queue_message")
    else:
        for name in ("search_said", "search_changed", "search_gone"):
            op.execute(f"DROP TRIGGER {name}")
    for table in ("search_terms", "search_rows", "search_queue"):
        op.execute(f"DROP TABLE {table}")


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"
