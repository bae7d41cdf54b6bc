"""A transaction on the database, whose failures leave this room as DatabaseUnavailable.

One that only reads says so: SQLite then lets it go on beside any writer, of this process or of
another. All others wait for their turn: SQLite's lock goes to the one who asks at the right moment,
and Postgres' connections to the one who asks most. An owner who floods would shut the others out.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from chatapp.errors import DatabaseUnavailable, Overloaded
from chatapp.quotas.turns import OwnerTurns, requester
from chatapp.storage import large_writes
from chatapp.storage.beginning import connection_of, reading

TURN_S = 5.0  # to wait, as for SQLite's lock and for a connection
CONNECTIONS = 5  # of one owner, a third of all that a process has
WAITING = 1000
ANY = 1_000_000

_LOCK_OWNER = text("SELECT pg_advisory_xact_lock(hashtext(:of))")

_turns: WeakKeyDictionary[Engine, OwnerTurns] = WeakKeyDictionary()

logger = logging.getLogger(__name__)


class Transactions:
    """Called, it is a context with a session, which commits at its end. `what` is not available if
    the database fails, and LimitExceeded if the current owner's own requests are in the way. An
    IntegrityError is the caller's, to be caught outside: that of a flush takes all back, and then
    there is nothing to commit. A session of `reading` waits for no writer, and must not write."""

    def __init__(self, engine: Engine, what: str) -> None:
        self._engine = engine
        self._reading = reading(engine)
        self._what = what
        self._turns = _turns_of(engine)
        self._readers_wait = engine.dialect.name != "sqlite"

    def __call__(self) -> AbstractContextManager[Session]:
        return self._begin(self._engine, waits=True)

    def reading(self) -> AbstractContextManager[Session]:
        return self._begin(self._reading, waits=self._readers_wait)

    @contextmanager
    def _begin(self, engine: Engine, waits: bool) -> Iterator[Session]:
        try:
            with self._turn() if waits else nullcontext(), engine.connect() as connection, connection.begin():
                session = Session(connection, join_transaction_mode="rollback_only", expire_on_commit=False)
                try:
                    yield session
                    session.flush()
                finally:
                    if session.in_transaction():  # it was used, and not its connection alone
                        session.close()
                large_writes.commit(connection)
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            logger.error("the database failed: %s", error)
            raise DatabaseUnavailable(f"{self._what} not available; try again in a moment") from None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        try:
            with self._turns.turn(requester.get(), TURN_S):
                yield
        except Overloaded:
            raise DatabaseUnavailable(f"{self._what} not available; try again in a moment") from None


def lock_owner(session: Session, owner: str, what: str) -> None:
    """From here to the end of the transaction nobody else counts what of this the owner has, to add
    to it."""
    connection = connection_of(session)
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        connection.execute(_LOCK_OWNER, {"of": f"chatapp.{what}.{owner}"})


def _turns_of(engine: Engine) -> OwnerTurns:
    """All stores of an engine share them."""
    if engine not in _turns:
        at_once, each = (1, 1) if engine.dialect.name == "sqlite" else (ANY, CONNECTIONS)
        _turns[engine] = OwnerTurns(at_once, each, WAITING, "requests to the database")
    return _turns[engine]
