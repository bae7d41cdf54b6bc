"""The schema of the conversations' database: its revisions, that of a database, and the way to the
newest one.

Importing alembic takes a quarter of a second. Only a database that is not of the newest revision
has to pay for it, so the revisions are known by the names of their files.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, func, inspect, select, text

from chatapp.storage.beginning import reading

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
MIGRATION_LOCK = 0x63686174  # "chat"


def revisions() -> list[str]:
    """All that this version knows, the newest first."""
    files = sorted((MIGRATIONS / "versions").glob("[0-9]*.py"), reverse=True)
    return [file.name.partition("_")[0] for file in files]


def revision(engine: Engine) -> str | None:
    """That of the database; None of an empty one. Raises SQLAlchemyError."""
    with reading(engine).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def migrate(engine: Engine) -> None:
    """Bring the database to the newest revision. Raises SQLAlchemyError."""
    if revision(engine) == revisions()[0]:
        return
    from alembic import command

    _run(engine, command.upgrade, "head")


def take_back(engine: Engine, to: str) -> None:
    """Bring the database back to an older revision. Raises SQLAlchemyError."""
    from alembic import command

    _run(engine, command.downgrade, to)


def _run(engine: Engine, step: Callable[["Config", str], None], to: str) -> None:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        step(config, to)
