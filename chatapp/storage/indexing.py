"""Works off the queue of the search index, beside the requests.

To add a text takes a millisecond or more, and now and then an index tidies itself up for longer. So
SQLite does it on a connection and in a thread of its own, and a small transaction locks other
writers out for each text alone. Postgres does it elsewhere anyway.
"""

import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial

import gevent
from gevent import get_hub
from gevent.event import Event
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from chatapp.hub import on_thread
from chatapp.storage.beginning import reading
from chatapp.storage.search_index import STATEMENTS, Job, Waiting, waiting, work_off
from chatapp.storage.search_terms import digest, terms_of

LOOK_S = 2.0  # until then a search looks at the texts themselves
BATCH = 20
LOCK_S = 5.0

logger = logging.getLogger(__name__)


class Indexer:
    """From `start` to `close`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._statements = STATEMENTS[engine.dialect.name]
        self._file = engine.url.database if engine.dialect.name == "sqlite" else None
        self._closing = Event()
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._index_for_ever)

    def close(self) -> None:
        """Return when the text that is being added is there."""
        self._closing.set()
        if self._greenlet is not None:
            self._greenlet.join()

    def index(self) -> int:
        """Work off the next lines of the queue; return how many. Raises SQLAlchemyError,
        sqlite3.Error."""
        jobs = self._jobs()
        if self._file is not None:
            on_thread(get_hub().threadpool, partial(_in_thread, self._file, jobs))
            return len(jobs)
        for job in jobs:
            with self._engine.begin() as connection:
                self._work_off(connection, job)
        return len(jobs)

    def _jobs(self) -> Sequence[Job]:
        # On a thread: to read the beginning of a text SQLite reads all of it.
        lines = on_thread(get_hub().threadpool, self._waiting) if self._file is not None else self._waiting()
        return [_job(line) for line in lines]

    def _waiting(self) -> list[Waiting]:
        with reading(self._engine).connect() as connection:
            return waiting(connection, BATCH)

    def _work_off(self, connection: Connection, job: Job) -> None:
        work_off(lambda statement, values: connection.execute(text(statement), values), self._statements, job)

    def _index_for_ever(self) -> None:
        while not self._closing.is_set():
            try:
                if self.index():
                    continue
            except (SQLAlchemyError, sqlite3.Error) as error:  # the next round tries again
                logger.warning("what was said cannot be indexed: %s", error)
            self._closing.wait(LOOK_S)


def _job(line: Waiting) -> Job:
    gone, said = line.gone is not None, line.content if line.gone is None else line.gone
    if said is None or line.owner is None:  # it was deleted before it was indexed
        return Job(line.id, line.message_id, "", gone, "", "")
    terms = " ".join(terms_of(said, line.owner))
    return Job(line.id, line.message_id, line.owner, gone, digest(said), terms)


def _in_thread(file: str, jobs: Sequence[Job]) -> None:
    if not jobs:
        return
    with closing(sqlite3.connect(file, isolation_level=None, timeout=LOCK_S)) as connection:
        for job in jobs:
            connection.execute("BEGIN IMMEDIATE")
            work_off(lambda *one: connection.execute(*one).fetchall(), STATEMENTS["sqlite"], job)
            connection.execute("COMMIT")
