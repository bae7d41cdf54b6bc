"""The SQL engine of the conversations: opened by URL, brought to the newest schema, ready to use.

Several workers start at once: the migration runs under a file lock in the data folder, which each
of them shares for as long as it lives, and in Postgres, which several machines share, under a lock
of its own.

psycopg notices that gevent has patched `select`, and waits as a greenlet does. Nothing may throw
into a call: an interrupted connection would give its next user another's rows, so SQLAlchemy closes
it, whatever the exception was.
"""

import fcntl
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from chatapp.errors import ConfigError, DatabaseAway
from chatapp.private_files import private_database
from chatapp.settings import Synchronous
from chatapp.sqlite import Checkpointer
from chatapp.storage.beginning import begin_by_itself
from chatapp.storage.folder import DataFolder
from chatapp.storage.schema import migrate, revision, revisions, take_back

FILE = "conversations.sqlite3"
ANSWER_S = 10.0

SQLITE: dict[str, Any] = {
    # A statement that is kept to be used again keeps what was bound to it: on each connection the
    # largest answer so far, twice. To prepare it again takes some µs.
    "connect_args": {"cached_statements": 0},
}

POSTGRES: dict[str, Any] = {
    # Transactions are small: so many serve hundreds of streams, and Postgres allows 100 in all.
    "pool_size": 5,
    "max_overflow": 10,
    "pool_timeout": 5.0,  # then a request hears of it, as with SQLite
    "pool_pre_ping": True,  # Postgres may have restarted since
    # Whatever the database's default is: rows that must not change are locked, and with a stricter
    # level most of what is asked at the same time would fail.
    "isolation_level": "READ COMMITTED",
    "connect_args": {
        "connect_timeout": 5,
        "prepare_threshold": None,  # statements prepared on one connection do not survive pgbouncer
        # A machine that went away without a word is noticed in seconds, not hours.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    },
}


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


def open_database(url: str, data: Path, answer_s: float = ANSWER_S, synchronous: Synchronous = "NORMAL") -> Database:
    """Open `url` (empty: SQLite in the data folder, which is made) and migrate it.

    Of a SQLite file, `synchronous` says whether each commit waits for the disk; another server may
    take `answer_s` for each answer. Raises ConfigError if opening fails, or if the folder is being
    restored.
    """
    folder = DataFolder(data)
    folder.make()
    folder.use()
    try:
        if file := sqlite_file(url, data):
            private_database(file)
        engine = _engine(url, data, synchronous=synchronous)
        with (data / "migrate.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            migrate(engine)
        if engine.dialect.name == "postgresql":
            _limit_answers(engine, answer_s)
    except (SQLAlchemyError, ImportError, OSError) as error:
        folder.close()
        kind = DatabaseAway if isinstance(error, OperationalError) else ConfigError
        raise kind(f"database_url: cannot open the database: {_reason(error)}") from None
    return Database(engine, folder)


def take_back_database(url: str, data: Path, to: str) -> None:
    """Bring its schema back to the older revision `to`, for an older version of chatapp: what that
    does not know is lost. Raises ConfigError, and FolderInUse while a server runs on the folder."""
    if (path := sqlite_file(url, data)) is not None and not path.exists():
        raise ConfigError(f"data: there is no database at {path}")
    with DataFolder(data).alone():
        try:
            engine = _engine(url, data)
            take_back(engine, to)
            engine.dispose()
        except (SQLAlchemyError, ImportError) as error:
            raise ConfigError(f"database_url: cannot take the database back: {_reason(error)}") from None


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


def _engine(url: str, data: Path, reads_only: bool = False, synchronous: Synchronous = "NORMAL") -> Engine:
    # hide_parameters: what people said must not stand in an error, and so in the server's log
    parsed = make_url(url or _default_url(data))
    options = {"postgresql": POSTGRES, "sqlite": SQLITE}.get(parsed.get_backend_name(), {})
    engine = create_engine(parsed, hide_parameters=True, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", partial(_prepare_sqlite, synchronous))
        begin_by_itself(engine, reads_only)
    return engine


def _limit_answers(engine: Engine, answer_s: float) -> None:
    from chatapp.storage.postgres import limit_answers  # its library is loaded only with Postgres

    engine.dispose()  # a migration may take longer: its connection is not limited
    limit_answers(engine, answer_s)


def _default_url(data: Path) -> str:
    return f"sqlite:///{data / FILE}"


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"  # SQLAlchemy adds its SQL and a link


def _prepare_sqlite(synchronous: Synchronous, connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the dialect begins
    # The pool opens a connection whenever it has none left: a wait in SQLite would hold the hub,
    # and with it the holder of the lock. So `auto_vacuum`, which takes the lock, is only
    # set of a new file.
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    if pages == 0:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # the Checkpointer does it
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={synchronous}")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA busy_timeout=0")
