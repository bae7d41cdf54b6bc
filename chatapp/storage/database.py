"""The SQL engine of the conversations: opened by URL, brought to the newest schema, ready to use.

Several workers start at once: the migration runs under a file lock in the data folder, which each
of them shares for as long as it lives.
"""

import fcntl
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError

from chatapp.errors import ConfigError
from chatapp.private_files import private_database
from chatapp.sqlite import Checkpointer, retry_while_busy
from chatapp.storage.folder import DataFolder

FILE = "conversations.sqlite3"
MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """The engine, its place among the users of the data folder, and for a SQLite file its
    checkpoints, off the hub: from `start` on.

    Close it to let go of all.
    """

    def __init__(self, engine: Engine, folder: DataFolder) -> None:
        self.engine = engine
        self._folder = folder
        file = engine.url.database if engine.dialect.name == "sqlite" else None
        self._checkpointer = Checkpointer(Path(file)) if file else None

    def start(self) -> None:
        if self._checkpointer is not None:
            self._checkpointer.start()

    def close(self) -> None:
        self.engine.dispose()
        if self._checkpointer is not None:
            self._checkpointer.close()
        self._folder.close()


def open_database(url: str, data: Path) -> Database:
    """Open `url` (empty: SQLite in the data folder, which is made) and migrate it. Raises
    ConfigError if that fails, or if the folder is being restored."""
    folder = DataFolder(data)
    folder.make()
    folder.use()
    try:
        if file := sqlite_file(url, data):
            private_database(file)
        engine = _engine(url, data)
        with (data / "migrate.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            migrate(engine)
    except (SQLAlchemyError, ImportError, OSError) as error:
        folder.close()
        raise ConfigError(f"database_url: cannot open the database: {_reason(error)}") from None
    return Database(engine, folder)


def open_as_it_is(url: str, data: Path) -> Engine:
    """Open the database to look into it: nothing is made, and nothing migrated. Raises ConfigError
    if it is not there, or not of the newest schema."""
    path = sqlite_file(url, data)
    if path is not None and not path.exists():
        raise ConfigError(f"data: there is no database at {path}; a server's first start makes it")
    try:
        engine = _engine(url, data, reads_only=True)
        found = revision(engine)
    except (SQLAlchemyError, ImportError) as error:
        raise ConfigError(f"database_url: cannot open the database: {_reason(error)}") from None
    if found != revisions()[0]:
        engine.dispose()
        raise ConfigError(f"the database is of revision {found}, not {revisions()[0]}: run `chatapp db upgrade`")
    return engine


def sqlite_file(url: str, data: Path) -> Path | None:
    """The file of a SQLite database; None if it is another one. Raises ConfigError."""
    try:
        parsed = make_url(url or _default_url(data))
    except SQLAlchemyError as error:
        raise ConfigError(f"database_url: {_reason(error)}") from None
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database
    return Path(str(parsed.database)) if is_file else None


def revision(engine: Engine) -> str | None:
    """The newest migration that the database has; None of an empty one. Raises SQLAlchemyError."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def revisions() -> list[str]:
    """All that this version knows, the newest first."""
    return [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]


def migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _engine(url: str, data: Path, reads_only: bool = False) -> Engine:
    # hide_parameters: what people said must not stand in an error, and so in the server's log
    engine = create_engine(url or _default_url(data), hide_parameters=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_reading if reads_only else _begin_sqlite)
    return engine


def _default_url(data: Path) -> str:
    return f"sqlite:///{data / FILE}"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"  # SQLAlchemy adds its SQL and a link


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # `_begin_sqlite` begins
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA busy_timeout=0")


def _begin_sqlite(connection: Connection) -> None:
    """Take the file's lock, waiting as a greenlet does."""
    retry_while_busy(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"))


def _begin_reading(connection: Connection) -> None:
    """Lock nobody out."""
    connection.exec_driver_sql("BEGIN")
