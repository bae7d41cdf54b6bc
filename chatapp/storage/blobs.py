"""Large values in a column `data`. All take an open session.

SQLite reads them in pieces: its calls hold up all greenlets while they run. The lock of the
database stays taken meanwhile.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, insert, literal_column, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from chatapp.hub.large_values import PIECE_BYTES, slices
from chatapp.storage import large_writes
from chatapp.storage.beginning import connection_of

ROWID: ColumnElement[int] = literal_column("rowid")


def insert_data(session: Session, row: Any, values: Mapping[str, object], data: bytes) -> None:
    """A row of the class `row` with these values, and with the data."""
    large_writes.write(
        connection_of(session), len(data), partial(session.execute, insert(row).values(**values, data=data))
    )


def data_by(session: Session, key: InstrumentedAttribute[str], where: ColumnElement[bool]) -> dict[str, bytes]:
    """The data of the rows that match, by their keys."""
    row: Any = key.class_
    if _in_pieces(session):
        places = session.execute(select(key, ROWID).where(where)).all()
        return {found: _read(session, row.__tablename__, rowid) for found, rowid in places}
    return {found: data for found, data in session.execute(select(key, row.data).where(where))}


def _read(session: Session, table: str, rowid: int) -> bytes:
    driver: Any = session.connection().connection.driver_connection
    with driver.blobopen(table, "data", rowid, readonly=True) as blob:
        return b"".join(blob.read(PIECE_BYTES) for _ in slices(len(blob)))


def _in_pieces(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
